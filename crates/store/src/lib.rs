//! The embedded store: the only crate that knows the disk.
//!
//! Two shelves behind one directory. [`Records`] are small, named, versioned and changed by
//! compare-and-set; [`Blobs`] are large, named by their digest and never change. Both are durable when
//! a call returns: what was acknowledged survives `kill -9` and a power cut at any instant. The surface
//! stays this small so that a cluster's store can stand in for it one day.
//!
//! Beside them, in a folder of its own, lies the [`audit`] trail of one node.
//!
//! Leases with their fences, [`Watch`] and [`Records::keys`] are there for a store that several nodes share:
//! a walk is to hold a fence, and a node is to hear of what another one changed. One node alone needs
//! neither, and calls neither yet; they are part of the surface, and under test, because a record's
//! format and a version's meaning could not be changed for them later.
//!
//! Every operation blocks on the disk: call it from a thread that may block, never on an async
//! executor. The store knows neither services nor rollouts: what a record means is its owner's.

#![forbid(unsafe_code)]

pub mod audit;

mod blobs;
mod disk;
mod lock;
mod private;
mod records;
mod store;

#[cfg(test)]
mod seed;

pub use blobs::{BlobError, Blobs, MAX_BLOB_BYTES, Writer};
pub use records::{
    Change, Fence, LeaseHolder, MAX_KEY_BYTES, MAX_RECORD_BYTES, PutError, Record, RecordError,
    Records, Versioned, WATCH_BACKLOG, Watch,
};
pub use store::{SCHEMA, Store, StoreError};
