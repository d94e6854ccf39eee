//! What the instances of a revision have of its limits together, and how often each was reached.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use airssys_wasm_model::Limits;

use super::Limit;
use super::rate::Rate;

/// Counted by all instances of a revision. Nothing here is touched by a call that reaches no limit, says nothing and
/// opens nothing.
#[derive(Debug)]
pub(crate) struct Meters {
    hits: [AtomicU64; Limit::ALL.len()],
    /// Open files and sockets, requests under way, and what else of the host is held.
    files: AtomicU32,
    sockets: AtomicU32,
    handles: AtomicU32,
    requests: AtomicU32,
    /// What guests say.
    pub(crate) log: Rate,
    /// What the host says of them in their log: apart, so that a guest cannot talk over it.
    pub(crate) notices: Rate,
    /// What the node's own log has of them.
    pub(crate) told: Rate,
    /// That lines are dropped is said once a second.
    pub(crate) dropped: Rate,
    pub(crate) request_rate: Rate,
    pub(crate) keyvalue_rate: Rate,
}

/// Something that is counted while it is open.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    /// Also what is being opened, listings, and objects of containers that are read or written.
    Files,
    Sockets,
    /// As often as they are counted.
    Handles,
    Requests,
}

/// Lines that the host says in a revision's log in a second: what a person reads, and room for a burst.
const NOTICES_A_SECOND: u64 = 20;

/// Lines in a second of the node's own log that are about what its guests do: it is no revision's to fill.
const TOLD_A_SECOND: u64 = 20;

impl Meters {
    pub(crate) fn new(limits: &Limits, now: Instant) -> Self {
        let rate = |per_second| Rate::new(per_second, now);
        Self {
            hits: std::array::from_fn(|_| AtomicU64::new(0)),
            files: AtomicU32::new(0),
            sockets: AtomicU32::new(0),
            handles: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            log: rate(limits.log_rate.0),
            notices: rate(NOTICES_A_SECOND),
            told: rate(TOLD_A_SECOND),
            dropped: rate(1),
            request_rate: rate(limits.request_rate.into()),
            keyvalue_rate: rate(limits.keyvalue_rate.into()),
        }
    }

    /// A limit was reached.
    pub(crate) fn hit(&self, limit: Limit) {
        self.hits[limit as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn hits(&self, limit: Limit) -> u64 {
        self.hits[limit as usize].load(Ordering::Relaxed)
    }

    /// What is open of this.
    pub(crate) fn level(&self, level: Level) -> u32 {
        self.gauge(level).load(Ordering::Relaxed)
    }

    pub(crate) fn opened(&self, level: Level) {
        self.gauge(level).fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self, level: Level, count: u32) {
        self.gauge(level).fetch_sub(count, Ordering::Relaxed);
    }

    /// An instance has so many now, and not as many as before.
    pub(crate) fn change(&self, level: Level, before: u32, now: u32) {
        if now > before {
            self.gauge(level).fetch_add(now - before, Ordering::Relaxed);
        } else if before > now {
            self.closed(level, before - now);
        }
    }

    fn gauge(&self, level: Level) -> &AtomicU32 {
        match level {
            Level::Files => &self.files,
            Level::Sockets => &self.sockets,
            Level::Handles => &self.handles,
            Level::Requests => &self.requests,
        }
    }
}
