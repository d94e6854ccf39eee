//! What is to become a revision: its release, and the operator's word over the manifest's.

use std::sync::Arc;

use airssys_wasm_api::command::{Source, Update, grant_all_asked};
use airssys_wasm_api::{By, Code, Failure};
use airssys_wasm_deploy::{RevisionSettings, RolloutKind};
use airssys_wasm_model::{
    Determinism, Endpoint, Grants, Name, ReleaseRef, Rights, RolloutSettings, Version,
};
use serde_json::{Map, Value};

use super::{addresses, asking_more};
use crate::node::Shared;
use crate::releases::{self, Release};
use crate::service::Service;
use crate::starting::rights_failure;

/// A revision that is wanted, checked and not recorded.
pub(super) struct Candidate {
    pub(super) release: Release,
    pub(super) settings: RevisionSettings,
    pub(super) rollout: RolloutSettings,
    /// Addresses that the rollout would ask and that its operator has not named.
    pub(super) unnamed: Vec<Endpoint>,
    /// How often the service's grants had changed when these were settled.
    pub(super) grants_said: u64,
    /// Whether others may have signed it than the release before.
    pub(super) accept_signer: bool,
    pub(super) kind: RolloutKind,
    pub(super) why: String,
}

/// The release that a source means, under the name that is asked for. An uploaded one is read and not
/// recorded.
pub(super) async fn release_of(
    shared: &Arc<Shared>,
    source: Source,
    name: Option<Name>,
    version: Option<Version>,
    by: &By,
) -> Result<Release, Failure> {
    match source {
        Source::Release(ReleaseRef { name, version: own }) if version.is_some() => {
            let message = format!("{name}@{own} has its version, and no other can be given to it");
            Err(Failure::new(Code::Usage, message).help("leave --version out"))
        }
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

pub(super) async fn candidate_of_update(
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
        None => active.settings.own_config(),
    };
    let grants = match &command.grants {
        Some(grants) => grants.clone(),
        // What was revoked is not taken over.
        None => Rights::still_asked(&release.manifest.asked, &record.grants_of(active)),
    };
    let grants = if command.grant_asked { all_asked(&release, &grants)? } else { grants };
    let mut rollout = command.rollout.over(&release.manifest.rollout);
    let mut why = format!("update to {}@{}", release.name, release.version);
    if command.grants.is_none() && !command.grant_asked {
        let more = asking_more::beyond(shared, service.name(), active, &release, &grants).await?;
        if let Some(gate) = asking_more::gate(&more) {
            why = format!("{why}, which asks for more");
            rollout.gates.insert(0, gate);
        }
    }
    Ok(Candidate {
        settings: settings(&release, overrides, grants, command.determinism.clone()),
        unnamed: addresses::of_manifest(&command.rollout, &release.manifest.rollout),
        rollout,
        why,
        grants_said: record.grants_said,
        accept_signer: command.accept_signer,
        release,
        kind: RolloutKind::Update,
    })
}

pub(super) fn all_asked(release: &Release, grants: &Grants) -> Result<Grants, Failure> {
    grant_all_asked(&release.manifest.asked, grants).map_err(|error| rights_failure(&error))
}

/// What a revision of this release is made of: the manifest's word, and the operator's over it.
pub(super) fn settings(
    release: &Release,
    own: Map<String, Value>,
    grants: Grants,
    determinism: Determinism,
) -> RevisionSettings {
    let manifest = &release.manifest;
    let determinism = determinism.over(&manifest.determinism);
    let config_set = own.keys().cloned().collect();
    let mut config = manifest.config.clone();
    config.extend(own);
    RevisionSettings {
        version: release.version.clone(),
        digest: release.digest,
        config,
        config_set,
        grants,
        limits: manifest.limits,
        instances: manifest.instances.clone(),
        determinism,
        http: manifest.http.clone(),
        routing: manifest.routing.clone(),
        signers: release.signers.clone(),
    }
}

fn nothing_active(name: &Name) -> Failure {
    Failure::new(Code::Conflict, format!("service `{name}` has no active revision to update"))
        .help("deploy it again with `airssys-wasm deploy`")
}
