//! Who may do what: tokens, and the operator's policy over every command.
//!
//! [`Node::act`](crate::Node::act) asks before a command is looked at any further, and whatever brings a release to
//! a service asks again when it is known which one. What no rule permits is denied.

mod asked;
mod leave;
mod policy;
mod tokens;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use airssys_wasm_api::{Asker, By, Code, Failure};
use airssys_wasm_policy::{
    Act, Decision, Enforcement, Policy, Principal, Request, Subject, UserName, Verdict,
};
use airssys_wasm_store::Store;
use arc_swap::ArcSwap;
use tokio::sync::watch;

pub(crate) use self::leave::Leave;
pub(crate) use self::policy::Demands;
use self::policy::InForce;
pub use self::policy::{check_policy, default_policy};
pub(crate) use self::tokens::Admitted;
use self::tokens::Tokens;
use crate::audit::Trail;
use crate::node::NodeError;

/// Who the token in the data directory is: whoever reads that directory may do everything with what is in it.
pub(crate) const LOCAL: &str = "local";

/// What the node knows of who may do what.
pub(crate) struct Authority {
    store: Arc<Store>,
    trail: Arc<Trail>,
    policy: Arc<ArcSwap<InForce>>,
    /// Guards the map, never across an await.
    tokens: Mutex<Tokens>,
    /// One change at a time: what is in the store and what is in force are the same.
    changing: tokio::sync::Mutex<()>,
    /// Tells those who have leave to go on with something that it may be taken back.
    changed: watch::Sender<()>,
}

impl Authority {
    /// What is recorded, read on this thread.
    pub(crate) fn read(store: Arc<Store>, trail: Arc<Trail>) -> Result<Self, NodeError> {
        let policy = Arc::new(ArcSwap::from_pointee(InForce::read(&store)?));
        let tokens = Mutex::new(Tokens::read(&store)?);
        let (changing, changed) = (tokio::sync::Mutex::default(), watch::Sender::default());
        Ok(Self { store, trail, policy, tokens, changing, changed })
    }

    /// Whose calls have to be recorded, by the policy that is in force whenever that is asked.
    pub(crate) fn demands(&self) -> Demands {
        Demands(Arc::clone(&self.policy))
    }

    /// Marked whenever somebody may do less than before.
    fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Whether somebody may do this.
    ///
    /// # Errors
    /// A refusal that says which rules decided, or what the nearest ones would want.
    pub(crate) fn permit(&self, by: &By, act: Act, subject: Subject) -> Result<(), Failure> {
        let policy = self.policy.load();
        let (request, decision) = decide(&policy, by, act, subject)?;
        match decision.verdict {
            Verdict::Allowed => Ok(()),
            Verdict::WouldDeny => {
                tracing::warn!(who = by.who, "the policy would deny this: {request}");
                self.trail.would_be_refused(&request.to_string(), by);
                Ok(())
            }
            // Nobody can lock out whoever has the data directory itself.
            Verdict::Denied if is_owners_way_back(by, act) => Ok(()),
            Verdict::Denied => {
                let explanation = policy.policy.explain(&request, &decision);
                let message = format!("the policy denies {request}");
                Err(Failure::new(Code::Denied, message).help(reasons(&explanation.to_string())))
            }
        }
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decide(
    in_force: &InForce,
    by: &By,
    act: Act,
    subject: Subject,
) -> Result<(Request, Decision), Failure> {
    ask(&in_force.policy, in_force.enforcement, by, act, subject)
}

fn ask(
    policy: &Policy,
    enforcement: Enforcement,
    by: &By,
    act: Act,
    subject: Subject,
) -> Result<(Request, Decision), Failure> {
    let request = Request::new(principal(by)?, act, subject, SystemTime::now());
    let request = request.map_err(|error| Failure::from_error(Code::Usage, &error))?;
    let request = match by.from {
        Some(address) => request.from_address(address),
        None => request,
    };
    let decision = policy.decide(&request, enforcement);
    Ok((request, decision))
}

fn principal(by: &By) -> Result<Principal, Failure> {
    let unnamed = |error: &dyn std::error::Error| Failure::from_error(Code::Usage, error);
    let roles = by.roles.iter().cloned();
    match by.asker {
        Asker::Token { expires } => {
            let name = by.who.parse().map_err(|error| unnamed(&error))?;
            Ok(Principal::token(name, roles).until(expires))
        }
        Asker::User => {
            let name: UserName = by.who.parse().map_err(|error| unnamed(&error))?;
            Ok(Principal::user(name, roles))
        }
    }
}

/// The policy itself is the owner's to read and to replace, whatever it says.
fn is_owners_way_back(by: &By, act: Act) -> bool {
    let is_owner = by.who == LOCAL && matches!(by.asker, Asker::Token { .. });
    is_owner && matches!(act, Act::ReadPolicy | Act::SetPolicy)
}

/// An explanation without its first line, which says what the failure says.
fn reasons(explanation: &str) -> String {
    let lines: Vec<_> = explanation.lines().skip(1).map(str::trim).collect();
    lines.join("; ")
}
