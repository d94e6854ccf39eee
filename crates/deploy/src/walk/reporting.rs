//! StepEvidence on its way: shown often, recorded seldom.

use std::time::Duration;

use tokio::time::Instant;

use super::SAMPLE_EVERY;
use crate::evidence::Findings;
use crate::fleet::Fleet;
use crate::transition::StepAt;

/// How often evidence is shown. Its intervals take some searching, and nobody reads faster.
const SHOW_EVERY: Duration = Duration::from_millis(500);

/// How often evidence is recorded. Each time is a durable write of the record; what a crash loses of it is
/// evidence that is missing.
const RECORD_EVERY: Duration = Duration::from_secs(5);

const _: () = assert!(SAMPLE_EVERY.as_millis() <= SHOW_EVERY.as_millis());
const _: () = assert!(SHOW_EVERY.as_millis() <= RECORD_EVERY.as_millis());

/// When a step's evidence was shown and recorded last.
pub(super) struct Reports {
    at: StepAt,
    shown: Instant,
    recorded: Instant,
}

impl Reports {
    pub(super) fn of(at: StepAt) -> Self {
        let now = Instant::now();
        Self { at, shown: now, recorded: now }
    }

    /// Whether it is time to make up what was found.
    pub(super) fn are_due(&self) -> bool {
        self.shown.elapsed() >= SHOW_EVERY
    }

    /// Shows what was found, and records it when that is due. A record that cannot be saved now is saved with
    /// the step's end, or fails there.
    pub(super) async fn report<F: Fleet>(&mut self, fleet: &F, found: Findings) {
        self.shown = Instant::now();
        fleet.show(self.at.rollout, self.at.index, &found.evidence);
        if self.recorded.elapsed() >= RECORD_EVERY {
            self.recorded = Instant::now();
            let at = self.at;
            let _ = fleet.save(move |record| record.found(at, &found)).await;
        }
    }
}
