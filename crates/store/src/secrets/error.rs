//! Why a secret could not be kept or given.

use std::io;
use std::path::PathBuf;

use super::key::KeyId;
use super::name::SecretName;
use super::shelf::{MAX_SECRET_BYTES, MAX_SECRETS};
use crate::records::{PutError, RecordError};

/// Why an operation on secrets failed. No variant ever carries a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is no such secret.
    #[error("there is no secret `{name}`; set it with `secret set {name}`")]
    NotFound {
        /// The name asked for.
        name: SecretName,
    },
    /// The secret is there, this version of it is not, or no longer.
    #[error("secret `{name}` has no version {version}; kept are {oldest} to {newest}")]
    NoSuchVersion {
        /// The secret.
        name: SecretName,
        /// The version asked for.
        version: u64,
        /// The oldest that is kept.
        oldest: u64,
        /// The newest.
        newest: u64,
    },
    /// The value is over its bound.
    #[error("the value has {bytes} bytes, and a secret has at most {MAX_SECRET_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The value is empty, which is nearly always a pipe that broke.
    #[error("the value is empty; to take a secret away, remove it")]
    Empty,
    /// No further name fits.
    #[error("there are {MAX_SECRETS} secrets already, and that is the bound; remove one first")]
    TooMany,
    /// The secrets were sealed with another key than the one given.
    #[error("secret `{name}` was sealed with key {expected}, and the key given is {given}")]
    WrongKey {
        /// A secret that needs the other key.
        name: SecretName,
        /// The key it needs.
        expected: KeyId,
        /// The key that was given.
        given: KeyId,
    },
    /// There are secrets, and the file with their key is not there. No new one was made.
    #[error(
        "{} is not there, and the secrets need key {expected}: put the file back from its copy",
        path.display()
    )]
    KeyMissing {
        /// Where the key was looked for.
        path: PathBuf,
        /// The key that is needed.
        expected: KeyId,
    },
    /// What is on the disk is not what was sealed under this name and version.
    #[error("version {version} of secret `{name}` was damaged or tampered with: set or remove it")]
    Damaged {
        /// The secret.
        name: SecretName,
        /// The version.
        version: u64,
    },
    /// The key came from the caller, so only the caller can replace it.
    #[error(
        "the key was given from outside: start again with the new key and the present one as former"
    )]
    KeyIsGiven,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
    /// The key is unusable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The records could not be read.
    #[error("cannot read the secrets")]
    Read(#[from] RecordError),
    /// The records could not be changed.
    #[error("cannot keep the secret")]
    Write(#[from] PutError),
}

/// Why a key is unusable.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no key.
    #[error("a key is 32 bytes as 64 hexadecimal digits or as base64")]
    Malformed,
    /// The file has no key in it, or more than a current and a former one.
    #[error("{} holds no key: its lines are `current KEY` and, during a rotation, `former KEY`", path.display())]
    MalformedFile {
        /// The file.
        path: PathBuf,
    },
    /// Others than the owner may read the file.
    #[error(
        "others can read the key in {} (mode {mode:o}): `chmod 600` it, and rotate the key if they may have",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The system refused an operation on the file.
    #[error("cannot {doing} the key file {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
