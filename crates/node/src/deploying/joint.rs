//! `updates`: several services as one. All of them are checked, planned and compiled before anything is recorded,
//! and one that is refused refuses all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_api::command::{JointUpdate, Update, UpdateOrder, Updates};
use airssys_wasm_api::reply::{JointPlan, Planned, Reply};
use airssys_wasm_api::{By, Code, Failure};
use airssys_wasm_deploy::{BatchId, BatchMember, BatchOrder, BatchRecord, MEMBERS_MAX, Timestamp};
use airssys_wasm_model::Name;
use futures::future::join_all;

use super::candidate::{Candidate, candidate_of_update};
use super::checks::{check, check_free, permit};
use super::planning::{plan_failure, plan_of};
use super::rolling::{Begun, compile, follow, record};
use crate::audit::Act;
use crate::batches::{self, Batch};
use crate::collecting;
use crate::ingress::Route;
use crate::node::Shared;
use crate::releases;
use crate::service::{LastStart, Service};

/// A service that is to take part.
struct Member {
    service: Arc<Service>,
    candidate: Candidate,
}

pub(crate) async fn updates(
    shared: &Arc<Shared>,
    command: Updates,
    by: By,
    act: &mut Act,
) -> Result<Reply, Failure> {
    let done = try_updates(shared, command, by, act).await;
    collecting::after(shared, &done).await;
    done
}

/// How an update of several services stands.
pub(crate) fn update_status(shared: &Shared, command: &JointUpdate) -> Result<Reply, Failure> {
    let batch = shared.batches.find(BatchId(command.update.0))?;
    Ok(batches::report(shared, &batch.record(), None).into())
}

async fn try_updates(
    shared: &Arc<Shared>,
    command: Updates,
    by: By,
    act: &mut Act,
) -> Result<Reply, Failure> {
    let arrived = Instant::now();
    let order = match command.order {
        UpdateOrder::Together => BatchOrder::Together,
        UpdateOrder::InOrder => BatchOrder::InOrder,
    };
    let members = members(shared, &command.updates, &by).await?;
    act.begin(command.plan_only).await?;
    check_all(shared, &members).await?;
    let plans = plans(&members, shared.batches.next(), order)?;
    if command.plan_only {
        return Ok(JointPlan { order: command.order, plans }.into());
    }
    let (batch, begun) = begin(shared, members, order, &by).await?;
    if !command.detached {
        let progress = &by.progress;
        let telling = begun.iter().map(|begun| async move {
            // Whatever is missed of the steps stands in the answer.
            let _ = follow(begun, progress, |_| false).await;
        });
        let telling = async {
            join_all(telling).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            // First, so that the last steps are told of before the answer.
            () = telling => {}
            rested = batches::rested(shared, &batch) => rested?,
        }
    }
    Ok(batches::report(shared, &batch.record(), Some(arrived)).into())
}

/// Those that are to take part, each of which may.
async fn members(
    shared: &Arc<Shared>,
    updates: &[Update],
    by: &By,
) -> Result<Vec<Member>, Failure> {
    if updates.is_empty() || updates.len() > MEMBERS_MAX {
        let message =
            format!("{} services are updated at once: from 1 to {MEMBERS_MAX}", updates.len());
        return Err(Failure::new(Code::Usage, message));
    }
    let mut members: Vec<Member> = Vec::with_capacity(updates.len());
    for update in updates {
        let name = &update.service;
        if members.iter().any(|member| member.service.name() == name) {
            return Err(Failure::new(Code::Usage, format!("service `{name}` is updated twice")));
        }
        if update.detached || update.plan_only {
            let message = "`detached` and `plan_only` are said for all services, not for one";
            return Err(Failure::new(Code::Usage, message));
        }
        let of = |failure| of(name, failure);
        let service = shared.service(name)?;
        check_free(&service.record()).map_err(of)?;
        let candidate = candidate_of_update(shared, &service, update, by).await.map_err(of)?;
        permit(shared, name, &candidate, by).map_err(of)?;
        members.push(Member { service, candidate });
    }
    Ok(members)
}

/// All that can be found wrong without compiling.
async fn check_all(shared: &Arc<Shared>, members: &[Member]) -> Result<(), Failure> {
    for Member { service, candidate } in members {
        let name = service.name();
        check(shared, name, candidate).await.map_err(|failure| of(name, failure))?;
    }
    check_routes(members)
}

/// Two candidates may not want the same route: none of them holds it yet.
fn check_routes(members: &[Member]) -> Result<(), Failure> {
    let mut wanted = BTreeMap::new();
    for Member { service, candidate } in members.iter().filter(|it| it.candidate.release.http) {
        let asked = candidate.settings.http.route.as_deref();
        let route = Route::of(service.name(), asked).as_str().to_owned();
        if let Some(other) = wanted.insert(route.clone(), service.name()) {
            let message =
                format!("`{other}` and `{}` both want the route `{route}`", service.name());
            return Err(Failure::new(Code::Conflict, message)
                .help("set another `route` under [http] in one Component.toml"));
        }
    }
    Ok(())
}

fn plans(members: &[Member], id: BatchId, order: BatchOrder) -> Result<Vec<Planned>, Failure> {
    let plan = |Member { service, candidate }: &Member| {
        let record = service.record();
        let revision = record.next_revision;
        let plan = record.plan_of_member(&candidate.rollout, revision, id, order);
        let plan = plan.map_err(|error| of(service.name(), plan_failure(&error)))?;
        let to = (revision, candidate.settings.version.clone());
        Ok(plan_of(&record, candidate.rollout.strategy, to, &plan))
    };
    members.iter().map(plan).collect()
}

/// Compiles all, stores their releases, and records the update and then every rollout. From the first of those
/// records on the update ends by itself, whatever happens here.
async fn begin(
    shared: &Arc<Shared>,
    members: Vec<Member>,
    order: BatchOrder,
    by: &By,
) -> Result<(Arc<Batch>, Vec<Begun>), Failure> {
    let services: Vec<_> = members.iter().map(|member| Arc::clone(&member.service)).collect();
    let mut preparing = Vec::with_capacity(members.len());
    for service in &services {
        preparing.push(service.prepare_alone().map_err(|failure| of(service.name(), failure))?);
    }
    for Member { service, candidate } in &members {
        check_free(&service.record()).map_err(|failure| of(service.name(), failure))?;
        compile(service, candidate, by).await.map_err(|failure| of(service.name(), failure))?;
    }
    by.progress.phase("storing");
    for Member { service, candidate } in &members {
        let kept = releases::keep(shared, &candidate.release).await;
        kept.map_err(|failure| of(service.name(), failure))?;
    }
    let new = recorded(shared.batches.number(), &members, order, by);
    let batch = shared.batches.create(&shared.store, new).await?;
    by.progress.phase("starting");
    let begun = begin_all(&batch, members, by).await;
    if let Err((service, failure)) = &begun {
        // Not saved, it comes to the same: a rollout is missing.
        let reason = format!("`{}` was not begun: {}", service.name(), failure.message);
        let _ = batch.amend(|record| record.abort(&reason, Timestamp::now())).await;
        services.iter().for_each(|service| forget_unstarted(service, &batch.record()));
    }
    shared.supervise_batch(&batch)?;
    match begun {
        Ok(begun) => Ok((batch, begun)),
        Err((service, failure)) => {
            batches::ended(shared, &batch).await?;
            Err(of(service.name(), failure))
        }
    }
}

fn recorded(id: BatchId, members: &[Member], order: BatchOrder, by: &By) -> BatchRecord {
    let name = |it: &Member| format!("{}@{}", it.service.name(), it.candidate.settings.version);
    let names: Vec<_> = members.iter().map(name).collect();
    let member = |Member { service, .. }: &Member| {
        let record = service.record();
        BatchMember {
            service: service.name().clone(),
            rollout: record.next_rollout,
            revision: record.next_revision,
        }
    };
    BatchRecord {
        id,
        order,
        members: members.iter().map(member).collect(),
        at: Timestamp::now(),
        by: by.who.clone(),
        why: format!("update to {}", names.join(", ")),
        decision: None,
        kept: Vec::new(),
        ended: None,
    }
}

async fn begin_all(
    batch: &Batch,
    members: Vec<Member>,
    by: &By,
) -> Result<Vec<Begun>, (Arc<Service>, Failure)> {
    let joint = batch.record();
    let mut begun = Vec::with_capacity(members.len());
    for (Member { service, candidate }, expected) in members.into_iter().zip(&joint.members) {
        match record(&service, candidate, by, Some((&joint, expected))).await {
            Ok(one) => begun.push(one),
            Err(failure) => return Err((service, failure)),
        }
    }
    Ok(begun)
}

/// Nobody will start what was compiled for a service whose rollout is not recorded.
fn forget_unstarted(service: &Service, batch: &BatchRecord) {
    if service.record().batch() != Some(batch.id) {
        *service.last_start() = LastStart::default();
    }
}

/// Says which service was refused.
fn of(name: &Name, failure: Failure) -> Failure {
    Failure { message: format!("service `{name}`: {}", failure.message), ..failure }
}
