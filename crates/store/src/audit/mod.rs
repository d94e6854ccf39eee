//! The audit trail: an append-only, hash-chained record of what a node was told and what its guests did.
//!
//! One folder per node. Segments of JSON lines, each line with the hash of the one before it; a full segment
//! is closed by a signed seal, and a signed anchor, written with each batch, says where the trail ends. So
//! [`verify()`] finds every change to what was acknowledged, a cut at the end too, and tells it from what a
//! kill leaves unfinished. Why it is made so: `docs/adr/0003-the-audit-trail.md`.
//!
//! Two ways in. [`Audit::record`] waits until the entry is durable, for control acts and uses whose policy
//! demands it; [`Audit::note`] hands over an entry that is durable within a window of milliseconds. Neither
//! drops anything: a full queue makes callers wait, and a disk that refuses makes both fail, until a
//! write succeeds again; the trail then says what fell into the gap. What a full disk has reserved is for
//! control acts.
//!
//! Denials that a guest repeats are counted, not lost. Allowed uses may be sampled, by kind. What an entry
//! means is not this crate's business.

mod anchor;
mod chain;
mod coalesce;
mod entry;
mod error;
mod folder;
mod follow;
mod handle;
mod inbox;
mod keeper;
mod key;
mod ledger;
mod levels;
mod line;
mod query;
mod recovery;
mod reserve;
mod segment;
mod settings;
mod sheet;
mod standing;
mod succession;
mod verify;
mod writer;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod power_cut;
#[cfg(test)]
mod refusing;
#[cfg(test)]
mod repeated;
#[cfg(test)]
mod rotating;
#[cfg(test)]
mod shadow;
#[cfg(test)]
mod tampering;

pub use chain::Wrong;
pub use entry::{Decision, Entry, Kind, MAX_FIELD_BYTES, MAX_KINDS, Recorded};
pub use error::{AuditError, TrailError};
pub use follow::Follow;
pub use handle::Audit;
pub use key::{KeyError, NodeKey, NotPublic, PublicKey};
pub use levels::Level;
pub use line::Hash;
pub use query::{Entries, Order, Query};
pub use settings::{AuditSettings, DenialBudget, MAX_SEGMENT_BYTES};
pub use succession::has_succeeded;
pub use verify::{Finding, Report, Witness, verify};
pub use writer::Clock;
