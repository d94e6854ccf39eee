//! `deploy`, `push` and `update`, each from what was asked to its answer.

use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_api::command::{Deploy, Push, Update};
use airssys_wasm_api::reply::{Pushed, Reply};
use airssys_wasm_api::{By, Failure};
use airssys_wasm_deploy::RolloutKind;
use airssys_wasm_model::RolloutSettings;

use super::candidate::{Candidate, all_asked, candidate_of_update, release_of, settings};
use super::checks::{check, check_free, permit};
use super::planning::{plan_of_deploy, planned};
use super::rolling::{begin, deployed, follow, rests, rolled};
use crate::audit::Act;
use crate::authors;
use crate::collecting;
use crate::node::Shared;
use crate::releases::{self, Kept, Release};

pub(crate) async fn deploy(
    shared: &Arc<Shared>,
    command: Deploy,
    by: By,
    act: &mut Act,
) -> Result<Reply, Failure> {
    let done = try_deploy(shared, command, by, act).await;
    collecting::after(shared, &done).await;
    done
}

async fn try_deploy(
    shared: &Arc<Shared>,
    command: Deploy,
    by: By,
    act: &mut Act,
) -> Result<Reply, Failure> {
    let arrived = Instant::now();
    let Deploy { source, name, version, config, grants, grant_asked, .. } = command;
    let Deploy { determinism, accept_signer, plan_only, .. } = command;
    let release = release_of(shared, source, name, version, &by).await?;
    let grants = if grant_asked { all_asked(&release, &grants)? } else { grants };
    let name = release.name.clone();
    let known = shared.service(&name).map(|service| service.record().grants_said);
    let candidate = Candidate {
        grants_said: known.unwrap_or_default(),
        settings: settings(&release, config.unwrap_or_default(), grants, determinism),
        why: format!("deploy {name}@{}", release.version),
        release,
        rollout: RolloutSettings::default(),
        unnamed: Vec::new(),
        accept_signer,
        kind: RolloutKind::Deploy,
    };
    permit(shared, &name, &candidate, &by)?;
    act.begin(plan_only).await?;
    check(shared, &name, &candidate).await?;
    if plan_only {
        return plan_of_deploy(shared, candidate, arrived);
    }
    let claim = shared.claim(&name)?;
    let begun = begin(claim.service(), candidate, &by).await?;
    let record = follow(&begun, &by.progress, rests).await?;
    deployed(&begun, &record, arrived)
}

pub(crate) async fn push(
    shared: &Arc<Shared>,
    command: Push,
    by: By,
    act: &mut Act,
) -> Result<Reply, Failure> {
    let done = try_push(shared, command, by, act).await;
    collecting::after(shared, &done).await;
    done
}

async fn try_push(
    shared: &Arc<Shared>,
    command: Push,
    by: By,
    act: &mut Act,
) -> Result<Reply, Failure> {
    let Push { artifact, name, version, accept_signer } = command;
    by.progress.phase("storing");
    let release = releases::read(shared, artifact, name, version, &by.who).await?;
    shared.authority.permit_push(&by, &release)?;
    act.begin(false).await?;
    if !accept_signer {
        authors::check(shared, &release).await?;
    }
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
    act: &mut Act,
) -> Result<Reply, Failure> {
    let done = try_update(shared, command, by, act).await;
    collecting::after(shared, &done).await;
    done
}

async fn try_update(
    shared: &Arc<Shared>,
    command: Update,
    by: By,
    act: &mut Act,
) -> Result<Reply, Failure> {
    let arrived = Instant::now();
    let service = shared.service(&command.service)?;
    check_free(&service.record())?;
    let candidate = candidate_of_update(shared, &service, &command, &by).await?;
    permit(shared, service.name(), &candidate, &by)?;
    act.begin(command.plan_only).await?;
    check(shared, service.name(), &candidate).await?;
    if command.plan_only {
        let record = service.record();
        let to = (record.next_revision, candidate.settings.version);
        return planned(&record, &candidate.rollout, to);
    }
    let begun = begin(&service, candidate, &by).await?;
    rolled(&begun, command.detached, &by, arrived).await
}
