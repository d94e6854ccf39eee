//! What a node does with a record after its own start: what ran runs again, and calls come before all else.
//!
//! A revision that does not start again is not given up: a name server that is down or a disk that is full
//! while a machine starts is there a minute later.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_model::RevisionNumber;
use tokio::sync::watch;

use crate::fleet::{Fault, Fleet, NotSaved};
use crate::plan::READY_WITHIN;
use crate::record::ServiceRecord;
use crate::revision::RevisionState;
use crate::rollout::TakenBack;

/// How long an active revision that did not start again waits for the next try; each further wait is twice
/// as long.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The longest wait between two tries. Each may compile a component, and one a minute is no load.
const TRY_AGAIN_WITHIN: Duration = Duration::from_secs(60);

const _: () = assert!(TRY_AGAIN_AFTER.as_millis() < TRY_AGAIN_WITHIN.as_millis());

/// Starts what the record's table names and publishes it: the first thing after a start of the node, before
/// any walk. Returns the revisions that could not be started; the others have taken their calls.
///
/// # Errors
/// When the record cannot be saved.
pub async fn recover<F: Fleet>(fleet: &F) -> Result<Vec<(RevisionNumber, Fault)>, NotSaved> {
    let now = fleet.now();
    fleet.save(|record| record.restarted(now)).await?;
    'tables: loop {
        let table = fleet.record().borrow().table.clone();
        let (mut served, mut failed) = (table.clone(), Vec::new());
        for number in table.revisions() {
            let Err(fault) = revive(fleet, number).await else { continue };
            let now = fleet.now();
            if fleet.record().borrow().is_on_trial(number) {
                let reason = format!("it did not start again: {fault}");
                let back = TakenBack { fault: true, reason };
                fleet.save(|record| record.take_back(back.clone(), now)).await?;
                continue 'tables;
            }
            served = served.without(number);
            fleet.save(|record| record.not_revived(number, fault.as_str())).await?;
            failed.push((number, fault));
        }
        if let Err(fault) = fleet.publish(&served).await {
            failed.extend(served.revisions().into_iter().map(|number| (number, fault.clone())));
        }
        return Ok(failed);
    }
}

async fn revive<F: Fleet>(fleet: &F, revision: RevisionNumber) -> Result<(), Fault> {
    start(fleet, revision).await?;
    let serves = |record: &ServiceRecord| {
        let state = record.revision(revision).map(|revision| revision.state);
        state.is_some_and(|state| state.is_running() && state != RevisionState::Starting)
    };
    if serves(&fleet.record().borrow()) {
        return Ok(());
    }
    Ok(fleet.save(|record| record.revived(revision)).await?)
}

async fn start<F: Fleet>(fleet: &F, revision: RevisionNumber) -> Result<(), Fault> {
    fleet.start(revision).await?;
    fleet.await_ready(revision, READY_WITHIN).await
}

/// What came of trying again.
pub(crate) enum Revived {
    /// Nothing is left to start.
    All,
    /// A rollout began, and is to be walked first.
    Steered,
}

/// Starts what the recovery could not, until it runs or somebody rolls out something else.
pub(crate) async fn revive_or_steered<F: Fleet>(
    fleet: &F,
    record: &mut watch::Receiver<Arc<ServiceRecord>>,
) -> Revived {
    let moved =
        |record: &Arc<ServiceRecord>| record.rollout.is_some() || record.unrevived().is_none();
    tokio::select! {
        biased;
        changed = record.wait_for(moved) => match changed {
            Ok(record) if record.rollout.is_some() => Revived::Steered,
            // Nobody is left who could steer.
            Ok(_) | Err(_) => Revived::All,
        },
        never = revive_on(fleet) => match never {},
    }
}

/// Tries to start what the recovery could not, again and again; pends once it runs. May be dropped at any
/// instant: what it leaves running is recorded as starting, and a rollout that begins then retires it.
pub(crate) async fn revive_on<F: Fleet>(fleet: &F) -> Infallible {
    let mut wait = TRY_AGAIN_AFTER;
    loop {
        let unrevived = fleet.record().borrow().unrevived();
        let Some(revision) = unrevived else { return std::future::pending().await };
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(TRY_AGAIN_WITHIN);
        if let Err(fault) = try_again(fleet, revision).await {
            let failed = |record: &mut ServiceRecord| record.not_revived(revision, fault.as_str());
            // Not saved, it is tried again all the same.
            let _ = fleet.save(failed).await;
        }
    }
}

/// Publishes before it records: cut short in between, it is tried again and finds everything done. The
/// other way round, a revision could be recorded as active without its calls.
async fn try_again<F: Fleet>(fleet: &F, revision: RevisionNumber) -> Result<(), Fault> {
    fleet.save(|record| record.reviving(revision)).await?;
    start(fleet, revision).await?;
    let table = fleet.record().borrow().table.clone();
    fleet.publish(&table).await?;
    Ok(fleet.save(|record| record.revived(revision)).await?)
}

/// Starts a revision that is to be kept warm, unless it runs.
pub(crate) async fn warm_again<F: Fleet>(fleet: &F, revision: RevisionNumber) -> Result<(), Fault> {
    let is_warm = |record: &ServiceRecord| {
        record.revision(revision).is_some_and(|it| it.state == RevisionState::Ready)
    };
    if is_warm(&fleet.record().borrow()) {
        return Ok(());
    }
    fleet.save(|record| record.reviving(revision)).await?;
    start(fleet, revision).await?;
    Ok(fleet.save(|record| record.held(revision)).await?)
}

impl From<NotSaved> for Fault {
    fn from(error: NotSaved) -> Self {
        Self::new(error.to_string())
    }
}
