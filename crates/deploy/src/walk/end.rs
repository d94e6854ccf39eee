//! How steps end, and what the record makes of it.

use crate::evidence::Findings;
use crate::fleet::{Fault, Fleet, NotSaved};
use crate::transition::StepAt;

/// What came of a step.
pub(super) enum End {
    /// It is done, with something to note.
    Done(Option<String>),
    /// It was done in vain.
    Failed(Fault),
    /// It leaves open whether to go on.
    Undecided(String),
    /// A window is over, and nothing was found.
    Observed(Findings, String),
    /// The candidate is worse than it may be.
    Regressed(Findings, String),
    /// A window is over and said too little.
    Inconclusive(Findings, String),
    /// An experiment is decided and changes nothing.
    Kept(Findings, String),
}

pub(super) async fn settle<F: Fleet>(fleet: &F, at: StepAt, end: End) -> Result<(), NotSaved> {
    let now = fleet.now();
    fleet
        .save(move |record| match &end {
            End::Done(note) => record.step_done(at, note.clone(), now),
            End::Failed(fault) => record.step_failed(at, fault.as_str().to_owned(), now),
            End::Undecided(reason) => record.undecided(at, reason.clone(), now),
            End::Observed(found, note) => record.observed(at, found, note.clone(), now),
            End::Regressed(found, reason) => record.regressed(at, found, reason.clone(), now),
            End::Inconclusive(found, reason) => record.inconclusive(at, found, reason.clone(), now),
            End::Kept(found, reason) => record.kept(at, found, reason.clone(), now),
        })
        .await
}
