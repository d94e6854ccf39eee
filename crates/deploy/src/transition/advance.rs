//! From one step to the next, and what each makes true of the revisions.

use airssys_wasm_model::{Gate, RevisionNumber};

use super::happen::{StepAt, is_running};
use crate::evidence::Findings;
use crate::record::{ROLLOUTS_KEPT, ServiceRecord};
use crate::revision::RevisionState;
use crate::rollout::{Outcome, Pause, Rollout, RolloutKind, StepState};
use crate::step::Step;
use crate::timestamp::Timestamp;

impl ServiceRecord {
    /// Begins the next step, unless one runs or the rollout waits. After the last the rollout is past.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        let Some(rollout) = &mut self.rollout else { return };
        if rollout.running_step().is_some() || rollout.paused.is_some() {
            return;
        }
        let next = rollout.steps.iter_mut().find(|step| step.state == StepState::Pending);
        let Some(next) = next else { return self.archive(now) };
        next.end(StepState::Running, None, now);
        let step = next.step.clone();
        self.intend(&step, now);
    }

    /// What is true as soon as a step is intended.
    fn intend(&mut self, step: &Step, now: Timestamp) {
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
            step if step.awaits_operator() => self.wait_for_operator(step, now),
            _ => {}
        }
    }

    /// What is true when a step is done.
    pub(super) fn apply(&mut self, at: StepAt, step: &Step, now: Timestamp) {
        match step {
            // One that is made ready again after a restart may have its calls already.
            Step::AwaitReady { revision, .. } if self.table.weight(*revision).is_none() => {
                self.set_state_if_running(*revision, RevisionState::Ready);
            }
            Step::Shift { .. } if !self.shifts_after(at.index) => self.shifted(now),
            Step::Conclude => self.decide(Outcome::Concluded, now),
            _ => {}
        }
    }

    fn wait_for_operator(&mut self, step: &Step, now: Timestamp) {
        let Some(rollout) = &mut self.rollout else { return };
        let reason = match step {
            Step::Gate { gate: Gate { reason: Some(reason), .. } } => {
                format!("{reason}: it waits for an operator to resume, promote or abort")
            }
            Step::Gate { .. } => {
                "at a gate: it waits for an operator to resume or abort".to_owned()
            }
            _ => "as planned: it waits for an operator to promote, resume or abort".to_owned(),
        };
        let pause = Pause { inconclusive: false, reason, at: now };
        rollout.paused.get_or_insert(pause);
    }

    /// The last table is live, so the rollout is decided.
    fn shifted(&mut self, now: Timestamp) {
        let Some(rollout) = &self.rollout else { return };
        let outcome = match (rollout.kind, &rollout.taken_back) {
            (RolloutKind::Remove, _) => Outcome::Removed,
            (_, Some(_)) => Outcome::Aborted,
            (_, None) => Outcome::Promoted,
        };
        self.decide(outcome, now);
    }

    fn decide(&mut self, outcome: Outcome, now: Timestamp) {
        let Some(rollout) = &mut self.rollout else { return };
        (rollout.outcome, rollout.decided) = (Some(outcome), Some(now));
        (rollout.paused, rollout.trial) = (None, None);
        let to = rollout.to;
        match outcome {
            Outcome::Promoted => self.active = Some(to),
            Outcome::Removed => self.active = None,
            Outcome::Aborted | Outcome::Concluded => {}
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
        rollout.trial = None;
        rollout.keep_last_evidence();
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

    /// Takes over what a window came to, in the end.
    pub(super) fn count(&mut self, at: StepAt, findings: &Findings) {
        self.found(at, findings);
        if let Some(rollout) = self.rollout.as_mut().filter(|rollout| is_running(rollout, at)) {
            rollout.seen += findings.seen;
        }
    }

    /// A pause takes effect between steps, and amid a step that only looks or waits.
    pub(super) fn waits_at(&self, rollout: &Rollout, index: usize) -> bool {
        rollout.paused.is_some() && rollout.steps[index].step.rests_when_paused()
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
