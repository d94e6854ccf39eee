//! Checking the whole trail, of a running node or of one that is stopped.

use std::path::Path;
use std::sync::Arc;

use airssys_wasm_api::command::AuditVerify;
use airssys_wasm_api::reply::{AuditFinding, AuditReport, Reply};
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_store::audit::{self, NodeKey, PublicKey, Report, Witness};
use tokio::sync::Semaphore;

use super::keys::key_file;
use super::trail::folder;
use crate::node::{Shared, blocking};

/// Verifications that run at once: each reads all of the trail and keeps a processor busy.
static VERIFYING: Semaphore = Semaphore::const_new(1);

pub(crate) async fn verify(shared: &Arc<Shared>, command: AuditVerify) -> Result<Reply, Failure> {
    let witness = read_witness(command.witness.as_deref())?;
    // Never closed.
    let _turn = VERIFYING.acquire().await.ok();
    let trail = Arc::clone(&shared.trail);
    // By the folder and not by what the node remembers of it: a trail that stays shut is verified too.
    let report = blocking(move || examine(trail.dir(), trail.public_key(), witness)).await??;
    Ok(report.into())
}

/// Checks the trail in the data directory of a node that need not run. `witness` is an entry that was kept
/// elsewhere, `SEQ:HASH`.
///
/// # Errors
/// When there is no trail, or it cannot be read. What is wrong with it is in the report.
pub fn verify_stopped(data: &Path, witness: Option<&str>) -> Result<AuditReport, Failure> {
    let witness = read_witness(witness)?;
    let key = NodeKey::load(&key_file(data));
    let key = key.map_err(|error| Failure::from_error(Code::Failed, &error))?.ok_or_else(|| {
        let said = format!("there is no audit trail in {}: it has no `audit.key`", data.display());
        Failure::new(Code::NotFound, said).help("name a node's data directory with --data")
    })?;
    examine(&folder(data), key.public(), witness)
}

fn examine(dir: &Path, key: PublicKey, witness: Option<Witness>) -> Result<AuditReport, Failure> {
    let report = audit::verify(dir, &[key], witness.as_ref());
    report.map(said).map_err(|error| Failure::from_error(Code::Failed, &error))
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
        finding,
    }
}

fn read_witness(text: Option<&str>) -> Result<Option<Witness>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let read = || {
        let (seq, hash) = text.split_once(':')?;
        Some(Witness { seq: seq.parse().ok()?, hash: hash.parse().ok()? })
    };
    let usage = || {
        Failure::new(Code::Usage, format!("`{text}` is no entry"))
            .help("write SEQ:HASH, as an entry of the trail has them")
    };
    read().map(Some).ok_or_else(usage)
}
