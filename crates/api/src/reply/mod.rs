//! What a node answers: one struct an answer, exactly as its JSON stands in the contract.

mod audit;
mod deployed;
mod event;
mod evidence;
mod grants;
mod inspection;
mod invoked;
mod joint;
mod key;
mod logs;
mod policy;
mod release;
mod rollout;
mod secrets;
mod service;
mod token;
mod traffic;

pub use audit::{
    AuditDecision, AuditEntries, AuditEntry, AuditFinding, AuditReport, AuditStanding,
};
pub use deployed::{Deployed, Planned, Timings};
pub use event::ServiceEvent;
pub use evidence::{
    ComparedReport, DifferenceReport, EvidenceReport, ExperimentReport, ReadingReport, TallyReport,
    TestReport,
};
pub use grants::{GrantLine, GrantSuggestion, GrantsReport, RevisionGrants, Revoked};
pub use inspection::{Function, Inspection};
pub use invoked::Invoked;
pub use joint::{Joined, JointPlan, JointReport};
pub use key::KeyRotated;
pub use logs::{LogLine, LogLines};
pub use policy::{PolicyDecision, PolicyReport};
pub use release::{Pushed, ReleaseLine, Releases, Stored};
pub use rollout::{Outcome, Point, RolloutReport, StepReport, StepState};
pub use secrets::{SecretLine, SecretList, SecretRemoved, SecretSet};
pub use service::{
    HistoryLine, Removed, RevisionLine, RuleLine, RuleShare, Scaled, ServiceHistory, ServiceLine,
    ServiceStatus, Services,
};
pub use token::{TokenLine, TokenMade, TokenRevoked, Tokens};
pub use traffic::{LatencyMs, RevisionTraffic, ShadowTraffic, Traffic};

use serde::Serialize;

/// The answer to a [`Command`](crate::Command). Its JSON is that of the struct within.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// To `deploy`.
    Deployed(Deployed),
    /// To `update` and `rollback` that were asked for a plan only.
    Planned(Planned),
    /// To `push`.
    Pushed(Pushed),
    /// To `versions`.
    Releases(Releases),
    /// To `update`, `rollback`, `promote`, `abort`, `pause` and `resume`.
    Rollout(RolloutReport),
    /// To `updates`, `update-status` and `abort-update`.
    Joint(JointReport),
    /// To `updates` that were asked for their plans only.
    JointPlan(JointPlan),
    /// To `scale`.
    Scaled(Scaled),
    /// To `grants`, `add-grants` and `revoke-grants`.
    Grants(GrantsReport),
    /// To `suggest-grants`.
    GrantSuggestion(GrantSuggestion),
    /// To `remove`.
    Removed(Removed),
    /// To `list`.
    Services(Services),
    /// To `status`.
    Status(ServiceStatus),
    /// To `history`.
    History(ServiceHistory),
    /// To `inspect`.
    Inspection(Inspection),
    /// To `invoke`.
    Invoked(Invoked),
    /// To `monitor`.
    Traffic(Traffic),
    /// To `logs`.
    Logs(LogLines),
    /// To `show-policy` and `set-policy`.
    Policy(PolicyReport),
    /// To `explain-policy`.
    Decision(PolicyDecision),
    /// To `create-token`.
    TokenMade(TokenMade),
    /// To `list-tokens`.
    Tokens(Tokens),
    /// To `revoke-token`.
    TokenRevoked(TokenRevoked),
    /// To `audit`.
    Audit(AuditEntries),
    /// To `audit-verify`.
    AuditReport(AuditReport),
    /// To `audit-status`.
    AuditStanding(AuditStanding),
    /// To `set-secret`.
    SecretSet(SecretSet),
    /// To `list-secrets`.
    Secrets(SecretList),
    /// To `remove-secret`.
    SecretRemoved(SecretRemoved),
    /// To `rotate-secrets-key` and `rotate-audit-key`.
    KeyRotated(KeyRotated),
}

/// From each answer to a `Reply`, and back by whoever knows which answer a command has.
macro_rules! answers {
    ($($variant:ident($answer:ty)),* $(,)?) => {
        $(
            impl From<$answer> for Reply {
                fn from(answer: $answer) -> Self {
                    Self::$variant(answer)
                }
            }

            impl TryFrom<Reply> for $answer {
                type Error = crate::Failure;

                fn try_from(reply: Reply) -> Result<Self, crate::Failure> {
                    match reply {
                        Reply::$variant(answer) => Ok(answer),
                        other => Err(crate::Failure::new(
                            crate::Code::Failed,
                            format!("the node answered {} where {} was expected",
                                other.kind(), stringify!($variant)),
                        )),
                    }
                }
            }
        )*

        impl Reply {
            const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($variant),)*
                }
            }
        }
    };
}

answers! {
    Policy(PolicyReport),
    Decision(PolicyDecision),
    TokenMade(TokenMade),
    Tokens(Tokens),
    TokenRevoked(TokenRevoked),
    Deployed(Deployed),
    Planned(Planned),
    Pushed(Pushed),
    Releases(Releases),
    Rollout(RolloutReport),
    Joint(JointReport),
    JointPlan(JointPlan),
    Scaled(Scaled),
    Grants(GrantsReport),
    GrantSuggestion(GrantSuggestion),
    Removed(Removed),
    Services(Services),
    Status(ServiceStatus),
    History(ServiceHistory),
    Inspection(Inspection),
    Invoked(Invoked),
    Traffic(Traffic),
    Logs(LogLines),
    Audit(AuditEntries),
    AuditReport(AuditReport),
    AuditStanding(AuditStanding),
    SecretSet(SecretSet),
    Secrets(SecretList),
    SecretRemoved(SecretRemoved),
    KeyRotated(KeyRotated),
}
