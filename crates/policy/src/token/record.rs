//! What a node keeps of a token, and how a presented one is believed.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use airssys_wasm_model::Name;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::format::{Presented, TokenDraw, TokenId, TokenSecret};
use crate::principal::Principal;
use crate::request::Request;

/// What a node keeps of a token: everything but its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// What it is found by.
    pub id: TokenId,
    /// What it is called, in lists, policies and the audit trail.
    pub name: Name,
    /// What it makes of whoever holds it.
    pub roles: BTreeSet<Name>,
    /// When it was made.
    #[serde(with = "moment")]
    pub created: SystemTime,
    /// From when on it is worth nothing. Without one, it is good until it is revoked.
    #[serde(default, with = "moment::optional", skip_serializing_if = "Option::is_none")]
    pub expires: Option<SystemTime>,
    /// Of its secret.
    pub hash: TokenHash,
}

/// SHA-256 of a token's secret, written as hexadecimal digits.
///
/// A slow, salted hash guards passwords, because people choose few of them. A token's secret is 256 random
/// bits: nobody finds it by trying, however fast a try is, and no two are alike, so there is nothing to salt.
/// A fast hash keeps each call to the control plane cheap.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash([u8; 32]);

/// Why a token can't be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// Without a role no policy for roles permits it anything.
    #[error("a token needs a role, such as `reader`")]
    NoRoles,
    /// More than a token may have.
    #[error("{given} roles are more than the {} that a token may have", Request::MAX_ROLES)]
    TooManyRoles {
        /// How many.
        given: usize,
    },
    /// It would be over before it begins.
    #[error("a token lives for a while: give a time above zero")]
    NoTime,
    /// Beyond what a clock can say.
    #[error("a token's end must be a date: give a shorter time, or none")]
    TooLong,
}

/// Why a presented token is not believed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VerifyError {
    /// The record's secret is another.
    #[error("the token is wrong or was revoked")]
    Wrong,
    /// It was good until then.
    #[error("the token expired at {}: make another with `token create`", moment::of(.0))]
    Expired(SystemTime),
}

/// A text that is no [`TokenHash`].
#[derive(Debug, thiserror::Error)]
#[error("a token's hash has 64 hexadecimal digits")]
pub struct TokenHashError;

impl TokenRecord {
    /// The longest life, a century: beyond it no date can be written that every reader understands.
    const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

    /// Makes a token of randomness from the system's generator. The secret is returned once and kept by
    /// nobody here.
    ///
    /// # Errors
    ///
    /// When it has no roles, too many, or no time to live.
    pub fn create(
        name: Name,
        roles: BTreeSet<Name>,
        created: SystemTime,
        lifetime: Option<Duration>,
        draw: &TokenDraw,
    ) -> Result<(Self, TokenSecret), TokenError> {
        match roles.len() {
            0 => return Err(TokenError::NoRoles),
            given if given > Request::MAX_ROLES => return Err(TokenError::TooManyRoles { given }),
            _ => {}
        }
        let end = |lifetime: Duration| match lifetime {
            Duration::ZERO => Err(TokenError::NoTime),
            lifetime if lifetime > Self::LONGEST => Err(TokenError::TooLong),
            lifetime => created.checked_add(lifetime).ok_or(TokenError::TooLong),
        };
        let expires = lifetime.map(end).transpose()?;
        let secret = TokenSecret::of(draw);
        let hash = TokenHash::of(secret.secret());
        Ok((Self { id: secret.id(), name, roles, created, expires, hash }, secret))
    }

    /// Believes a presented token, or does not. The secret is looked at first, so that only its holder
    /// learns that it expired.
    ///
    /// # Errors
    ///
    /// When the secret is another, or the end was at `now` or before.
    pub fn verify(&self, presented: &Presented, now: SystemTime) -> Result<Principal, VerifyError> {
        let is_same = self.hash.is(presented.secret()) && self.id == *presented.id();
        if !is_same {
            return Err(VerifyError::Wrong);
        }
        match self.expires {
            Some(end) if end <= now => Err(VerifyError::Expired(end)),
            _ => Ok(self.principal()),
        }
    }

    /// Whoever holds it.
    pub fn principal(&self) -> Principal {
        Principal::token(self.name.clone(), self.roles.iter().cloned()).until(self.expires)
    }
}

impl TokenHash {
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Takes as long for a near miss as for a far one.
    fn is(&self, secret: &str) -> bool {
        self.0.ct_eq(&Self::of(secret).0).into()
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for TokenHash {
    type Error = TokenHashError;

    fn try_from(text: String) -> Result<Self, TokenHashError> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(TokenHashError);
        }
        let mut hash = [0; 32];
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| TokenHashError)?;
        }
        Ok(Self(hash))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// Moments in records: RFC 3339, to the millisecond.
mod moment {
    use std::time::{SystemTime, UNIX_EPOCH};

    use serde::{Deserialize as _, Deserializer, Serializer, de, ser};

    /// To the second, for people.
    pub(super) fn of(at: &SystemTime) -> impl std::fmt::Display + use<> {
        humantime::format_rfc3339_seconds(*at)
    }

    pub(super) fn serialize<S: Serializer>(at: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
        if *at < UNIX_EPOCH {
            return Err(ser::Error::custom("a moment before 1970"));
        }
        to.collect_str(&humantime::format_rfc3339_millis(*at))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(from)?;
        humantime::parse_rfc3339(&text).map_err(de::Error::custom)
    }

    pub(super) mod optional {
        use super::{Deserializer, Serializer, SystemTime};

        pub(in super::super) fn serialize<S: Serializer>(
            at: &Option<SystemTime>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, to),
                None => to.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<SystemTime>, D::Error> {
            super::deserialize(from).map(Some)
        }
    }
}
