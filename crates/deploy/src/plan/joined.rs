//! A plan that is one of several: where it waits for the others.

use airssys_wasm_model::RevisionNumber;

use super::list::{Plan, PlanError};
use crate::batch::{BatchId, BatchOrder};
use crate::step::Step;

impl Plan {
    /// This plan as a member's. `active` is the revision to go back to.
    ///
    /// Together, a member joins the others right before the table that promotes it, when its trial is over and
    /// its candidate is warm. In order it joins them when its candidate is ready and before any call goes to it:
    /// a trial beside those that it depends on would be one against their old versions.
    ///
    /// # Errors
    /// When it ends without a promotion, so that the others would wait for nothing.
    pub fn joining(
        mut self,
        batch: BatchId,
        order: BatchOrder,
        active: Option<RevisionNumber>,
    ) -> Result<Self, PlanError> {
        let promotes = self.steps.iter().rposition(|step| matches!(step, Step::Shift { .. }));
        let concludes = self.steps.contains(&Step::Conclude);
        let promotes = promotes.filter(|_| !concludes).ok_or(PlanError::NoPromotion)?;
        let join = Step::Join { batch, order };
        if order == BatchOrder::Together {
            self.steps.insert(promotes, join);
            return Ok(self);
        }
        let retires = |step: &Step| {
            matches!(step, Step::Hold { .. } | Step::Drain { .. } | Step::Stop { .. })
        };
        let tail = self.steps[promotes..].iter().position(retires);
        let tail = tail.map_or(self.steps.len(), |tail| promotes + tail);
        // One that does not run is not started only to be kept: nothing would stop it.
        let revision = active.filter(|it| self.steps.contains(&Step::stop(*it)));
        self.steps.insert(tail, Step::Keep { batch, revision });
        let ready = self.steps.iter().position(|step| matches!(step, Step::AwaitReady { .. }));
        self.steps.insert(ready.map_or(0, |ready| ready + 1), join);
        Ok(self)
    }
}
