//! Sealing a value: XChaCha20-Poly1305 under a random nonce, bound to its name and version.
//!
//! The extended nonce has 24 bytes, so that drawing it at random never meets one twice (a counter would have
//! to survive every crash). Name and version are associated data: a sealed value that is moved to another
//! record, or passed off as another version, does not open.

use std::fmt;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rand::TryRngCore;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::error::SecretError;
use super::key::SecretKey;
use super::name::SecretName;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// A secret's value. It is wiped when dropped; `Debug` prints its version alone, and there is neither
/// `Display` nor `Serialize`, so that it gets into no log by accident.
pub struct Secret {
    version: u64,
    value: Zeroizing<Vec<u8>>,
}

impl Secret {
    /// The version this is.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The value itself.
    pub fn expose(&self) -> &[u8] {
        &self.value
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Seals a value: nonce, ciphertext, tag.
pub(super) fn seal(
    key: &SecretKey,
    name: &SecretName,
    version: u64,
    value: &[u8],
) -> Result<Vec<u8>, SecretError> {
    let mut nonce = [0; NONCE_BYTES];
    OsRng.try_fill_bytes(&mut nonce).map_err(|_| SecretError::NoRandomness)?;
    // Room for the tag from the start: growing would leave a copy of the value behind.
    let mut buffer = Zeroizing::new(Vec::with_capacity(value.len() + TAG_BYTES));
    buffer.extend_from_slice(value);
    cipher(key)
        .encrypt_in_place(&XNonce::from(nonce), &bound_to(name, version), &mut *buffer)
        .expect("the cipher takes 256 GiB, and a value has at most 64 KiB");
    Ok([nonce.as_slice(), &buffer].concat())
}

/// Opens what [`seal`] returned; `None` if it was altered, or sealed for another key, name or version.
pub(super) fn open(
    key: &SecretKey,
    name: &SecretName,
    version: u64,
    sealed: &[u8],
) -> Option<Secret> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let mut value = Zeroizing::new(sealed.to_vec());
    cipher(key)
        .decrypt_in_place(&XNonce::from(*nonce), &bound_to(name, version), &mut *value)
        .ok()?;
    Some(Secret { version, value })
}

fn cipher(key: &SecretKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

/// The version has a fixed length and the name comes last, so no two pairs are bound alike.
fn bound_to(name: &SecretName, version: u64) -> Vec<u8> {
    [b"airssys-wasm secret 1\0".as_slice(), &version.to_le_bytes(), name.as_str().as_bytes()]
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> SecretName {
        name.parse().unwrap()
    }

    #[test]
    fn a_sealed_value_opens_for_its_key_name_and_version_alone() {
        let (key, other) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
        let sealed = seal(&key, &name("a"), 7, b"value").unwrap();
        assert_eq!(open(&key, &name("a"), 7, &sealed).unwrap().expose(), b"value");
        assert!(open(&other, &name("a"), 7, &sealed).is_none());
        assert!(open(&key, &name("b"), 7, &sealed).is_none());
        assert!(open(&key, &name("a"), 8, &sealed).is_none());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let key = SecretKey::generate().unwrap();
        let sealed = seal(&key, &name("a"), 1, b"value").unwrap();
        assert_eq!(sealed.len(), NONCE_BYTES + b"value".len() + TAG_BYTES);
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(open(&key, &name("a"), 1, &altered).is_none(), "byte {at}");
            assert!(open(&key, &name("a"), 1, &sealed[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn the_same_value_is_never_sealed_alike() {
        let key = SecretKey::generate().unwrap();
        let sealed = || seal(&key, &name("a"), 1, b"value").unwrap();
        assert_ne!(sealed(), sealed());
    }

    #[test]
    fn a_secret_prints_its_version_and_nothing_of_itself() {
        let key = SecretKey::generate().unwrap();
        let sealed = seal(&key, &name("a"), 3, b"hunter2").unwrap();
        let secret = open(&key, &name("a"), 3, &sealed).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret { version: 3, .. }");
    }
}
