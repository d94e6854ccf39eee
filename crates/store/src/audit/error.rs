//! Why the trail was not written, opened or read.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::disk::is_full;

/// Why an act was not recorded. Whoever wanted to do it must not.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk refuses. It is tried again with every record, and every so often without one.
    #[error("the audit trail can't be written{}", if *full {
        ": the disk is full, and what was reserved on it is for control acts; free some space"
    } else {
        ""
    })]
    Unwritable {
        /// Whether it is for want of space.
        full: bool,
        /// What the system said first.
        #[source]
        source: Arc<io::Error>,
    },
    /// The writer is behind, and its queue stayed full.
    #[error("the audit trail took nothing within {waited:?}: its disk is behind")]
    Behind {
        /// How long it was waited for a place.
        waited: Duration,
    },
    /// The trail was closed.
    #[error("the audit trail is closed: the node is stopping")]
    Closed,
}

/// Why a trail could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// The trail was edited, or its disk lost what was acknowledged. A node doesn't write on after that:
    /// its signature would cover what others did.
    #[error(
        "the audit trail in {} is damaged: {detail}; see `audit --verify`, then move the folder away \
         (it is the evidence) and a new trail begins",
        dir.display()
    )]
    Damaged {
        /// The trail's folder.
        dir: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The trail belongs to another key.
    #[error(
        "the audit trail in {} is signed with another key: bring that key back, or move the folder \
         away and a new trail begins",
        dir.display()
    )]
    OtherKey {
        /// The trail's folder.
        dir: PathBuf,
    },
    /// It is open already, in this process or another.
    #[error("the audit trail in {} is in use", dir.display())]
    Locked {
        /// The trail's folder.
        dir: PathBuf,
    },
    /// The system refused an operation.
    #[error("cannot {doing} the audit trail in {}", dir.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The trail's folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Why a trail could not be opened, before its folder's name is put to it.
#[derive(Debug)]
pub(super) enum OpenError {
    Damaged(String),
    OtherKey,
    Io(io::Error),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl OpenError {
    pub(super) fn of(self, dir: PathBuf) -> TrailError {
        match self {
            Self::Damaged(detail) => TrailError::Damaged { dir, detail },
            Self::OtherKey => TrailError::OtherKey { dir },
            Self::Io(source) => TrailError::Io { doing: "open", dir, source },
        }
    }
}

impl AuditError {
    pub(super) fn unwritable(source: Arc<io::Error>) -> Self {
        Self::Unwritable { full: is_full(&source), source }
    }
}
