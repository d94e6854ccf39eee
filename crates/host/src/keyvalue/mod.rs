//! Key-value buckets: who keeps them for a service. What may be done with one is checked where the guest's import
//! lands, before anything here is called.

mod memory;

use std::sync::Arc;

use futures::future::BoxFuture;

pub use self::memory::MemoryBuckets;

/// Keeps the buckets of one service. No other service sees them, whatever names it uses.
pub trait KeyValueStore: Send + Sync {
    /// A bucket. Which ones there are is a matter of grants: to open one makes nothing. What is written through it
    /// may bring all buckets of the service together to so many bytes.
    fn bucket<'a>(
        &'a self,
        name: &'a str,
        bytes_max: u64,
    ) -> BoxFuture<'a, Result<Arc<dyn Bucket>, KeyValueError>>;
}

/// One bucket. Reads are called on the call path: they see every write that was answered before, and wait for no
/// write. A write is durable when it is answered.
pub trait Bucket: Send + Sync {
    /// An entry.
    fn get(&self, key: &str) -> Result<Option<Entry>, KeyValueError>;

    /// Whether there is an entry.
    fn exists(&self, key: &str) -> Result<bool, KeyValueError>;

    /// The values under these keys, in their order.
    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, KeyValueError>;

    /// The keys after this one, in their order, as many as make a page.
    fn list_keys(&self, after: Option<String>) -> Result<KeyPage, KeyValueError>;

    /// Sets entries, all or none.
    fn set_many(&self, entries: Vec<(String, Vec<u8>)>)
    -> BoxFuture<'_, Result<(), KeyValueError>>;

    /// Deletes those of these entries that are there, together.
    fn delete_many(&self, keys: Vec<String>) -> BoxFuture<'_, Result<(), KeyValueError>>;

    /// Adds to a decimal number, which begins at 0, and returns the sum.
    fn increment(&self, key: String, delta: i64) -> BoxFuture<'_, Result<i64, KeyValueError>>;

    /// Sets an entry if it still has this version, or is still not there.
    fn swap(
        &self,
        key: String,
        expected: Option<u64>,
        value: Vec<u8>,
    ) -> BoxFuture<'_, Result<Swap, KeyValueError>>;
}

/// An entry of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Changes with each write, and never comes again.
    pub version: u64,
    /// What it holds.
    pub value: Vec<u8>,
}

/// A part of a bucket's keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<String>,
    /// After which key the next page begins; `None` if there is none.
    pub next: Option<String>,
}

/// What a swap came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// The entry is set.
    Done,
    /// It had changed, and has this version now.
    Changed(Option<u64>),
}

/// Why an operation on a bucket failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyValueError {
    /// The guest asked for what does not fit: a quota, a batch that is too large, a number that is none. It is
    /// told this text.
    #[error("{0}")]
    Refused(String),
    /// The service keeps as many bytes as it may. The guest is told this text.
    #[error("{0}")]
    Full(String),
    /// The store failed. The guest is told no more than that.
    #[error("the key-value store failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
