//! Bringing a revision to its calls: validate, prepare, store, record; the walk does the rest.
//!
//! Everything that can be found wrong is found before anything is recorded, so that a command that fails
//! here leaves the node as it was.

use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_api::command::{
    Deploy, Push, Rollback, RollbackTo, Source, Update, grant_all_asked,
};
use airssys_wasm_api::reply::{Deployed, Planned, Pushed, Reply, Timings};
use airssys_wasm_api::{By, Code, Event, Failure, Progress};
use airssys_wasm_deploy::{
    Asked, BeginError, Outcome, Plan, PlanError, RevisionRecord, RevisionSettings, Rollout,
    RolloutKind, RolloutNumber, ServiceRecord, StepState, Timestamp,
};
use airssys_wasm_model::{
    Grants, InstanceModel, Name, ReleaseRef, RevisionNumber, Rights, RightsError, RolloutSettings,
    StrategyName, Version,
};
use serde_json::{Map, Value};

use crate::ingress::Route;
use crate::node::Shared;
use crate::releases::{self, Kept, Release};
use crate::reports;
use crate::service::{LastStart, Service};
use crate::starting::{StartError, rights_failure};
use crate::steering::{amend_failure, report};

/// A revision that is wanted, checked and not recorded.
struct Candidate {
    release: Release,
    settings: RevisionSettings,
    rollout: RolloutSettings,
    kind: RolloutKind,
    why: String,
}

/// A rollout that began.
struct Begun {
    service: Arc<Service>,
    rollout: RolloutNumber,
    revision: RevisionNumber,
    plan: Vec<String>,
}

pub(crate) async fn deploy(
    shared: &Arc<Shared>,
    command: Deploy,
    by: By,
) -> Result<Reply, Failure> {
    let arrived = Instant::now();
    let Deploy { source, name, version, config, grants, grant_asked, plan_only } = command;
    let release = release_of(shared, source, name, version, &by).await?;
    let grants = if grant_asked { all_asked(&release, &grants)? } else { grants };
    let config = overlay(&release.manifest.config, config.unwrap_or_default());
    let name = release.name.clone();
    let candidate = Candidate {
        settings: settings(&release, config, grants),
        why: format!("deploy {name}@{}", release.version),
        release,
        rollout: RolloutSettings::default(),
        kind: RolloutKind::Deploy,
    };
    check(shared, &name, &candidate).await?;
    if plan_only {
        return plan_of_deploy(shared, candidate, arrived);
    }
    let service = shared.service_or_new(&name);
    let begun = begin(&service, candidate, &by).await?;
    let record = follow(&begun, &by.progress, |rollout| !rollout.is_under_way()).await?;
    deployed(&begun, &record, arrived)
}

pub(crate) async fn push(shared: &Arc<Shared>, command: Push, by: By) -> Result<Reply, Failure> {
    let Push { artifact, name, version } = command;
    by.progress.phase("storing");
    let release = releases::read(shared, artifact, name, version, &by.who).await?;
    let state = match releases::keep(shared, &release).await? {
        Kept::Stored => "stored",
        Kept::Known => "known",
    };
    let Release { name, version, digest, size_bytes, .. } = release;
    Ok(Pushed { name, version, digest, size_bytes, state: state.to_owned() }.into())
}

pub(crate) async fn update(
    shared: &Arc<Shared>,
    command: Update,
    by: By,
) -> Result<Reply, Failure> {
    let arrived = Instant::now();
    let service = shared.service(&command.service)?;
    check_free(&service.record())?;
    let candidate = candidate_of_update(shared, &service, &command, &by).await?;
    check(shared, service.name(), &candidate).await?;
    if command.plan_only {
        let record = service.record();
        let to = (record.next_revision, candidate.settings.version);
        return planned(&record, &candidate.rollout, to);
    }
    let begun = begin(&service, candidate, &by).await?;
    rolled(&begun, command.detached, &by, arrived).await
}

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
    check_strategy(&record, rollout.strategy, to.settings.instances.model)?;
    if command.plan_only {
        return planned(&record, &rollout, (number, version));
    }
    *service.last_start() = LastStart::default();
    let asked = Asked {
        kind: RolloutKind::Rollback,
        settings: rollout,
        to: number,
        by: by.who.clone(),
        why: format!("rollback to {number}"),
    };
    let begun = record_rollout(&service, |record, now| {
        let rollout = record.begin(asked, now)?;
        Ok((number, rollout))
    });
    rolled(&begun.await?, command.detached, &by, arrived).await
}

/// Compiles a candidate, stores its release and records it with its rollout. The walk takes it from there.
async fn begin(service: &Arc<Service>, candidate: Candidate, by: &By) -> Result<Begun, Failure> {
    let Ok(_preparing) = service.preparing.try_lock() else {
        let message = format!("another revision of `{}` is being prepared", service.name());
        return Err(Failure::new(Code::Conflict, message).help("try again when it has begun"));
    };
    check_free(&service.record())?;
    let Candidate { release, settings, rollout, kind, why } = candidate;
    by.progress.phase("compiling");
    let number = service.record().next_revision;
    let prepared = service.prepare(number, &settings, &release).await;
    let prepared = prepared.map_err(|error| error.failure())?;
    by.progress.phase("storing");
    releases::keep(&service.shared, &release).await?;
    let compile = prepared.report().took;
    *service.last_start() = LastStart { prepared: Some(prepared), compile, ..LastStart::default() };
    let (who, reason) = (by.who.clone(), why.clone());
    let begun = record_rollout(service, |record, now| {
        let to = record.add_revision(settings, &who, &reason, now);
        let asked = Asked { kind, settings: rollout, to, by: who.clone(), why: reason.clone() };
        Ok((to, record.begin(asked, now)?))
    });
    let begun = begun.await?;
    by.progress.phase("starting");
    Ok(begun)
}

async fn record_rollout(
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
    Ok(Begun { service: Arc::clone(service), rollout, revision, plan })
}

/// Waits until a rollout stands as wanted, and tells of its steps meanwhile.
async fn follow(
    begun: &Begun,
    progress: &Progress,
    wanted: impl Fn(&Rollout) -> bool,
) -> Result<Arc<ServiceRecord>, Failure> {
    progress.tell(Event::Plan { plan: begun.plan.clone() });
    let mut told = Vec::new();
    let mut watch = begun.service.watch();
    loop {
        let record = Arc::clone(&watch.borrow_and_update());
        let Some(rollout) = record.rollout(begun.rollout) else { return Ok(record) };
        for (at, step) in rollout.steps.iter().enumerate() {
            let before = told.get(at).copied().unwrap_or(StepState::Pending);
            if before != step.state {
                progress.tell(Event::Step { step: reports::step(step) });
            }
        }
        told = rollout.steps.iter().map(|step| step.state).collect();
        if wanted(rollout) {
            return Ok(record);
        }
        if watch.changed().await.is_err() {
            return Err(Failure::new(Code::Unavailable, "the node is stopping"));
        }
    }
}

/// The answer to `update` and `rollback`: when the rollout rests, or at once where nobody waits.
async fn rolled(
    begun: &Begun,
    detached: bool,
    by: &By,
    arrived: Instant,
) -> Result<Reply, Failure> {
    let rests = |rollout: &Rollout| !rollout.is_under_way() || rollout.paused.is_some();
    let record = follow(begun, &by.progress, |rollout| detached || rests(rollout)).await?;
    report(&begun.service, &record, begun.rollout, arrived)
}

fn deployed(begun: &Begun, record: &ServiceRecord, arrived: Instant) -> Result<Reply, Failure> {
    let name = &record.name;
    let moved_on = || Failure::new(Code::Conflict, format!("service `{name}` has moved on"));
    let rollout = record.rollout(begun.rollout).ok_or_else(moved_on)?;
    let revision = record.revision(begun.revision).ok_or_else(moved_on)?;
    if rollout.outcome != Some(Outcome::Promoted) {
        return Err(not_deployed(begun, rollout));
    }
    Ok(Deployed {
        service: name.clone(),
        revision: revision.number,
        version: revision.settings.version.clone(),
        digest: revision.settings.digest,
        state: revision.state.to_string(),
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

fn plan_of_deploy(
    shared: &Arc<Shared>,
    candidate: Candidate,
    arrived: Instant,
) -> Result<Reply, Failure> {
    let name = candidate.release.name;
    let record = match shared.service(&name) {
        Ok(service) => service.record(),
        Err(_none_yet) => Arc::new(ServiceRecord::new(name.clone())),
    };
    let revision = record.next_revision;
    let plan = record.plan(&candidate.rollout, revision).map_err(|error| plan_failure(&error))?;
    Ok(Deployed {
        service: name,
        revision,
        version: candidate.settings.version,
        digest: candidate.settings.digest,
        state: "planned".to_owned(),
        plan: lines(&plan),
        routes: Vec::new(),
        timings_ms: Timings { total: reports::ms(arrived.elapsed()), ..Timings::default() },
    }
    .into())
}

fn planned(
    record: &ServiceRecord,
    rollout: &RolloutSettings,
    (revision, version): (RevisionNumber, Version),
) -> Result<Reply, Failure> {
    let plan = record.plan(rollout, revision).map_err(|error| plan_failure(&error))?;
    Ok(Planned {
        service: record.name.clone(),
        from: record.active.and_then(|active| reports::point(record, active)),
        to: airssys_wasm_api::reply::Point { revision, version },
        strategy: rollout.strategy.to_string(),
        plan: lines(&plan),
    }
    .into())
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

/// The release that a source means, under the name that is asked for. An uploaded one is read and not
/// recorded.
async fn release_of(
    shared: &Arc<Shared>,
    source: Source,
    name: Option<Name>,
    version: Option<Version>,
    by: &By,
) -> Result<Release, Failure> {
    match source {
        Source::Artifact(digest) => releases::read(shared, digest, name, version, &by.who).await,
        Source::Release(ReleaseRef { name: from, version }) => {
            let known = releases::known(shared, &from, &version).await?;
            let release = known.ok_or_else(|| no_release(&from, &version))?;
            Ok(Release { name: name.unwrap_or(from), ..release })
        }
    }
}

fn no_release(name: &Name, version: &Version) -> Failure {
    Failure::new(Code::NotFound, format!("there is no release {name}@{version}"))
        .help(format!("`airssys-wasm versions {name}` lists what is stored"))
}

async fn candidate_of_update(
    shared: &Arc<Shared>,
    service: &Service,
    command: &Update,
    by: &By,
) -> Result<Candidate, Failure> {
    let record = service.record();
    let active = record.active().ok_or_else(|| nothing_active(service.name()))?;
    let name = service.name().clone();
    let same = ReleaseRef { name: name.clone(), version: active.settings.version.clone() };
    let source = command.source.clone().unwrap_or(Source::Release(same));
    let release = release_of(shared, source, Some(name), command.version.clone(), by).await?;
    let overrides = match &command.config {
        Some(config) => config.clone(),
        None => own_config(shared, service.name(), active).await?,
    };
    let grants = match &command.grants {
        Some(grants) => grants.clone(),
        None => still_asked(&release, &active.settings.grants),
    };
    let grants = if command.grant_asked { all_asked(&release, &grants)? } else { grants };
    let config = overlay(&release.manifest.config, overrides);
    Ok(Candidate {
        settings: settings(&release, config, grants),
        rollout: command.rollout.over(&release.manifest.rollout),
        why: format!("update to {}@{}", release.name, release.version),
        release,
        kind: RolloutKind::Update,
    })
}

/// What the operator set in the configuration of a revision: what differs from its manifest's defaults.
/// So an update takes new defaults over and keeps the operator's word.
async fn own_config(
    shared: &Arc<Shared>,
    name: &Name,
    revision: &RevisionRecord,
) -> Result<Map<String, Value>, Failure> {
    let settings = &revision.settings;
    let release = releases::known(shared, name, &settings.version).await?;
    let defaults = release.map(|release| release.manifest.config).unwrap_or_default();
    let own = settings.config.iter().filter(|(key, value)| defaults.get(*key) != Some(*value));
    Ok(own.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// The grants of the active revision that a new release still asks for: one that it gave up goes.
fn still_asked(release: &Release, grants: &Grants) -> Grants {
    let mut grants = grants.clone();
    while let Err(RightsError::Unasked(unasked)) =
        Rights::intersect(&release.manifest.asked, &grants)
    {
        grants.0.retain(|grant| *grant != unasked);
    }
    grants
}

fn all_asked(release: &Release, grants: &Grants) -> Result<Grants, Failure> {
    grant_all_asked(&release.manifest.asked, grants).map_err(|error| rights_failure(&error))
}

fn overlay(defaults: &Map<String, Value>, own: Map<String, Value>) -> Map<String, Value> {
    let mut config = defaults.clone();
    config.extend(own);
    config
}

fn settings(release: &Release, config: Map<String, Value>, grants: Grants) -> RevisionSettings {
    let manifest = &release.manifest;
    RevisionSettings {
        version: release.version.clone(),
        digest: release.digest,
        config,
        grants,
        limits: manifest.limits,
        instances: manifest.instances,
        http: manifest.http.clone(),
    }
}

/// What can be found wrong without compiling.
async fn check(shared: &Arc<Shared>, name: &Name, candidate: &Candidate) -> Result<(), Failure> {
    let Candidate { release, settings, rollout, .. } = candidate;
    Rights::intersect(&release.manifest.asked, &settings.grants)
        .map_err(|error| StartError::from(error).failure())?;
    releases::check(shared, release).await?;
    if release.http {
        let route = Route::of(name, settings.http.route.as_deref());
        shared.routes.check(name, &route).map_err(|error| {
            Failure::from_error(Code::Conflict, &error)
                .help("set another `route` under [http] in its Component.toml")
        })?;
    }
    match shared.service(name) {
        Ok(service) => {
            check_strategy(&service.record(), rollout.strategy, settings.instances.model)
        }
        Err(_none_yet) => Ok(()),
    }
}

/// An actor is one instance with one state: its calls cannot be split between two revisions.
fn check_strategy(
    record: &ServiceRecord,
    strategy: StrategyName,
    to: InstanceModel,
) -> Result<(), Failure> {
    let active = record.active().map(|active| active.settings.instances.model);
    let actor = [active, Some(to)].contains(&Some(InstanceModel::Actor));
    if strategy == StrategyName::Canary && actor {
        let message = format!("`{}` is an actor, so a canary cannot split its calls", record.name);
        return Err(
            Failure::new(Code::Usage, message).help("use --strategy blue-green or all-at-once")
        );
    }
    Ok(())
}

/// Says that a rollout is under way before anything is compiled in vain.
fn check_free(record: &ServiceRecord) -> Result<(), Failure> {
    match record.under_way() {
        Some(rollout) => Err(begin_failure(BeginError::UnderWay { to: rollout.to })),
        None => Ok(()),
    }
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

fn nothing_active(name: &Name) -> Failure {
    Failure::new(Code::Conflict, format!("service `{name}` has no active revision to update"))
        .help("deploy it again with `airssys-wasm deploy`")
}

fn begin_failure(error: BeginError) -> Failure {
    match &error {
        BeginError::UnderWay { .. } => Failure::new(Code::Conflict, &error)
            .help("wait for it, or `promote` or `abort` it first"),
        BeginError::Removing => Failure::new(Code::Conflict, &error),
        BeginError::NoRevision(_) => Failure::new(Code::NotFound, &error),
        BeginError::Active(_) => Failure::new(Code::Conflict, &error),
        BeginError::Plan(error) => plan_failure(error),
    }
}

fn plan_failure(error: &PlanError) -> Failure {
    Failure::from_error(Code::Usage, error)
}
