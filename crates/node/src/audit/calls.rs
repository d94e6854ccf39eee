//! Calls of services that are recorded: all of them where the operator demands it, a share where he likes to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use airssys_wasm_api::Failure;
use airssys_wasm_deploy::ServiceRecord;
use airssys_wasm_host::{CallCtx, Caller};
use airssys_wasm_model::{Name, RevisionNumber, Signer};
use airssys_wasm_store::audit::{Decision, Entry};

use super::levels::CALL;
use super::trail::Trail;
use crate::authority::Demands;

/// Records the calls of one service.
pub(crate) struct CallRecorder {
    trail: Arc<Trail>,
    service: Name,
    service_text: Arc<str>,
    /// Whether each call has to be recorded. Decided beforehand, so that a call asks nobody.
    required: AtomicBool,
    /// Whether some of them are, required or not.
    sees_calls: bool,
    /// By which policy.
    demands: Demands,
    /// Who has signed what runs, as it was told last. Guards `required`, too: of two who decide the later one counts.
    signers: Mutex<Vec<Signer>>,
    /// The trigger of most calls, as their entries' target.
    http: Arc<str>,
}

/// How the trigger of a request is called.
const HTTP: &str = "http";

/// A call that has to be recorded and was not.
#[derive(Debug, thiserror::Error)]
#[error("its calls have to be recorded: {}", .0.message)]
pub(crate) struct Unrecorded(pub(crate) Failure);

impl CallRecorder {
    pub(crate) fn of(trail: &Arc<Trail>, demands: Demands, record: &ServiceRecord) -> Self {
        let recorder = Self {
            trail: Arc::clone(trail),
            service: record.name.clone(),
            service_text: record.name.as_str().into(),
            required: AtomicBool::new(false),
            sees_calls: trail.sees_calls(),
            demands,
            signers: Mutex::default(),
            http: HTTP.into(),
        };
        recorder.goes_by(record);
        recorder
    }

    /// Goes by what the record says from now on.
    pub(crate) fn goes_by(&self, record: &ServiceRecord) {
        let signers = record.active().map(|active| active.settings.signers.clone());
        self.decide(|kept| *kept = signers.unwrap_or_default());
    }

    /// Goes by the policy of now.
    pub(crate) fn goes_by_policy(&self) {
        self.decide(|_same| ());
    }

    fn decide(&self, learn: impl FnOnce(&mut Vec<Signer>)) {
        let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        learn(&mut signers);
        let required =
            self.trail.demands(&self.service) || self.demands.of(&self.service, &signers);
        self.required.store(required, Ordering::Relaxed);
    }

    /// Whether each call has to be recorded.
    pub(crate) fn is_required(&self) -> bool {
        self.required.load(Ordering::Relaxed)
    }

    /// Whether any call is recorded.
    pub(crate) fn is_wanted(&self) -> bool {
        self.sees_calls || self.is_required()
    }

    /// Records a call that is about to begin.
    ///
    /// # Errors
    /// When it has to be recorded and is not: then it must not begin.
    pub(crate) async fn record(
        &self,
        trigger: &str,
        revision: RevisionNumber,
        call: &CallCtx,
    ) -> Result<(), Unrecorded> {
        if self.is_required() {
            return self
                .trail
                .record(self.entry(trigger, revision, call))
                .await
                .map_err(Unrecorded);
        }
        if let Some(one_in) = self.trail.wants(CALL, Decision::Allowed) {
            self.trail.note(Entry { one_in, ..self.entry(trigger, revision, call) });
        }
        Ok(())
    }

    fn entry(&self, trigger: &str, revision: RevisionNumber, call: &CallCtx) -> Entry {
        let target = if trigger == HTTP { Arc::clone(&self.http) } else { trigger.into() };
        let mut entry = Entry::new(SystemTime::now(), CALL, target, Decision::Allowed);
        entry.service = Some(Arc::clone(&self.service_text));
        entry.revision = Some(u64::from(revision.0));
        entry.call = Some(call.request_id.text());
        entry.principal = call.caller.as_ref().map(Caller::text);
        entry
    }
}
