//! How a call that has no answer is put to its caller: a code, words, and what to do.

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::{CallError, ClaimError, Kind, Limit, RequestId};
use airssys_wasm_model::Name;

use crate::handled::InputError;
use crate::live::{RequestError, ServiceError};

impl ServiceError {
    /// The code and the words for a caller. What only the operator may know goes to the log, under the
    /// request's name.
    pub(crate) fn failure(&self, service: &Name, request: RequestId) -> Failure {
        let error = match self {
            Self::NoRevision(none) => {
                return Failure::new(Code::Unavailable, format!("service `{service}`: {none}"))
                    .help("it is starting, or its last deployment failed: see its status");
            }
            Self::Naming(error) => return error.failure(service),
            Self::Key(error) => return error.failure(service),
            Self::Unrecorded(error) => {
                return Failure::new(Code::Unavailable, format!("service `{service}`: {error}"))
                    .help("`airssys-wasm audit --status` says whether its node can record");
            }
            Self::Loop(looped) => {
                return Failure::new(Code::Conflict, format!("service `{service}`: {looped}"))
                    .help("an actor cannot be called by what it calls itself");
            }
            Self::Call(error) => error,
        };
        let said = format!("service `{service}`: {error}");
        match error {
            CallError::Fault(fault) => match fault.kind {
                Kind::InvalidInput => Failure::new(Code::Usage, said),
                Kind::InvalidConfig => Failure::new(Code::Invalid, said),
                Kind::Denied => Failure::new(Code::Denied, said),
                Kind::Unavailable => Failure::new(Code::Unavailable, said),
                Kind::Failed => Failure::new(Code::GuestFailed, said),
            },
            // As a full queue is: it is a matter of places, of which some may be free again.
            CallError::Limit(limit @ Limit::Actors) => Failure::new(Code::Saturated, said)
                .help(format!("try again later, or raise `{limit}` under [limits]")),
            CallError::Limit(Limit::Time) => Failure::new(Code::TimedOut, said)
                .help("raise `time` under [limits] in its Component.toml if it needs longer"),
            CallError::Limit(limit) if limit.is_setting() => Failure::new(Code::Limit, said)
                .help(format!("raise `{limit}` under [limits] in its Component.toml")),
            CallError::Limit(_) => Failure::new(Code::Limit, said)
                .help("every component has as much: it recurses without end, or too deep"),
            CallError::Claim(ClaimError::Saturated) => Failure::new(Code::Saturated, said)
                .help("try again later, or raise its scale or its limits"),
            CallError::Claim(ClaimError::TimedOut) => Failure::new(Code::TimedOut, said)
                .help("try again later, or raise its scale or its limits"),
            CallError::Claim(ClaimError::Stopped) => Failure::new(Code::Unavailable, said),
            CallError::Unsupported { .. }
            | CallError::NoFunction { .. }
            | CallError::Arguments { .. }
            | CallError::Unsayable { .. } => Failure::new(Code::Usage, said),
            CallError::Init(_) | CallError::Restore { .. } => Failure::new(Code::Invalid, said),
            CallError::Trapped { backtrace, .. } => {
                if !backtrace.is_empty() {
                    tracing::warn!(%service, %request, "{backtrace}");
                }
                Failure::new(Code::GuestFailed, said)
            }
            CallError::Exited(_) | CallError::NoAnswer | CallError::Http(_) => {
                Failure::new(Code::GuestFailed, said)
            }
            CallError::State(_) | CallError::Host(_) => {
                tracing::error!(%service, %request, "{error}");
                let said = format!("service `{service}`: the node could not carry out the call");
                Failure::new(Code::Failed, said).help("its log says why, under the request's id")
            }
        }
    }
}

impl RequestError {
    /// The code and the words for a caller.
    pub(crate) fn failure(&self, service: &Name, request: RequestId) -> Failure {
        match self {
            Self::Service(error) => error.failure(service, request),
            Self::Input(error @ InputError::TooLarge) => Failure::from_error(Code::TooLarge, error),
            Self::Input(error @ InputError::Full) => Failure::from_error(Code::Saturated, error),
            Self::Input(error) => Failure::from_error(Code::Usage, error),
            Self::NoHttp => {
                let said = format!("service `{service}` does not answer HTTP requests");
                Failure::new(Code::NotFound, said)
                    .help(format!("call it with `airssys-wasm invoke {service}`"))
            }
        }
    }
}
