//! How a service's record changes: pure transitions, each whole in itself.
//!
//! A transition that finishes a step also begins the next one, so that one save both records a result and
//! the next intent: a step costs one durable write.

use airssys_wasm_model::{RevisionNumber, RolloutSettings, StrategyName};

use crate::observation::Seen;
use crate::plan::{Plan, PlanError};
use crate::record::{ROLLOUTS_KEPT, ServiceRecord};
use crate::revision::RevisionState;
use crate::rollout::{Outcome, Pause, Rollout, RolloutKind, RolloutNumber, StepState, TakenBack};
use crate::step::Step;
use crate::table::Table;
use crate::timestamp::Timestamp;

/// A rollout that is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What asks for it.
    pub kind: RolloutKind,
    /// How it is to go.
    pub settings: RolloutSettings,
    /// The revision that is to get the calls.
    pub to: RevisionNumber,
    /// Who asks.
    pub by: String,
    /// What for.
    pub why: String,
}

/// Why a rollout cannot begin.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
pub enum BeginError {
    /// Another one is not decided yet.
    #[error("a rollout to {to} is under way")]
    UnderWay {
        /// Where it goes.
        to: RevisionNumber,
    },
    /// The service is being removed.
    #[error("the service is being removed")]
    Removing,
    /// No such revision is recorded.
    #[error("there is no revision {0}")]
    NoRevision(RevisionNumber),
    /// The revision has all calls already.
    #[error("{0} is the active revision already")]
    Active(RevisionNumber),
    /// No plan can be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// Why a rollout cannot be steered.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum SteerError {
    /// None is under way.
    #[error("no rollout is under way")]
    NoRollout,
    /// It is being taken back, or the service removed.
    #[error("the rollout is being taken back")]
    TakenBack,
    /// It does not wait.
    #[error("the rollout is not paused")]
    NotPaused,
}

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

/// What asks and is asked.
impl ServiceRecord {
    /// Begins a rollout. One that is decided and in its tail is superseded: what it had still to drain
    /// and stop is in the new plan.
    ///
    /// # Errors
    /// When it cannot begin. Nothing has changed then.
    pub fn begin(&mut self, asked: Asked, at: Timestamp) -> Result<RolloutNumber, BeginError> {
        let to = asked.to;
        self.check_begin(to)?;
        let plan = self.plan(&asked.settings, to)?;
        Ok(self.open(asked.kind, asked.settings.strategy, to, plan, asked.by, asked.why, at))
    }

    /// Begins the service's removal, also amid a rollout.
    pub fn begin_removal(&mut self, by: String, why: String, at: Timestamp) -> RolloutNumber {
        if let Some(rollout) = self.rollout.as_mut().filter(|it| it.is_under_way()) {
            if rollout.kind == RolloutKind::Remove {
                return rollout.number;
            }
            let reason = "the service was removed".to_owned();
            rollout.taken_back = Some(TakenBack { fault: false, reason });
            (rollout.outcome, rollout.decided) = (Some(Outcome::Aborted), Some(at));
        }
        let last = RevisionNumber(self.next_revision.0.saturating_sub(1));
        let plan = Plan::removal(&self.retiring(&Table::EMPTY));
        let to = self.active.unwrap_or(last);
        self.open(RolloutKind::Remove, StrategyName::AllAtOnce, to, plan, by, why, at)
    }

    /// Skips what is left to watch, and shifts all calls.
    ///
    /// # Errors
    /// When no rollout can be promoted.
    pub fn promote(&mut self, at: Timestamp) -> Result<RolloutNumber, SteerError> {
        let rollout = self.open_rollout()?;
        rollout.paused = None;
        let number = rollout.number;
        for index in 0..rollout.steps.len() {
            let trial = match rollout.steps[index].step {
                Step::Observe { .. } => true,
                Step::Shift { .. } => rollout.shifts_after(index),
                _ => false,
            };
            let step = &mut rollout.steps[index];
            if trial && step.is_open() {
                step.end(StepState::Skipped, Some("promoted by hand".to_owned()), at);
            }
        }
        self.advance(at);
        Ok(number)
    }

    /// Takes the rollout back because an operator wants it.
    ///
    /// # Errors
    /// When no rollout can be taken back.
    pub fn abort(&mut self, reason: &str, at: Timestamp) -> Result<RolloutNumber, SteerError> {
        let number = self.open_rollout()?.number;
        self.take_back(TakenBack { fault: false, reason: reason.to_owned() }, at);
        Ok(number)
    }

    /// Lets the rollout wait where it is. One that waits already goes on waiting.
    ///
    /// # Errors
    /// When no rollout can wait.
    pub fn pause(&mut self, reason: &str, at: Timestamp) -> Result<RolloutNumber, SteerError> {
        let rollout = self.open_rollout()?;
        let pause = Pause { inconclusive: false, reason: reason.to_owned(), at };
        rollout.paused.get_or_insert(pause);
        Ok(rollout.number)
    }

    /// Lets a waiting rollout go on. What it watched is watched anew.
    ///
    /// # Errors
    /// When no rollout waits.
    pub fn resume(&mut self, at: Timestamp) -> Result<RolloutNumber, SteerError> {
        let rollout = self.open_rollout()?;
        rollout.paused.take().ok_or(SteerError::NotPaused)?;
        let number = rollout.number;
        self.advance(at);
        Ok(number)
    }
}

/// What happens.
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

    /// A window is over.
    pub(crate) fn observed(&mut self, at: StepAt, seen: Seen, now: Timestamp) {
        let note = self.count(at, seen);
        self.step_done(at, Some(note), now);
    }

    /// The candidate failed too many calls.
    pub(crate) fn regressed(&mut self, at: StepAt, seen: Seen, reason: String, now: Timestamp) {
        self.count(at, seen);
        self.step_failed(at, reason, now);
    }

    /// A window is over and said too little: it waits for an operator.
    pub(crate) fn inconclusive(&mut self, at: StepAt, seen: Seen, reason: String, now: Timestamp) {
        self.count(at, seen);
        if let Some(rollout) = self.rollout.as_mut().filter(|it| is_running(it, at)) {
            rollout.paused.get_or_insert(Pause { inconclusive: true, reason, at: now });
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
        let shifted = self.table != before;
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
        rollout.append(Plan::back(shifted.then_some(before), &retiring), now);
        rollout.paused = None;
        rollout.taken_back = Some(back);
        if !shifted {
            // No call was ever sent to it, so nothing is left to undo but the candidate itself.
            (rollout.outcome, rollout.decided) = (Some(Outcome::Aborted), Some(now));
        }
        self.advance(now);
    }

    /// The node has started again: nothing runs. What the table names is started by the recovery, and
    /// a candidate that had no calls yet starts again by its own steps.
    pub(crate) fn restarted(&mut self, now: Timestamp) {
        let table = self.table.clone();
        for revision in &mut self.revisions {
            if table.weight(revision.number).is_none() {
                revision.stop();
            }
        }
        let unsent = |rollout: &Rollout| rollout.is_open() && table.weight(rollout.to).is_none();
        let Some(rollout) = self.rollout.as_mut().filter(|it| unsent(it)) else { return };
        for step in &mut rollout.steps {
            if matches!(step.step, Step::Start { .. } | Step::AwaitReady { .. }) {
                step.end(StepState::Pending, None, now);
            }
        }
        self.advance(now);
    }

    /// The recovery could not start an active revision. It stays the active one, and the next restart
    /// tries again: a restart undoes no promotion.
    pub(crate) fn not_revived(&mut self, number: RevisionNumber, reason: &str) {
        if let Some(revision) = self.revision_mut(number) {
            revision.state = RevisionState::Failed;
            revision.fault = Some(reason.to_owned());
        }
    }

    /// The recovery started a revision that the table names.
    pub(crate) fn revived(&mut self, number: RevisionNumber) {
        let active = self.active == Some(number);
        if let Some(revision) = self.revision_mut(number).filter(|it| !it.state.is_running()) {
            revision.fault = None;
            revision.state = if active { RevisionState::Active } else { RevisionState::Candidate };
        }
    }

    /// Whether the recovery may take the rollout back when this revision cannot start.
    pub(crate) fn is_on_trial(&self, number: RevisionNumber) -> bool {
        self.rollout.as_ref().is_some_and(|rollout| rollout.is_open() && rollout.to == number)
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one place builds a rollout; a struct would repeat it"
    )]
    fn open(
        &mut self,
        kind: RolloutKind,
        strategy: StrategyName,
        to: RevisionNumber,
        plan: Plan,
        by: String,
        why: String,
        at: Timestamp,
    ) -> RolloutNumber {
        self.archive(at);
        let number = self.next_rollout;
        self.next_rollout = RolloutNumber(number.0 + 1);
        let mut rollout = Rollout {
            number,
            kind,
            strategy,
            from: self.active,
            to,
            before: self.table.clone(),
            steps: Vec::new(),
            at,
            by,
            why,
            seen: Seen::default(),
            paused: None,
            taken_back: None,
            outcome: None,
            decided: None,
        };
        rollout.append(plan, at);
        self.rollout = Some(rollout);
        self.advance(at);
        number
    }

    fn check_begin(&self, to: RevisionNumber) -> Result<(), BeginError> {
        match &self.rollout {
            Some(rollout) if rollout.kind == RolloutKind::Remove => {
                return Err(BeginError::Removing);
            }
            Some(rollout) if rollout.is_under_way() => {
                return Err(BeginError::UnderWay { to: rollout.to });
            }
            _ => {}
        }
        self.revision(to).ok_or(BeginError::NoRevision(to))?;
        if self.active == Some(to) { Err(BeginError::Active(to)) } else { Ok(()) }
    }

    fn open_rollout(&mut self) -> Result<&mut Rollout, SteerError> {
        let under_way = self.rollout.as_mut().filter(|rollout| rollout.is_under_way());
        let rollout = under_way.ok_or(SteerError::NoRollout)?;
        if rollout.is_open() { Ok(rollout) } else { Err(SteerError::TakenBack) }
    }

    /// Begins the next step, unless one runs or the rollout waits. After the last the rollout is past.
    fn advance(&mut self, now: Timestamp) {
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
                for share in
                    table.shares().iter().filter(|share| Some(share.revision) != self.active)
                {
                    let number = share.revision;
                    if let Some(revision) = self.revisions.iter_mut().find(|it| it.number == number)
                    {
                        revision.state = RevisionState::Candidate;
                    }
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
    fn apply(&mut self, at: StepAt, step: &Step, now: Timestamp) {
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
            revision.state = if Some(revision.number) == active {
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

    fn archive(&mut self, now: Timestamp) {
        let Some(mut rollout) = self.rollout.take() else { return };
        let open = rollout.steps.iter_mut().filter(|step| step.is_open());
        open.for_each(|step| step.end(StepState::Skipped, Some("superseded".to_owned()), now));
        self.past.push(rollout);
        let surplus = self.past.len().saturating_sub(ROLLOUTS_KEPT);
        self.past.drain(..surplus);
    }

    fn end_step(
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

    fn count(&mut self, at: StepAt, seen: Seen) -> String {
        if let Some(rollout) = self.rollout.as_mut().filter(|rollout| is_running(rollout, at)) {
            rollout.seen += seen;
        }
        match seen.errors {
            0 => format!("{seen}, none failed"),
            errors => format!("{seen}, {errors} failed"),
        }
    }

    /// A pause takes effect between steps, and amid a step that only waits.
    fn waits_at(&self, rollout: &Rollout, index: usize) -> bool {
        rollout.paused.is_some() && matches!(rollout.steps[index].step, Step::Observe { .. })
    }

    fn shifts_after(&self, index: usize) -> bool {
        self.rollout.as_ref().is_some_and(|rollout| rollout.shifts_after(index))
    }

    fn set_state(&mut self, number: RevisionNumber, state: RevisionState) {
        if let Some(revision) = self.revision_mut(number) {
            revision.state = state;
        }
    }

    fn set_state_if_running(&mut self, number: RevisionNumber, state: RevisionState) {
        if self.revision(number).is_some_and(|revision| revision.state.is_running()) {
            self.set_state(number, state);
        }
    }
}

fn is_running(rollout: &Rollout, at: StepAt) -> bool {
    rollout.number == at.rollout
        && rollout.steps.get(at.index).is_some_and(|step| step.state == StepState::Running)
}
