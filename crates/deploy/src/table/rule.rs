//! One match rule of a table.

use std::fmt;

use airssys_wasm_model::{Match, RevisionNumber};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::split::Split;

/// The calls that match go by a split of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which calls.
    pub when: Match,
    /// Who gets which share of them. Never none.
    pub shares: Split,
}

impl Rule {
    /// Every call that matches goes to one revision.
    pub fn to(when: Match, revision: RevisionNumber) -> Self {
        Self { when, shares: Split::all(revision) }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` to {}", self.when, self.shares)
    }
}
