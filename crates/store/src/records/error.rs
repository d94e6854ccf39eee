//! Why reading or changing a record failed.

use std::io;

use crate::disk::is_full;

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The disk or the quota is full, and the store needs room to recover. It tries again at the next
    /// call.
    #[error("no room on the disk for records")]
    Full {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk failed. The store opens itself again at the next call.
    #[error("the disk failed on the records")]
    Io {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What is on the disk is not what was written.
    #[error("the records are damaged: {detail}")]
    Corrupt {
        /// What does not fit.
        detail: String,
    },
    /// The record is there and is not the JSON that was asked for.
    #[error("record `{key}` does not read as what it should be")]
    Malformed {
        /// The record's key.
        key: String,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
}

/// Why a record was not changed.
///
/// [`Conflict`](Self::Conflict), [`Fenced`](Self::Fenced), [`TooLarge`](Self::TooLarge) and
/// [`Malformed`](Self::Malformed) certainly changed nothing. After the others the change is either
/// wholly there or not at all, and reading the record tells which.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The record is not at the version expected: someone else was first.
    #[error("record `{key}` is {}, not {}", at(*found), at(*expected))]
    Conflict {
        /// The record's key.
        key: String,
        /// The version the caller built on; `None`: no record.
        expected: Option<u64>,
        /// The version that is there; `None`: no record.
        found: Option<u64>,
    },
    /// The lease was taken over since: the holder of this fence must stop.
    #[error("lease `{lease}` was taken over{}", match holder {
        Some(holder) => format!(" by {}", holder.owner),
        None => " and released".to_owned(),
    })]
    Fenced {
        /// The lease's name.
        lease: String,
        /// Who holds it now.
        holder: Option<super::LeaseHolder>,
    },
    /// The key or the value is over its bound.
    #[error("the {what} of `{key}` has {bytes} bytes, and the bound is {limit}")]
    TooLarge {
        /// The record's key, shortened if it is the culprit.
        key: String,
        /// `key` or `value`.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The value does not serialize.
    #[error("the value for `{key}` does not serialize")]
    Malformed {
        /// The record's key.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The disk or the quota is full. The store stays usable; what was acknowledged stays.
    #[error("no room on the disk for records")]
    Full {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk failed. The store opens itself again at the next call.
    #[error("the disk failed on the records")]
    Io {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What is on the disk is not what was written.
    #[error("the records are damaged: {detail}")]
    Corrupt {
        /// What does not fit.
        detail: String,
    },
}

impl RecordError {
    pub(super) fn from_io(source: io::Error) -> Self {
        if is_full(&source) { Self::Full { source } } else { Self::Io { source } }
    }

    pub(super) fn from_engine(error: redb::Error) -> Self {
        match error {
            // What redb says of a file that is not its own.
            redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::Corrupt { detail: error.to_string() }
            }
            redb::Error::Io(error) => Self::from_io(error),
            redb::Error::Corrupted(detail) => Self::Corrupt { detail },
            error @ (redb::Error::PreviousIo
            | redb::Error::DatabaseClosed
            | redb::Error::LockPoisoned(_)
            | redb::Error::TransactionPoisoned) => Self::Io { source: io::Error::other(error) },
            error => Self::Corrupt { detail: error.to_string() },
        }
    }
}

impl From<RecordError> for PutError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Full { source } => Self::Full { source },
            RecordError::Io { source } => Self::Io { source },
            RecordError::Corrupt { detail } => Self::Corrupt { detail },
            RecordError::Malformed { key, source } => Self::Malformed { key, source },
        }
    }
}

fn at(version: Option<u64>) -> String {
    match version {
        Some(version) => format!("at version {version}"),
        None => "absent".to_owned(),
    }
}
