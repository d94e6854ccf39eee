//! Waiting for an update of several services.

use std::sync::Arc;

use airssys_wasm_api::Failure;
use airssys_wasm_deploy::{BatchRecord, MemberState, ServiceRecord};
use futures::future::select_all;
use tokio::sync::watch;

use super::batch::Batch;
use crate::node::{Shared, stopping};

/// Waits until nothing more happens by itself: it has ended, or all wait for one that is paused.
pub(crate) async fn rested(shared: &Shared, batch: &Batch) -> Result<(), Failure> {
    let mut own = batch.watch();
    let members = batch.record().members.clone();
    let services = members.iter().map(|member| shared.service(&member.service).ok());
    // Held, so that the last record of one that is removed meanwhile can be read.
    let services: Vec<_> = services.collect();
    let watches = services.iter().map(|service| service.as_ref().map(|service| service.watch()));
    let mut watches: Vec<_> = watches.collect();
    let resting = async {
        loop {
            let record = Arc::clone(&own.borrow_and_update());
            if !record.is_open() || all_wait(&record, &mut watches) {
                return Ok(());
            }
            let any = watches.iter_mut().flatten().map(|watch| Box::pin(watch.changed()));
            let any: Vec<_> = any.collect();
            if any.is_empty() {
                own.changed().await.map_err(|_| stopping())?;
                continue;
            }
            tokio::select! {
                changed = own.changed() => changed.map_err(|_| stopping())?,
                (changed, _, _) = select_all(any) => changed.map_err(|_| stopping())?,
            }
        }
    };
    shared.unless_stopping(resting).await?
}

/// Waits until every service has done what was decided.
pub(crate) async fn ended(shared: &Shared, batch: &Batch) -> Result<(), Failure> {
    let mut own = batch.watch();
    let ended = own.wait_for(|record| !record.is_open());
    shared.unless_stopping(ended).await?.map(drop).map_err(|_| stopping())
}

fn all_wait(
    batch: &BatchRecord,
    watches: &mut [Option<watch::Receiver<Arc<ServiceRecord>>>],
) -> bool {
    let mut paused = false;
    for (member, watch) in batch.members.iter().zip(watches) {
        let Some(watch) = watch else { return false };
        let record = watch.borrow_and_update();
        let rests = record.rollout(member.rollout).is_some_and(|it| it.paused.is_some());
        paused |= rests;
        let waits = matches!(
            record.member_state(batch.id, member),
            MemberState::Waiting { .. } | MemberState::Promoted { .. }
        );
        if !waits && !rests {
            return false;
        }
    }
    paused
}
