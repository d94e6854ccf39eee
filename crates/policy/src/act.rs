//! What can be done to a node: the commands by their names, and the acts that are no command of a service.

use std::fmt;
use std::str::FromStr;

/// An act that a policy decides about. In a policy it is `Action::"deploy"` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the command or verb of the same name")]
pub enum Act {
    List,
    Status,
    History,
    Inspect,
    Versions,
    Monitor,
    Logs,
    Upload,
    Push,
    Deploy,
    Update,
    Remove,
    Promote,
    Abort,
    Pause,
    Resume,
    Rollback,
    Scale,
    Invoke,
    Grant,
    Revoke,
    SetSecret,
    RemoveSecret,
    ReadSecrets,
    CreateToken,
    RevokeToken,
    ReadTokens,
    ReadPolicy,
    SetPolicy,
    ReadAudit,
    RotateKeys,
}

/// Acts that a policy may name together: `action in Action::"read"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// Seeing what runs.
    Read,
    /// Changing which code runs.
    Release,
    /// Deciding about what was deployed.
    Steer,
    /// Grants, secrets, tokens, the policy and the audit trail.
    Administer,
}

/// What kind of thing an act is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// The node.
    Node,
    /// A service.
    Service,
    /// A release that is stored and not run.
    Release,
    /// A service, and the release it is to run.
    Rollout,
    /// A service, and what it is to reach.
    Grant,
    /// A secret's name.
    Secret,
    /// A token's name and roles.
    Token,
}

/// A word that is no [`Act`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no act that a policy knows")]
pub struct ActError(pub String);

impl Act {
    /// Every act, in the vocabulary's order.
    pub const ALL: [Self; 31] = [
        Self::List,
        Self::Status,
        Self::History,
        Self::Inspect,
        Self::Versions,
        Self::Monitor,
        Self::Logs,
        Self::Upload,
        Self::Push,
        Self::Deploy,
        Self::Update,
        Self::Remove,
        Self::Promote,
        Self::Abort,
        Self::Pause,
        Self::Resume,
        Self::Rollback,
        Self::Scale,
        Self::Invoke,
        Self::Grant,
        Self::Revoke,
        Self::SetSecret,
        Self::RemoveSecret,
        Self::ReadSecrets,
        Self::CreateToken,
        Self::RevokeToken,
        Self::ReadTokens,
        Self::ReadPolicy,
        Self::SetPolicy,
        Self::ReadAudit,
        Self::RotateKeys,
    ];

    /// Its name in a policy, which is the command's where there is one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Status => "status",
            Self::History => "history",
            Self::Inspect => "inspect",
            Self::Versions => "versions",
            Self::Monitor => "monitor",
            Self::Logs => "logs",
            Self::Upload => "upload",
            Self::Push => "push",
            Self::Deploy => "deploy",
            Self::Update => "update",
            Self::Remove => "remove",
            Self::Promote => "promote",
            Self::Abort => "abort",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Rollback => "rollback",
            Self::Scale => "scale",
            Self::Invoke => "invoke",
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::SetSecret => "set-secret",
            Self::RemoveSecret => "remove-secret",
            Self::ReadSecrets => "read-secrets",
            Self::CreateToken => "create-token",
            Self::RevokeToken => "revoke-token",
            Self::ReadTokens => "read-tokens",
            Self::ReadPolicy => "read-policy",
            Self::SetPolicy => "set-policy",
            Self::ReadAudit => "read-audit",
            Self::RotateKeys => "rotate-keys",
        }
    }

    /// The group it belongs to. `invoke` belongs to none: calling is neither reading nor steering.
    pub const fn group(self) -> Option<Group> {
        match self {
            Self::List
            | Self::Status
            | Self::History
            | Self::Inspect
            | Self::Versions
            | Self::Monitor
            | Self::Logs => Some(Group::Read),
            Self::Upload | Self::Push | Self::Deploy | Self::Update | Self::Remove => {
                Some(Group::Release)
            }
            Self::Promote
            | Self::Abort
            | Self::Pause
            | Self::Resume
            | Self::Rollback
            | Self::Scale => Some(Group::Steer),
            Self::Invoke => None,
            Self::Grant
            | Self::Revoke
            | Self::SetSecret
            | Self::RemoveSecret
            | Self::ReadSecrets
            | Self::CreateToken
            | Self::RevokeToken
            | Self::ReadTokens
            | Self::ReadPolicy
            | Self::SetPolicy
            | Self::ReadAudit
            | Self::RotateKeys => Some(Group::Administer),
        }
    }

    /// What it is done to.
    pub const fn subject(self) -> SubjectKind {
        match self {
            Self::Push => SubjectKind::Release,
            Self::Deploy | Self::Update => SubjectKind::Rollout,
            Self::Grant | Self::Revoke => SubjectKind::Grant,
            Self::SetSecret | Self::RemoveSecret => SubjectKind::Secret,
            Self::CreateToken | Self::RevokeToken => SubjectKind::Token,
            Self::List
            | Self::Upload
            | Self::ReadSecrets
            | Self::ReadTokens
            | Self::ReadPolicy
            | Self::SetPolicy
            | Self::ReadAudit
            | Self::RotateKeys => SubjectKind::Node,
            Self::Status
            | Self::History
            | Self::Inspect
            | Self::Versions
            | Self::Monitor
            | Self::Logs
            | Self::Remove
            | Self::Promote
            | Self::Abort
            | Self::Pause
            | Self::Resume
            | Self::Rollback
            | Self::Scale
            | Self::Invoke => SubjectKind::Service,
        }
    }
}

impl Group {
    /// Its name in a policy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Release => "release",
            Self::Steer => "steer",
            Self::Administer => "administer",
        }
    }
}

impl FromStr for Act {
    type Err = ActError;

    fn from_str(name: &str) -> Result<Self, ActError> {
        let named = |act: &Self| act.name() == name;
        Self::ALL.into_iter().find(named).ok_or_else(|| ActError(name.to_owned()))
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "the node",
            Self::Service => "a service",
            Self::Release => "a release",
            Self::Rollout => "a service and its release",
            Self::Grant => "a service and a capability",
            Self::Secret => "a secret",
            Self::Token => "a token",
        })
    }
}
