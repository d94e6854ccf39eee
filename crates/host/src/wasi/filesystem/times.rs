//! Times to set on a file.

use rustix::fs::{Timespec, UTIME_NOW, UTIME_OMIT};

/// Leaves a time as it is.
pub(super) const UNCHANGED: Timespec = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };

/// The system's own clock.
pub(super) const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };

const NANOS: u32 = 1_000_000_000;

/// A time, if a file can have it.
pub(super) fn at(seconds: i64, nanoseconds: u32) -> Option<Timespec> {
    let seconds = seconds.checked_add(i64::from(nanoseconds / NANOS))?;
    Some(Timespec { tv_sec: seconds, tv_nsec: (nanoseconds % NANOS).into() })
}
