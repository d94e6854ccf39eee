//! The error a component reports: whose fault it is, and a sentence.

use std::fmt;
use std::io;

/// Whose fault an error is. The node answers each kind with its own status and exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The caller's input can't be used.
    InvalidInput,
    /// The operator's configuration can't be used.
    InvalidConfig,
    /// The caller may not do this, or the component was not granted what it needs.
    Denied,
    /// Something the component needs isn't there right now.
    Unavailable,
    /// Anything else.
    Failed,
}

/// What went wrong. The message reaches the caller, so it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentError {
    kind: ErrorKind,
    message: String,
}

impl ComponentError {
    /// The caller's input can't be used; the same input will fail again.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::InvalidInput, message: message.into() }
    }

    /// The operator's configuration can't be used. From `#[component_init]` it fails the deployment.
    pub fn invalid_config(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::InvalidConfig, message: message.into() }
    }

    /// The caller may not do this, or the component may not.
    pub fn denied(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Denied, message: message.into() }
    }

    /// Something the component needs isn't there right now; trying later may help.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Unavailable, message: message.into() }
    }

    /// Anything else that went wrong inside the component.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failed, message: message.into() }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ComponentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ComponentError {}

impl From<io::Error> for ComponentError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::denied(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for ComponentError {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<String> for ComponentError {
    fn from(message: String) -> Self {
        Self::failed(message)
    }
}

impl From<&str> for ComponentError {
    fn from(message: &str) -> Self {
        Self::failed(message)
    }
}
