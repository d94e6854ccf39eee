//! What an operator may set of the trail, and the bounds it has otherwise.

use std::time::Duration;

/// The bounds of a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// The longest a note lies in memory before its batch is written. 25 ms: a crash costs that much of the
    /// trail at most, and a node under load syncs forty times a second, not once a call. A record is
    /// written at once, with whatever has gathered.
    pub window: Duration,
    /// The most entries that wait for the writer, and are then one batch. Whoever comes then waits as well;
    /// nothing is dropped. 8,192 of about 400 bytes are what a node at 160,000 calls a second records in two windows,
    /// and 3.3 MB, which a disk writes in a few milliseconds.
    pub queue_entries: usize,
    /// A segment is sealed when it has this many bytes. Readers hold one in memory, so it is at most
    /// [`MAX_SEGMENT_BYTES`].
    pub segment_bytes: u64,
    /// A segment is sealed when it is this old, so that a quiet node's entries are signed and can be
    /// copied away within a day.
    pub segment_age: Duration,
    /// The oldest sealed segments are deleted when all together are larger. 1 GiB is about 2.5 million
    /// entries and does not fill a small device's disk.
    pub retain_bytes: u64,
    /// A sealed segment this old is deleted. 400 days are a year, which is what audits ask for, and the
    /// month in which somebody asks.
    pub retain_age: Duration,
    /// What is kept allocated for control acts on a full disk: 1 MiB is 2,500 of them, more than it takes
    /// to find out what fills the disk and to remove it. 0: nothing.
    pub reserve_bytes: u64,
    /// How often a disk that refused is tried again without being asked.
    pub retry: Duration,
    /// What a denied guest can make the trail write.
    pub denials: DenialBudget,
}

/// What denials may write. All of them are counted, whatever the budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenialBudget {
    /// Denials like one that was written are counted for this long, then written as one.
    pub window: Duration,
    /// Denials of one instance that are written one by one, in a second.
    pub per_instance_per_second: u32,
    /// The same for all instances of one revision together: where each call has a fresh instance, a budget
    /// per instance would bound nothing.
    pub per_revision_per_second: u32,
    /// Refusals of one principal, of commands and not of a guest's uses, that are written one by one in a second. It is
    /// people and scripts that meet them, and few at a time.
    pub per_principal_per_second: u32,
    /// The most counters open at a time; the oldest is written out for a new one. At about 300 bytes each,
    /// 8,192 are 2.5 MB, four times what one revision can open in a window.
    pub open_tallies: usize,
}

/// The largest segment a trail can be set to. A reader holds one in memory.
pub const MAX_SEGMENT_BYTES: u64 = 64 << 20;

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            window: Duration::from_millis(25),
            queue_entries: 8_192,
            segment_bytes: 8 << 20,
            segment_age: Duration::from_secs(24 * 60 * 60),
            retain_bytes: 1 << 30,
            retain_age: Duration::from_secs(400 * 24 * 60 * 60),
            reserve_bytes: 1 << 20,
            retry: Duration::from_secs(1),
            denials: DenialBudget::default(),
        }
    }
}

impl Default for DenialBudget {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(10),
            per_instance_per_second: 20,
            per_revision_per_second: 200,
            per_principal_per_second: 5,
            open_tallies: 8_192,
        }
    }
}

impl AuditSettings {
    /// The same with what makes no sense moved to what does: a queue of nothing would never take anything.
    pub(super) fn bounded(mut self) -> Self {
        self.queue_entries = self.queue_entries.max(1);
        self.segment_bytes = self.segment_bytes.min(MAX_SEGMENT_BYTES);
        self.denials.open_tallies = self.denials.open_tallies.max(1);
        self
    }
}
