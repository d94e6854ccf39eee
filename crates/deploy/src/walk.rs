//! The walk: does what a service's record says is due, until nothing is.
//!
//! The intent is in the record before an act, and its result after it; so a walk may end at any instant,
//! and another one goes on from the record. Whoever steers changes the record, and the walk watches
//! it: there is no second way to tell it anything.

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_model::RevisionNumber;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::fleet::{Fault, Fleet, NotSaved};
use crate::gate::Drained;
use crate::observation::{Bounds, Seen, Verdict};
use crate::record::ServiceRecord;
use crate::recover::{Revived, revive_on, revive_or_steered, warm_again};
use crate::step::Step;
use crate::transition::{Due, StepAt};

/// How often a candidate's calls are counted while it is watched. A regression is to be taken back
/// within a second of its evidence; a tenth of that leaves room for the rest.
pub const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// What came of a step.
enum End {
    Done(Option<String>),
    Failed(Fault),
    Observed(Seen),
    Regressed(Seen, String),
    Inconclusive(Seen, String),
}

/// Walks until the record has no rollout left and what it names runs. Returns at once if that is so.
///
/// # Errors
/// When the record cannot be saved. The walk can be begun again at any time.
pub async fn walk<F: Fleet>(fleet: &F) -> Result<(), NotSaved> {
    let mut record = fleet.record();
    loop {
        let due = record.borrow_and_update().due();
        match due {
            Due::Nothing => match revive_or_steered(fleet, &mut record).await {
                Revived::Steered => {}
                Revived::All => return Ok(()),
            },
            Due::Steering => {
                if record.changed().await.is_err() {
                    return Ok(());
                }
            }
            Due::Step { at, step } => match take(fleet, at, &step).await {
                Some(end) => settle(fleet, at, end).await?,
                None => continue,
            },
        }
    }
}

/// Takes a step, unless somebody steers away from it meanwhile.
async fn take<F: Fleet>(fleet: &F, at: StepAt, step: &Step) -> Option<End> {
    let mut record = fleet.record();
    match step {
        // Once begun, a stop is finished: its revision is recorded as stopped already.
        Step::Stop { .. } => Some(act(fleet, step).await),
        step => tokio::select! {
            biased;
            () = steered(&mut record, at) => None,
            end = act(fleet, step) => Some(end),
        },
    }
}

/// Waits until a step is no longer to be done as it was begun.
async fn steered(record: &mut watch::Receiver<Arc<ServiceRecord>>, at: StepAt) {
    if record.wait_for(|record| !record.still_due(at)).await.is_err() {
        // Nobody is left who could steer.
        std::future::pending::<()>().await;
    }
}

async fn act<F: Fleet>(fleet: &F, step: &Step) -> End {
    match step {
        Step::Start { revision } => fleet.start(*revision).await.into(),
        Step::AwaitReady { revision, within } => {
            fleet.await_ready(*revision, within.0).await.into()
        }
        Step::Shift { table } => fleet.publish(table).await.into(),
        Step::Observe { revision, during, bounds } => {
            observe(fleet, *revision, during.0, *bounds).await
        }
        // A hold is as long as its operator likes, and what takes the calls may be down meanwhile.
        Step::Hold { revision, during } => tokio::select! {
            end = hold(fleet, *revision, during.0) => end,
            never = revive_on(fleet) => match never {},
        },
        Step::Drain { revision, within } => match fleet.drain(*revision, within.0).await {
            Drained::Empty => End::Done(None),
            Drained::TimedOut { left: 1 } => End::Done(Some("1 call was left".to_owned())),
            Drained::TimedOut { left } => End::Done(Some(format!("{left} calls were left"))),
        },
        Step::Stop { revision } => {
            fleet.stop(*revision).await;
            End::Done(None)
        }
    }
}

async fn observe<F: Fleet>(
    fleet: &F,
    revision: RevisionNumber,
    during: Duration,
    bounds: Bounds,
) -> End {
    let before = fleet.record().borrow().rollout.as_ref().map_or(Seen::default(), |it| it.seen);
    let start = fleet.seen(revision);
    let deadline = Instant::now() + during;
    loop {
        let window = fleet.seen(revision) - start;
        if Instant::now() >= deadline {
            let mut whole = before;
            whole += window;
            return match bounds.judge(window, whole) {
                Verdict::Sound => End::Observed(window),
                Verdict::Regressed { reason } => End::Regressed(window, reason),
                Verdict::TooFew { reason } => End::Inconclusive(window, reason),
            };
        }
        if let Verdict::Regressed { reason } = bounds.judge_early(window) {
            return End::Regressed(window, reason);
        }
        tokio::time::sleep_until(deadline.min(Instant::now() + SAMPLE_EVERY)).await;
    }
}

/// Keeps a revision warm, also one that a restart of the node has stopped.
async fn hold<F: Fleet>(fleet: &F, revision: RevisionNumber, during: Duration) -> End {
    if let Err(fault) = warm_again(fleet, revision).await {
        return End::Done(Some(format!("it did not start again: {fault}")));
    }
    tokio::time::sleep(during).await;
    End::Done(None)
}

async fn settle<F: Fleet>(fleet: &F, at: StepAt, end: End) -> Result<(), NotSaved> {
    let now = fleet.now();
    fleet
        .save(move |record| match &end {
            End::Done(note) => record.step_done(at, note.clone(), now),
            End::Failed(fault) => record.step_failed(at, fault.as_str().to_owned(), now),
            End::Observed(seen) => record.observed(at, *seen, now),
            End::Regressed(seen, reason) => record.regressed(at, *seen, reason.clone(), now),
            End::Inconclusive(seen, reason) => record.inconclusive(at, *seen, reason.clone(), now),
        })
        .await
}

impl From<Result<(), Fault>> for End {
    fn from(result: Result<(), Fault>) -> Self {
        match result {
            Ok(()) => Self::Done(None),
            Err(fault) => Self::Failed(fault),
        }
    }
}
