//! Why a guest does not get what it wanted of a file, and what it is told.

use std::io;

use airssys_wasm_model::FileAccess;
use rustix::io::Errno;
use wasmtime::component::ResourceTableError;
use wasmtime_wasi::p2::FsError;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode as ErrorP2;
use wasmtime_wasi::p3::bindings::filesystem::types::ErrorCode as ErrorP3;
use wasmtime_wasi::p3::filesystem::FilesystemError;

/// Why not.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No right allows it. The guest is told `not-permitted`, whether or not there is such a file.
    Denied(Denied),
    /// The right that a file was opened by is no more, which is told.
    Revoked,
    /// The call is the copy of one that was answered, and may change nothing.
    Copied,
    /// The limit on open files.
    TooManyOpen,
    /// What the system says.
    System(Errno),
    /// A fault of the guest's or the host's own, which ends the call.
    Trap(wasmtime::Error),
}

/// What no right allows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Denied {
    /// The path as the guest sees it, where its words lead.
    pub(super) path: String,
    pub(super) access: FileAccess,
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<Errno> for Refusal {
    fn from(error: Errno) -> Self {
        Self::System(error)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::System(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

impl From<ResourceTableError> for Refusal {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl From<Refusal> for FsError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied(_) | Refusal::Revoked | Refusal::Copied => ErrorP2::NotPermitted.into(),
            Refusal::TooManyOpen => ErrorP2::Quota.into(),
            Refusal::System(error) => ErrorP2::from(io::Error::from(error)).into(),
            Refusal::Trap(error) => Self::trap(error),
        }
    }
}

impl From<Refusal> for FilesystemError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied(_) | Refusal::Revoked | Refusal::Copied => ErrorP3::NotPermitted.into(),
            Refusal::TooManyOpen => ErrorP3::Quota.into(),
            Refusal::System(error) => ErrorP3::from(io::Error::from(error)).into(),
            Refusal::Trap(error) => Self::trap(error),
        }
    }
}
