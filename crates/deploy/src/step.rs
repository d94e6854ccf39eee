//! The steps that rollouts are made of.

use std::fmt;
use std::time::Duration;

use airssys_wasm_model::{RevisionNumber, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::Bounds;
use crate::table::Table;

/// One step of a rollout. Each can be repeated: doing it again when it is done changes nothing.
/// Prints as what it does, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Step {
    /// Compile, link and check a revision, without sending it calls.
    Start {
        /// Which one.
        revision: RevisionNumber,
    },
    /// Let it create an instance, so that a configuration it refuses shows before any call does.
    AwaitReady {
        /// Which one.
        revision: RevisionNumber,
        /// After which it counts as failed.
        within: Span,
    },
    /// Publish a table.
    Shift {
        /// Who gets which share from then on.
        table: Table,
    },
    /// Watch a revision under its share of the calls.
    Observe {
        /// Which one.
        revision: RevisionNumber,
        /// How long.
        during: Span,
        /// What its calls are held to.
        bounds: Bounds,
    },
    /// Keep a revision warm, for an instant way back.
    Hold {
        /// Which one.
        revision: RevisionNumber,
        /// How long.
        during: Span,
    },
    /// Let the calls of a revision end.
    Drain {
        /// Which one.
        revision: RevisionNumber,
        /// After which the calls that are left are ended.
        within: Span,
    },
    /// Free what a revision holds.
    Stop {
        /// Which one.
        revision: RevisionNumber,
    },
}

impl Step {
    pub(crate) const fn start(revision: RevisionNumber) -> Self {
        Self::Start { revision }
    }

    pub(crate) const fn await_ready(revision: RevisionNumber, within: Duration) -> Self {
        Self::AwaitReady { revision, within: Span(within) }
    }

    pub(crate) const fn shift(table: Table) -> Self {
        Self::Shift { table }
    }

    pub(crate) const fn hold(revision: RevisionNumber, during: Span) -> Self {
        Self::Hold { revision, during }
    }

    pub(crate) const fn drain(revision: RevisionNumber, within: Duration) -> Self {
        Self::Drain { revision, within: Span(within) }
    }

    pub(crate) const fn stop(revision: RevisionNumber) -> Self {
        Self::Stop { revision }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { revision } => write!(f, "start {revision}"),
            Self::AwaitReady { revision, within } => {
                write!(f, "wait until {revision} is ready, at most {within}")
            }
            Self::Shift { table } if table.is_empty() => f.write_str("send no more calls"),
            Self::Shift { table } => write!(f, "give {table} of the calls"),
            Self::Observe { revision, during, bounds } => {
                write!(f, "watch {revision} for {during}: {bounds}")
            }
            Self::Hold { revision, during } => write!(f, "keep {revision} warm for {during}"),
            Self::Drain { revision, within } => {
                write!(f, "let the calls of {revision} end, at most {within}")
            }
            Self::Stop { revision } => write!(f, "stop {revision}"),
        }
    }
}
