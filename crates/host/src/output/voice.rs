//! Where a revision's lines go, and how much it may say in a second.

use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_model::{Limits, Name, RevisionNumber};

use super::{Level, Line, LineSource, LogSink};
use crate::context::RequestId;
use crate::limit::{Limit, Meters};
use crate::prepare::RevisionSpec;

/// Whose lines go where.
pub(crate) struct Voice {
    pub(super) sink: Arc<dyn LogSink>,
    pub(super) service: Name,
    pub(super) revision: RevisionNumber,
    /// Lines of one call.
    pub(super) lines: u32,
    pub(super) meters: Arc<Meters>,
}

/// What the host says of a guest's limits stands under this among the guest's own lines.
const LIMITS: &str = "limits";

impl Voice {
    pub(crate) fn of(spec: &RevisionSpec, meters: Arc<Meters>) -> Self {
        let RevisionSpec { sink, service, revision, limits, .. } = spec;
        let (sink, service) = (Arc::clone(sink), service.clone());
        Self { sink, service, revision: *revision, lines: limits.log_lines, meters }
    }

    /// A line of a guest, unless the revision has said as much in this second as it may.
    pub(super) fn say(&self, call: RequestId, source: LineSource, context: &str, text: &str) {
        let now = Instant::now();
        let bytes = Limits::LOG_LINE_BYTES + (context.len() + text.len()) as u64;
        if self.meters.log.take(bytes, now) {
            return self.tell(call, source, context, text);
        }
        self.meters.hit(Limit::LogRate);
        if self.meters.dropped.take(1, now) {
            let said =
                "more was said in a second than the limit `log_rate` allows: lines are dropped";
            self.tell(call, LineSource::Log(Level::Warn), LIMITS, said);
        }
    }

    /// What the host says of a revision's limits. It has a bound of its own, and no part in the guest's.
    pub(crate) fn notice(&self, call: RequestId, text: &str) {
        if self.meters.notices.take(1, Instant::now()) {
            self.tell(call, LineSource::Log(Level::Warn), LIMITS, text);
        }
    }

    fn tell(&self, request_id: RequestId, source: LineSource, context: &str, text: &str) {
        let Self { sink, service, revision, .. } = self;
        sink.line(Line { service, revision: *revision, request_id, source, context, text });
    }
}
