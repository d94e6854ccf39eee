//! What a restart of the node leaves of a record, and how its revisions come back.

use airssys_wasm_model::RevisionNumber;

use crate::plan::READY_WITHIN;
use crate::record::ServiceRecord;
use crate::revision::{RevisionRecord, RevisionState};
use crate::rollout::{Rollout, StepRecord, StepState};
use crate::step::{Step, Warmth};
use crate::timestamp::Timestamp;

impl ServiceRecord {
    /// The node has started again: nothing runs. What the table names is started by the recovery, and
    /// a candidate that had no calls yet starts again by its own steps.
    pub(crate) fn restarted(&mut self, now: Timestamp) {
        let table = self.table.clone();
        for revision in &mut self.revisions {
            if table.weight(revision.number).is_none() {
                revision.stop();
            }
        }
        let Some(rollout) = self.rollout.as_mut().filter(|it| it.is_open()) else { return };
        let unsent = table.weight(rollout.to).is_none();
        if unsent {
            rollout.start_again(now);
        }
        if rollout.prepare_again(now) || unsent {
            self.advance(now);
        }
    }

    /// An active revision could not be started again. It stays the active one and is tried again: a restart
    /// undoes no promotion.
    pub(crate) fn not_revived(&mut self, number: RevisionNumber, reason: &str) {
        if let Some(revision) = self.revision_mut(number) {
            revision.state = RevisionState::Failed;
            revision.fault = Some(reason.to_owned());
        }
    }

    /// A revision that a restart stopped is about to be started again. It counts as running from here, so
    /// that a rollout that begins meanwhile stops what there is of it.
    pub(crate) fn reviving(&mut self, number: RevisionNumber) {
        self.set_state(number, RevisionState::Starting);
    }

    /// A revision that is kept warm runs again.
    pub(crate) fn held(&mut self, number: RevisionNumber) {
        self.set_state_if_running(number, RevisionState::Ready);
    }

    /// The recovery started a revision that the table names.
    pub(crate) fn revived(&mut self, number: RevisionNumber) {
        let active = self.active == Some(number);
        let down = |it: &&mut RevisionRecord| {
            !it.state.is_running() || it.state == RevisionState::Starting
        };
        if let Some(revision) = self.revision_mut(number).filter(down) {
            revision.fault = None;
            revision.state = if active { RevisionState::Active } else { RevisionState::Candidate };
        }
    }

    /// Whether the recovery may take the rollout back when this revision cannot start.
    pub(crate) fn is_on_trial(&self, number: RevisionNumber) -> bool {
        self.rollout.as_ref().is_some_and(|rollout| rollout.is_open() && rollout.to == number)
    }
}

impl Rollout {
    /// A candidate without calls starts again by its steps, which a rollout to a warm revision did not have.
    fn start_again(&mut self, now: Timestamp) {
        let starts = |step: &Step| matches!(step, Step::Start { .. } | Step::AwaitReady { .. });
        let mut any = false;
        for record in self.steps.iter_mut().filter(|record| starts(&record.step)) {
            record.end(StepState::Pending, None, now);
            any = true;
        }
        let next = self.steps.iter().position(StepRecord::is_open);
        if let Some(next) = next.filter(|_| !any) {
            let steps = [Step::start(self.to), Step::await_ready(self.to, READY_WITHIN)];
            let steps = steps.map(|step| StepRecord::pending(step, now));
            self.steps.splice(next..next, steps);
            any = true;
        }
        if any {
            self.wait_for_preparations(now);
        }
    }

    /// What a restart ended and the table does not say: instances that were warm beyond the first, and the
    /// copying of calls. Done again before what was under way, if anything of it was done.
    fn prepare_again(&mut self, now: Timestamp) -> bool {
        let begun =
            |record: &StepRecord| matches!(record.state, StepState::Done | StepState::Running);
        let last = |is: fn(&Step) -> bool| {
            self.steps.iter().rposition(|record| is(&record.step) && begun(record))
        };
        let warmed = last(|step| {
            matches!(
                step,
                Step::AwaitReady { share: Some(_), .. } | Step::Warm { to: Warmth::Share(_), .. }
            )
        });
        let scaled = last(|step| matches!(step, Step::Warm { to: Warmth::Instances(_), .. }));
        let mirrored = last(|step| matches!(step, Step::Mirror { .. }));
        let mirrored = mirrored.filter(|&at| self.steps[at].step != Step::Mirror { mirror: None });
        let again: Vec<usize> = [warmed, scaled, mirrored].into_iter().flatten().collect();
        for &at in &again {
            self.steps[at].end(StepState::Pending, None, now);
        }
        if !again.is_empty() {
            self.wait_for_preparations(now);
        }
        !again.is_empty()
    }

    /// What runs begins anew when the preparations are done. An operator who is waited for is asked then.
    fn wait_for_preparations(&mut self, now: Timestamp) {
        let Some(running) = self.running_step() else { return };
        let step = &mut self.steps[running];
        if step.step.awaits_operator() {
            self.paused = None;
        }
        step.end(StepState::Pending, None, now);
    }
}
