//! From one step to the next, and what each makes true of the revisions.

use airssys_wasm_model::RevisionNumber;

use super::happen::{StepAt, is_running};
use crate::observation::Seen;
use crate::record::{ROLLOUTS_KEPT, ServiceRecord};
use crate::revision::RevisionState;
use crate::rollout::{Outcome, Rollout, RolloutKind, StepState};
use crate::step::Step;
use crate::timestamp::Timestamp;

impl ServiceRecord {
    /// Begins the next step, unless one runs or the rollout waits. After the last the rollout is past.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let Some(rollout) = &mut self.rollout else { return };
        if rollout.running_step().is_some() || rollout.paused.is_some() {
            return;
        }
        let next = rollout.steps.iter_mut().find(|step| step.state == StepState::Pending);
        let Some(next) = next else { return self.archive(now) };
        next.end(StepState::Running, None, now);
        let step = next.step.clone();
        self.intend(&step);
    }

    /// What is true as soon as a step is intended.
    fn intend(&mut self, step: &Step) {
        match step {
            Step::Start { revision } => {
                self.set_state(*revision, RevisionState::Starting);
                if let Some(revision) = self.revision_mut(*revision) {
                    revision.fault = None;
                }
            }
            Step::Shift { table } => {
                // A restart from here publishes the new table, so what it names counts as sent calls.
                self.table = table.clone();
                let active = self.active;
                let named = table.revisions().into_iter();
                for number in named.filter(|number| Some(*number) != active) {
                    self.set_state(number, RevisionState::Candidate);
                }
            }
            Step::Drain { revision, .. } => {
                self.set_state_if_running(*revision, RevisionState::Draining)
            }
            // Before it is done: one that is being stopped is not warm, and a way back starts it anew.
            Step::Stop { revision } => {
                if let Some(revision) = self.revision_mut(*revision) {
                    revision.stop();
                }
            }
            Step::AwaitReady { .. } | Step::Observe { .. } | Step::Hold { .. } => {}
        }
    }

    /// What is true when a step is done.
    pub(super) fn apply(&mut self, at: StepAt, step: &Step, now: Timestamp) {
        match step {
            Step::AwaitReady { revision, .. } => {
                self.set_state_if_running(*revision, RevisionState::Ready);
            }
            Step::Shift { .. } if !self.shifts_after(at.index) => self.decide(now),
            _ => {}
        }
    }

    /// The last table is live, so the rollout is decided.
    fn decide(&mut self, now: Timestamp) {
        let Some(rollout) = &mut self.rollout else { return };
        let outcome = match (rollout.kind, &rollout.taken_back) {
            (RolloutKind::Remove, _) => Outcome::Removed,
            (_, Some(_)) => Outcome::Aborted,
            (_, None) => Outcome::Promoted,
        };
        (rollout.outcome, rollout.decided) = (Some(outcome), Some(now));
        rollout.paused = None;
        let to = rollout.to;
        match outcome {
            Outcome::Promoted => self.active = Some(to),
            Outcome::Removed => self.active = None,
            Outcome::Aborted => {}
        }
        let (active, table) = (self.active, self.table.clone());
        for revision in self.revisions.iter_mut().filter(|it| it.state.is_running()) {
            let reviving = revision.state == RevisionState::Starting && outcome == Outcome::Aborted;
            revision.state = if Some(revision.number) == active && !reviving {
                if outcome == Outcome::Promoted {
                    revision.promoted = Some(now);
                }
                RevisionState::Active
            } else if table.weight(revision.number).is_none() {
                RevisionState::Ready
            } else {
                revision.state
            };
        }
    }

    pub(super) fn archive(&mut self, now: Timestamp) {
        let Some(mut rollout) = self.rollout.take() else { return };
        let open = rollout.steps.iter_mut().filter(|step| step.is_open());
        open.for_each(|step| step.end(StepState::Skipped, Some("superseded".to_owned()), now));
        self.past.push(rollout);
        let surplus = self.past.len().saturating_sub(ROLLOUTS_KEPT);
        self.past.drain(..surplus);
    }

    pub(super) fn end_step(
        &mut self,
        at: StepAt,
        state: StepState,
        note: Option<String>,
        now: Timestamp,
    ) -> Option<Step> {
        let rollout = self.rollout.as_mut().filter(|rollout| is_running(rollout, at))?;
        let step = &mut rollout.steps[at.index];
        step.end(state, note, now);
        Some(step.step.clone())
    }

    pub(super) fn count(&mut self, at: StepAt, seen: Seen) -> String {
        if let Some(rollout) = self.rollout.as_mut().filter(|rollout| is_running(rollout, at)) {
            rollout.seen += seen;
        }
        match seen.errors {
            0 => format!("{seen}, none failed"),
            errors => format!("{seen}, {errors} failed"),
        }
    }

    /// A pause takes effect between steps, and amid a step that only waits.
    pub(super) fn waits_at(&self, rollout: &Rollout, index: usize) -> bool {
        rollout.paused.is_some() && matches!(rollout.steps[index].step, Step::Observe { .. })
    }

    fn shifts_after(&self, index: usize) -> bool {
        self.rollout.as_ref().is_some_and(|rollout| rollout.shifts_after(index))
    }

    pub(super) fn set_state(&mut self, number: RevisionNumber, state: RevisionState) {
        if let Some(revision) = self.revision_mut(number) {
            revision.state = state;
        }
    }

    pub(super) fn set_state_if_running(&mut self, number: RevisionNumber, state: RevisionState) {
        if self.revision(number).is_some_and(|revision| revision.state.is_running()) {
            self.set_state(number, state);
        }
    }
}
