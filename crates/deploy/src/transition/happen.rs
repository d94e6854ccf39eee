//! What a walk finds due, and what came of it.

use airssys_wasm_model::OnInconclusive;

use crate::evidence::Findings;
use crate::plan::Plan;
use crate::record::ServiceRecord;
use crate::rollout::{Outcome, Pause, Rollout, RolloutNumber, StepState, TakenBack};
use crate::step::Step;
use crate::timestamp::Timestamp;

/// What the record asks to be done next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Due {
    /// Nothing: no rollout is recorded.
    Nothing,
    /// To wait until somebody steers.
    Steering,
    /// This step.
    Step { at: StepAt, step: Step },
}

/// A step's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StepAt {
    pub(crate) rollout: RolloutNumber,
    pub(crate) index: usize,
}

impl ServiceRecord {
    pub(crate) fn due(&self) -> Due {
        let Some(rollout) = &self.rollout else { return Due::Nothing };
        match rollout.running_step() {
            Some(index) if !self.waits_at(rollout, index) => {
                let at = StepAt { rollout: rollout.number, index };
                Due::Step { at, step: rollout.steps[index].step.clone() }
            }
            _ => Due::Steering,
        }
    }

    /// A step is done: records it and begins the next. A step that is not running any more, because
    /// somebody steered meanwhile, changes nothing.
    pub(crate) fn step_done(&mut self, at: StepAt, note: Option<String>, now: Timestamp) {
        if let Some(step) = self.end_step(at, StepState::Done, note, now) {
            if let Some(rollout) = self.rollout.as_mut().filter(|_| step.awaits_operator()) {
                // What it waited for did not come in time, and it goes on without.
                rollout.paused = None;
            }
            self.apply(at, &step, now);
            self.advance(now);
        }
    }

    /// A step failed. Before the decision the rollout is taken back; after it, or while it is taken
    /// back, the failure is noted and the rest still done, because leaving revisions running helps nobody.
    pub(crate) fn step_failed(&mut self, at: StepAt, reason: String, now: Timestamp) {
        let open = self.rollout.as_ref().is_some_and(Rollout::is_open);
        let Some(step) = self.end_step(at, StepState::Failed, Some(reason.clone()), now) else {
            return;
        };
        if open {
            self.take_back(TakenBack { fault: true, reason }, now);
        } else {
            self.apply(at, &step, now);
            self.advance(now);
        }
    }

    /// What a window has come to so far.
    pub(crate) fn found(&mut self, at: StepAt, findings: &Findings) {
        let Some(rollout) = self.rollout.as_mut().filter(|it| is_running(it, at)) else { return };
        rollout.steps[at.index].evidence = Some(Box::new(findings.evidence.clone()));
        if let Some(trial) = &findings.trial {
            rollout.trial = Some(trial.clone());
        }
    }

    /// A window is over.
    pub(crate) fn observed(&mut self, at: StepAt, found: &Findings, note: String, now: Timestamp) {
        self.count(at, found);
        self.step_done(at, Some(note), now);
    }

    /// The candidate is worse than it may be.
    pub(crate) fn regressed(
        &mut self,
        at: StepAt,
        found: &Findings,
        reason: String,
        now: Timestamp,
    ) {
        self.count(at, found);
        self.step_failed(at, reason, now);
    }

    /// A window is over and said too little: it waits for an operator, or is taken back, as was asked.
    pub(crate) fn inconclusive(
        &mut self,
        at: StepAt,
        found: &Findings,
        reason: String,
        now: Timestamp,
    ) {
        self.count(at, found);
        self.undecided(at, reason, now);
    }

    /// A step ends and leaves open whether the candidate is sound. When the rollout is decided already that
    /// is only noted.
    pub(crate) fn undecided(&mut self, at: StepAt, reason: String, now: Timestamp) {
        let Some(rollout) = self.rollout.as_mut().filter(|it| is_running(it, at)) else { return };
        if !rollout.is_open() {
            return self.step_done(at, Some(reason), now);
        }
        match rollout.steps[at.index].step.on_inconclusive() {
            OnInconclusive::Pause => {
                rollout.paused.get_or_insert(Pause { inconclusive: true, reason, at: now });
            }
            OnInconclusive::Abort => self.step_failed(at, reason, now),
        }
    }

    /// An experiment is decided, and both variants keep their calls until an operator says more.
    pub(crate) fn kept(&mut self, at: StepAt, found: &Findings, reason: String, now: Timestamp) {
        self.count(at, found);
        if self.end_step(at, StepState::Done, Some(reason.clone()), now).is_none() {
            return;
        }
        if let Some(rollout) = &mut self.rollout {
            rollout.paused.get_or_insert(Pause { inconclusive: false, reason, at: now });
        }
    }

    /// Whether this step is still to be done as it was begun.
    pub(crate) fn still_due(&self, at: StepAt) -> bool {
        self.rollout
            .as_ref()
            .is_some_and(|rollout| is_running(rollout, at) && !self.waits_at(rollout, at.index))
    }

    /// Undoes the rollout, if it is not decided: restores the table that was, in the same save.
    pub(crate) fn take_back(&mut self, back: TakenBack, now: Timestamp) {
        let Some(rollout) = self.rollout.as_ref().filter(|rollout| rollout.is_open()) else {
            return;
        };
        let (to, before) = (rollout.to, rollout.before.clone());
        let (shifted, mirrors) = (self.table != before, rollout.mirrors());
        let mut retiring = self.retiring(&before);
        // The candidate's calls first: what it does wrong ends soonest.
        retiring.sort_by_key(|it| it.revision != to);
        let fault = back.fault.then(|| back.reason.clone());
        if let Some(candidate) = self.revision_mut(to) {
            candidate.fault = fault;
        }
        let Some(rollout) = &mut self.rollout else { return };
        let open = rollout.steps.iter_mut().filter(|step| step.is_open());
        open.for_each(|step| step.end(StepState::Skipped, None, now));
        rollout.append(Plan::back(shifted.then_some(before), mirrors, &retiring), now);
        rollout.paused = None;
        rollout.taken_back = Some(back);
        // Whoever promoted it did not decide this.
        rollout.decided_by = None;
        rollout.trial = None;
        if !shifted {
            // No call was ever sent to it, so nothing is left to undo but the candidate itself.
            (rollout.outcome, rollout.decided) = (Some(Outcome::Aborted), Some(now));
        }
        self.advance(now);
    }
}

pub(super) fn is_running(rollout: &Rollout, at: StepAt) -> bool {
    rollout.number == at.rollout
        && rollout.steps.get(at.index).is_some_and(|step| step.state == StepState::Running)
}
