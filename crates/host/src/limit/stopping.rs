//! A call that a limit stopped or turned away: named to its caller by the error, and to the operator by a count and a
//! line in the service's log.

use std::time::Instant;

use super::Limit;
use crate::call::CallError;
use crate::context::RequestId;
use crate::prepare::Revision;

impl Revision {
    /// Whether one more line of the node's own log may be about what guests of this revision do: that is for guests
    /// and callers to choose, as often as they like.
    pub(crate) fn may_be_told(&self) -> bool {
        self.meters.told.take(1, Instant::now())
    }

    /// A limit has stopped a call.
    pub(crate) fn stopped(&self, limit: Limit, call: RequestId) {
        self.meters.hit(limit);
        let said = match limit.setting(&self.spec.limits) {
            Some(setting) if limit == Limit::Actors => format!(
                "a call with a new key was refused at the limit `{limit}` of {setting}; if more keys are to have a \
                 state, raise that under [limits] in its Component.toml"
            ),
            Some(setting) => format!(
                "a call was stopped at its limit `{limit}` of {setting}; if it needs more, raise that under [limits] \
                 in its Component.toml"
            ),
            None => format!("a call was stopped: it has used up its {limit}"),
        };
        self.voice.notice(call, &said);
    }

    /// A call was turned away because too many wait already.
    pub(crate) fn turned_away(&self, call: RequestId) {
        let (limit, setting) = (Limit::Queue, self.spec.limits.queue);
        self.meters.hit(limit);
        let said = format!(
            "a call was turned away at the limit `{limit}` of {setting}; if more are to wait, raise that under \
             [limits] in its Component.toml"
        );
        self.voice.notice(call, &said);
    }

    /// Whatever came of a call, and a limit that stopped it noted.
    pub(crate) fn noted<T>(
        &self,
        call: RequestId,
        answer: Result<T, CallError>,
    ) -> Result<T, CallError> {
        if let Err(CallError::Limit(limit)) = &answer {
            self.stopped(*limit, call);
        }
        answer
    }
}
