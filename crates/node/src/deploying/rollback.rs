//! `rollback`: a revision of before gets the calls again.

use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_api::command::{Rollback, RollbackTo};
use airssys_wasm_api::reply::Reply;
use airssys_wasm_api::{By, Code, Failure};
use airssys_wasm_deploy::{Asked, RevisionRecord, RolloutKind, ServiceRecord};
use airssys_wasm_model::{InstanceModel, RevisionNumber, RolloutSettings};

use super::actors::check_actors;
use super::checks::{check_ignored, check_route};
use super::planning::planned;
use super::rolling::{record_rollout, rolled};
use crate::node::Shared;
use crate::releases;
use crate::service::{LastStart, Service};
use crate::starting::StartError;

pub(crate) async fn rollback(
    shared: &Arc<Shared>,
    command: Rollback,
    by: By,
) -> Result<Reply, Failure> {
    let arrived = Instant::now();
    let service = shared.service(&command.service)?;
    let record = service.record();
    let to = goal(&record, &command.to)?;
    let (number, version) = (to.number, to.settings.version.clone());
    let rollout = command.rollout.over(&RolloutSettings::default());
    check_actors(&record, &rollout, &to.settings.instances)?;
    check_ignored(&rollout)?;
    if let Some(release) = releases::known(shared, service.name(), &version).await? {
        check_route(shared, service.name(), &release, &to.settings)?;
    }
    if command.plan_only {
        return planned(&record, &rollout, (number, version));
    }
    reads_its_state(&service, number).await?;
    let asked = Asked {
        kind: RolloutKind::Rollback,
        settings: rollout,
        to: number,
        by: by.who.clone(),
        why: format!("rollback to {number}"),
    };
    let begun = record_rollout(&service, |record, now| {
        let rollout = record.begin(asked, now)?;
        // Only now: a start that is under way is another's until it is refused or this one is recorded.
        *service.last_start() = LastStart::default();
        Ok((number, rollout))
    });
    rolled(&begun.await?, command.detached, &by, arrived).await
}

/// A revision that is still warm gets its calls at once, without the start in which an actor's instance takes the
/// state. So it is tried here: the newer version may have saved what this one cannot read.
async fn reads_its_state(service: &Service, number: RevisionNumber) -> Result<(), Failure> {
    let Some(running) = service.live.switch.get(number) else { return Ok(()) };
    let instances = &running.pool.spec().instances;
    if instances.model != InstanceModel::Actor || instances.key.is_some() {
        return Ok(());
    }
    running.pool.warm().await.map_err(|error| StartError::from(error).failure())
}

/// Where a rollback goes.
fn goal<'a>(record: &'a ServiceRecord, to: &RollbackTo) -> Result<&'a RevisionRecord, Failure> {
    let name = &record.name;
    let missing = |message: String| {
        Failure::new(Code::NotFound, message)
            .help(format!("`airssys-wasm history {name}` lists its revisions"))
    };
    match to {
        RollbackTo::Former => record
            .former()
            .ok_or_else(|| missing(format!("service `{name}` has no former revision"))),
        RollbackTo::Version(version) => {
            let promoted = record.revisions.iter().rev().filter(|it| it.promoted.is_some());
            let found = promoted.filter(|it| it.settings.version == *version);
            found.max_by_key(|it| it.promoted).ok_or_else(|| {
                missing(format!("no revision of `{name}` with version {version} was ever active"))
            })
        }
        RollbackTo::Revision(number) => record
            .revision(*number)
            .ok_or_else(|| missing(format!("service `{name}` has no revision {number}"))),
    }
}
