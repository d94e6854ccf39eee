//! A rollout from its record to what came of it.

use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_api::reply::{Deployed, Reply};
use airssys_wasm_api::{By, Code, Event, Failure, Progress};
use airssys_wasm_deploy::{
    Asked, BatchMember, BatchRecord, BeginError, Outcome, Rollout, RolloutNumber, ServiceRecord,
    ServiceState, StepState, Timestamp,
};
use airssys_wasm_model::RevisionNumber;

use super::candidate::Candidate;
use super::checks::check_free;
use super::planning::plan_failure;
use crate::node::stopping;
use crate::releases;
use crate::reports;
use crate::service::{LastStart, Service};
use crate::steering::{amend_failure, report};

/// A rollout that began.
pub(super) struct Begun {
    pub(super) service: Arc<Service>,
    pub(super) rollout: RolloutNumber,
    pub(super) revision: RevisionNumber,
    pub(super) plan: Vec<String>,
    /// Whether it is told of by its service's name.
    pub(super) of_several: bool,
}

/// Compiles a candidate, stores its release and records it with its rollout. The walk takes it from there.
pub(super) async fn begin(
    service: &Arc<Service>,
    candidate: Candidate,
    by: &By,
) -> Result<Begun, Failure> {
    let _preparing = service.prepare_alone()?;
    check_free(&service.record())?;
    compile(service, &candidate, by).await?;
    by.progress.phase("storing");
    releases::keep(&service.shared, &candidate.release).await?;
    let begun = record(service, candidate, by, None).await.inspect_err(|_not_recorded| {
        // Nobody will start what was compiled for it.
        *service.last_start() = LastStart::default();
    })?;
    by.progress.phase("starting");
    Ok(begun)
}

/// Compiles a candidate and keeps it for the walk to start.
pub(super) async fn compile(
    service: &Service,
    candidate: &Candidate,
    by: &By,
) -> Result<(), Failure> {
    by.progress.phase("compiling");
    let number = service.record().next_revision;
    let prepared = service.prepare(number, &candidate.settings, &candidate.release).await;
    let prepared = prepared.map_err(|error| error.failure())?;
    let compile = prepared.report().took;
    *service.last_start() = LastStart { prepared: Some(prepared), compile, ..LastStart::default() };
    Ok(())
}

/// Records a candidate and the rollout that leads to it, by itself or as this member of several.
pub(super) async fn record(
    service: &Arc<Service>,
    candidate: Candidate,
    by: &By,
    of: Option<(&BatchRecord, &BatchMember)>,
) -> Result<Begun, Failure> {
    let Candidate { settings, rollout, kind, why, grants_said, .. } = candidate;
    let mut begun = record_rollout(service, |record, now| {
        // A revocation in between must not be missed by what took grants over before it.
        if record.grants_said != grants_said {
            return Err(BeginError::Moved);
        }
        let to = record.add_revision(settings, &by.who, &why, now);
        let asked = Asked { kind, settings: rollout, to, by: by.who.clone(), why };
        let rollout = match of {
            None => record.begin(asked, now)?,
            Some((batch, member)) => record.begin_member(asked, batch, member, now)?,
        };
        Ok((to, rollout))
    })
    .await?;
    begun.of_several = of.is_some();
    Ok(begun)
}

pub(super) async fn record_rollout(
    service: &Arc<Service>,
    change: impl FnOnce(
        &mut ServiceRecord,
        Timestamp,
    ) -> Result<(RevisionNumber, RolloutNumber), BeginError>,
) -> Result<Begun, Failure> {
    let now = Timestamp::now();
    let amended = service.amend(|record| {
        let (revision, rollout) = change(record, now)?;
        let steps = record.rollout(rollout).into_iter().flat_map(|rollout| &rollout.steps);
        Ok((revision, rollout, steps.map(|step| step.step.to_string()).collect()))
    });
    let (revision, rollout, plan) =
        amended.await.map_err(|error| amend_failure(error, begin_failure))?;
    tracing::info!(service = %service.name(), %revision, %rollout, "a rollout began");
    Ok(Begun { service: Arc::clone(service), rollout, revision, plan, of_several: false })
}

/// Waits until a rollout stands as wanted, and tells of its steps meanwhile.
pub(super) async fn follow(
    begun: &Begun,
    progress: &Progress,
    wanted: impl Fn(&Rollout) -> bool,
) -> Result<Arc<ServiceRecord>, Failure> {
    let service = begun.of_several.then(|| begun.service.name().clone());
    progress.tell(Event::Plan { service: service.clone(), plan: begun.plan.clone() });
    let mut told = Vec::new();
    let mut watch = begun.service.watch();
    loop {
        let record = Arc::clone(&watch.borrow_and_update());
        let Some(rollout) = record.rollout(begun.rollout) else { return Ok(record) };
        for (at, step) in rollout.steps.iter().enumerate() {
            let before = told.get(at).copied().unwrap_or(StepState::Pending);
            if before != step.state
                && let Some(step) = reports::step(rollout, at, None)
            {
                progress.tell(Event::Step { service: service.clone(), step });
            }
        }
        told = rollout.steps.iter().map(|step| step.state).collect();
        if wanted(rollout) {
            return Ok(record);
        }
        let changed = begun.service.shared.unless_stopping(watch.changed()).await?;
        changed.map_err(|_| stopping())?;
    }
}

/// Whether nothing more happens by itself.
pub(super) fn rests(rollout: &Rollout) -> bool {
    !rollout.is_under_way() || rollout.paused.is_some()
}

/// The answer to `update` and `rollback`: when the rollout rests, or at once where nobody waits.
pub(super) async fn rolled(
    begun: &Begun,
    detached: bool,
    by: &By,
    arrived: Instant,
) -> Result<Reply, Failure> {
    let record = follow(begun, &by.progress, |rollout| detached || rests(rollout)).await?;
    report(&begun.service, &record, begun.rollout, arrived)
}

pub(super) fn deployed(
    begun: &Begun,
    record: &ServiceRecord,
    arrived: Instant,
) -> Result<Reply, Failure> {
    let name = &record.name;
    let moved_on = || Failure::new(Code::Conflict, format!("service `{name}` has moved on"));
    let rollout = record.rollout(begun.rollout).ok_or_else(moved_on)?;
    let revision = record.revision(begun.revision).ok_or_else(moved_on)?;
    let state = match rollout.outcome {
        Some(Outcome::Promoted) => revision.state.to_string(),
        None if rollout.paused.is_some() => ServiceState::Paused.to_string(),
        _ => return Err(not_deployed(begun, rollout)),
    };
    Ok(Deployed {
        service: name.clone(),
        revision: revision.number,
        version: revision.settings.version.clone(),
        digest: revision.settings.digest,
        state,
        plan: begun.plan.clone(),
        routes: reports::routes(&begun.service, record),
        timings_ms: reports::timings(&begun.service, Some(arrived), rollout),
    }
    .into())
}

/// Why a deployment was taken back: what its start came to, if that was why.
fn not_deployed(begun: &Begun, rollout: &Rollout) -> Failure {
    let error = begun.service.last_start().error.clone();
    match error.filter(|(revision, _)| *revision == begun.revision) {
        Some((_, error)) => error.failure(),
        None => Failure::new(
            Code::RolledBack,
            format!(
                "{} was taken back: {}",
                begun.revision,
                rollout.reason().unwrap_or("no reason")
            ),
        ),
    }
}

pub(super) fn begin_failure(error: BeginError) -> Failure {
    match &error {
        BeginError::UnderWay { .. } => Failure::new(Code::Conflict, &error)
            .help("wait for it, or `promote` or `abort` it first"),
        BeginError::Batch(_) => Failure::new(Code::Conflict, &error)
            .help("wait for it, or `abort` it first by the name of any service that takes part"),
        BeginError::Moved => Failure::new(Code::Conflict, &error).help("try again"),
        BeginError::Removing => Failure::new(Code::Conflict, &error),
        BeginError::NoRevision(_) => Failure::new(Code::NotFound, &error),
        BeginError::Active(_) => Failure::new(Code::Conflict, &error),
        BeginError::Plan(error) => plan_failure(error),
    }
}

#[cfg(test)]
mod tests {
    use airssys_wasm_deploy::RolloutKind;
    use airssys_wasm_model::RolloutSettings;

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_deployment_that_is_paused_is_answered_so() {
        let dir = tempfile::tempdir().unwrap();
        let node = testing::node(dir.path()).await;
        let mut record = ServiceRecord::new("echo".parse().unwrap());
        let now = Timestamp::now();
        let (kind, why) = (RolloutKind::Deploy, "deploy".to_owned());
        let revision = record.add_revision(testing::revision(), "tester", &why, now);
        let settings = RolloutSettings::default();
        let asked = Asked { kind, settings, to: revision, by: "tester".to_owned(), why };
        let rollout = record.begin(asked, now).unwrap();
        record.pause("paused by tester", now).unwrap();
        // Nobody walks this service, so that it stays as it is.
        let service = Service::new(Arc::clone(node.shared()), record, None);
        let begun = Begun { service, rollout, revision, plan: Vec::new(), of_several: false };
        let record = follow(&begun, &Progress::unwatched(), rests).await.unwrap();
        let answer = deployed(&begun, &record, Instant::now()).unwrap();
        assert_eq!(Deployed::try_from(answer).unwrap().state, "paused");
    }
}
