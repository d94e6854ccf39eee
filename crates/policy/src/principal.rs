//! Who asks: a token of the node, or a user for whom an embedding program vouches.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use airssys_wasm_model::Name;

/// Someone who asks, and what they were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    who: Who,
    roles: BTreeSet<Name>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    User(UserName),
    Token { name: Name, expires: Option<SystemTime> },
}

/// A user's name: 1 to 128 characters, none of them a control character. It may be a mail address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

/// Why a text is no [`UserName`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a user's name has 1 to {} characters and no control characters", UserName::MAX_CHARS)]
pub struct UserNameError;

impl Principal {
    /// A user. Whoever builds this has made sure that it is them.
    pub fn user(name: UserName, roles: impl IntoIterator<Item = Name>) -> Self {
        Self { who: Who::User(name), roles: roles.into_iter().collect() }
    }

    /// A token without an end. [`TokenRecord::principal`](crate::TokenRecord::principal) makes one of a
    /// token that was presented.
    pub fn token(name: Name, roles: impl IntoIterator<Item = Name>) -> Self {
        Self { who: Who::Token { name, expires: None }, roles: roles.into_iter().collect() }
    }

    /// The token that a node makes at its first start, for whoever may read its data directory: an admin.
    pub fn local() -> Self {
        let word = |text: &str| text.parse().expect("a literal name");
        Self::token(word("local"), [word("admin")])
    }

    /// The same, with an end that policies can see.
    pub fn until(mut self, end: Option<SystemTime>) -> Self {
        if let Who::Token { expires, .. } = &mut self.who {
            *expires = end;
        }
        self
    }

    /// The name, as a record of what was done should give it.
    pub fn name(&self) -> &str {
        match &self.who {
            Who::User(name) => name.as_str(),
            Who::Token { name, .. } => name.as_str(),
        }
    }

    /// What they were made.
    pub const fn roles(&self) -> &BTreeSet<Name> {
        &self.roles
    }

    pub(crate) const fn who(&self) -> &Who {
        &self.who
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            Who::User(name) => write!(f, "user `{}`", name.as_str()),
            Who::Token { name, .. } => write!(f, "token `{name}`"),
        }
    }
}

impl UserName {
    /// The longest name; a mail address is shorter in practice, and a decision copies it.
    pub const MAX_CHARS: usize = 128;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = UserNameError;

    fn from_str(text: &str) -> Result<Self, UserNameError> {
        let is_fine = (1..=Self::MAX_CHARS).contains(&text.chars().count())
            && !text.chars().any(char::is_control);
        is_fine.then(|| Self(text.to_owned())).ok_or(UserNameError)
    }
}
