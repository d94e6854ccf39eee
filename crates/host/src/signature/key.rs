//! Keys to sign with, in the files that OpenSSL writes and reads too: PKCS#8 and SPKI in PEM.

use airssys_wasm_model::Signer;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
    KeypairBytes,
};
use ed25519_dalek::{SigningKey, VerifyingKey};
use rand::TryRngCore as _;
use rand::rngs::OsRng;

/// A private key, with its public one. It is overwritten when it is dropped.
pub struct KeyPair(pub(super) SigningKey);

/// Why there is no key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// Not a private key.
    #[error("this is not an Ed25519 private key in PEM, as `airssys-wasm keygen` writes it")]
    Private,
    /// Not a public key.
    #[error(
        "this is neither a signer, as `ed25519:…`, nor an Ed25519 public key in PEM, as `airssys-wasm keygen` writes it"
    )]
    Public,
    /// The machine gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
}

impl KeyPair {
    /// A new key, from the system's own random bytes.
    ///
    /// # Errors
    /// When the system has none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = [0; 32];
        OsRng.try_fill_bytes(&mut secret).map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(Self(SigningKey::from_bytes(&secret)))
    }

    /// Reads a private key.
    ///
    /// # Errors
    /// When it is none. What the text is, is not repeated.
    pub fn read(pem: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| KeyError::Private)
    }

    /// The text of the private key.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn to_pem(&self) -> Result<impl AsRef<str> + use<>, KeyError> {
        // Without the public key: OpenSSL 3.0 reads the first version of the format alone.
        let private = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        private.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Private)
    }

    /// The text of the public key.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn to_public_pem(&self) -> Result<String, KeyError> {
        self.0.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::Public)
    }

    /// Whose key it is.
    pub fn signer(&self) -> Signer {
        Signer::from_bytes(self.0.verifying_key().to_bytes())
    }
}

/// A signer by its own text or by the text of a public key.
///
/// # Errors
/// When it is neither.
pub fn read_signer(text: &str) -> Result<Signer, KeyError> {
    if let Ok(signer) = text.trim().parse() {
        return Ok(signer);
    }
    let key = VerifyingKey::from_public_key_pem(text).map_err(|_| KeyError::Public)?;
    Ok(Signer::from_bytes(key.to_bytes()))
}
