//! The record of an update of several services: who takes part, in which order, and the one decision for all.
//!
//! It is a value, as a service's record is: it starts nothing and writes nothing.

use std::fmt;

use airssys_wasm_model::{Name, RevisionNumber};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rollout::RolloutNumber;
use crate::timestamp::Timestamp;

/// The most services of one update. Each has a candidate beside its active revision while it waits for the
/// others, and one person reads the outcome of all.
pub const MEMBERS_MAX: usize = 16;

/// Ended updates whose records are kept: the services' histories say the rest.
pub const BATCHES_KEPT: usize = 50;

/// The number of an update of several services on its node, counted from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct BatchId(pub u64);

/// When a member may go on from where it joins the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BatchOrder {
    /// When all have been tried: then all are promoted, or none.
    #[default]
    Together,
    /// When all are ready and those before it are promoted: each is tried against what it depends on. What
    /// was promoted goes back when a later one fails.
    InOrder,
}

/// An update of several services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchRecord {
    /// Its number.
    pub id: BatchId,
    /// When its members go on.
    pub order: BatchOrder,
    /// Who takes part, in the order that was given.
    pub members: Vec<BatchMember>,
    /// When it began.
    pub at: Timestamp,
    /// Who asked.
    pub by: String,
    /// What for.
    pub why: String,
    /// What was decided: `None` until then, and never changed after.
    pub decision: Option<Decision>,
    /// Members that could not be taken back when the others were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Name>,
    /// Since when every member has done what was decided.
    pub ended: Option<Timestamp>,
}

/// A service that takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchMember {
    /// Which service.
    pub service: Name,
    /// Its rollout.
    pub rollout: RolloutNumber,
    /// Its candidate.
    pub revision: RevisionNumber,
}

/// What is decided for all members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Decision {
    /// Together: all are promoted. In order: all have been, and stay so.
    Go {
        /// When.
        at: Timestamp,
    },
    /// All are taken back.
    Abort {
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

impl BatchRecord {
    /// Whether a member may still have something to do for it.
    pub const fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Decides, unless it is decided.
    pub fn decide(&mut self, decision: &Decision) {
        self.decision.get_or_insert_with(|| decision.clone());
    }

    /// Decides that all are taken back. Returns whether that is what is decided now.
    pub fn abort(&mut self, reason: &str, at: Timestamp) -> bool {
        self.decide(&Decision::Abort { reason: reason.to_owned(), at });
        self.is_aborted()
    }

    /// Whether all are taken back.
    pub const fn is_aborted(&self) -> bool {
        matches!(self.decision, Some(Decision::Abort { .. }))
    }

    /// Why all are taken back, if they are.
    pub fn reason(&self) -> Option<&str> {
        match &self.decision {
            Some(Decision::Abort { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    pub(super) fn end(&mut self, kept: &[Name], at: Timestamp) {
        if self.ended.is_none() {
            (self.kept, self.ended) = (kept.to_vec(), Some(at));
        }
    }
}

impl BatchOrder {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::InOrder => "in-order",
        }
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "joint update {}", self.0)
    }
}

impl fmt::Display for BatchOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
