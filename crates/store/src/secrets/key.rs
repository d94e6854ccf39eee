//! The key that secrets are sealed with, and the name it is known by.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::error::{KeyError, SecretError};

/// What XChaCha20-Poly1305 takes.
const KEY_BYTES: usize = 32;

/// A key of 32 random bytes. It is wiped when dropped, and `Debug` prints its id alone.
#[derive(Clone)]
pub struct SecretKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: KeyId,
}

/// A key's fingerprint, for messages and to find the key that something was sealed with. It tells nothing
/// of the key: it is cut from a hash, and the key is random.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

/// The keys to work with: what is sealed from now on is sealed with `current`, and what is still sealed with
/// `former` is sealed anew at opening. One former key is enough, because opening leaves nothing under it.
#[derive(Clone, Debug)]
pub struct KeyRing {
    /// Seals and opens.
    pub current: SecretKey,
    /// Opens what it sealed.
    pub former: Option<SecretKey>,
}

impl SecretKey {
    /// Draws a new key. The generator is no argument, unlike elsewhere: no test has to repeat a key, and
    /// one that can be repeated is none.
    pub fn generate() -> Result<Self, SecretError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        OsRng.try_fill_bytes(&mut *bytes).map_err(|_| SecretError::NoRandomness)?;
        Ok(Self::from_bytes(bytes))
    }

    /// A key from text, as an environment variable has it: 64 hexadecimal digits, or base64 in either
    /// alphabet, padded or not. (64 digits as base64 would be 48 bytes, so nothing is read in two ways.)
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let decoded = Zeroizing::new(hex(text).or_else(|| base64(text)).unwrap_or_default());
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if decoded.len() != KEY_BYTES {
            return Err(KeyError::Malformed);
        }
        bytes.copy_from_slice(&decoded);
        Ok(Self::from_bytes(bytes))
    }

    /// The name it is known by.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }

    pub(super) fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.bytes.as_slice()))
    }

    fn from_bytes(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let hash = Sha256::new().chain_update(b"airssys-wasm key id\0").chain_update(*bytes);
        let id = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes, id: KeyId(id) }
    }
}

impl FromStr for SecretKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("id", &self.id.0).finish_non_exhaustive()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl KeyRing {
    /// A ring of one key.
    pub fn of(current: SecretKey) -> Self {
        Self { current, former: None }
    }

    pub(super) fn find(&self, id: &KeyId) -> Option<&SecretKey> {
        std::iter::once(&self.current).chain(&self.former).find(|key| key.id == *id)
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 2 * KEY_BYTES {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let engine = if text.contains(['-', '_']) { URL_SAFE_NO_PAD } else { STANDARD_NO_PAD };
    engine.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_hex_and_from_either_base64() {
        let key = SecretKey::parse(&"fb".repeat(32)).unwrap();
        assert_eq!(key.bytes(), &[0xfb; 32]);
        for text in [
            "FB".repeat(32),
            format!(" {}\n", STANDARD.encode([0xfb; 32])),
            STANDARD_NO_PAD.encode([0xfb; 32]),
            URL_SAFE_NO_PAD.encode([0xfb; 32]),
        ] {
            assert_eq!(SecretKey::parse(&text).unwrap().id(), key.id(), "{text}");
        }
    }

    #[test]
    fn what_is_not_thirty_two_bytes_is_no_key() {
        let short = STANDARD.encode([1; 31]);
        let long = STANDARD.encode([1; 33]);
        for text in
            ["", "password", &"f".repeat(63), &"g".repeat(64), &"é".repeat(32), &short, &long]
        {
            assert!(matches!(SecretKey::parse(text), Err(KeyError::Malformed)), "{text}");
        }
    }

    #[test]
    fn a_key_prints_its_id_and_nothing_of_itself() {
        let key = SecretKey::parse(&"ab".repeat(32)).unwrap();
        let printed = format!("{key:?} {:?}", KeyRing::of(key.clone()));
        assert!(printed.contains(&key.id().to_string()));
        assert!(!printed.contains("abab") && !printed.contains("171"), "{printed}");
        assert_ne!(SecretKey::generate().unwrap().id(), SecretKey::generate().unwrap().id());
    }
}
