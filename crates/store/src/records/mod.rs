//! Records: small values under names, each with a version, changed by compare-and-set.

mod clearing;
mod engine;
mod error;
mod file;
mod lease;
mod medium;
mod shelf;
mod watch;

#[cfg(test)]
pub(crate) mod disk_shadow;
#[cfg(test)]
mod power_cut;

pub use error::{PutError, RecordError};
pub use lease::{Fence, LeaseHolder};
pub use shelf::{MAX_KEY_BYTES, MAX_RECORD_BYTES, Record, Records, Versioned};
pub use watch::{Change, WATCH_BACKLOG, Watch};

pub(crate) use engine::{CLOCK_KEY, Engine, META, Stop};
pub(crate) use file::{MakeTables, open_file};
pub(crate) use shelf::RECORDS_FILE;
use shelf::tick;

#[cfg(test)]
pub(crate) use disk_shadow::{Disk, Loss};
#[cfg(test)]
pub(crate) use file::{OpenError, open_on};
