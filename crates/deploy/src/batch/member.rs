//! What a service's record makes of an update of several services.
//!
//! Each transition can be tried again: on a record that has made it, or that takes no part any more, it
//! changes nothing.

use airssys_wasm_model::{RevisionNumber, RolloutSettings};

use super::due::MemberState;
use super::record::{BatchId, BatchMember, BatchOrder, BatchRecord, Decision};
use crate::plan::{Plan, PlanError};
use crate::record::ServiceRecord;
use crate::rollout::{
    Outcome, Rollout, RolloutKind, RolloutNumber, StepRecord, StepState, TakenBack,
};
use crate::step::Step;
use crate::timestamp::Timestamp;
use crate::transition::{Asked, BeginError, StepAt};

impl ServiceRecord {
    /// The plan of a member that brings `to` the calls.
    ///
    /// # Errors
    /// When the settings make no sense, or end without a promotion.
    pub fn plan_of_member(
        &self,
        settings: &RolloutSettings,
        to: RevisionNumber,
        batch: BatchId,
        order: BatchOrder,
    ) -> Result<Plan, PlanError> {
        self.plan(settings, to)?.joining(batch, order, self.active)
    }

    /// Begins the rollout of this member.
    ///
    /// # Errors
    /// When it cannot begin, or is not the one that the batch's record names. Nothing has begun then.
    pub fn begin_member(
        &mut self,
        asked: Asked,
        batch: &BatchRecord,
        member: &BatchMember,
        at: Timestamp,
    ) -> Result<RolloutNumber, BeginError> {
        self.check_begin(asked.to)?;
        if (self.next_rollout, asked.to) != (member.rollout, member.revision) {
            return Err(BeginError::Moved);
        }
        let plan = self.plan_of_member(&asked.settings, asked.to, batch.id, batch.order)?;
        Ok(self.open(asked, plan, at))
    }

    /// The update of several services that decides about the rollout: the rollout itself cannot be aborted then.
    pub fn batch(&self) -> Option<BatchId> {
        self.rollout.as_ref().and_then(Rollout::open_batch)
    }

    /// How the service stands as this member.
    pub fn member_state(&self, batch: BatchId, member: &BatchMember) -> MemberState {
        let removing = self.rollout.as_ref().is_some_and(|it| it.kind == RolloutKind::Remove);
        let rollout = self.rollout(member.rollout).filter(|rollout| rollout.is_of(batch));
        let Some(rollout) = rollout.filter(|_| !removing && !self.is_removed()) else {
            return MemberState::Absent;
        };
        let reason = || rollout.reason().unwrap_or("no reason").to_owned();
        match rollout.outcome {
            Some(Outcome::Promoted) if rollout.open_batch().is_some() => {
                MemberState::Promoted { held: true }
            }
            Some(Outcome::Promoted) => self.since_promoted(rollout),
            Some(_) => MemberState::TakenBack { reason: reason(), done: true },
            None if rollout.taken_back.is_some() => {
                MemberState::TakenBack { reason: reason(), done: false }
            }
            None if rollout.is_committed() => MemberState::Committed,
            None if rollout.joined(batch).is_some() => {
                MemberState::Waiting { paused: rollout.paused.is_some() }
            }
            None => MemberState::OnTheWay,
        }
    }

    /// Does what was decided for all.
    pub fn hear(&mut self, batch: &BatchRecord, at: Timestamp) {
        match (&batch.decision, batch.order) {
            (None, _) => {}
            (Some(Decision::Go { .. }), BatchOrder::Together) => {
                if let Some(rollout) = &mut self.rollout
                    && rollout.joined(batch.id).is_some()
                {
                    // Whoever paused it was later than the decision.
                    rollout.paused = None;
                }
                self.pass(batch.id, at);
            }
            (Some(Decision::Go { .. }), BatchOrder::InOrder) => self.release(batch.id, None, at),
            (Some(Decision::Abort { reason, .. }), _) => self.leave(batch, reason, at),
        }
    }

    /// Goes on from where it joined, unless somebody has paused it.
    pub(super) fn pass(&mut self, batch: BatchId, at: Timestamp) {
        let Some(rollout) = self.rollout.as_ref().filter(|it| it.paused.is_none()) else { return };
        let Some(index) = rollout.joined(batch) else { return };
        let step = StepAt { rollout: rollout.number, index };
        self.step_done(step, None, at);
    }

    /// What became of a promoted rollout that nothing keeps warm: the rollout after it, if that undoes it.
    fn since_promoted(&self, promoted: &Rollout) -> MemberState {
        let undoes = |it: &&Rollout| it.kind == RolloutKind::Rollback && it.to_undo(promoted);
        let next = self.rollout(RolloutNumber(promoted.number.0 + 1)).filter(undoes);
        match next.map(|next| (next.outcome, next.reason())) {
            None => MemberState::Promoted { held: false },
            Some((None, _)) => MemberState::GoingBack,
            Some((Some(Outcome::Promoted), _)) => MemberState::Back,
            Some((Some(_), reason)) => {
                MemberState::Kept { reason: reason.unwrap_or("no reason").to_owned() }
            }
        }
    }

    fn leave(&mut self, batch: &BatchRecord, reason: &str, at: Timestamp) {
        let Some(rollout) = self.rollout.as_ref().filter(|it| it.is_of(batch.id)) else { return };
        let reason = format!("{} was aborted: {reason}", batch.id);
        if rollout.is_open() {
            self.take_back(TakenBack { fault: false, reason }, at);
        } else if rollout.outcome == Some(Outcome::Promoted) && rollout.open_batch().is_some() {
            self.go_back(batch, reason, at);
        }
    }

    /// Rolls a promoted member back to what it had, at once where that is still warm.
    fn go_back(&mut self, batch: &BatchRecord, why: String, at: Timestamp) {
        let from = self.rollout.as_ref().and_then(|rollout| rollout.from);
        let from = from.filter(|from| self.revision(*from).is_some() && self.active != Some(*from));
        let settings = RolloutSettings::default();
        match from.map(|from| (from, self.plan(&settings, from))) {
            Some((to, Ok(plan))) => {
                let (kind, by) = (RolloutKind::Rollback, batch.by.clone());
                self.open(Asked { kind, settings, to, by, why }, plan, at);
            }
            _ => self.release(batch.id, Some("there is nothing to go back to".to_owned()), at),
        }
    }

    /// What was kept for the way back is needed no more.
    fn release(&mut self, batch: BatchId, note: Option<String>, at: Timestamp) {
        let Some(rollout) = self.rollout.as_mut() else { return };
        let keeps = |it: &&mut StepRecord| {
            it.is_open() && matches!(it.step, Step::Keep { batch: of, .. } if of == batch)
        };
        let Some(keep) = rollout.steps.iter_mut().find(keeps) else { return };
        keep.end(StepState::Done, note, at);
        self.advance(at);
    }
}

impl Rollout {
    /// Whether it has passed where it joined the others, and all are promoted: nothing can take it back.
    pub(crate) fn is_committed(&self) -> bool {
        self.steps.iter().any(|it| {
            let together = matches!(it.step, Step::Join { order: BatchOrder::Together, .. });
            together && it.state == StepState::Done
        })
    }

    /// The update of several services that still decides about it.
    pub(crate) fn open_batch(&self) -> Option<BatchId> {
        self.steps.iter().filter(|it| it.is_open()).find_map(|it| it.step.batch())
    }

    fn is_of(&self, batch: BatchId) -> bool {
        self.steps.iter().any(|it| it.step.batch() == Some(batch))
    }

    /// Where it waits for the others, if it does.
    fn joined(&self, batch: BatchId) -> Option<usize> {
        let running = self.running_step()?;
        let joins = matches!(self.steps[running].step, Step::Join { batch: of, .. } if of == batch);
        joins.then_some(running)
    }

    fn to_undo(&self, promoted: &Self) -> bool {
        self.from == Some(promoted.to) && promoted.from == Some(self.to)
    }
}
