//! The policy that is in force, and its record.

use std::sync::Arc;

use airssys_wasm_api::command::{ExplainPolicy, SetPolicy};
use airssys_wasm_api::reply::{PolicyDecision, PolicyReport, Reply};
use airssys_wasm_api::{Asker, By, Code, Failure};
use airssys_wasm_model::{Name, Signer};
use airssys_wasm_policy::{Act, CALL_UNRECORDED, Enforcement, Policy, Service, SubjectKind};
use airssys_wasm_store::Store;
use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use super::{Authority, ask, asked};
use crate::node::{NodeError, Shared, blocking, store_failure};

/// Where it is recorded.
const KEY: &str = "policy";

/// What holds where the recorded policy cannot be read by this version: the owner of the node alone is let in, and
/// can put another one in its place.
const LOCKED: &str = r#"@id("locked") permit (principal == Token::"local", action, resource);"#;

/// Besides, where it has something to say of records: no call goes unrecorded until it can be read.
const UNREAD: &str = r#"
    @id("unread") @reason("the recorded policy cannot be read")
    forbid (principal, action == Action::"call-unrecorded", resource);
"#;

/// What the policy in force says of records.
pub(crate) struct Demands(pub(super) Arc<ArcSwap<InForce>>);

impl Demands {
    /// Whether each call of a service has to be recorded, which runs what these have signed.
    pub(crate) fn of(&self, name: &Name, signers: &[Signer]) -> bool {
        let in_force = self.0.load();
        let service = Service { name: name.clone(), signers: signers.to_vec() };
        in_force.enforcement == Enforcement::Enforce
            && !in_force.policy.demands_record(&service).is_empty()
    }
}

/// A policy, and whether it denies anything.
pub(super) struct InForce {
    pub(super) policy: Policy,
    pub(super) enforcement: Enforcement,
    /// The record's version in the store.
    version: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Recorded {
    policy: String,
    enforcement: Enforcement,
}

impl InForce {
    /// The recorded one; without a record, what ships with the node.
    pub(super) fn read(store: &Store) -> Result<Self, NodeError> {
        let Some(found) = store.records().get_json::<Recorded>(KEY)? else {
            let policy = parsed(Policy::default_text());
            return Ok(Self { policy, enforcement: Enforcement::Enforce, version: None });
        };
        let Recorded { policy, enforcement } = found.value;
        let version = Some(found.version);
        match Policy::parse(&policy) {
            Ok(policy) => Ok(Self { policy, enforcement, version }),
            Err(error) => {
                tracing::error!(
                    "this version cannot read the recorded policy, so the local token alone is let in: {error}"
                );
                let policy = in_place_of(&policy);
                Ok(Self { policy, enforcement: Enforcement::Enforce, version })
            }
        }
    }

    fn report(&self) -> PolicyReport {
        let enforcement = match self.enforcement {
            Enforcement::Enforce => "enforce",
            Enforcement::DryRun => "dry-run",
        };
        PolicyReport { enforcement: enforcement.to_owned(), ..report(&self.policy) }
    }
}

/// What a policy is and what looks like a mistake in it, if a node would take it.
///
/// # Errors
/// Everything that is wrong with it, each with its line.
pub fn check_policy(text: &str) -> Result<PolicyReport, Failure> {
    let policy = Policy::parse(text).map_err(|error| Failure::from_error(Code::Invalid, &error))?;
    Ok(report(&policy))
}

/// The policy that ships with the node.
pub const fn default_policy() -> &'static str {
    Policy::default_text()
}

/// Of a policy that is nowhere in force.
fn report(policy: &Policy) -> PolicyReport {
    PolicyReport {
        policy: policy.text().to_owned(),
        enforcement: "none".to_owned(),
        rules: policy.rule_names().map(str::to_owned).collect(),
        warnings: policy.warnings().iter().map(ToString::to_string).collect(),
    }
}

/// What is in force while this one cannot be read.
fn in_place_of(unreadable: &str) -> Policy {
    let unread = if unreadable.contains(CALL_UNRECORDED) { UNREAD } else { "" };
    parsed(&format!("{LOCKED}{unread}"))
}

fn parsed(text: &str) -> Policy {
    Policy::parse(text).expect("a text that ships with the node, which a test reads")
}

impl Authority {
    pub(crate) fn policy(&self) -> Reply {
        self.policy.load().report().into()
    }

    /// Puts a policy in force when it is recorded.
    pub(crate) async fn set_policy(&self, command: SetPolicy) -> Result<Reply, Failure> {
        let policy = Policy::parse(&command.policy)
            .map_err(|error| Failure::from_error(Code::Invalid, &error))?;
        let enforcement = if command.dry_run { Enforcement::DryRun } else { Enforcement::Enforce };
        let _alone = self.changing.lock().await;
        let (store, expected) = (Arc::clone(&self.store), self.policy.load().version);
        let recorded = Recorded { policy: command.policy, enforcement };
        let put = blocking(move || store.records().put_json(KEY, expected, &recorded)).await?;
        let version = Some(put.map_err(|error| store_failure(&error))?);
        self.policy.store(Arc::new(InForce { policy, enforcement, version }));
        self.changed.send_replace(());
        Ok(self.policy())
    }

    /// What the policy says of an act, without doing it.
    pub(crate) fn explain(
        &self,
        shared: &Shared,
        command: ExplainPolicy,
        by: &By,
    ) -> Result<Reply, Failure> {
        if command.act == CALL_UNRECORDED {
            return self.explain_records(shared, &command);
        }
        let act: Act =
            command.act.parse().map_err(|error| Failure::from_error(Code::Usage, &error))?;
        let who = self.whoever(&command, by)?;
        let subject = asked::subject_of(shared, act, &command)?;
        let in_force = self.policy.load();
        let (request, decision) = ask(&in_force.policy, in_force.enforcement, &who, act, subject)?;
        let explanation = in_force.policy.explain(&request, &decision).to_string();
        let verdict = match decision.verdict {
            airssys_wasm_policy::Verdict::Allowed => "allowed",
            airssys_wasm_policy::Verdict::WouldDeny => "would-deny",
            airssys_wasm_policy::Verdict::Denied => "denied",
        };
        Ok(PolicyDecision { decision: verdict.to_owned(), explanation }.into())
    }

    /// Whether a service's calls may go unrecorded, whoever makes them.
    fn explain_records(&self, shared: &Shared, command: &ExplainPolicy) -> Result<Reply, Failure> {
        let service = asked::service_of(shared, command)?;
        let in_force = self.policy.load();
        let because = in_force.policy.demands_record(&service);
        let decision = match (because.is_empty(), in_force.enforcement) {
            (true, _) => "allowed",
            (false, Enforcement::DryRun) => "would-deny",
            (false, Enforcement::Enforce) => "denied",
        };
        let mut explanation = format!("{CALL_UNRECORDED} `{}`: {decision}", service.name);
        for rule in &because {
            explanation.push_str(&format!("\n  {rule}"));
        }
        Ok(PolicyDecision { decision: decision.to_owned(), explanation }.into())
    }

    fn whoever(&self, command: &ExplainPolicy, by: &By) -> Result<By, Failure> {
        let as_token =
            |who: String, expires| By { who, asker: Asker::Token { expires }, ..by.clone() };
        match &command.token {
            Some(_) if !command.roles.is_empty() => {
                Err(Failure::new(Code::Usage, "name a token or roles, not both"))
            }
            Some(token) => {
                let known = self.tokens().named(token).cloned().ok_or_else(|| {
                    Failure::new(Code::NotFound, format!("there is no token `{token}`"))
                        .help("`airssys-wasm token list` shows them")
                })?;
                let asker = as_token(known.name.to_string(), known.expires);
                Ok(By { roles: known.roles, ..asker })
            }
            None if command.roles.is_empty() => Ok(by.clone()),
            None => {
                let roles = command.roles.clone();
                Ok(By { roles, ..as_token("somebody".to_owned(), None) })
            }
        }
    }
}

/// What an act is about, in a word for who left it out.
pub(super) const fn wanted(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Node => "nothing",
        SubjectKind::Service => "a service",
        SubjectKind::Release => "a release's name and its version",
        SubjectKind::Rollout => "a service and a release's version",
        SubjectKind::Grant => "a service and a grant",
        SubjectKind::Secret => "a secret's name",
        SubjectKind::Token => "a token's name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_with_the_node_can_be_read() {
        assert!(Policy::parse(Policy::default_text()).unwrap().warnings().is_empty());
        assert_eq!(parsed(LOCKED).rule_names().collect::<Vec<_>>(), ["locked"]);
        let service = Service { name: "a".parse().unwrap(), signers: Vec::new() };
        assert!(parsed(LOCKED).demands_record(&service).is_empty());
        assert!(!in_place_of(CALL_UNRECORDED).demands_record(&service).is_empty());
    }
}
