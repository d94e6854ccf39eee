//! Why an operation on containers or objects failed.

use std::io;

use crate::disk::is_full;
use crate::quota::QuotaExceeded;
use crate::records::RecordError;

/// Why an operation on containers or objects failed. Only [`Failed`](Self::Failed) and [`Io`](Self::Io)
/// leave open whether a change was made (wholly or not at all); the others have changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum BlobstoreError {
    /// There is no such container.
    #[error("there is no container `{container}`")]
    NoSuchContainer {
        /// The name asked for.
        container: String,
    },
    /// There is one of that name already.
    #[error("there is a container `{container}` already")]
    ContainerExists {
        /// Its name.
        container: String,
    },
    /// There is no such object.
    #[error("there is no object `{object}` in container `{container}`")]
    NoSuchObject {
        /// The container.
        container: String,
        /// The name asked for.
        object: String,
    },
    /// The service has as many containers, or as many objects being written, as it may.
    #[error("there are {limit} {what} already, and that is the bound")]
    TooMany {
        /// `containers` or `objects being written`.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The service's quota, which is named.
    #[error(transparent)]
    Quota(#[from] QuotaExceeded),
    /// The object's file is not what was written. Writing it again repairs it.
    #[error("object `{object}` in container `{container}` is damaged on the disk")]
    Damaged {
        /// The container.
        container: String,
        /// The object.
        object: String,
    },
    /// The disk or the quota of the system is full. Nothing is left behind.
    #[error("no room on the disk to {doing} an object")]
    Full {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system refused an operation on a file.
    #[error("cannot {doing} an object")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk failed on the index of objects.
    #[error("the disk failed on the index of objects")]
    Failed(#[from] RecordError),
}

impl BlobstoreError {
    pub(super) fn from_io(doing: &'static str, source: io::Error) -> Self {
        if is_full(&source) { Self::Full { doing, source } } else { Self::Io { doing, source } }
    }
}
