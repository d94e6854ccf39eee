//! What a pool is doing, and what its revision has of its limits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Pool;
use crate::limit::{Level, Limit, LimitUse, Setting};
use crate::prepare::Revision;

/// What a pool is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStats {
    /// Instances alive.
    pub instances: u32,
    /// Of these, how many wait for a call.
    pub idle: u32,
    /// Calls that wait for a place.
    pub queued: u32,
    /// Memories and tables of the live instances.
    pub memory_bytes: u64,
    /// Time that guests have spent running since the revision began.
    pub cpu: Duration,
    /// Requests of copied calls that were kept from leaving.
    pub refused: u64,
    /// How often a guest of its service waited, so that one thread is left to the other services.
    pub waited: u64,
    /// Further engines that its component has come into, for threads that it is often called by.
    pub lanes: u32,
}

impl Pool {
    /// What the pool is doing.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            instances: self.gauges.live(),
            idle: u32::try_from(
                self.idle().len() + self.workers.as_ref().map_or(0, |workers| workers.idle()),
            )
            .unwrap_or(u32::MAX),
            queued: self.queued.load(Ordering::Relaxed),
            memory_bytes: self.gauges.memory_bytes(),
            cpu: self.gauges.cpu(),
            refused: self.gauges.refused(),
            waited: self.revision.turns.waited(),
            lanes: self.revision.copies.made(),
        }
    }

    /// What its revision has of each of its limits. What buckets hold is known to who keeps them.
    pub fn limits(&self) -> [LimitUse; Limit::ALL.len()] {
        let Revision { spec, meters, .. } = &*self.revision;
        let count = |count: u32| Some(f64::from(count));
        Limit::ALL.map(|limit| {
            let used = match limit {
                Limit::Memory => Some(self.gauges.memory_bytes() as f64),
                Limit::Concurrency => count(self.taken()),
                Limit::Queue => count(self.queued.load(Ordering::Relaxed)),
                Limit::Files => count(meters.level(Level::Files)),
                Limit::Sockets => count(meters.level(Level::Sockets)),
                Limit::Handles => count(meters.level(Level::Handles)),
                Limit::Requests => count(meters.level(Level::Requests)),
                _ => None,
            };
            let setting = limit.setting(&spec.limits).map(Setting::number);
            LimitUse { limit, setting, used, hits: meters.hits(limit) }
        })
    }
}
