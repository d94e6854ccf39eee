//! The steps that rollouts are made of.

use std::time::Duration;

use airssys_wasm_model::{
    CompareBy, Gate, GateBy, MetricSettings, OnDecision, OnInconclusive, OnTimeout, PauseFor,
    RevisionNumber, Span, Success,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::{BatchId, BatchOrder};
use crate::observation::Bounds;
use crate::table::{Table, Weight};

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
        /// The share of the calls that it is to have instances for, if it is about to get one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        share: Option<Weight>,
        /// After which it counts as failed.
        within: Span,
    },
    /// Let it have instances ready before calls need them.
    Warm {
        /// Which one.
        revision: RevisionNumber,
        /// How many.
        to: Warmth,
        /// After which it counts as failed.
        within: Span,
    },
    /// Publish a table.
    Shift {
        /// Who gets which share from then on.
        table: Table,
    },
    /// Copy calls to a revision.
    Mirror {
        /// Which copies from then on; none where it is `None`.
        mirror: Option<Mirror>,
    },
    /// Watch a revision under its share of the calls.
    Observe(Observe),
    /// Watch two revisions until one is the better one.
    Experiment(Experiment),
    /// Compare the answers to copied calls with those that the callers got.
    Compare(Compare),
    /// Wait.
    Pause {
        /// How long. One that lasts until an operator says so ends with `resume` or `promote`.
        lasts: PauseFor,
    },
    /// Ask somebody else whether to go on.
    Gate {
        /// Whom, and how long.
        gate: Gate,
    },
    /// End a trial without a promotion.
    Conclude,
    /// Wait for the other services of an update of several.
    Join {
        /// Which update.
        batch: BatchId,
        /// When it goes on.
        order: BatchOrder,
    },
    /// Keep what was replaced warm until an update of several services is decided.
    Keep {
        /// Which update.
        batch: BatchId,
        /// Which revision, if there was one.
        revision: Option<RevisionNumber>,
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

/// How many instances are to be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Warmth {
    /// So many.
    Instances(u32),
    /// As many as this share of those that the active revision has, and the revision's own `min` at least.
    Share(Weight),
}

/// Which copies of calls a revision gets. Their answers go to nobody: they are compared with those that the
/// callers got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mirror {
    /// Who gets them.
    pub revision: RevisionNumber,
    /// Of how many calls.
    pub weight: Weight,
    /// How bodies are compared.
    pub compare: CompareBy,
    /// What of a JSON body may differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
}

/// How a candidate is watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observe {
    /// Which revision.
    pub revision: RevisionNumber,
    /// How long.
    pub during: Span,
    /// What its calls are held to.
    pub bounds: Bounds,
    /// Which revision it is compared with over the same seconds, if with any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<RevisionNumber>,
    /// What else is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricSettings>,
    /// What happens when the window ends and says too little.
    #[serde(default)]
    pub on_inconclusive: OnInconclusive,
}

/// An experiment: the candidate is watched, `observe.during` at most, until one of both is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Experiment {
    /// What it is called.
    pub name: String,
    /// How the candidate is watched meanwhile.
    #[serde(flatten)]
    pub observe: Observe,
    /// The revision that is the other variant.
    pub control: RevisionNumber,
    /// Which calls are a success.
    pub success: Success,
    /// What happens when the candidate has won.
    pub on_decision: OnDecision,
}

/// What the answers to copied calls are held to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Compare {
    /// Who gets the copies.
    pub revision: RevisionNumber,
    /// How long.
    pub during: Span,
    /// The share of the answers that may differ, in per cent.
    pub max_difference: f64,
    /// Answers that must have been compared; 0 asks for none.
    pub min_calls: u64,
    /// What happens when the window ends and says too little.
    #[serde(default)]
    pub on_inconclusive: OnInconclusive,
}

impl Step {
    pub(crate) const fn start(revision: RevisionNumber) -> Self {
        Self::Start { revision }
    }

    pub(crate) const fn await_ready(revision: RevisionNumber, within: Duration) -> Self {
        Self::AwaitReady { revision, share: None, within: Span(within) }
    }

    pub(crate) const fn warm(revision: RevisionNumber, to: Warmth, within: Duration) -> Self {
        Self::Warm { revision, to, within: Span(within) }
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

    /// Whether it only tries a candidate out, so that a promotion by hand leaves it out.
    pub(crate) fn is_trial(&self) -> bool {
        match self {
            Self::Observe(_)
            | Self::Experiment(_)
            | Self::Compare(_)
            | Self::Pause { .. }
            | Self::Gate { .. }
            | Self::Mirror { mirror: Some(_) } => true,
            Self::Start { .. }
            | Self::AwaitReady { .. }
            | Self::Warm { .. }
            | Self::Shift { .. }
            | Self::Mirror { mirror: None }
            | Self::Conclude
            | Self::Join { .. }
            | Self::Keep { .. }
            | Self::Hold { .. }
            | Self::Drain { .. }
            | Self::Stop { .. } => false,
        }
    }

    /// Whether it only looks or asks, so that a pause takes effect amid it.
    pub(crate) fn rests_when_paused(&self) -> bool {
        match self {
            Self::Observe(_) | Self::Experiment(_) | Self::Compare(_) | Self::Join { .. } => true,
            Self::Pause { lasts } => *lasts == PauseFor::UntilPromoted,
            Self::Gate { gate } => match gate.by {
                GateBy::Webhook(_) => true,
                // One that ends by itself has to be timed.
                GateBy::Operator => gate.timeout.is_none() || gate.on_timeout == OnTimeout::Pause,
            },
            _ => false,
        }
    }

    /// Whether an operator's word ends it.
    pub(crate) fn awaits_operator(&self) -> bool {
        match self {
            Self::Pause { lasts } => *lasts == PauseFor::UntilPromoted,
            Self::Gate { gate } => gate.by == GateBy::Operator,
            _ => false,
        }
    }

    /// The update of several services that ends it.
    pub(crate) const fn batch(&self) -> Option<BatchId> {
        match self {
            Self::Join { batch, .. } | Self::Keep { batch, .. } => Some(*batch),
            _ => None,
        }
    }

    /// What happens when it ends and its evidence does not decide.
    pub(crate) fn on_inconclusive(&self) -> OnInconclusive {
        match self {
            Self::Observe(observe) => observe.on_inconclusive,
            Self::Experiment(experiment) => experiment.observe.on_inconclusive,
            Self::Compare(compare) => compare.on_inconclusive,
            _ => OnInconclusive::Pause,
        }
    }
}
