//! Who signed an artifact.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The author of a signature, by the public key. Prints as `ed25519:` and 43 characters of base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Signer([u8; 32]);

/// Why a text is no [`Signer`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a signer: expected `ed25519:` and 43 characters, as `verify` prints them")]
pub struct SignerError(String);

const PREFIX: &str = "ed25519:";

impl Signer {
    /// A signer from the 32 bytes of a public key.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Signer {
    type Err = SignerError;

    fn from_str(text: &str) -> Result<Self, SignerError> {
        let bad = || SignerError(text.to_owned());
        let key = text.strip_prefix(PREFIX).ok_or_else(bad)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(key).map_err(|_| bad())?;
        bytes.try_into().map(Self).map_err(|_| bad())
    }
}

impl TryFrom<String> for Signer {
    type Error = SignerError;

    fn try_from(text: String) -> Result<Self, SignerError> {
        text.parse()
    }
}

impl From<Signer> for String {
    fn from(signer: Signer) -> Self {
        signer.to_string()
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        f.pad(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signer_survives_its_text() {
        let signer = Signer::from_bytes([0xfb; 32]);
        let text = signer.to_string();
        assert_eq!(text, format!("ed25519:{}-_s", "-_v7".repeat(10)));
        assert_eq!(text.parse(), Ok(signer));
    }

    #[test]
    fn only_the_canonical_text_is_read() {
        let text = Signer::from_bytes([7; 32]).to_string();
        let last = text.replace("Bwc", "Bw");
        for bad in [&text[1..], &text[..50], &text.replace(':', ""), &format!("{text}="), &last] {
            assert!(bad.parse::<Signer>().is_err(), "{bad:?} was accepted");
        }
    }
}
