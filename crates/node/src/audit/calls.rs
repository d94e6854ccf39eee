//! Calls of services that are recorded: all of them where the operator demands it, a share where he likes to.

use std::sync::Arc;
use std::time::SystemTime;

use airssys_wasm_api::Failure;
use airssys_wasm_host::{CallCtx, Caller};
use airssys_wasm_model::{Name, RevisionNumber};
use airssys_wasm_store::audit::{Decision, Entry};

use super::levels::CALL;
use super::trail::Trail;

/// Records the calls of one service.
pub(crate) struct CallRecorder {
    trail: Arc<Trail>,
    service: Arc<str>,
    required: bool,
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
    /// None where no call of this service is recorded.
    pub(crate) fn of(trail: &Arc<Trail>, service: &Name) -> Option<Self> {
        let required = trail.demands(service);
        (required || trail.sees_calls()).then(|| Self {
            trail: Arc::clone(trail),
            service: service.as_str().into(),
            required,
            http: HTTP.into(),
        })
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
        if self.required {
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
        entry.service = Some(Arc::clone(&self.service));
        entry.revision = Some(u64::from(revision.0));
        entry.call = Some(call.request_id.text());
        entry.principal = call.caller.as_ref().map(Caller::text);
        entry
    }
}
