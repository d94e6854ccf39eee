//! A command in a policy's words: which act on what.

use airssys_wasm_api::command::{ExplainPolicy, UpdateNumber};
use airssys_wasm_api::{By, Code, Command, Failure};
use airssys_wasm_deploy::{BatchId, RevisionSettings};
use airssys_wasm_model::{Grants, Name, ReleaseRef};
use airssys_wasm_policy::{Act, Capability, Release, Service, Subject, SubjectKind};

use super::Authority;
use super::policy::wanted;
use crate::node::Shared;
use crate::releases;

impl Authority {
    /// Whether somebody may give a command at all. What brings a release is asked about again, by
    /// [`Authority::permit_rollout`] or [`Authority::permit_push`], when it is known which one.
    pub(crate) fn permit_command(
        &self,
        shared: &Shared,
        command: &Command,
        by: &By,
    ) -> Result<(), Failure> {
        let on = |act, name: &Name| self.permit(by, act, Subject::Service(service(shared, name)));
        let node = |act| self.permit(by, act, Subject::Node);
        match command {
            Command::Deploy(_) | Command::Push(_) | Command::Update(_) | Command::Updates(_) => {
                Ok(())
            }
            Command::Promote(named) => on(Act::Promote, &named.service),
            Command::Abort(named) => on(Act::Abort, &named.service),
            Command::Pause(named) => on(Act::Pause, &named.service),
            Command::Resume(named) => on(Act::Resume, &named.service),
            Command::Rollback(rollback) => on(Act::Rollback, &rollback.service),
            Command::Scale(scale) => on(Act::Scale, &scale.service),
            // The same is in what `inspect` tells.
            Command::Grants(named) => on(Act::Inspect, &named.service),
            Command::AddGrants(add) => {
                self.permit_each(shared, by, Act::Grant, &add.service, &add.grants)
            }
            Command::RevokeGrants(revoke) => {
                let grants = match revoke.all {
                    true => granted(shared, &revoke.service),
                    false => revoke.grants.clone(),
                };
                self.permit_each(shared, by, Act::Revoke, &revoke.service, &grants)
            }
            // What the trail has of one service, and nothing else of the trail.
            Command::SuggestGrants(suggest) => {
                on(Act::Inspect, &suggest.service)?;
                node(Act::ReadAudit)
            }
            Command::Remove(named) => on(Act::Remove, &named.service),
            Command::Status(named) => on(Act::Status, &named.service),
            Command::History(named) => on(Act::History, &named.service),
            Command::Inspect(inspect) => on(Act::Inspect, &inspect.service),
            Command::Versions(named) => on(Act::Versions, &named.service),
            Command::Monitor(named) => on(Act::Monitor, &named.service),
            Command::Logs(logs) => on(Act::Logs, &logs.service),
            Command::Invoke(invoke) => on(Act::Invoke, &invoke.service),
            Command::UpdateStatus(joint) => {
                members(shared, joint.update).iter().try_for_each(|name| on(Act::Status, name))
            }
            Command::AbortUpdate(joint) => {
                members(shared, joint.update).iter().try_for_each(|name| on(Act::Abort, name))
            }
            Command::List(_) => node(Act::List),
            Command::ShowPolicy(_) | Command::ExplainPolicy(_) => node(Act::ReadPolicy),
            Command::SetPolicy(_) => node(Act::SetPolicy),
            Command::ListTokens(_) => node(Act::ReadTokens),
            Command::Audit(_) | Command::AuditVerify(_) | Command::AuditStatus(_) => {
                node(Act::ReadAudit)
            }
            Command::ListSecrets(_) => node(Act::ReadSecrets),
            Command::RotateSecretsKey(_) | Command::RotateAuditKey(_) => node(Act::RotateKeys),
            Command::SetSecret(set) => {
                self.permit(by, Act::SetSecret, Subject::Secret(set.name.to_string()))
            }
            Command::RemoveSecret(named) => {
                self.permit(by, Act::RemoveSecret, Subject::Secret(named.name.to_string()))
            }
            Command::CreateToken(create) => {
                let (name, roles) = (create.name.clone(), create.roles.clone());
                self.permit(by, Act::CreateToken, Subject::Token { name, roles })
            }
            Command::RevokeToken(revoke) => {
                let name = revoke.token.clone();
                let roles = self.tokens().named(&name).map(|known| known.roles.clone());
                let roles = roles.unwrap_or_default();
                self.permit(by, Act::RevokeToken, Subject::Token { name, roles })
            }
        }
    }

    /// Whether somebody may let a service run this release, and let it reach what it was not granted before.
    pub(crate) fn permit_rollout(
        &self,
        shared: &Shared,
        by: &By,
        act: Act,
        name: &Name,
        (found, settings): (&releases::Release, &RevisionSettings),
    ) -> Result<(), Failure> {
        let candidate = Release { release: reference(found), signers: found.signers.clone() };
        self.permit(by, act, Subject::Rollout(service(shared, name), candidate))?;
        self.permit_each(shared, by, Act::Grant, name, &added(shared, name, &settings.grants))
    }

    /// Whether somebody may give a service all of these grants, or take them away.
    fn permit_each(
        &self,
        shared: &Shared,
        by: &By,
        act: Act,
        name: &Name,
        grants: &Grants,
    ) -> Result<(), Failure> {
        let service = service(shared, name);
        grants.0.iter().try_for_each(|grant| {
            self.permit(by, act, Subject::Grant(service.clone(), Capability::from(grant)))
        })
    }

    /// Whether somebody may store this release.
    pub(crate) fn permit_push(&self, by: &By, found: &releases::Release) -> Result<(), Failure> {
        let release = Release { release: reference(found), signers: found.signers.clone() };
        self.permit(by, Act::Push, Subject::Release(release))
    }
}

fn reference(release: &releases::Release) -> ReleaseRef {
    ReleaseRef { name: release.name.clone(), version: release.version.clone() }
}

fn service(shared: &Shared, name: &Name) -> Service {
    let record = shared.service(name).ok().map(|service| service.record());
    let active = record.as_ref().and_then(|record| record.active());
    let signers = active.map(|active| active.settings.signers.clone());
    Service { name: name.clone(), signers: signers.unwrap_or_default() }
}

/// The services of an update of several; none of one that is not known, which is found out later.
fn members(shared: &Shared, update: UpdateNumber) -> Vec<Name> {
    let batch = shared.batches.find(BatchId(update.0));
    let members = batch.map(|batch| batch.record().members.clone()).unwrap_or_default();
    members.into_iter().map(|member| member.service).collect()
}

/// What is granted beyond what the active revision has now: what was revoked is granted anew.
fn added(shared: &Shared, name: &Name, grants: &Grants) -> Grants {
    let record = shared.service(name).ok().map(|service| service.record());
    let active = record.as_ref().and_then(|record| Some(record.grants_of(record.active()?)));
    let had = active.unwrap_or_default();
    Grants(grants.0.iter().filter(|grant| !had.0.contains(grant)).cloned().collect())
}

/// What any revision of a service is granted now.
fn granted(shared: &Shared, name: &Name) -> Grants {
    shared.service(name).map(|service| service.record().all_granted()).unwrap_or_default()
}

/// The service that a question to the policy is about.
pub(super) fn service_of(shared: &Shared, asked: &ExplainPolicy) -> Result<Service, Failure> {
    Ok(service(shared, &target_name(asked, SubjectKind::Service)?))
}

fn target_name(asked: &ExplainPolicy, kind: SubjectKind) -> Result<Name, Failure> {
    let target = asked.target.as_ref().ok_or_else(|| missing(asked, kind))?;
    target.parse().map_err(|error| Failure::from_error(Code::Usage, &error))
}

fn missing(asked: &ExplainPolicy, kind: SubjectKind) -> Failure {
    Failure::new(Code::Usage, format!("`{}` is about {}: name it", asked.act, wanted(kind)))
}

/// What a question to the policy is about.
pub(super) fn subject_of(
    shared: &Shared,
    act: Act,
    asked: &ExplainPolicy,
) -> Result<Subject, Failure> {
    let kind = act.subject();
    let missing = || missing(asked, kind);
    let name = || target_name(asked, kind);
    let release = || -> Result<Release, Failure> {
        let version = asked.version.clone().ok_or_else(missing)?;
        Ok(Release {
            release: ReleaseRef { name: name()?, version },
            signers: asked.signers.clone(),
        })
    };
    Ok(match kind {
        SubjectKind::Node => Subject::Node,
        SubjectKind::Service => Subject::Service(service(shared, &name()?)),
        SubjectKind::Release => Subject::Release(release()?),
        SubjectKind::Rollout => Subject::Rollout(service(shared, &name()?), release()?),
        SubjectKind::Grant => {
            let grant = asked.grant.as_ref().ok_or_else(missing)?;
            Subject::Grant(service(shared, &name()?), Capability::from(grant))
        }
        SubjectKind::Secret => Subject::Secret(asked.target.clone().ok_or_else(missing)?),
        SubjectKind::Token => Subject::Token { name: name()?, roles: asked.roles.clone() },
    })
}
