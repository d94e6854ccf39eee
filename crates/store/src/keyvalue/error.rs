//! Why an operation on a bucket failed.

use std::sync::Arc;

use crate::quota::QuotaExceeded;
use crate::records::{RecordError, Versioned};

/// Why an operation on a bucket failed. Only [`Failed`](Self::Failed) and [`Closed`](Self::Closed) leave
/// open whether a write was made (wholly or not at all); the others have changed nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyValueError {
    /// The service's quota, which is named.
    #[error(transparent)]
    Quota(#[from] QuotaExceeded),
    /// A swap came too late: the entry has changed since.
    #[error("the entry has changed since it was read")]
    Changed {
        /// What is there now, for the next attempt.
        found: Option<Versioned<Vec<u8>>>,
    },
    /// An increment found no number.
    #[error("the value to increment is no decimal number of 64 bits with a sign")]
    NotANumber,
    /// An increment would leave the numbers of 64 bits.
    #[error("the increment would overflow")]
    Overflow,
    /// The batch is over its bound.
    #[error("the batch has {found} {what}, and the bound is {limit}")]
    BatchTooLarge {
        /// `entries` or `bytes`.
        what: &'static str,
        /// How many it has.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// The disk failed or is full; whoever was in the same commit is told the same.
    #[error("the disk failed on the key-value store")]
    Failed(#[source] Arc<RecordError>),
    /// The store is closing.
    #[error("the key-value store is closed")]
    Closed,
}

impl From<RecordError> for KeyValueError {
    fn from(error: RecordError) -> Self {
        Self::Failed(Arc::new(error))
    }
}
