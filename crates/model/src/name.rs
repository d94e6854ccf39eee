//! The name of a component, and of the service it is deployed as.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A component's or service's name: 1 to 63 of `a-z`, `0-9` and `-`, beginning with a letter and not
/// ending with `-`.
///
/// The alphabet is that of a DNS label, because a service answers at `<name>.localhost` and at
/// `/<name>/`; so a name can never be a path, hide a separator or be confused with a flag.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Name(Arc<str>);

/// Why a text is no [`Name`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NameError {
    /// The text is empty.
    #[error("a name cannot be empty")]
    Empty,
    /// The text has more than [`Name::MAX_LEN`] characters.
    #[error("the name has {len} characters; at most {} are allowed", Name::MAX_LEN)]
    TooLong {
        /// How many bytes it has.
        len: usize,
    },
    /// A character outside the alphabet, or in a place where it may not stand.
    #[error(
        "`{name}` is not a name: `{found}` at position {at} is not allowed; use a-z, 0-9 and `-`, \
         beginning with a letter and not ending with `-`"
    )]
    Character {
        /// The text.
        name: String,
        /// The first offending character.
        found: char,
        /// Its position, counted in characters from 1.
        at: usize,
    },
}

impl Name {
    /// The longest name: a DNS label.
    pub const MAX_LEN: usize = 63;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(NameError::TooLong { len: text.len() });
        }
        let last = text.chars().count() - 1;
        let bad = text.chars().enumerate().find(|&(at, found)| match found {
            'a'..='z' => false,
            '0'..='9' => at == 0,
            '-' => at == 0 || at == last,
            _ => true,
        });
        match bad {
            Some((at, found)) => {
                Err(NameError::Character { name: text.to_owned(), found, at: at + 1 })
            }
            None => Ok(Self(text.into())),
        }
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        for good in ["a", "my-first-component", "a1", "x-2-y"] {
            assert_eq!(good.parse::<Name>().map(String::from), Ok(good.to_owned()));
        }
        for bad in ["", "A", "1a", "-a", "a-", "a/b", "../a", "a.b", "a b", "é", "a\0"] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?} was accepted");
        }
        assert!("a".repeat(63).parse::<Name>().is_ok());
        assert_eq!("a".repeat(64).parse::<Name>(), Err(NameError::TooLong { len: 64 }));
    }
}
