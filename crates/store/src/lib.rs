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
//! Beside the shelves, [`Secrets`] are records sealed with a key that is kept elsewhere, and what guests keep
//! has files of its own: [`KeyValue`] buckets and [`Blobstore`] containers.
//!
//! Every operation blocks on the disk, but for the writes to buckets, which are futures: call it from a
//! thread that may block, never on an async executor. The store knows neither services nor rollouts: what
//! a record means is its owner's.

#![forbid(unsafe_code)]

pub mod audit;

mod accounts;
mod blobs;
mod blobstore;
mod disk;
mod keyvalue;
mod lock;
mod page;
mod private;
mod quota;
mod records;
mod secrets;
mod store;

#[cfg(test)]
mod seed;

pub use blobs::{BlobError, Blobs, MAX_BLOB_BYTES, Writer};
pub use blobstore::{
    Blobstore, BlobstoreError, Container, ContainerInfo, Containers, MAX_CONTAINERS,
    MAX_OPEN_WRITES, ObjectInfo, ObjectReader, ObjectWriter,
};
pub use keyvalue::{Bucket, KeyValue, KeyValueError, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES};
pub use page::{MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, Page, Paging};
pub use quota::{Quota, QuotaExceeded, QuotaPart, Usage};
pub use records::{
    Change, Fence, LeaseHolder, MAX_KEY_BYTES, MAX_RECORD_BYTES, PutError, Record, RecordError,
    Records, Versioned, WATCH_BACKLOG, Watch,
};
pub use secrets::{
    HeldSecret, InvalidSecretName, KEPT_VERSIONS, KeyError, KeyId, KeyRing, KeyRotation, KeySource,
    MAX_SECRET_BYTES, MAX_SECRETS, Secret, SecretChanges, SecretError, SecretKey, SecretName,
    SecretSummary, SecretVersion, Secrets,
};
pub use store::{SCHEMA, Store, StoreError};
