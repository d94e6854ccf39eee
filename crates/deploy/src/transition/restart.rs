//! What a restart of the node leaves of a record, and how its revisions come back.

use airssys_wasm_model::RevisionNumber;

use crate::record::ServiceRecord;
use crate::revision::{RevisionRecord, RevisionState};
use crate::rollout::{Rollout, StepState};
use crate::step::Step;
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
        let unsent = |rollout: &Rollout| rollout.is_open() && table.weight(rollout.to).is_none();
        let Some(rollout) = self.rollout.as_mut().filter(|it| unsent(it)) else { return };
        for step in &mut rollout.steps {
            if matches!(step.step, Step::Start { .. } | Step::AwaitReady { .. }) {
                step.end(StepState::Pending, None, now);
            }
        }
        self.advance(now);
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
