//! How a call fails: the guest's fault, the caller's mistake and the host's fault told apart.

use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;

use crate::actor::{StateError, TurnError};
use crate::bindings::airssys::component::types as contract;
use crate::guest::Guest;
use crate::limit::{Halt, Limit};
use crate::pool::ClaimError;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The guest answered with an error of its own. Its instance is whole.
    #[error("{0}")]
    Fault(Fault),
    /// The guest refused its configuration at init.
    #[error("the component refuses its configuration: {0}")]
    Init(Fault),
    /// The guest could not take over the state that there is.
    #[error("the component cannot restore the state that version {saved_by} saved: {fault}")]
    Restore {
        /// The version that saved it.
        saved_by: String,
        /// What the guest said.
        fault: Fault,
    },
    /// The guest trapped. Its instance is gone.
    #[error("the component trapped: {message}")]
    Trapped {
        /// The trap.
        message: String,
        /// The functions on its stack, for the operator. Empty where somebody else has it, and where the guests of
        /// the revision trap more often than a person reads.
        backtrace: String,
    },
    /// The guest ended its program in the middle of a call.
    #[error("the component exited with code {0} in the middle of a call")]
    Exited(i32),
    /// A limit stopped the guest. Its instance is gone. At the one on actors, there was none yet.
    #[error("{}", at_limit(*.0))]
    Limit(Limit),
    /// An HTTP guest returned without an answer.
    #[error("the component returned without an answer")]
    NoAnswer,
    /// The guest answered an HTTP request with an error code.
    #[error("the component failed the request: {0}")]
    Http(String),
    /// Turned away before it reached a guest.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The component has no such door.
    #[error("the component does not export {wanted}")]
    Unsupported {
        /// What the call would need.
        wanted: &'static str,
    },
    /// The component has no such function.
    #[error("the component exports no function `{name}`; it has {}", listed(.known))]
    NoFunction {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The arguments do not fit the function.
    #[error("the arguments do not fit `{signature}`: {reason}")]
    Arguments {
        /// The function.
        signature: String,
        /// What does not fit.
        reason: String,
    },
    /// The function takes or returns what no text can say.
    #[error("`{signature}` takes or returns {what}, which a call by name cannot carry")]
    Unsayable {
        /// The function.
        signature: String,
        /// Resources, streams or futures.
        what: &'static str,
    },
    /// The state could not be kept; the call's effects on it are undone.
    #[error(transparent)]
    State(#[from] StateError),
    /// The host's own fault.
    #[error("the host failed: {0}")]
    Host(String),
}

fn at_limit(limit: Limit) -> String {
    match limit {
        Limit::Actors => format!("the call has a new key, and the limit on {limit} is reached"),
        limit => format!("the component was stopped at its limit on {limit}"),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// An error that a guest returned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Which kind.
    pub kind: Kind,
    /// The guest's words.
    pub message: String,
}

/// The kinds of error that a guest can return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The input is not what the component takes.
    InvalidInput,
    /// The configuration is not what the component takes.
    InvalidConfig,
    /// The component lacks a right that it needs.
    Denied,
    /// Something that the component needs is not there now; another try may succeed.
    Unavailable,
    /// Anything else.
    Failed,
}

impl Kind {
    /// The name that answers use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid-input",
            Self::InvalidConfig => "invalid-config",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
        }
    }
}

impl From<contract::Error> for Fault {
    fn from(error: contract::Error) -> Self {
        let kind = match error.kind {
            contract::ErrorKind::InvalidInput => Kind::InvalidInput,
            contract::ErrorKind::InvalidConfig => Kind::InvalidConfig,
            contract::ErrorKind::Denied => Kind::Denied,
            contract::ErrorKind::Unavailable => Kind::Unavailable,
            contract::ErrorKind::Failed => Kind::Failed,
        };
        Self { kind, message: clamped(error.message) }
    }
}

impl From<TurnError> for CallError {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::Full => Self::Limit(Limit::Actors),
            TurnError::State(error) => Self::State(error),
        }
    }
}

impl From<Halt> for CallError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Limit(limit) => Self::Limit(limit),
            Halt::Stopped => Self::Claim(ClaimError::Stopped),
        }
    }
}

/// A guest's words are kept in records and sent to callers: a few lines, and no more of a guest that
/// writes volumes.
const MESSAGE_BYTES_MAX: usize = 4 << 10;

pub(crate) fn clamped(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        message.push('…');
    }
    message
}

impl CallError {
    /// The same, for another caller of an instance that has ended.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Init(fault) => Self::Init(fault.clone()),
            Self::Trapped { message, .. } => {
                // The operator needs to see it once.
                Self::Trapped { message: message.clone(), backtrace: String::new() }
            }
            Self::Exited(code) => Self::Exited(*code),
            Self::Limit(limit) => Self::Limit(*limit),
            Self::Claim(error) => Self::Claim(*error),
            Self::NoAnswer => Self::NoAnswer,
            other => Self::Host(other.to_string()),
        }
    }

    /// What the runtime's error says of the guest whose store this is.
    pub(crate) fn of(error: &wasmtime::Error, guest: &Guest) -> Self {
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return Self::Exited(exit.0);
        }
        if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
            return Self::Claim(ClaimError::Saturated);
        }
        // A guest whose growth was refused aborts in its allocator: the limit is what stopped it.
        if guest.memory.refused {
            return Self::Limit(Limit::Memory);
        }
        if let Some(limit) = Limit::of(error) {
            return Self::Limit(limit);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Self::Limit(Limit::Stack),
            trap => Self::Trapped {
                message: clamped(
                    trap.map_or_else(|| error.root_cause().to_string(), ToString::to_string),
                ),
                // It has names that the component's author chose, as long as they like.
                backtrace: match guest.revision().may_be_told() {
                    true => clamped(format!("{error:?}")),
                    false => String::new(),
                },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guests_volumes_become_a_few_lines() {
        let fault = Fault::from(contract::Error {
            kind: contract::ErrorKind::Failed,
            message: "ü".repeat(1 << 20),
        });
        assert!(fault.message.len() <= MESSAGE_BYTES_MAX + '…'.len_utf8());
        assert!(fault.message.ends_with("ü…"));
        assert_eq!(clamped("short".into()), "short");
    }
}
