//! What a plan is, and what it is made of.

use std::fmt;
use std::time::Duration;

use airssys_wasm_model::{LONGEST_WINDOW, Limits, RevisionNumber, RolloutError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::step::{Step, Warmth};
use crate::table::{Table, TableError, Weight, WeightError};

/// How long a revision may take from its start to its first ready instance: a configuration that
/// downloads or loads data in `init` takes seconds, and one that hangs must not hang the rollout.
pub const READY_WITHIN: Duration = Duration::from_secs(30);

/// What a drain waits beyond the longest time that one call may take. It covers bodies that are still
/// being streamed: their time limit counts each idle gap anew.
pub const DRAIN_GRACE: Duration = Duration::from_secs(30);

/// The longest window of a step. A rollout that takes longer than a month is a second service.
pub const MAX_WINDOW: Duration = LONGEST_WINDOW;

/// The steps of a rollout, in their order. Prints as a numbered list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// What runs when a plan is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// The revision that gets the calls.
    pub active: Option<RevisionNumber>,
    /// The revision that is to get them.
    pub to: RevisionNumber,
    /// How long the calls of that one may take to end.
    pub drain: Duration,
    /// Whether that one runs already, as the former revision does during a hold.
    pub warm: bool,
    /// Every running revision that must have stopped in the end, with the bound of its drain.
    pub retiring: Vec<Retiring>,
}

/// A running revision that is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retiring {
    /// Which one.
    pub revision: RevisionNumber,
    /// How long its calls may take to end.
    pub drain: Duration,
}

/// Why no plan can be made of what was asked.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
pub enum PlanError {
    /// The settings make no sense.
    #[error(transparent)]
    Settings(#[from] RolloutError),
    /// A share that rounds to nothing.
    #[error("a step is wrong: {0}")]
    Share(#[from] WeightError),
    /// One of several services whose plan promotes nobody.
    #[error(
        "a shadow that ends without a promotion cannot be one of several services: set `then = \"promote\"` under [rollout.shadow], or run it by itself first"
    )]
    NoPromotion,
    /// Rules that make no table.
    #[error("a step is wrong: {0}")]
    Table(#[from] TableError),
}

impl Plan {
    /// The plan that undoes a rollout before it is promoted. `before` is the table to restore if any
    /// call was ever sent to the candidate, `mirrors` whether calls are copied to it.
    pub fn back(before: Option<Table>, mirrors: bool, retiring: &[Retiring]) -> Self {
        let mut steps = Vec::new();
        steps.extend(before.map(Step::shift));
        steps.extend(mirrors.then_some(Step::Mirror { mirror: None }));
        steps.extend(retiring.iter().flat_map(Retiring::steps));
        Self { steps }
    }

    /// The plan that ends a service.
    pub fn removal(mirrors: bool, retiring: &[Retiring]) -> Self {
        Self::back(Some(Table::EMPTY), mirrors, retiring)
    }

    /// What is left to do of a trial that an operator promotes although its plan ends otherwise.
    pub(crate) fn promotion(to: RevisionNumber, retiring: &[Retiring]) -> Self {
        let mut plan = Self::back(Some(Table::all(to)), false, retiring);
        plan.steps.insert(0, Step::warm(to, Warmth::Share(Weight::ALL), READY_WITHIN));
        plan
    }
}

impl Retiring {
    /// A revision under these limits.
    pub fn under(revision: RevisionNumber, limits: &Limits) -> Self {
        Self { revision, drain: Self::bound(limits) }
    }

    /// How long the calls of a revision under these limits may take to end.
    pub fn bound(limits: &Limits) -> Duration {
        limits.time.0.saturating_add(DRAIN_GRACE).min(MAX_WINDOW)
    }

    pub(super) fn steps(&self) -> [Step; 2] {
        [Step::drain(self.revision, self.drain), Step::stop(self.revision)]
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            let line = if at == 0 { "" } else { "\n" };
            write!(f, "{line}{}. {step}", at + 1)?;
        }
        Ok(())
    }
}
