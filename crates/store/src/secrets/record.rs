//! What a secret's record says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::error::SecretError;
use super::key::{KeyId, SecretKey};
use super::name::SecretName;
use super::seal::{self, Secret};

/// A version in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretVersion {
    /// Its number. Numbers only grow and are never used twice for a name.
    pub version: u64,
    /// When it was set.
    pub set_at: SystemTime,
    /// The size of its value.
    pub size_bytes: usize,
    /// The key it is sealed with.
    pub key: KeyId,
}

/// A secret's record. Never without a version.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// The oldest first.
    pub(super) versions: Vec<Sealed>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Sealed {
    pub(super) version: u64,
    pub(super) key: KeyId,
    set_ms: u64,
    size_bytes: usize,
    /// Nonce, ciphertext and tag as base64.
    sealed: String,
}

impl Sealed {
    pub(super) fn new(
        key: &SecretKey,
        name: &SecretName,
        version: u64,
        value: &[u8],
        now: SystemTime,
    ) -> Result<Self, SecretError> {
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            version,
            key: key.id().clone(),
            set_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            size_bytes: value.len(),
            sealed: STANDARD.encode(seal::seal(key, name, version, value)?),
        })
    }

    /// The same version under another key.
    pub(super) fn resealed(
        &self,
        from: &SecretKey,
        to: &SecretKey,
        name: &SecretName,
    ) -> Result<Self, SecretError> {
        let secret = self.open(from, name)?;
        Self::new(to, name, self.version, secret.expose(), self.set_at())
    }

    pub(super) fn open(&self, key: &SecretKey, name: &SecretName) -> Result<Secret, SecretError> {
        let sealed = STANDARD.decode(&self.sealed).ok();
        sealed
            .and_then(|sealed| seal::open(key, name, self.version, &sealed))
            .ok_or_else(|| SecretError::Damaged { name: name.clone(), version: self.version })
    }

    fn set_at(&self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.set_ms)).unwrap_or(UNIX_EPOCH)
    }

    pub(super) fn summary(&self) -> SecretVersion {
        SecretVersion {
            version: self.version,
            set_at: self.set_at(),
            size_bytes: self.size_bytes,
            key: self.key.clone(),
        }
    }
}
