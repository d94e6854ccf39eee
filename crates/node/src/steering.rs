//! The commands that steer what is deployed: a rollout, the scale, the end.

use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_api::command::{JointUpdate, Scale};
use airssys_wasm_api::reply::{Removed, Reply, Scaled};
use airssys_wasm_api::{By, Code, Failure};
use airssys_wasm_deploy::{BatchId, Rollout, RolloutNumber, ServiceRecord, SteerError, Timestamp};
use airssys_wasm_model::{Instances, Name};
use futures::future::join_all;

use crate::batches::{self, Batch};
use crate::node::{Shared, stopping, store_failure};
use crate::reports;
use crate::service::{AmendError, Service};

pub(crate) async fn promote(shared: &Shared, name: &Name, by: &By) -> Result<Reply, Failure> {
    let promote = |record: &mut ServiceRecord, now| {
        record.promote(now).inspect(|_| record.decided_by(&by.who))
    };
    let wanted = |record: &ServiceRecord, rollout: &Rollout| {
        decided(rollout) || batches::waits_for_others(shared, record)
    };
    steer(shared, name, by, wanted, promote).await
}

pub(crate) async fn abort(shared: &Shared, name: &Name, by: &By) -> Result<Reply, Failure> {
    let reason = format!("aborted by {}", by.who);
    let service = shared.service(name)?;
    if let Some(id) = service.record().batch() {
        let arrived = Instant::now();
        let batch = abort_all(shared, id, &reason).await?;
        return batches::steered(&service, &batch, arrived);
    }
    let abort = |record: &mut ServiceRecord, now| {
        record.abort(&reason, now).inspect(|_| record.decided_by(&by.who))
    };
    steer(shared, name, by, |_, rollout| decided(rollout), abort).await
}

/// Takes back every service of an update of several, and waits until that is done.
pub(crate) async fn abort_update(
    shared: &Shared,
    command: &JointUpdate,
    by: &By,
) -> Result<Reply, Failure> {
    let arrived = Instant::now();
    let reason = format!("aborted by {}", by.who);
    let batch = abort_all(shared, BatchId(command.update.0), &reason).await?;
    Ok(batches::report(shared, &batch.record(), Some(arrived)).into())
}

async fn abort_all(shared: &Shared, id: BatchId, reason: &str) -> Result<Arc<Batch>, Failure> {
    let batch = shared.batches.find(id)?;
    let now = Timestamp::now();
    let aborted = batch.amend(|record| record.abort(reason, now)).await;
    let aborted = aborted.map_err(|error| Failure::new(Code::Failed, error))?;
    if !aborted {
        return Err(Failure::new(
            Code::Conflict,
            format!("{id} is decided: its services are promoted"),
        )
        .help("`rollback` takes each of them back"));
    }
    tracing::info!("{id} is aborted: {reason}");
    batches::ended(shared, &batch).await?;
    Ok(batch)
}

pub(crate) async fn pause(shared: &Shared, name: &Name, by: &By) -> Result<Reply, Failure> {
    let reason = format!("paused by {}", by.who);
    steer(shared, name, by, |_, _| true, |record, now| record.pause(&reason, now)).await
}

pub(crate) async fn resume(shared: &Shared, name: &Name, by: &By) -> Result<Reply, Failure> {
    steer(shared, name, by, |_, _| true, |record, now| record.resume(now)).await
}

fn decided(rollout: &Rollout) -> bool {
    !rollout.is_under_way()
}

/// Changes the record of the rollout under way and waits until it stands as wanted.
async fn steer(
    shared: &Shared,
    name: &Name,
    by: &By,
    wanted: impl Fn(&ServiceRecord, &Rollout) -> bool,
    change: impl FnOnce(&mut ServiceRecord, Timestamp) -> Result<RolloutNumber, SteerError>,
) -> Result<Reply, Failure> {
    let arrived = Instant::now();
    let service = shared.service(name)?;
    let now = Timestamp::now();
    let number = service.amend(|record| change(record, now)).await.map_err(|error| {
        amend_failure(error, |error| {
            let failure = Failure::new(Code::Conflict, format!("service `{name}`: {error}"));
            match error {
                SteerError::Batch(_) => failure.help("try again: it is aborted with the others"),
                _ => failure,
            }
        })
    })?;
    tracing::info!(service = %name, who = by.who, "steered");
    let record = settled(&service, number, wanted).await?;
    report(&service, &record, number, arrived)
}

/// Waits until a rollout stands as wanted.
async fn settled(
    service: &Service,
    number: RolloutNumber,
    wanted: impl Fn(&ServiceRecord, &Rollout) -> bool,
) -> Result<Arc<ServiceRecord>, Failure> {
    let mut record = service.watch();
    let stands = |record: &Arc<ServiceRecord>| {
        record.rollout(number).is_none_or(|rollout| wanted(record, rollout))
    };
    let found = async { record.wait_for(stands).await.map(|record| Arc::clone(&record)) };
    service.shared.unless_stopping(found).await?.map_err(|_| stopping())
}

/// A rollout's report as the answer to a command that arrived then.
pub(crate) fn report(
    service: &Service,
    record: &ServiceRecord,
    number: RolloutNumber,
    arrived: Instant,
) -> Result<Reply, Failure> {
    let rollout = record.rollout(number);
    let report = rollout.and_then(|it| reports::rollout(service, record, it, Some(arrived)));
    report.map(Reply::from).ok_or_else(|| {
        Failure::new(Code::Conflict, format!("service `{}` has moved on", record.name))
    })
}

pub(crate) async fn scale(shared: &Shared, command: Scale) -> Result<Reply, Failure> {
    let service = shared.service(&command.service)?;
    let amended = service.amend(|record| {
        let active = record.active().ok_or_else(|| {
            Failure::new(
                Code::Conflict,
                format!("service `{}` has no active revision", record.name),
            )
        })?;
        let mut scale = record.scale;
        scale.min = command.min.or(scale.min);
        scale.max = command.max.or(scale.max);
        let min = scale.min.unwrap_or(active.settings.instances.min);
        let max = scale.max.unwrap_or(active.settings.instances.max);
        if max == 0 || max > Instances::MAX || min > max {
            let message = format!("at least {min} and at most {max} instances cannot be");
            let help = format!("`max` is from 1 to {} and not below `min`", Instances::MAX);
            return Err(Failure::new(Code::Usage, message).help(help));
        }
        let number = active.number;
        record.scale = scale;
        Ok(number)
    });
    let revision = amended.await.map_err(|error| amend_failure(error, |failure| failure))?;
    let record = service.record();
    let mut filling = Vec::new();
    for (number, running) in service.live.switch.targets() {
        if let Some(revision) = record.revision(number) {
            let instances = service.scaled(&revision.settings.instances);
            running.pool.resize(instances.max);
            // Together, and within a call's limits each: a revision whose instances fail holds no other up.
            filling.push(async move { running.pool.fill(instances.min).await });
        }
    }
    for filled in join_all(filling).await {
        filled.map_err(|error| {
            let message = format!("the scale is recorded, but an instance does not start: {error}");
            Failure::new(Code::GuestFailed, message)
        })?;
    }
    let instances = record.revision(revision).map(|it| service.scaled(&it.settings.instances));
    let instances = instances.unwrap_or_default();
    Ok(Scaled { service: service.name().clone(), revision, instances }.into())
}

/// Ends a service: no new calls, the last ones end, and it is gone when this answers.
pub(crate) async fn remove(shared: &Arc<Shared>, name: &Name, by: By) -> Result<Reply, Failure> {
    let service = shared.service(name)?;
    let now = Timestamp::now();
    if let Some(id) = service.record().batch() {
        // The others hear of it before it is gone. Where they are promoted already, this one may go.
        let reason = format!("`{name}` was removed by {}", by.who);
        let batch = shared.batches.find(id)?;
        let aborted = batch.amend(|record| record.abort(&reason, now)).await;
        aborted.map_err(|error| Failure::new(Code::Failed, error))?;
    }
    let amended = service.amend(|record| {
        Ok::<_, std::convert::Infallible>(record.begin_removal(by.who, "remove".to_owned(), now))
    });
    let number = amended.await.map_err(|error| amend_failure(error, |never| match never {}))?;
    shared.routes.remove(name);
    settled(&service, number, |_, rollout| decided(rollout)).await?;
    by.progress.phase("draining");
    service.gone().await?;
    Ok(Removed { service: name.clone() }.into())
}

/// Why a record was not changed, for an answer.
pub(crate) fn amend_failure<E>(
    error: AmendError<E>,
    refused: impl FnOnce(E) -> Failure,
) -> Failure {
    match error {
        AmendError::Refused(error) => refused(error),
        AmendError::Gone => Failure::new(Code::NotFound, "the service was removed"),
        AmendError::Stopping => stopping(),
        AmendError::Store(error) => store_failure(&error),
    }
}
