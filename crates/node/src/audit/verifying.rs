//! Checking the whole trail, of a running node or of one that is stopped.

use std::path::Path;
use std::sync::Arc;

use airssys_wasm_api::command::AuditVerify;
use airssys_wasm_api::reply::{AuditFinding, AuditReport, AuditStanding, Reply};
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_store::audit::{self, NodeKey, NotPublic, PublicKey, Report, Witness};
use tokio::sync::Semaphore;

use super::keys::key_file;
use super::trail::folder;
use crate::node::{Shared, blocking};

/// Verifications that run at once: each reads all of the trail and keeps a processor busy.
static VERIFYING: Semaphore = Semaphore::const_new(1);

/// What is known of a trail from elsewhere.
struct Known {
    witness: Option<Witness>,
    key: Option<PublicKey>,
}

pub(crate) async fn verify(shared: &Arc<Shared>, command: AuditVerify) -> Result<Reply, Failure> {
    let known = Known::read(&command)?;
    // Never closed.
    let _turn = VERIFYING.acquire().await.ok();
    let trail = Arc::clone(&shared.trail);
    // By the folder and not by what the node remembers of it: a trail that stays shut is verified too.
    let report = blocking(move || known.examine(trail.dir(), || Ok(trail.public_key()))).await??;
    Ok(report.into())
}

/// Checks the trail in the data directory of a node that need not run: that of a copy without the node's key too,
/// where a key from elsewhere is given.
///
/// # Errors
/// When there is no trail, or it cannot be read. What is wrong with it is in the report.
pub fn verify_stopped(data: &Path, command: &AuditVerify) -> Result<AuditReport, Failure> {
    let known = Known::read(command)?;
    let dir = folder(data);
    let none = |lacks: &str| {
        let said = format!("there is no audit trail in {}: it has no `{lacks}`", data.display());
        Failure::new(Code::NotFound, said).help("name a node's data directory with --data")
    };
    if known.key.is_some() && !dir.is_dir() {
        return Err(none("audit"));
    }
    known.examine(&dir, || {
        let key = NodeKey::load(&key_file(data));
        let key = key.map_err(|error| Failure::from_error(Code::Failed, &error))?;
        key.map(|key| key.public()).ok_or_else(|| none("audit.key"))
    })
}

/// A public key that somebody gives a trail to be verified by, read before it is sent anywhere.
#[derive(Debug, Clone, Copy)]
pub struct TrailKey(PublicKey);

impl TrailKey {
    /// Reads a text, which may be a file's: the digits of a public key, or one in PEM.
    ///
    /// # Errors
    /// When it is none, and above all when it is a private one.
    pub fn read(text: &str) -> Result<Self, Failure> {
        read_key(text).map(Self)
    }

    /// The same, unless it is what this node signs with. The digits of a private key, as earlier builds kept it, may be
    /// those of a public one, too.
    ///
    /// # Errors
    /// When it is.
    pub fn unless_signing(self, standing: &AuditStanding) -> Result<Self, Failure> {
        let own = PublicKey::read(&standing.public_key);
        if own.is_ok_and(|own| own.is_of_private(&self.digits())) {
            return Err(no_public_key(NotPublic::Private));
        }
        Ok(self)
    }

    /// Its digits.
    pub fn digits(&self) -> String {
        self.0.to_string()
    }
}

impl Known {
    fn read(command: &AuditVerify) -> Result<Self, Failure> {
        let AuditVerify { witness, key } = command;
        Ok(Self {
            witness: witness.as_deref().map(read_witness).transpose()?,
            key: key.as_deref().map(read_key).transpose()?,
        })
    }

    /// Checks a trail by the key from elsewhere, or by this one.
    fn examine(
        &self,
        dir: &Path,
        own: impl FnOnce() -> Result<PublicKey, Failure>,
    ) -> Result<AuditReport, Failure> {
        let key = self.key.map_or_else(own, Ok)?;
        let report = audit::verify(dir, &[key], self.witness.as_ref());
        let report = said(report.map_err(|error| Failure::from_error(Code::Failed, &error))?);
        // A key that verified nothing is not repeated: the digits of a secret one may be those of a public key, too.
        let key = self.key.filter(|_| report.intact).map(|key| key.to_string());
        Ok(AuditReport { key, ..report })
    }
}

fn said(report: Report) -> AuditReport {
    let finding = report.finding.map(|finding| AuditFinding {
        segment: finding.segment,
        line: finding.line,
        seq: finding.seq,
        wrong: finding.to_string(),
    });
    AuditReport {
        intact: finding.is_none(),
        segments: report.segments,
        entries: report.entries,
        first_seq: report.first_seq,
        last_seq: report.last_seq,
        unacknowledged_bytes: report.unacknowledged_bytes,
        is_witness_gone: report.is_witness_gone,
        key: None,
        finding,
    }
}

fn read_witness(text: &str) -> Result<Witness, Failure> {
    let read = || {
        let (seq, hash) = text.split_once(':')?;
        Some(Witness { seq: seq.parse().ok()?, hash: hash.parse().ok()? })
    };
    let usage = || {
        Failure::new(Code::Usage, format!("`{text}` is no entry"))
            .help("write SEQ:HASH, as an entry of the trail has them")
    };
    read().ok_or_else(usage)
}

/// What is no key is not repeated: it may be a secret one.
fn read_key(text: &str) -> Result<PublicKey, Failure> {
    PublicKey::read(text).map_err(no_public_key)
}

fn no_public_key(why: NotPublic) -> Failure {
    Failure::from_error(Code::Usage, &why)
        .help("give the public key, whose digits `audit --status` shows")
}
