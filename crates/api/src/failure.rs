//! How a command fails: a code, what the caller may know, and what to do.

use std::fmt;

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a command failed, for programs. Codes may be added; each has one exit code and one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The node failed, by no fault of the caller.
    Failed,
    /// The command cannot be understood.
    Usage,
    /// No such service, revision, release or route.
    NotFound,
    /// A capability or a policy stands against it.
    Denied,
    /// No token, or the wrong one.
    Unauthorized,
    /// It contradicts what is: a version with other bytes, a rollout under way, a route that is taken.
    Conflict,
    /// The rollout ended with the revision that was active before.
    RolledBack,
    /// No node answers.
    Unreachable,
    /// The component, its manifest or its configuration is not acceptable.
    Invalid,
    /// The guest failed: it trapped, exited or returned an error.
    GuestFailed,
    /// More bytes than are taken.
    TooLarge,
    /// A limit of the revision or of the node stopped it.
    Limit,
    /// Every place is taken; trying again later may succeed.
    Saturated,
    /// It took longer than it may.
    TimedOut,
    /// The node is starting or stopping.
    Unavailable,
}

impl Code {
    /// The exit code of a command line that met it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed | Self::GuestFailed | Self::Unavailable => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Denied | Self::Unauthorized => 4,
            Self::Conflict => 5,
            Self::RolledBack => 6,
            Self::Unreachable => 7,
            Self::Invalid => 8,
            Self::TooLarge | Self::Limit | Self::Saturated | Self::TimedOut => 9,
        }
    }

    /// The status of an HTTP answer that says it.
    pub const fn http_status(self) -> StatusCode {
        match self {
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Usage => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Conflict | Self::RolledBack => StatusCode::CONFLICT,
            Self::Unreachable | Self::GuestFailed => StatusCode::BAD_GATEWAY,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Limit => StatusCode::TOO_MANY_REQUESTS,
            Self::Saturated | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The code as JSON has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Unauthorized => "unauthorized",
            Self::Conflict => "conflict",
            Self::RolledBack => "rolled_back",
            Self::Unreachable => "unreachable",
            Self::Invalid => "invalid",
            Self::GuestFailed => "guest_failed",
            Self::TooLarge => "too_large",
            Self::Limit => "limit",
            Self::Saturated => "saturated",
            Self::TimedOut => "timed_out",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A failed command, as the caller may know it. What only the log needs goes to the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, JsonSchema)]
#[error("{message}")]
pub struct Failure {
    /// Why, for programs.
    pub code: Code,
    /// Why, for people: one sentence, lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The request it answers, to be found in the node's log.
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure without advice. The door that answers fills the request in.
    pub fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string(), help: None, request_id: None }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// The same, as the answer to a request.
    #[must_use]
    pub fn of_request(mut self, request_id: &str) -> Self {
        self.request_id.get_or_insert_with(|| request_id.to_owned());
        self
    }

    /// A failure from an error and its causes, joined by colons.
    pub fn from_error(code: Code, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let said = error.to_string();
            // Wrappers commonly repeat their cause's text; saying it twice helps nobody.
            if !message.contains(&said) {
                message.push_str(": ");
                message.push_str(&said);
            }
            cause = error.source();
        }
        Self::new(code, message)
    }
}

/// A failure as `application/problem+json` (RFC 9457), with the contract's `error` beside the
/// standard's members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// What kind of problem; `about:blank` would say no more than the status.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The failure's message.
    pub detail: String,
    /// The failure.
    pub error: Failure,
}

impl Problem {
    /// The content type of a problem.
    pub const CONTENT_TYPE: &str = "application/problem+json";
}

impl From<Failure> for Problem {
    fn from(error: Failure) -> Self {
        Self {
            kind: format!("urn:airssys-wasm:{}", error.code),
            title: error.code.as_str().replace('_', " "),
            status: error.code.http_status().as_u16(),
            detail: error.message.clone(),
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_survives_its_problem() {
        let failure =
            Failure::new(Code::Denied, "no").help("grant env:TZ").of_request("7f").of_request("8");
        let json = serde_json::to_string(&Problem::from(failure.clone())).unwrap();
        let problem: Problem = serde_json::from_str(&json).unwrap();
        assert_eq!(problem.error, failure);
        assert_eq!((problem.status, problem.error.request_id.as_deref()), (403, Some("7f")));
    }

    #[test]
    fn causes_are_said_once() {
        let io = std::io::Error::other("disk full");
        let failure = Failure::from_error(Code::Failed, &std::io::Error::other(io));
        assert_eq!(failure.message, "disk full");
    }
}
