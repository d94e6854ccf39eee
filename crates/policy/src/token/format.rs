//! How a token is written: drawn from randomness, printed once, and read back when it is presented.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::base32;

/// What every token begins with.
pub const SECRET_PREFIX: &str = "awt_";

/// 40 bits: enough that a node's tokens do not meet. Where two do, the store refuses the second.
const ID_CHARS: usize = 8;
const ID_BYTES: usize = 5;

/// 256 bits: guessing is no way in.
const SECRET_CHARS: usize = 52;
const SECRET_BYTES: usize = 32;

/// 30 bits of a checksum: one mistyped token in a billion passes for a well-formed one.
const CHECKSUM_CHARS: usize = 6;

const TOKEN_CHARS: usize = SECRET_PREFIX.len() + ID_CHARS + SECRET_CHARS + CHECKSUM_CHARS;

/// Randomness for one token, from the system's generator.
pub type TokenDraw = [u8; ID_BYTES + SECRET_BYTES];

/// What a token's record is found by. It is no secret: it stands in lists and in the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(String);

/// A token as it is printed, once, to whoever asked for it. `Debug` does not show it.
pub struct TokenSecret(String);

/// A token that someone presents: well-formed, and not yet believed. `Debug` does not show its secret.
pub struct Presented {
    id: TokenId,
    secret: String,
}

/// Why a text is no token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PresentedError {
    /// Not of a token's form.
    #[error("a token begins with `{}` and has {} characters", SECRET_PREFIX, TOKEN_CHARS)]
    Form,
    /// Of a token's form, with a character that is wrong.
    #[error("the token is mistyped or cut: its checksum does not fit")]
    Checksum,
}

/// A text that is no [`TokenId`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no token's id: it has {chars} characters of a-z and 2-7", chars = ID_CHARS)]
pub struct TokenIdError(String);

impl TokenSecret {
    /// Writes a token of this randomness.
    pub fn of(draw: &TokenDraw) -> Self {
        let (id, secret) = draw.split_at(ID_BYTES);
        let id = base32::encode(id, ID_CHARS);
        let secret = base32::encode(secret, SECRET_CHARS);
        let checksum = checksum(&id, &secret);
        Self(format!("{SECRET_PREFIX}{id}{secret}{checksum}"))
    }

    /// The text, to print once. It is kept nowhere.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What its record is found by.
    pub fn id(&self) -> TokenId {
        TokenId(self.0[SECRET_PREFIX.len()..SECRET_PREFIX.len() + ID_CHARS].to_owned())
    }

    pub(super) fn secret(&self) -> &str {
        let start = SECRET_PREFIX.len() + ID_CHARS;
        &self.0[start..start + SECRET_CHARS]
    }
}

impl Presented {
    /// What its record is found by: one lookup, whatever the number of tokens.
    pub const fn id(&self) -> &TokenId {
        &self.id
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }
}

impl TokenId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Presented {
    type Err = PresentedError;

    fn from_str(text: &str) -> Result<Self, PresentedError> {
        let rest = text.strip_prefix(SECRET_PREFIX).ok_or(PresentedError::Form)?;
        if text.len() != TOKEN_CHARS || !base32::is_encoded(rest) {
            return Err(PresentedError::Form);
        }
        let (id, rest) = rest.split_at(ID_CHARS);
        let (secret, found) = rest.split_at(SECRET_CHARS);
        // No secret is compared here: the checksum is anyone's to compute.
        if checksum(id, secret) != found {
            return Err(PresentedError::Checksum);
        }
        Ok(Self { id: TokenId(id.to_owned()), secret: secret.to_owned() })
    }
}

impl FromStr for TokenId {
    type Err = TokenIdError;

    fn from_str(text: &str) -> Result<Self, TokenIdError> {
        let is_id = text.len() == ID_CHARS && base32::is_encoded(text);
        is_id.then(|| Self(text.to_owned())).ok_or_else(|| TokenIdError(text.to_owned()))
    }
}

impl TryFrom<String> for TokenId {
    type Error = TokenIdError;

    fn try_from(text: String) -> Result<Self, TokenIdError> {
        text.parse()
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenSecret").field(&self.id()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").field("id", &self.id).finish_non_exhaustive()
    }
}

fn checksum(id: &str, secret: &str) -> String {
    let digest = Sha256::new().chain_update(SECRET_PREFIX).chain_update(id).chain_update(secret);
    base32::encode(&digest.finalize(), CHECKSUM_CHARS)
}
