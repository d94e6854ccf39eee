//! `grants`: what a service is granted, more of it, and less. The word is recorded first; then it counts for every
//! instance that runs, and only then is it answered.

use std::sync::{Arc, PoisonError};

use airssys_wasm_api::command::{AddGrants, RevokeGrants};
use airssys_wasm_api::reply::{GrantLine, GrantsReport, Reply, RevisionGrants, Revoked};
use airssys_wasm_api::{By, Code, Failure};
use airssys_wasm_deploy::{
    GrantChangeError, GrantStanding, RevisionRecord, ServiceRecord, Timestamp,
};
use airssys_wasm_host::DirectoryError;
use airssys_wasm_model::{Asked, Grant, Grants, Name, Rights, RightsError};

use crate::live::Running;
use crate::node::{Shared, blocking};
use crate::releases;
use crate::reports;
use crate::service::Service;
use crate::starting::rights_failure;
use crate::steering::amend_failure;

/// What a service asks for and is granted.
pub(crate) async fn grants(shared: &Arc<Shared>, name: &Name) -> Result<Reply, Failure> {
    let service = shared.service(name)?;
    Ok(report(shared, &service, Grants::default()).await?.into())
}

/// Allows a service more.
pub(crate) async fn add(
    shared: &Arc<Shared>,
    command: AddGrants,
    by: &By,
) -> Result<Reply, Failure> {
    let AddGrants { service: name, grants } = command;
    let service = shared.service(&name)?;
    said(&grants)?;
    let asked = asked(shared, &service).await?;
    for grant in &grants.0 {
        gives_something(&name, grant, &asked)?;
    }
    try_directories(&service, &grants).await?;
    let amended = service.amend(|record| record.add_grants(&grants, &by.who, Timestamp::now()));
    amended.await.map_err(|error| amend_failure(error, |error| refused(&name, error)))?;
    take_effect(&service).await?;
    Ok(report(shared, &service, Grants::default()).await?.into())
}

/// Allows a service something no more.
pub(crate) async fn revoke(
    shared: &Arc<Shared>,
    command: RevokeGrants,
    by: &By,
) -> Result<Reply, Failure> {
    let RevokeGrants { service: name, grants, all } = command;
    let service = shared.service(&name)?;
    if all != grants.0.is_empty() {
        return Err(Failure::new(Code::Usage, "name what is revoked, or `all`"));
    }
    let amended = service.amend(|record| match all {
        true => Ok(record.revoke_all_grants(&by.who, Timestamp::now())),
        false => record.revoke_grants(&grants, &by.who, Timestamp::now()),
    });
    let also =
        amended.await.map_err(|error| amend_failure(error, |error| refused(&name, error)))?;
    take_effect(&service).await?;
    let also = if all { Grants::default() } else { also };
    Ok(report(shared, &service, also).await?.into())
}

/// What a revision may do now: what its release asks for, of what it was granted, as far as that is in force.
pub(crate) fn rights_now(
    record: &ServiceRecord,
    revision: &RevisionRecord,
    asked: &Asked,
) -> Result<Rights, RightsError> {
    let in_force = record.grants_of(revision);
    let mut granted = revision.settings.grants.clone();
    let given = in_force.0.iter().filter(|grant| !granted.0.contains(grant)).cloned();
    let given = Rights::still_asked(asked, &Grants(given.collect()));
    granted.0.extend(given.0);
    Rights::intersect3(asked, &granted, &in_force)
}

/// Says of a revision that starts which of its grants are worth nothing: an earlier version took such ones.
pub(crate) fn tell_of_idle(record: &ServiceRecord, revision: &RevisionRecord, asked: &Asked) {
    let service = &record.name;
    for grant in Rights::idle(asked, &record.grants_of(revision)).0 {
        tracing::warn!(
            %service, revision = %revision.number,
            "the grant `{grant}` allows nothing that is asked for and is worth nothing: `airssys-wasm grants {service}` \
             shows what is asked"
        );
    }
}

impl Service {
    /// Lets a revision that runs go by the record of now.
    pub(crate) fn renew_rights(&self, running: &Running) -> Result<(), DirectoryError> {
        // One at a time, from the reading of the record on: whoever comes last has the latest.
        let _turn = self.granting.lock().unwrap_or_else(PoisonError::into_inner);
        let record = self.record();
        let Some(revision) = record.revision(running.revision) else { return Ok(()) };
        match rights_now(&record, revision, &running.asked) {
            Ok(rights) => running.pool.change_rights(rights),
            // What fitted when it started fits now. If not, it may do nothing.
            Err(error) => {
                tracing::error!(service = %self.name(), revision = %revision.number, "{error}");
                running.pool.change_rights(Rights::default())
            }
        }
    }
}

/// Lets every instance that runs go by the record. Those that waited for calls are replaced.
async fn take_effect(service: &Arc<Service>) -> Result<(), Failure> {
    let renewed = Arc::clone(service);
    let renewing = blocking(move || {
        let targets = renewed.live.switch.targets().into_iter();
        let all = targets.map(|(_, running)| (renewed.renew_rights(&running), running));
        all.collect::<Vec<_>>()
    });
    let mut failed = Ok(());
    for (renewed, running) in renewing.await? {
        if let Err(error) = renewed {
            failed = Err(no_directory(&error));
        }
        let Some(instances) = service.instances_of(running.revision) else { continue };
        // Nobody waits for it: calls that come meanwhile start their own.
        tokio::spawn(async move {
            if let Err(error) = running.pool.fill(instances.min).await {
                let service = &running.pool.spec().service;
                tracing::warn!(%service, "an instance does not start: {error}");
            }
        });
    }
    tracing::info!(service = %service.name(), "the grants have changed");
    failed
}

/// A directory that cannot be opened is found before it is recorded.
async fn try_directories(service: &Arc<Service>, grants: &Grants) -> Result<(), Failure> {
    let hosts = grants.0.iter().filter_map(|grant| match grant {
        Grant::Files(files) => Some(files.host.clone()),
        _ => None,
    });
    let hosts: Vec<String> = hosts.collect();
    let name = service.name().clone();
    let tried = blocking(move || {
        hosts.into_iter().find_map(|host| std::fs::read_dir(&host).err().map(|why| (host, why)))
    });
    match tried.await? {
        None => Ok(()),
        Some((host, why)) => {
            let message = format!("the directory {host} cannot be opened for `{name}`: {why}");
            Err(Failure::new(Code::Usage, message).help("name a directory of the node's machine"))
        }
    }
}

fn no_directory(error: &DirectoryError) -> Failure {
    let message = format!("the grants are recorded, but {error}: {}", error.source);
    Failure::new(Code::Failed, message).help("revoke the grant, or make the directory readable")
}

fn said(grants: &Grants) -> Result<(), Failure> {
    match grants.0.is_empty() {
        true => Err(Failure::new(Code::Usage, "name what is granted")),
        false => Ok(()),
    }
}

/// What the revisions that run ask for.
async fn asked(shared: &Arc<Shared>, service: &Service) -> Result<Vec<Asked>, Failure> {
    let record = service.record();
    let mut all = Vec::new();
    for revision in shown(&record) {
        let release = releases::known(shared, service.name(), &revision.settings.version).await?;
        all.extend(release.map(|release| release.manifest.asked));
    }
    Ok(all)
}

/// A grant that allows nothing that is asked is a slip.
fn gives_something(name: &Name, grant: &Grant, asked: &[Asked]) -> Result<(), Failure> {
    let one = Grants(vec![grant.clone()]);
    let is_asked = |asked: &Asked| !Rights::still_asked(asked, &one).0.is_empty();
    if asked.iter().any(is_asked) {
        return Ok(());
    }
    let failure = rights_failure(&RightsError::Unasked(grant.clone()));
    Err(Failure { message: format!("service `{name}`: {}", failure.message), ..failure })
}

fn refused(name: &Name, error: GrantChangeError) -> Failure {
    let message = format!("service `{name}`: {error}");
    let shown = format!("`airssys-wasm grants {name}` shows what is granted");
    match error {
        GrantChangeError::Granted(_) => Failure::new(Code::Conflict, message).help(shown),
        GrantChangeError::NotGranted(_) => Failure::new(Code::NotFound, message).help(shown),
        GrantChangeError::Part { whole, .. } => Failure::new(Code::Usage, message)
            .help(format!("revoke `{whole}`, then add what is to stay allowed")),
        GrantChangeError::TooMany => Failure::new(Code::Limit, message)
            .help("`update` with the grants that it is to have, or revoke all and add those"),
    }
}

/// The revisions that a report is about.
fn shown(record: &ServiceRecord) -> Vec<&RevisionRecord> {
    let running: Vec<_> = record.revisions.iter().filter(|it| it.state.is_running()).collect();
    if running.is_empty() {
        record.active().or(record.revisions.last()).into_iter().collect()
    } else {
        running
    }
}

async fn report(
    shared: &Arc<Shared>,
    service: &Service,
    also_revoked: Grants,
) -> Result<GrantsReport, Failure> {
    let record = service.record();
    let mut revisions = Vec::new();
    for revision in shown(&record) {
        let version = &revision.settings.version;
        let release = releases::known(shared, service.name(), version).await?;
        let asked = release.map(|release| release.manifest.asked).unwrap_or_default();
        let in_force = record.grants_of(revision);
        let idle = Rights::idle(&asked, &in_force);
        let line = |standing| line(standing, &idle);
        revisions.push(RevisionGrants {
            revision: revision.number,
            version: version.clone(),
            state: revision.state.to_string(),
            asked: asked.standing(&in_force),
            granted: record.grant_standings(revision).into_iter().map(line).collect(),
        });
    }
    Ok(GrantsReport { service: service.name().clone(), revisions, also_revoked: also_revoked.0 })
}

fn line(standing: GrantStanding, idle: &Grants) -> GrantLine {
    let GrantStanding { grant, at, by, revoked } = standing;
    let is_idle = revoked.is_none() && idle.0.contains(&grant);
    let revoked = revoked.map(|(at, by)| Revoked { at: reports::time(at), by });
    GrantLine { grant, at: reports::time(at), by, revoked, is_idle }
}
