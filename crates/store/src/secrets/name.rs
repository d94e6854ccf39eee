//! What a secret may be called.

use std::fmt;
use std::str::FromStr;

/// A secret's name: 1 to 63 ASCII letters, digits, `.`, `_` and `-`, beginning with a letter or a digit.
/// `DB_PASSWORD` and `stripe.live-key` are names; a path or an empty string is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

/// Why a string is no secret's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret's name has 1 to {} letters, digits, `.`, `_` or `-` and begins with a letter or a digit",
    SecretName::MAX_LEN
)]
pub struct InvalidSecretName;

impl SecretName {
    /// The longest, as for every other name of the framework.
    pub const MAX_LEN: usize = 63;

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = InvalidSecretName;

    fn from_str(name: &str) -> Result<Self, InvalidSecretName> {
        let begins_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if begins_well && name.len() <= Self::MAX_LEN && name.bytes().all(allowed) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidSecretName)
        }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_label_and_never_a_path() {
        for good in ["a", "DB_PASSWORD", "stripe.live-key", "0", &"x".repeat(63)] {
            assert_eq!(good.parse::<SecretName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "-a", "a/b", "a b", "é", "a\0", "a\n", &"x".repeat(64)] {
            assert_eq!(bad.parse::<SecretName>(), Err(InvalidSecretName), "{bad:?}");
        }
    }
}
