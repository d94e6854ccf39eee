//! One rollout as it is recorded: its steps with their states, and how it ended.

use std::fmt;

use airssys_wasm_model::{RevisionNumber, StrategyName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{StepEvidence, Trial};
use crate::observation::Seen;
use crate::plan::Plan;
use crate::step::Step;
use crate::table::Table;
use crate::timestamp::Timestamp;

/// The number of a rollout within its service, counted from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct RolloutNumber(pub u32);

/// A rollout: under way, in its tail (decided, and the revisions it leaves still end their calls), or past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rollout {
    /// Its number within the service.
    pub number: RolloutNumber,
    /// What asked for it.
    pub kind: RolloutKind,
    /// By which strategy.
    pub strategy: StrategyName,
    /// The revision that was active when it began.
    pub from: Option<RevisionNumber>,
    /// The revision that is to be active. For a removal, the last one that was.
    pub to: RevisionNumber,
    /// The table when it began: what an abort restores.
    pub before: Table,
    /// The steps, done and to be done. Taking back appends its own.
    pub steps: Vec<StepRecord>,
    /// When it began.
    pub at: Timestamp,
    /// Who asked.
    pub by: String,
    /// What for.
    pub why: String,
    /// The candidate's calls that were watched.
    pub seen: Seen,
    /// What the trial has come to so far, for a walk that goes on after a restart. `None` once decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// Why it waits, if it does.
    pub paused: Option<Pause>,
    /// Why it is taken back, if it is.
    pub taken_back: Option<TakenBack>,
    /// How it was decided: `None` while it is under way.
    pub outcome: Option<Outcome>,
    /// When it was decided.
    pub decided: Option<Timestamp>,
    /// Who decided it by hand. `None` where the evidence or the plan did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
}

/// A step and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepRecord {
    /// What is done.
    pub step: Step,
    /// How far.
    pub state: StepState,
    /// Since when.
    pub at: Timestamp,
    /// What came of it, when there is more to say than its state.
    pub note: Option<String>,
    /// What was seen in it: while it runs at most seconds old, in the end what it was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<StepEvidence>>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Intended, and perhaps done: a restart does it again.
    Running,
    /// Done.
    Done,
    /// Tried in vain.
    Failed,
    /// Left out.
    Skipped,
}

/// What asked for a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RolloutKind {
    /// `deploy`.
    Deploy,
    /// `update`.
    Update,
    /// `rollback`.
    Rollback,
    /// `remove`.
    Remove,
}

/// How a rollout was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Its revision became the active one.
    Promoted,
    /// Everything is as it was before.
    Aborted,
    /// Its trial is over, and everything is as it was before: it was not to be promoted.
    Concluded,
    /// The service takes no calls any more.
    Removed,
}

/// Why a rollout waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Whether it paused itself, because its evidence is inconclusive.
    pub inconclusive: bool,
    /// In words.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

/// Why a rollout is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakenBack {
    /// Whether the candidate is at fault, not an operator's wish.
    pub fault: bool,
    /// In words.
    pub reason: String,
}

impl Rollout {
    /// Whether it is not decided yet. Its tail, the holding, draining and stopping after that, is not
    /// a rollout under way.
    pub const fn is_under_way(&self) -> bool {
        self.outcome.is_none()
    }

    /// Whether it still can be promoted or taken back.
    pub(crate) fn is_open(&self) -> bool {
        let removes = self.kind == RolloutKind::Remove;
        self.is_under_way() && self.taken_back.is_none() && !removes && !self.is_committed()
    }

    /// The step that is intended now.
    pub fn running_step(&self) -> Option<usize> {
        self.steps.iter().position(|step| step.state == StepState::Running)
    }

    /// Why it ended or waits, in words, when there is more to say than its outcome.
    pub fn reason(&self) -> Option<&str> {
        let taken_back = self.taken_back.as_ref().map(|back| back.reason.as_str());
        taken_back.or(self.paused.as_ref().map(|pause| pause.reason.as_str()))
    }

    pub(crate) fn append(&mut self, plan: Plan, at: Timestamp) {
        self.steps.extend(plan.steps.into_iter().map(|step| StepRecord::pending(step, at)));
    }

    /// Forgets what was seen in all steps but the last that has evidence: that is what it was decided on,
    /// and a record keeps many rollouts.
    pub(crate) fn keep_last_evidence(&mut self) {
        let seen = self.steps.iter_mut().rev().filter(|step| step.evidence.is_some());
        seen.skip(1).for_each(|step| step.evidence = None);
    }

    /// Whether a table remains to be published after this step.
    pub(crate) fn shifts_after(&self, index: usize) -> bool {
        self.shifts_left_after(index) > 0
    }

    /// How many tables remain to be published after this step.
    pub(crate) fn shifts_left_after(&self, index: usize) -> usize {
        self.steps[index + 1..].iter().filter(|step| step.is_pending_shift()).count()
    }

    /// Whether calls are copied to its candidate, or may be.
    pub(crate) fn mirrors(&self) -> bool {
        let begun = self.steps.iter().filter(|step| step.state != StepState::Pending);
        let last = begun.rev().find_map(|record| match &record.step {
            Step::Mirror { mirror } => Some(mirror.is_some() || record.state != StepState::Done),
            _ => None,
        });
        last.unwrap_or(false)
    }
}

impl StepRecord {
    pub(crate) const fn pending(step: Step, at: Timestamp) -> Self {
        Self { step, state: StepState::Pending, at, note: None, evidence: None }
    }

    /// Whether it is to be done or being done.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, StepState::Pending | StepState::Running)
    }

    fn is_pending_shift(&self) -> bool {
        self.state == StepState::Pending && matches!(self.step, Step::Shift { .. })
    }

    pub(crate) fn end(&mut self, state: StepState, note: Option<String>, at: Timestamp) {
        (self.state, self.note, self.at) = (state, note, at);
    }
}

impl StepState {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl Outcome {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::Aborted => "aborted",
            Self::Concluded => "concluded",
            Self::Removed => "removed",
        }
    }
}

impl fmt::Display for RolloutNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE_THERE_WAS_EVIDENCE: &str = r#"{
        "number": 2, "kind": "update", "strategy": "canary", "from": 1, "to": 2,
        "before": [{ "revision": 1, "weight": 10000 }],
        "steps": [
            { "step": { "do": "await-ready", "revision": 2, "within": 30000 },
              "state": "done", "at": "2026-01-31T12:00:00.000Z", "note": null },
            { "step": { "do": "observe", "revision": 2, "during": 10000,
                        "bounds": { "max_error_rate": 1.0, "min_calls": 7 } },
              "state": "running", "at": "2026-01-31T12:00:01.000Z", "note": null }
        ],
        "at": "2026-01-31T12:00:00.000Z", "by": "an operator", "why": "an update",
        "seen": { "calls": 5, "errors": 0 },
        "paused": null, "taken_back": null, "outcome": null, "decided": null
    }"#;

    #[test]
    fn a_rollout_recorded_by_the_version_before_goes_on() {
        let rollout: Rollout = serde_json::from_str(BEFORE_THERE_WAS_EVIDENCE).unwrap();
        assert_eq!(rollout.running_step(), Some(1));
        assert!(rollout.is_open() && !rollout.mirrors() && rollout.decided_by.is_none());
        let Step::Observe(observe) = &rollout.steps[1].step else { panic!("{rollout:?}") };
        assert_eq!((observe.against, observe.bounds.min_calls), (None, 7));
        assert!(observe.bounds.p99.is_empty());
    }

    #[test]
    fn of_all_evidence_a_past_rollout_keeps_what_it_was_decided_on() {
        let mut rollout: Rollout = serde_json::from_str(BEFORE_THERE_WAS_EVIDENCE).unwrap();
        for step in &mut rollout.steps {
            step.evidence = Some(Box::default());
        }
        rollout.keep_last_evidence();
        assert!(rollout.steps[0].evidence.is_none() && rollout.steps[1].evidence.is_some());
    }
}
