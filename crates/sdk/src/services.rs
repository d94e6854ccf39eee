//! Calls of other services of the node: `services::call("tokenizer", "some words")?`.
//!
//! The manifest asks for a service by name (`services = [{ name = "tokenizer", reason = "splitting" }]`). Which of its
//! revisions answers is its routing's word, as for any other caller. One that speaks HTTP alone is called by any HTTP
//! client of a component, at `http://tokenizer.airssys.internal/`. Natively, in tests, there is no other service.

use std::fmt;

use crate::{ComponentError, ComponentInput, ComponentOutput, ErrorKind};

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// The component has no right to it.
    Denied,
    /// There is no such service, or it has no handler or function of that name.
    NotFound(String),
    /// The call would wait for itself, or calls call one another without end.
    LoopDetected,
    /// What was sent is not what the service takes. The same will fail again.
    Invalid(String),
    /// The service takes no more calls now, or this component makes no more: to be tried again.
    Busy(String),
    /// It took longer than the service's calls may.
    TimedOut(String),
    /// The service answered with an error of its own.
    Fault(ComponentError),
    /// It was stopped at a limit, it trapped, or the node failed.
    Failed(String),
}

/// Calls a service's handler, and waits for its answer. The input's metadata may say what its routing and its actors go
/// by, as headers of a request would.
///
/// ```
/// use airssys_wasm_sdk::services::{self, CallError};
///
/// let called = services::call("tokenizer", "some words");
/// assert!(matches!(called, Err(CallError::NotFound(_))));
/// ```
///
/// # Errors
/// When there is no answer. A [`ComponentError`] of the service is [`CallError::Fault`]; with `?` in a component's own
/// call, an error says to its caller whose fault it is.
pub fn call(service: &str, input: impl Into<ComponentInput>) -> Result<ComponentOutput, CallError> {
    carried::call(service, input.into())
}

/// Calls a function of a service, `name` or `interface#name`, with arguments in WAVE (`"a text"`, `[1, 2]`), and waits
/// for its result in WAVE; an empty text where it returns nothing.
///
/// # Errors
/// When there is no result.
pub fn invoke(service: &str, function: &str, arguments: &[&str]) -> Result<String, CallError> {
    carried::invoke(service, function, arguments)
}

#[cfg(target_arch = "wasm32")]
mod carried {
    use super::CallError;
    use crate::bindings::airssys::component::services::{self, CallError as Said};
    use crate::{ComponentInput, ComponentOutput};

    pub(super) fn call(service: &str, input: ComponentInput) -> Result<ComponentOutput, CallError> {
        Ok(services::call(service, &input.into())?.into())
    }

    pub(super) fn invoke(
        service: &str,
        function: &str,
        arguments: &[&str],
    ) -> Result<String, CallError> {
        let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        Ok(services::invoke(service, function, &arguments)?)
    }

    impl From<Said> for CallError {
        fn from(error: Said) -> Self {
            match error {
                Said::Denied => Self::Denied,
                Said::NotFound(why) => Self::NotFound(why),
                Said::LoopDetected => Self::LoopDetected,
                Said::Invalid(why) => Self::Invalid(why),
                Said::Busy(why) => Self::Busy(why),
                Said::TimedOut(why) => Self::TimedOut(why),
                Said::Fault(error) => Self::Fault(error.into()),
                Said::Failed(why) => Self::Failed(why),
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod carried {
    use super::CallError;
    use crate::{ComponentInput, ComponentOutput};

    pub(super) fn call(service: &str, _: ComponentInput) -> Result<ComponentOutput, CallError> {
        Err(no_service(service))
    }

    pub(super) fn invoke(service: &str, _: &str, _: &[&str]) -> Result<String, CallError> {
        Err(no_service(service))
    }

    fn no_service(service: &str) -> CallError {
        CallError::NotFound(format!("no service `{service}` is on this node"))
    }
}

/// What a component says that fails because its call of another did.
impl From<CallError> for ComponentError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Denied => Self::denied(error.to_string()),
            CallError::Busy(why) | CallError::TimedOut(why) => Self::unavailable(why),
            // Its input was this component's doing, and not its caller's.
            CallError::Fault(error) if error.kind() == ErrorKind::Unavailable => error,
            other => Self::failed(other.to_string()),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied => f.write_str("the call of the service is not granted"),
            Self::LoopDetected => f.write_str("the call would wait for itself"),
            Self::Fault(error) => error.fmt(f),
            Self::NotFound(why)
            | Self::Invalid(why)
            | Self::Busy(why)
            | Self::TimedOut(why)
            | Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for CallError {}
