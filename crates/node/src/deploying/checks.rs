//! What can be found wrong before anything is compiled or recorded.

use std::sync::Arc;

use airssys_wasm_api::{By, Code, Failure};
use airssys_wasm_deploy::{BeginError, RevisionSettings, RolloutKind, ServiceRecord};
use airssys_wasm_model::{Name, Rights, RolloutSettings};
use airssys_wasm_policy::Act;

use super::actors::check_actors;
use super::addresses;
use super::candidate::Candidate;
use super::rolling::begin_failure;
use crate::authors;
use crate::ingress::Route;
use crate::node::Shared;
use crate::releases::{self, Release};
use crate::shadow;
use crate::starting::StartError;

/// What the configuration of one revision may come to as JSON, and what its grants may. Both are for
/// settings, which are counted in lines; a model or a word list is a file.
const SETTINGS_PART_MAX_BYTES: usize = 64 << 10;

/// Whether somebody may let this candidate have calls.
pub(super) fn permit(
    shared: &Shared,
    name: &Name,
    candidate: &Candidate,
    by: &By,
) -> Result<(), Failure> {
    let Candidate { release, settings, .. } = candidate;
    let act = match candidate.kind {
        RolloutKind::Deploy => Act::Deploy,
        _ => Act::Update,
    };
    shared.authority.permit_rollout(shared, by, act, name, (release, settings))
}

/// What can be found wrong without compiling.
pub(super) async fn check(
    shared: &Arc<Shared>,
    name: &Name,
    candidate: &Candidate,
) -> Result<(), Failure> {
    let Candidate { release, settings, rollout, unnamed, .. } = candidate;
    addresses::check(release, unnamed)?;
    Rights::intersect(&release.manifest.asked, &settings.grants)
        .map_err(|error| StartError::from(error).failure())?;
    releases::check(shared, release).await?;
    if !candidate.accept_signer {
        authors::check(shared, release).await?;
    }
    check_size("its configuration", &settings.config)?;
    check_size("what it is granted", &settings.grants)?;
    check_route(shared, name, release, settings)?;
    check_ignored(rollout)?;
    match shared.service(name) {
        Ok(service) => check_actors(&service.record(), rollout, &settings.instances),
        Err(_none_yet) => Ok(()),
    }
}

/// What of the answers to copied calls may differ is understood.
pub(super) fn check_ignored(rollout: &RolloutSettings) -> Result<(), Failure> {
    let read = shadow::paths(&rollout.shadow.ignore);
    read.map(drop).map_err(|error| Failure::from_error(Code::Usage, &error))
}

/// The route of a revision is its service's, or nobody's yet.
pub(super) fn check_route(
    shared: &Shared,
    name: &Name,
    release: &Release,
    settings: &RevisionSettings,
) -> Result<(), Failure> {
    if !release.http {
        return Ok(());
    }
    let route = Route::of(name, settings.http.route.as_deref());
    shared.routes.check(name, &route).map_err(|error| {
        Failure::from_error(Code::Conflict, &error)
            .help("set another `route` under [http] in its Component.toml")
    })
}

/// Each revision of a service is in its record, and the record is written with every step.
fn check_size(what: &str, part: &impl serde::Serialize) -> Result<(), Failure> {
    let written = serde_json::to_vec(part);
    let bytes = written.map_err(|error| Failure::from_error(Code::Invalid, &error))?.len();
    if bytes <= SETTINGS_PART_MAX_BYTES {
        return Ok(());
    }
    let message =
        format!("{what} has {bytes} bytes, and at most {SETTINGS_PART_MAX_BYTES} are taken");
    Err(Failure::new(Code::Invalid, message)
        .help("keep data in files of a directory that it is granted"))
}

/// Says that a rollout is under way before anything is compiled in vain.
pub(super) fn check_free(record: &ServiceRecord) -> Result<(), Failure> {
    match (record.under_way(), record.batch()) {
        (Some(rollout), _) => Err(begin_failure(BeginError::UnderWay { to: rollout.to })),
        (None, Some(batch)) => Err(begin_failure(BeginError::Batch(batch))),
        (None, None) => Ok(()),
    }
}
