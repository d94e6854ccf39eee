//! The walk: does what a service's record says is due, until nothing is.
//!
//! The intent is in the record before an act, and its result after it; so a walk may end at any instant,
//! and another one goes on from the record. Whoever steers changes the record, and the walk watches
//! it: there is no second way to tell it anything.

mod asking;
mod end;
mod measuring;
mod observing;
mod reporting;
mod shadowing;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_model::{PauseFor, RevisionNumber};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::fleet::{Fault, Fleet, NotSaved};
use crate::gate::Drained;
use crate::record::ServiceRecord;
use crate::recover::{Revived, revive_on, revive_or_steered, warm_again};
use crate::step::{Step, Warmth};
use crate::transition::{Due, StepAt};
use end::{End, settle};

/// How often a candidate's calls are counted while it is watched. A regression is to be taken back
/// within a second of its evidence; a tenth of that leaves room for the rest.
pub const SAMPLE_EVERY: Duration = Duration::from_millis(100);

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
        Step::Stop { .. } => Some(act(fleet, at, step).await),
        step => tokio::select! {
            biased;
            () = steered(&mut record, at) => None,
            end = act(fleet, at, step) => Some(end),
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

async fn act<F: Fleet>(fleet: &F, at: StepAt, step: &Step) -> End {
    match step {
        Step::Start { revision } => fleet.start(*revision).await.into(),
        Step::AwaitReady { revision, share, within } => {
            let deadline = Instant::now() + within.0;
            let ready = fleet.await_ready(*revision, within.0).await;
            match (ready, share) {
                (Ok(()), Some(share)) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    fleet.warm(*revision, Warmth::Share(*share), left).await.into()
                }
                (ready, _) => ready.into(),
            }
        }
        Step::Warm { revision, to, within } => fleet.warm(*revision, *to, within.0).await.into(),
        Step::Shift { table } => fleet.publish(table).await.into(),
        Step::Mirror { mirror } => fleet.mirror(mirror.as_ref()).await.into(),
        Step::Observe(observe) => observing::observe(fleet, at, observe).await,
        Step::Experiment(experiment) => observing::experiment(fleet, at, experiment).await,
        Step::Compare(compare) => shadowing::compare(fleet, at, compare).await,
        Step::Pause { lasts: PauseFor::Time(during) } => pause(fleet, at, during.0).await,
        // An operator's word ends it, by way of the record.
        Step::Pause { lasts: PauseFor::UntilPromoted } => std::future::pending().await,
        Step::Gate { gate } => asking::ask(fleet, at, gate).await,
        Step::Conclude => End::Done(None),
        // What is decided for all comes by way of the record.
        Step::Join { .. } => std::future::pending().await,
        Step::Keep { revision, .. } => tokio::select! {
            never = keep(fleet, *revision) => match never {},
            never = revive_on(fleet) => match never {},
        },
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

/// What is left of a span that began with a step. By the wall clock, so that restarts of the node do not
/// make it longer; never more than the span, whatever becomes of that clock.
fn left_of<F: Fleet>(fleet: &F, at: StepAt, span: Duration) -> Duration {
    let record = fleet.record();
    let record = record.borrow();
    let rollout = record.rollout.as_ref().filter(|rollout| rollout.number == at.rollout);
    let begun = rollout.and_then(|rollout| rollout.steps.get(at.index)).map(|step| step.at);
    begun.map_or(span, |begun| span.saturating_sub(fleet.now().since(begun)))
}

async fn pause<F: Fleet>(fleet: &F, at: StepAt, during: Duration) -> End {
    tokio::time::sleep(left_of(fleet, at, during)).await;
    End::Done(None)
}

/// Keeps a revision warm, also one that a restart of the node has stopped.
async fn hold<F: Fleet>(fleet: &F, revision: RevisionNumber, during: Duration) -> End {
    if let Err(fault) = warm_again(fleet, revision).await {
        return End::Done(Some(format!("it did not start again: {fault}")));
    }
    tokio::time::sleep(during).await;
    End::Done(None)
}

/// Keeps a revision warm, also one that a restart of the node has stopped, until the record says otherwise. One
/// that does not start again is started by the way back, if that is taken.
async fn keep<F: Fleet>(fleet: &F, revision: Option<RevisionNumber>) -> Infallible {
    if let Some(revision) = revision {
        let _ = warm_again(fleet, revision).await;
    }
    std::future::pending().await
}

impl From<Result<(), Fault>> for End {
    fn from(result: Result<(), Fault>) -> Self {
        match result {
            Ok(()) => Self::Done(None),
            Err(fault) => Self::Failed(fault),
        }
    }
}
