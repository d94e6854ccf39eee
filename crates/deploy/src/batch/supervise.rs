//! Brings an update of several services to its end: watches the members' records and the batch's own, and
//! does what is due.
//!
//! It may be dropped at any instant and begun again: what it knows is in the records.

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_model::Name;
use futures::future::{join_all, select_all};
use tokio::sync::watch;

use super::due::{Due, MemberState};
use super::record::BatchRecord;
use crate::fleet::{Fleet, NotSaved};
use crate::record::ServiceRecord;
use crate::timestamp::Timestamp;

/// One update of several services, with its members. Implemented by the node and by the simulator.
pub trait BatchFleet: Sync {
    /// A service that takes part.
    type Member: Fleet + Send;

    /// The record as it was saved last, and its changes.
    fn record(&self) -> watch::Receiver<Arc<BatchRecord>>;

    /// Changes the record durably, as [`Fleet::save`] does a service's.
    fn save(
        &self,
        change: impl Fn(&mut BatchRecord) + Send + Sync,
    ) -> impl Future<Output = Result<(), NotSaved>> + Send;

    /// The service of this name, if there is one.
    fn member(&self, service: &Name) -> Option<Arc<Self::Member>>;

    /// The wall clock.
    fn now(&self) -> Timestamp;
}

/// Works until every member has done what was decided. Begun when the members' rollouts are recorded; after a
/// restart of the node, when the services have been recovered.
///
/// # Errors
/// When a record cannot be saved. It can be begun again at any time.
pub async fn supervise<B: BatchFleet>(fleet: &B) -> Result<(), NotSaved> {
    let members = Members::of(fleet);
    let mut own = fleet.record();
    let mut records = members.watches();
    loop {
        let batch = Arc::clone(&own.borrow_and_update());
        if !batch.is_open() {
            return Ok(());
        }
        let states = states(&batch, &mut records);
        let now = fleet.now();
        match batch.due(&states, now) {
            Due::Wait(within) => {
                let left = within.unwrap_or(Duration::MAX);
                // Over or changed, it is looked at again.
                let _ = tokio::time::timeout(left, changed(&mut own, &mut records)).await;
            }
            Due::Decide(decision) => fleet.save(|batch| batch.decide(&decision)).await?,
            Due::Tell(which) => members.tell(&batch, &which, now).await?,
            Due::Turn(at) => members.save(at, |record| record.pass(batch.id, now)).await?,
            Due::End(kept) => fleet.save(|batch| batch.end(&kept, now)).await?,
        }
    }
}

/// Tells the members what was decided before the node stopped. To be done before the services are recovered: a
/// member that does not start again must know by then that nothing takes it back.
///
/// # Errors
/// When a record cannot be saved.
pub async fn tell_decided<B: BatchFleet>(fleet: &B) -> Result<(), NotSaved> {
    let batch = Arc::clone(&fleet.record().borrow());
    if batch.decision.is_none() || !batch.is_open() {
        return Ok(());
    }
    let members = Members::of(fleet);
    let all: Vec<_> = (0..batch.members.len()).collect();
    members.tell(&batch, &all, fleet.now()).await
}

/// Those who take part; `None` for a service that is not there any more.
struct Members<M>(Vec<Option<Arc<M>>>);

impl<M: Fleet> Members<M> {
    fn of<B: BatchFleet<Member = M>>(fleet: &B) -> Self {
        let batch = Arc::clone(&fleet.record().borrow());
        Self(batch.members.iter().map(|member| fleet.member(&member.service)).collect())
    }

    fn watches(&self) -> Vec<Option<watch::Receiver<Arc<ServiceRecord>>>> {
        self.0.iter().map(|member| member.as_ref().map(|member| member.record())).collect()
    }

    /// All at once: between the first and the last the members are of different versions.
    async fn tell(
        &self,
        batch: &BatchRecord,
        which: &[usize],
        now: Timestamp,
    ) -> Result<(), NotSaved> {
        let telling = which.iter().map(|&at| self.save(at, |record| record.hear(batch, now)));
        join_all(telling).await.into_iter().collect()
    }

    async fn save(
        &self,
        at: usize,
        change: impl Fn(&mut ServiceRecord) + Send + Sync,
    ) -> Result<(), NotSaved> {
        match &self.0[at] {
            Some(member) => member.save(change).await,
            None => Ok(()),
        }
    }
}

fn states(
    batch: &BatchRecord,
    records: &mut [Option<watch::Receiver<Arc<ServiceRecord>>>],
) -> Vec<MemberState> {
    let members = batch.members.iter().zip(records);
    let state = members.map(|(member, record)| match record {
        Some(record) => record.borrow_and_update().member_state(batch.id, member),
        None => MemberState::Absent,
    });
    state.collect()
}

/// Waits until the record of the batch or of a member has changed.
async fn changed(
    own: &mut watch::Receiver<Arc<BatchRecord>>,
    records: &mut [Option<watch::Receiver<Arc<ServiceRecord>>>],
) {
    let records = records.iter_mut().flatten().map(|record| Box::pin(changes(record)));
    let any: Vec<_> = records.collect();
    if any.is_empty() {
        return changes(own).await;
    }
    tokio::select! {
        () = changes(own) => {}
        _ = select_all(any) => {}
    }
}

async fn changes<T>(record: &mut watch::Receiver<T>) {
    if record.changed().await.is_err() {
        // Nobody is left who could change it.
        std::future::pending::<()>().await;
    }
}
