//! What an operator asks of a service: to begin a rollout, and to steer the one under way.

use airssys_wasm_model::{RevisionNumber, RolloutSettings};

use crate::batch::BatchId;
use crate::observation::Seen;
use crate::plan::{Plan, PlanError};
use crate::record::ServiceRecord;
use crate::rollout::{
    Outcome, Pause, Rollout, RolloutKind, RolloutNumber, StepRecord, StepState, TakenBack,
};
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
    /// An update of several services is not decided, and the service may have to go back for it.
    #[error("the service takes part in {0}, which is not decided")]
    Batch(BatchId),
    /// Another command was faster.
    #[error("the service has changed meanwhile")]
    Moved,
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
    /// It is one of several services, and only all of them are taken back.
    #[error("the rollout is part of {0}")]
    Batch(BatchId),
    /// It is one of several services, and all of them are promoted.
    #[error("the rollout is being promoted with others")]
    Committed,
    /// It does not wait.
    #[error("the rollout is not paused")]
    NotPaused,
}

impl ServiceRecord {
    /// Begins a rollout. One that is decided and in its tail is superseded: what it had still to drain
    /// and stop is in the new plan.
    ///
    /// # Errors
    /// When it cannot begin. Nothing has changed then.
    pub fn begin(&mut self, asked: Asked, at: Timestamp) -> Result<RolloutNumber, BeginError> {
        self.check_begin(asked.to)?;
        let plan = self.plan(&asked.settings, asked.to)?;
        Ok(self.open(asked, plan, at))
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
            rollout.decided_by = Some(by.clone());
        }
        let last = RevisionNumber(self.next_revision.0.saturating_sub(1));
        let mirrors = self.rollout.as_ref().is_some_and(Rollout::mirrors);
        let plan = Plan::removal(mirrors, &self.retiring(&Table::EMPTY));
        let to = self.active.unwrap_or(last);
        let settings = RolloutSettings::default();
        self.open(Asked { kind: RolloutKind::Remove, settings, to, by, why }, plan, at)
    }

    /// Skips what is left to watch, to wait for and to ask, and shifts all calls.
    ///
    /// # Errors
    /// When no rollout can be promoted.
    pub fn promote(&mut self, at: Timestamp) -> Result<RolloutNumber, SteerError> {
        let to = self.open_rollout()?.to;
        let promotion = Plan::promotion(to, &self.retiring(&Table::all(to)));
        let rollout = self.open_rollout()?;
        rollout.paused = None;
        let number = rollout.number;
        let concludes = |step: &StepRecord| step.is_open() && step.step == Step::Conclude;
        let end = rollout.steps.iter().position(concludes);
        for index in 0..rollout.steps.len() {
            let left_out = rollout.is_left_out(index, end);
            let step = &mut rollout.steps[index];
            if left_out && step.is_open() {
                step.end(StepState::Skipped, Some("promoted by hand".to_owned()), at);
            }
        }
        if end.is_some() {
            rollout.append(promotion, at);
        }
        self.advance(at);
        Ok(number)
    }

    /// Takes the rollout back because an operator wants it.
    ///
    /// # Errors
    /// When no rollout can be taken back, or it is one of several.
    pub fn abort(&mut self, reason: &str, at: Timestamp) -> Result<RolloutNumber, SteerError> {
        let rollout = self.open_rollout()?;
        if let Some(batch) = rollout.open_batch() {
            return Err(SteerError::Batch(batch));
        }
        let number = rollout.number;
        self.take_back(TakenBack { fault: false, reason: reason.to_owned() }, at);
        Ok(number)
    }

    /// Notes whose word promoted the rollout or took it back, in the same change.
    pub fn decided_by(&mut self, who: &str) {
        if let Some(rollout) = &mut self.rollout {
            rollout.decided_by = Some(who.to_owned());
        }
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

    /// Lets a waiting rollout go on. What it watched is watched anew, whom it asked is asked anew, and what
    /// waited for an operator is done.
    ///
    /// # Errors
    /// When no rollout waits.
    pub fn resume(&mut self, at: Timestamp) -> Result<RolloutNumber, SteerError> {
        let rollout = self.open_rollout()?;
        rollout.paused.take().ok_or(SteerError::NotPaused)?;
        let number = rollout.number;
        if let Some(index) = rollout.running_step() {
            let step = &mut rollout.steps[index];
            if step.step.awaits_operator() {
                step.end(StepState::Done, Some("resumed by hand".to_owned()), at);
            } else {
                step.at = at;
            }
        }
        self.advance(at);
        Ok(number)
    }

    pub(crate) fn open(&mut self, asked: Asked, mut plan: Plan, at: Timestamp) -> RolloutNumber {
        let removes = asked.kind == RolloutKind::Remove;
        if !removes && self.rollout.as_ref().is_some_and(Rollout::mirrors) {
            // The tail that is superseded had it still to do.
            plan.steps.insert(0, Step::Mirror { mirror: None });
        }
        self.archive(at);
        let Asked { kind, settings, to, by, why } = asked;
        let number = self.next_rollout;
        self.next_rollout = RolloutNumber(number.0 + 1);
        let mut rollout = Rollout {
            number,
            kind,
            strategy: settings.strategy,
            from: self.active,
            to,
            before: self.table.clone(),
            steps: Vec::new(),
            at,
            by,
            why,
            seen: Seen::default(),
            trial: None,
            paused: None,
            taken_back: None,
            outcome: None,
            decided: None,
            decided_by: None,
        };
        rollout.append(plan, at);
        self.rollout = Some(rollout);
        self.advance(at);
        number
    }

    pub(crate) fn check_begin(&self, to: RevisionNumber) -> Result<(), BeginError> {
        match &self.rollout {
            Some(rollout) if rollout.kind == RolloutKind::Remove => {
                return Err(BeginError::Removing);
            }
            Some(rollout) if rollout.is_under_way() => {
                return Err(BeginError::UnderWay { to: rollout.to });
            }
            Some(rollout) => {
                if let Some(batch) = rollout.open_batch() {
                    return Err(BeginError::Batch(batch));
                }
            }
            None => {}
        }
        self.revision(to).ok_or(BeginError::NoRevision(to))?;
        if self.active == Some(to) { Err(BeginError::Active(to)) } else { Ok(()) }
    }

    fn open_rollout(&mut self) -> Result<&mut Rollout, SteerError> {
        let under_way = self.rollout.as_mut().filter(|rollout| rollout.is_under_way());
        let rollout = under_way.ok_or(SteerError::NoRollout)?;
        match (rollout.is_open(), rollout.is_committed()) {
            (true, _) => Ok(rollout),
            (false, true) => Err(SteerError::Committed),
            (false, false) => Err(SteerError::TakenBack),
        }
    }
}

impl Rollout {
    /// Whether a promotion by hand leaves this step out: what only tries, a share on the way, and what ends
    /// a trial without a promotion, which stands at `end`.
    fn is_left_out(&self, index: usize, end: Option<usize>) -> bool {
        if end.is_some_and(|end| index >= end) {
            return true;
        }
        match &self.steps[index].step {
            Step::Shift { .. } => self.shifts_after(index),
            // The last warms for all calls.
            Step::Warm { .. } => self.shifts_left_after(index) > 1,
            step => step.is_trial() && (end.is_some() || self.shifts_after(index)),
        }
    }
}
