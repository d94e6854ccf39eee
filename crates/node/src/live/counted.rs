//! A call under way, counted as one of its revision.

use std::time::{Duration, Instant};

use airssys_wasm_deploy::Claimed;
use airssys_wasm_host::{CallCtx, CallError, Kind, Limit, Output};

use super::{Answered, Running, ServiceError};
use crate::metrics::{Calls, Traffic};
use crate::successes::Successes;

/// A call under way, counted however it ends.
pub(super) struct Counted<'a> {
    calls: &'a Calls,
    /// Nothing for a call that named its revision: it takes part in no experiment.
    successes: Option<&'a Successes>,
    start: Instant,
    ended: bool,
}

/// A caller who gave up sooner may have had any reason; one who waited longer waited for the guest, and has
/// to be counted as let down: a candidate that hangs would otherwise look as if it were never called.
const GAVE_UP_AFTER: Duration = Duration::from_secs(1);

impl<'a> Counted<'a> {
    pub(super) fn begin(traffic: &'a Traffic, call: &CallCtx) -> Self {
        if call.probe {
            traffic.successes.leave_out(call.request_id);
        }
        let successes = (!call.probe).then_some(&traffic.successes);
        Self { calls: traffic.of(call.probe), successes, start: Instant::now(), ended: false }
    }

    /// It has its answer, or none. `has` tells whether it carries a header.
    pub(super) fn answered(&self, has: impl FnOnce(&str) -> bool) {
        if let Some(successes) = self.successes {
            successes.answered(has);
        }
    }

    pub(super) fn end(mut self, failed: bool) {
        self.ended = true;
        self.calls.record(failed, self.start, Instant::now());
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let now = Instant::now();
            self.calls.record(now - self.start >= GAVE_UP_AFTER, self.start, now);
        }
    }
}

/// What a handler's answer carries: what stands in an output's metadata is a header.
pub(super) fn says(output: Option<&Output>) -> impl FnOnce(&str) -> bool {
    move |name| {
        output.is_some_and(|output| {
            output.metadata.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
        })
    }
}

pub(super) fn finish<T>(
    claimed: &Claimed<Running>,
    counted: Counted<'_>,
    answered: Result<T, CallError>,
) -> Result<Answered<T>, ServiceError> {
    counted.end(answered.as_ref().err().is_some_and(is_failure));
    let Running { revision, version, .. } = &*claimed.target;
    Ok(Answered { revision: *revision, version: version.clone(), answer: answered? })
}

/// Whether a call's error counts against its revision: the caller's own mistakes do not.
pub(super) fn is_failure(error: &CallError) -> bool {
    match error {
        CallError::Fault(fault) => !matches!(fault.kind, Kind::InvalidInput | Kind::Denied),
        CallError::NoFunction { .. }
        | CallError::Arguments { .. }
        | CallError::Unsayable { .. }
        | CallError::Unsupported { .. }
        // Whoever makes up keys could else have a candidate taken back.
        | CallError::Limit(Limit::Actors) => false,
        _ => true,
    }
}
