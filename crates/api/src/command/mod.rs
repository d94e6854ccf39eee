//! What can be asked of a node: one enum, one file a noun.

mod audit;
mod deploy;
mod grants;
mod invoke;
mod logs;
mod policy;
mod scale;
mod secrets;
mod service;
mod token;
mod update;
mod updates;

pub use audit::{Audit, AuditStatus, AuditVerify};
pub use deploy::{Deploy, Push, Source, grant_all_asked};
pub use grants::{AddGrants, RevokeGrants, SuggestGrants};
pub use invoke::Invoke;
pub use logs::Logs;
pub use policy::{ExplainPolicy, Nothing, SetPolicy};
pub use scale::Scale;
pub use secrets::{ListSecrets, NamedSecret, SecretInput, SetSecret};
pub use service::{Inspect, List, Named};
pub use token::{CreateToken, RevokeToken};
pub use update::{Rollback, RollbackTo, RolloutChoice, Update};
pub use updates::{JointUpdate, UpdateNumber, UpdateOrder, Updates};

use airssys_wasm_model::Name;
use serde::{Deserialize, Serialize};

/// One command. Its JSON form names it in `command`; over HTTP the route does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Store, prepare, start and route a component.
    Deploy(Deploy),
    /// Store a release without running it.
    Push(Push),
    /// List a component's releases.
    Versions(Named),
    /// Roll a service to another release or configuration.
    Update(Update),
    /// Roll several services as one.
    Updates(Updates),
    /// How an update of several services stands.
    UpdateStatus(JointUpdate),
    /// End an update of several services, with the revisions that were active before.
    AbortUpdate(JointUpdate),
    /// Finish the rollout now, with the candidate.
    Promote(Named),
    /// End the rollout now, with the active revision.
    Abort(Named),
    /// Stay at the rollout's present step.
    Pause(Named),
    /// Go on from where the rollout was paused.
    Resume(Named),
    /// Go back to an earlier revision.
    Rollback(Rollback),
    /// Change how many instances may live.
    Scale(Scale),
    /// What a service asks for and is granted.
    Grants(Named),
    /// Allow a service more, from now on.
    AddGrants(AddGrants),
    /// Allow a service something no more, from now on.
    RevokeGrants(RevokeGrants),
    /// The least grants that cover what a service used.
    SuggestGrants(SuggestGrants),
    /// Drain and delete a service. Its releases stay.
    Remove(Named),
    /// List the services.
    List(List),
    /// What a service is doing.
    Status(Named),
    /// Every revision a service has had.
    History(Named),
    /// What a revision is made of.
    Inspect(Inspect),
    /// Call the handler or a function.
    Invoke(Invoke),
    /// Traffic, latency and errors of each revision, now.
    Monitor(Named),
    /// What the guests printed and logged.
    Logs(Logs),
    /// The policy that the node goes by.
    ShowPolicy(Nothing),
    /// Put another policy in its place.
    SetPolicy(SetPolicy),
    /// What the policy says of an act, without doing it.
    ExplainPolicy(ExplainPolicy),
    /// Make a token.
    CreateToken(CreateToken),
    /// The node's tokens.
    ListTokens(Nothing),
    /// Make a token worth nothing.
    RevokeToken(RevokeToken),
    /// What was recorded of commands and of what guests did.
    Audit(Audit),
    /// Check that the record is whole.
    AuditVerify(AuditVerify),
    /// What is recorded, and whether it can be.
    AuditStatus(AuditStatus),
    /// Set a secret.
    SetSecret(SetSecret),
    /// List the secrets, without their values.
    ListSecrets(ListSecrets),
    /// Remove a secret with all its versions.
    RemoveSecret(NamedSecret),
    /// Seal all secrets anew with a new key.
    RotateSecretsKey(Nothing),
    /// Sign the audit trail with a new key from now on.
    RotateAuditKey(Nothing),
}

impl Command {
    /// The command's name, as in its JSON form and the OpenAPI document.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Deploy(_) => "deploy",
            Self::Push(_) => "push",
            Self::Versions(_) => "versions",
            Self::Update(_) => "update",
            Self::Updates(_) => "updates",
            Self::UpdateStatus(_) => "update-status",
            Self::AbortUpdate(_) => "abort-update",
            Self::Promote(_) => "promote",
            Self::Abort(_) => "abort",
            Self::Pause(_) => "pause",
            Self::Resume(_) => "resume",
            Self::Rollback(_) => "rollback",
            Self::Scale(_) => "scale",
            Self::Grants(_) => "grants",
            Self::AddGrants(_) => "add-grants",
            Self::RevokeGrants(_) => "revoke-grants",
            Self::SuggestGrants(_) => "suggest-grants",
            Self::Remove(_) => "remove",
            Self::List(_) => "list",
            Self::Status(_) => "status",
            Self::History(_) => "history",
            Self::Inspect(_) => "inspect",
            Self::Invoke(_) => "invoke",
            Self::Monitor(_) => "monitor",
            Self::Logs(_) => "logs",
            Self::ShowPolicy(_) => "show-policy",
            Self::SetPolicy(_) => "set-policy",
            Self::ExplainPolicy(_) => "explain-policy",
            Self::CreateToken(_) => "create-token",
            Self::ListTokens(_) => "list-tokens",
            Self::RevokeToken(_) => "revoke-token",
            Self::Audit(_) => "audit",
            Self::AuditVerify(_) => "audit-verify",
            Self::AuditStatus(_) => "audit-status",
            Self::SetSecret(_) => "set-secret",
            Self::ListSecrets(_) => "list-secrets",
            Self::RemoveSecret(_) => "remove-secret",
            Self::RotateSecretsKey(_) => "rotate-secrets-key",
            Self::RotateAuditKey(_) => "rotate-audit-key",
        }
    }

    /// The service it is about. `deploy`, `push` and `list` name none before they are carried out, and what is
    /// about several names no one of them.
    pub const fn service(&self) -> Option<&Name> {
        match self {
            Self::Deploy(_) | Self::Push(_) | Self::List(_) => None,
            Self::Updates(_) | Self::UpdateStatus(_) | Self::AbortUpdate(_) => None,
            Self::ShowPolicy(_) | Self::SetPolicy(_) | Self::ExplainPolicy(_) => None,
            Self::CreateToken(_) | Self::ListTokens(_) | Self::RevokeToken(_) => None,
            Self::SetSecret(_) | Self::ListSecrets(_) | Self::RemoveSecret(_) => None,
            Self::Versions(named)
            | Self::Promote(named)
            | Self::Abort(named)
            | Self::Pause(named)
            | Self::Resume(named)
            | Self::Remove(named)
            | Self::Status(named)
            | Self::History(named)
            | Self::Grants(named)
            | Self::Monitor(named) => Some(&named.service),
            Self::AddGrants(add) => Some(&add.service),
            Self::RevokeGrants(revoke) => Some(&revoke.service),
            Self::SuggestGrants(suggest) => Some(&suggest.service),
            Self::Update(update) => Some(&update.service),
            Self::Rollback(rollback) => Some(&rollback.service),
            Self::Scale(scale) => Some(&scale.service),
            Self::Inspect(inspect) => Some(&inspect.service),
            Self::Invoke(invoke) => Some(&invoke.service),
            Self::Logs(logs) => Some(&logs.service),
            Self::Audit(audit) => audit.service.as_ref(),
            Self::AuditVerify(_) | Self::AuditStatus(_) => None,
            Self::RotateSecretsKey(_) | Self::RotateAuditKey(_) => None,
        }
    }
}
