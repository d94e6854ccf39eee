//! Why a revision does not start, and what its operator can do about it.

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::{CallError, PrepareError};
use airssys_wasm_model::{MissingGrant, RightsError, Version};
use airssys_wasm_store::{BlobError, RecordError};

/// Why a revision does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// Its release is not stored.
    #[error("release {version} is not stored here")]
    NoRelease { version: Version },
    /// Its release cannot be read.
    #[error(transparent)]
    Release(#[from] RecordError),
    /// Its bytes cannot be read.
    #[error(transparent)]
    Artifact(#[from] BlobError),
    /// What it asks for and what it was granted do not fit.
    #[error(transparent)]
    Rights(#[from] RightsError),
    /// It cannot be compiled or linked.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// Its first instance failed.
    #[error("its first instance failed: {0}")]
    Warm(#[from] CallError),
    /// Its first instance took too long.
    #[error("it was not ready within {within:?}")]
    NotReady { within: std::time::Duration },
}

impl StartError {
    /// As the answer to whoever wanted it to start.
    pub(crate) fn failure(&self) -> Failure {
        let code = match self {
            Self::NoRelease { .. } => Code::NotFound,
            Self::Release(_) => Code::Failed,
            Self::Artifact(BlobError::NotFound(_)) => Code::NotFound,
            Self::Artifact(_) => Code::Failed,
            Self::Rights(error) => return rights_failure(error),
            Self::Prepare(_) => Code::Invalid,
            Self::Warm(CallError::Init(_) | CallError::Restore { .. }) => Code::Invalid,
            Self::Warm(CallError::Limit(_)) => Code::Limit,
            Self::Warm(CallError::Claim(_) | CallError::Host(_) | CallError::State(_)) => {
                Code::Failed
            }
            Self::Warm(_) => Code::GuestFailed,
            Self::NotReady { .. } => Code::TimedOut,
        };
        let failure = Failure::from_error(code, self);
        match self {
            Self::Prepare(PrepareError::Import { .. }) => failure.help(
                "build it for WASI 0.2 or 0.3 alone, or plug in a component that exports what is missing",
            ),
            Self::Warm(CallError::Init(_)) => {
                failure.help("correct it with --config, or under [config] in its Component.toml")
            }
            _ => failure,
        }
    }
}

/// What is asked and not granted, with the flags that grant it.
pub(crate) fn rights_failure(error: &RightsError) -> Failure {
    match error {
        RightsError::Missing(missing) => {
            let flag = |missing: &MissingGrant| format!("--grant {}", missing.grant);
            let flags: Vec<_> = missing.iter().map(flag).collect();
            Failure::from_error(Code::Denied, error).help(format!("add {}", flags.join(" ")))
        }
        RightsError::Unenforced { kind } => Failure::from_error(Code::Denied, error)
            .help(format!("remove `{kind}` from [capabilities] in its Component.toml")),
        RightsError::Path { .. } => Failure::from_error(Code::Usage, error).help(
            "correct the path under [capabilities] in its Component.toml: /data, /data/**/*.txt",
        ),
        RightsError::Unasked(_) => Failure::from_error(Code::Usage, error)
            .help("leave the grant out, or ask for it under [capabilities] in its Component.toml"),
    }
}
