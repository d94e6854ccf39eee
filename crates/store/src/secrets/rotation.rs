//! Replacing the key itself, so that a crash at any instant leaves a key for everything that is sealed.
//!
//! The order: the file holds the new key and the former one; each secret is sealed anew, a transaction each;
//! the file holds the new key alone. Whatever opens a half-done rotation finishes it.

use super::error::SecretError;
use super::key::{KeyId, KeyRing, SecretKey};
use super::key_file;
use super::name::SecretName;
use super::shelf::{Secrets, record_of};

/// A key that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotation {
    /// The key before.
    pub former: KeyId,
    /// The key from now on.
    pub current: KeyId,
    /// The versions of secrets that were sealed anew.
    pub resealed: usize,
}

impl Secrets {
    /// Draws a new key, seals everything anew with it and forgets the old one. Values stay readable
    /// throughout and keep their versions; who holds one is not told, because nothing of it has changed.
    ///
    /// After an error both keys stay in use until the next rotation or opening ends this one. A key that
    /// was given is replaced by giving another ([`SecretError::KeyIsGiven`]).
    pub fn rotate_key(&self) -> Result<KeyRotation, SecretError> {
        let path = self.key_file().ok_or(SecretError::KeyIsGiven)?;
        let _turn = self.changing();
        // One that was cut short comes first: there is room for one former key.
        self.finish_rotation()?;
        let former = self.ring().current;
        let ring = KeyRing { current: SecretKey::generate()?, former: Some(former.clone()) };
        key_file::replace(path, &ring)?;
        let current = ring.current.id().clone();
        self.replace_ring(ring);
        let resealed = self.finish_rotation()?;
        Ok(KeyRotation { former: former.id().clone(), current, resealed })
    }

    /// Ends a rotation that was cut short, at opening. A damaged value must not keep the others from being
    /// read, so both keys then stay, and the log says why.
    pub(super) fn resume_rotation(&self) -> Result<(), SecretError> {
        match self.finish_rotation() {
            Err(error @ SecretError::Damaged { .. }) => {
                tracing::warn!(%error, "the rotation of the secrets' key cannot be finished");
                Ok(())
            }
            finished => finished.map(drop),
        }
    }

    /// Seals what is under the former key anew, and forgets that key. Returns how many versions it were.
    fn finish_rotation(&self) -> Result<usize, SecretError> {
        let ring = self.ring();
        let Some(former) = &ring.former else { return Ok(0) };
        let mut resealed = 0;
        for name in self.names()? {
            resealed += self.reseal(&name, former, &ring.current)?;
        }
        let ring = KeyRing::of(ring.current);
        if let Some(path) = self.key_file() {
            key_file::replace(path, &ring)?;
        }
        self.replace_ring(ring);
        Ok(resealed)
    }

    fn reseal(
        &self,
        name: &SecretName,
        former: &SecretKey,
        current: &SecretKey,
    ) -> Result<usize, SecretError> {
        let Some(mut found) = self.kept(name)? else { return Ok(0) };
        let mut resealed = 0;
        for sealed in &mut found.value.versions {
            if sealed.key == *former.id() {
                *sealed = sealed.resealed(former, current, name)?;
                resealed += 1;
            }
        }
        if resealed > 0 {
            self.records().put_json(&record_of(name), Some(found.version), &found.value)?;
        }
        Ok(resealed)
    }
}
