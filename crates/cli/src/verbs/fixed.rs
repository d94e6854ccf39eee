//! Time and randomness that a revision is given fixed.

use airssys_wasm_model::{Determinism, FixedClock, FixedTime, Span};

#[derive(clap::Args, Debug, Clone, Default)]
pub(super) struct FixedFlags {
    /// Give its guests a clock that begins at this time in each instance and moves only when it is read:
    /// 2026-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    clock: Option<FixedTime>,

    /// How far each reading moves that clock: 1ms unless said otherwise.
    #[arg(long, value_name = "SPAN", requires = "clock")]
    clock_step: Option<Span>,

    /// Let the random numbers of its guests follow from this one. They are no secret then.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

impl FixedFlags {
    /// Whether anything is fixed.
    pub(super) fn are_given(&self) -> bool {
        !self.determinism().is_none()
    }

    pub(super) fn determinism(&self) -> Determinism {
        let step = self.clock_step.unwrap_or(FixedClock::STEP);
        Determinism { clock: self.clock.map(|at| FixedClock { at, step }), seed: self.seed }
    }
}
