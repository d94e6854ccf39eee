//! Secrets: small values under names, sealed with a key that the store itself does not have.

mod error;
mod held;
mod key;
mod key_file;
mod name;
mod record;
mod rotation;
mod seal;
mod shelf;

pub use error::{KeyError, SecretError};
pub use held::{HeldSecret, SecretChanges};
pub use key::{KeyId, KeyRing, SecretKey};
pub use name::{InvalidSecretName, SecretName};
pub use record::SecretVersion;
pub use rotation::KeyRotation;
pub use seal::Secret;
pub use shelf::{KEPT_VERSIONS, KeySource, MAX_SECRET_BYTES, MAX_SECRETS, SecretSummary, Secrets};
