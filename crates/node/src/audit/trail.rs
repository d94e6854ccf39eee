//! The trail of one node: open, or shut with the reason.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::{Kind, Name};
use airssys_wasm_store::audit::{
    self, Audit, AuditError, AuditSettings, Decision, Entry, Level, PublicKey, TrailError,
};
use arc_swap::ArcSwapOption;
use tokio::time::timeout;

use super::keys::{self, Held};
use super::levels::{self, AuditChoice, AuditLevel};
use crate::node::NodeError;

/// How long a command waits until its record is on the disk. A disk that takes longer than this for a few
/// hundred bytes is not one that a command should wait for.
const RECORDING_MAX: Duration = Duration::from_secs(5);

/// How long a guest may be held up by the trail, and with it a worker of the node: a few times what a slow disk
/// takes for a batch. Beyond it the trail says how many entries it missed.
const HELD_UP_MAX: Duration = Duration::from_millis(100);

/// The trail of one node.
pub(crate) struct Trail {
    /// None if it could not be opened, and when the node has closed it.
    open: ArcSwapOption<Audit>,
    /// Why it could not be opened.
    shut: Option<String>,
    /// The node's data directory.
    data: PathBuf,
    dir: PathBuf,
    /// As it was when the trail was opened.
    pub(super) first_key: PublicKey,
    /// One rotation of the key at a time. Held across its writes to the disk: that is its purpose.
    pub(super) rotating: tokio::sync::Mutex<()>,
    levels: Vec<AuditLevel>,
    /// The capabilities of which allowed uses are recorded, a bit each.
    seen: u32,
    choice: AuditChoice,
    entries: AtomicU64,
    refused: AtomicU64,
}

/// Where the trail of a data directory is.
pub(super) fn folder(data: &Path) -> PathBuf {
    data.join("audit")
}

impl Trail {
    /// Opens the trail of a data directory. One that was tampered with stays shut: what runs goes on, and no
    /// command is carried out.
    ///
    /// # Errors
    /// When the disk refuses, or the key cannot be read.
    pub(crate) fn open(data: &Path, choice: AuditChoice) -> Result<Self, NodeError> {
        let dir = folder(data);
        let Held { key, former } = keys::load(data, &dir)?;
        let first_key = key.public();
        let clock = Arc::new(SystemTime::now);
        let settings = AuditSettings::default();
        let (open, shut) = match Audit::open_after(&dir, settings, key, former, clock) {
            Ok(audit) => (Some(Arc::new(audit)), None),
            Err(why @ (TrailError::Damaged { .. } | TrailError::OtherKey { .. })) => {
                tracing::error!("{why}; until then the node carries out no command");
                (None, Some(why.to_string()))
            }
            Err(error) => return Err(error.into()),
        };
        if open.is_some() && former.is_some() {
            keys::finish(data)?;
        }
        let levels = levels::all(&choice.levels);
        for level in &levels {
            if let Some(audit) = &open {
                audit.set_level(level.kind(), level.level());
            }
        }
        let seen = levels.iter().filter_map(AuditLevel::sees);
        let seen = seen.fold(0, |seen, kind| seen | bit(kind));
        Ok(Self {
            open: ArcSwapOption::new(open),
            shut,
            data: data.to_owned(),
            dir,
            first_key,
            rotating: tokio::sync::Mutex::default(),
            levels,
            seen,
            choice,
            entries: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// Records what is about to be done, and returns when it is on the disk.
    ///
    /// # Errors
    /// When it is not recorded: then it must not be done.
    pub(super) async fn record(&self, entry: Entry) -> Result<(), Failure> {
        let recorded = match self.audit() {
            Some(audit) => match timeout(RECORDING_MAX, audit.record(entry)).await {
                Ok(recorded) => recorded.map(drop).map_err(|error| unwritable(&error)),
                Err(_) => Err(Failure::new(
                    Code::Unavailable,
                    format!("the audit trail took nothing within {RECORDING_MAX:?}"),
                )),
            },
            None => Err(self.shut_failure()),
        };
        self.count(recorded.is_ok());
        recorded
    }

    /// Hands in what happened anyway, and says whether it was taken.
    pub(super) fn note(&self, entry: Entry) -> bool {
        let noted = self.audit().map(|audit| audit.note_within(entry, HELD_UP_MAX));
        let taken = matches!(noted, Some(Ok(())));
        self.count(taken);
        taken
    }

    /// One in how many such acts is recorded, if this one is.
    pub(super) fn wants(
        &self,
        kind: audit::Kind,
        decision: Decision,
    ) -> Option<std::num::NonZeroU32> {
        self.audit()?.wants(kind, decision)
    }

    /// Whether allowed uses of a capability are recorded at all.
    pub(super) fn sees(&self, kind: Kind) -> bool {
        self.seen & bit(kind) != 0
    }

    /// Whether calls of a service have to be recorded, whatever the policy says.
    pub(super) fn demands(&self, service: &Name) -> bool {
        self.choice.required.contains(service)
    }

    /// Whether any calls are recorded.
    pub(super) fn sees_calls(&self) -> bool {
        self.levels.iter().any(|it| it.kind() == levels::CALL && it.level() != Level::Nothing)
    }

    /// Somebody was not let in at the control port.
    pub(crate) fn not_let_in(&self, asked: &str, why: &str, request: &str) {
        // One target for all: whoever is outside can make up paths.
        let target = "the control port";
        let mut entry = Entry::new(SystemTime::now(), levels::CONTROL, target, Decision::Denied);
        entry.call = Some(request.into());
        entry.detail = Some(format!("{why}: {asked}").into());
        self.note(entry);
    }

    /// Why nothing can be recorded, if so.
    pub(crate) fn refusal(&self) -> Option<String> {
        match self.audit() {
            Some(audit) => audit.refusal().map(|error| unwritable(&error).message),
            None => Some(self.shut_failure().message),
        }
    }

    /// The open trail, for reading.
    pub(crate) fn reading(&self) -> Result<Arc<Audit>, Failure> {
        self.audit().ok_or_else(|| self.shut_failure())
    }

    pub(super) fn audit(&self) -> Option<Arc<Audit>> {
        self.open.load_full()
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn levels(&self) -> &[AuditLevel] {
        &self.levels
    }

    /// The kinds of capability of which not every use is recorded, as `files=1/100`.
    pub(crate) fn partly_seen(&self) -> impl Iterator<Item = String> {
        let partly = |it: &&AuditLevel| it.kind() != levels::CALL && it.level() != Level::All;
        self.levels.iter().filter(partly).map(ToString::to_string)
    }

    pub(super) fn required(&self) -> impl Iterator<Item = &Name> {
        self.choice.required.iter()
    }

    /// The trail's own numbers in Prometheus' text format.
    pub(crate) fn metrics(&self) -> String {
        let entries = self.entries.load(Ordering::Relaxed);
        let refused = self.refused.load(Ordering::Relaxed);
        let queued = self.audit().map_or(0, |audit| audit.queued());
        let writable = u8::from(self.refusal().is_none());
        format!(
            "# HELP airssys_audit_entries_total Acts handed to the audit trail.\n\
             # TYPE airssys_audit_entries_total counter\n\
             airssys_audit_entries_total {entries}\n\
             # HELP airssys_audit_refused_total Acts that the audit trail could not take.\n\
             # TYPE airssys_audit_refused_total counter\n\
             airssys_audit_refused_total {refused}\n\
             # HELP airssys_audit_queued Entries that wait for the disk.\n\
             # TYPE airssys_audit_queued gauge\n\
             airssys_audit_queued {queued}\n\
             # HELP airssys_audit_writable Whether the audit trail can be written.\n\
             # TYPE airssys_audit_writable gauge\n\
             airssys_audit_writable {writable}\n"
        )
    }

    /// Writes what was handed in and lets the directory go.
    pub(crate) async fn close(&self) {
        let Some(audit) = self.open.swap(None) else { return };
        if let Ok(Err(error)) = timeout(RECORDING_MAX, audit.close()).await {
            tracing::error!("the audit trail was not closed well: {error}");
        }
    }

    /// Lets the directory go.
    pub(crate) fn release(&self) {
        self.open.store(None);
    }

    fn shut_failure(&self) -> Failure {
        match &self.shut {
            Some(why) => Failure::new(Code::Unavailable, why),
            None => Failure::new(Code::Unavailable, "the audit trail is closed"),
        }
    }

    fn count(&self, taken: bool) {
        let counter = if taken { &self.entries } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn bit(kind: Kind) -> u32 {
    1 << kind as u32
}

/// Why an act was not recorded, for who asked for it.
pub(super) fn unwritable(error: &AuditError) -> Failure {
    match error {
        AuditError::Unwritable { full: true, .. } => Failure::from_error(Code::Limit, error)
            .help("free some space under the node's data directory; what runs goes on"),
        error => Failure::from_error(Code::Unavailable, error)
            .help("look at the disk of the node's data directory; what runs goes on"),
    }
}
