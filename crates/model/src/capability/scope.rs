//! Things with names of their own (buckets, containers, topics), and what may be done with each.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::{AccessWord, join, sorted, split};
use super::decision::Decision;
use super::texts::Texts;

/// Names: `sessions`, `sessions-*` for all that begin so, or `*`.
///
/// A name is 1 to 128 of letters, digits, `.`, `_`, `-` and `/`. Case matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct WordPattern {
    text: Box<str>,
    is_prefix: bool,
}

/// A pattern for names, and what may be done with what they name. As a grant: `sessions:read,write`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope<W> {
    /// Which.
    pub name: WordPattern,
    /// What may be done.
    pub access: Vec<W>,
}

/// What may be done with one bucket, container or topic: a handle to it carries this along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessSet<W> {
    bits: u8,
    of: PhantomData<W>,
}

/// The names that a revision may use, each with what may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeRights<W> {
    /// Each with all that is allowed, by patterns that hold it too.
    names: Texts<AccessSet<W>>,
    /// Likewise, so that the longest says all.
    prefixes: Texts<AccessSet<W>>,
}

/// The longest name.
const NAME_MAX_BYTES: usize = 128;

impl WordPattern {
    /// Whether the name falls under the pattern.
    pub fn matches(&self, name: &str) -> bool {
        is_name(name)
            && if self.is_prefix { name.starts_with(&*self.text) } else { *name == *self.text }
    }

    /// Whether every name that `other` means is meant here too.
    pub fn covers(&self, other: &Self) -> bool {
        if self.is_prefix { other.text.starts_with(&*self.text) } else { self == other }
    }

    /// The names that both mean: of two patterns one covers the other, or nothing falls under both.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        if self.covers(other) {
            Some(other.clone())
        } else {
            other.covers(self).then(|| self.clone())
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    (1..=NAME_MAX_BYTES).contains(&name.len()) && name.bytes().all(is_part)
}

impl<W: AccessWord> Scope<W> {
    /// What both allow.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        let name = self.name.meet(&other.name)?;
        let both = self.access.iter().copied().filter(|word| other.access.contains(word));
        let access = sorted(both.collect());
        (!access.is_empty()).then_some(Self { name, access })
    }

    /// One scope for what two of the same name allow.
    pub(super) fn join(&self, other: &Self) -> Option<Self> {
        let access = self.access.iter().chain(&other.access).copied().collect();
        let name = self.name.clone();
        (self.name == other.name).then(|| Self { name, access: sorted(access) })
    }

    /// Whether those before surely hold all of it.
    pub(super) fn is_covered(&self, before: impl Iterator<Item = Self> + Clone) -> bool {
        self.access.iter().all(|word| {
            before.clone().any(|one| one.name.covers(&self.name) && one.access.contains(word))
        })
    }

    pub(super) fn checked(mut self) -> Result<Self, String> {
        self.access = sorted(self.access);
        if self.access.is_empty() { Err(self.name.to_string()) } else { Ok(self) }
    }

    /// As a person would say it.
    pub(super) fn said(&self, what: &str) -> String {
        format!("{} in the {what} `{}`", join(&self.access), self.name)
    }
}

impl<W: AccessWord> AccessSet<W> {
    const NONE: Self = Self { bits: 0, of: PhantomData };

    /// Whether this may be done.
    pub fn contains(self, access: W) -> bool {
        self.bits & bit(access) != 0
    }

    fn of(words: &[W]) -> Self {
        Self { bits: words.iter().fold(0, |all, word| all | bit(*word)), of: PhantomData }
    }

    fn or(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits, of: PhantomData }
    }
}

fn bit<W: AccessWord>(word: W) -> u8 {
    1 << W::ALL.iter().position(|one| *one == word).unwrap_or(7)
}

impl<W: AccessWord> ScopeRights<W> {
    pub(super) fn compile(rights: Vec<Scope<W>>) -> Self {
        let (mut names, mut prefixes) = (Texts::default(), Texts::default());
        for Scope { name, .. } in &rights {
            let texts = if name.is_prefix { &mut prefixes } else { &mut names };
            let holding = rights.iter().filter(|right| right.name.covers(name));
            let all =
                holding.fold(AccessSet::NONE, |all, right| all.or(AccessSet::of(&right.access)));
            texts.or_insert(&name.text, all);
        }
        Self { names, prefixes }
    }

    /// All that may be done with what has this name.
    pub fn access(&self, name: &str) -> AccessSet<W> {
        if let Some(all) = self.names.get(name) {
            return *all;
        }
        if self.prefixes.is_empty() || !is_name(name) {
            return AccessSet::NONE;
        }
        let longest = self.prefixes.beginning(name, |_| true).next();
        longest.map_or(AccessSet::NONE, |(all, _)| *all)
    }

    /// Whether this may be done with what has this name.
    pub fn check(&self, name: &str, access: W) -> Decision {
        Decision::when(self.access(name).contains(access))
    }

    /// Whether nothing may be used.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.prefixes.is_empty()
    }
}

impl<W> Default for ScopeRights<W> {
    fn default() -> Self {
        Self { names: Texts::default(), prefixes: Texts::default() }
    }
}

impl FromStr for WordPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, is_prefix) = match text.strip_suffix('*') {
            Some(word) => (word, true),
            None => (text, false),
        };
        if is_name(word) || (is_prefix && word.is_empty()) {
            return Ok(Self { text: word.into(), is_prefix });
        }
        Err(format!(
            "`{text}` is no name: use letters, digits, `.`, `_`, `-` and `/`, and `*` at the end only"
        ))
    }
}

impl<W: AccessWord> FromStr for Scope<W> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all: Vec<_> = W::ALL.iter().map(|word| word.as_str()).collect();
        let bad = || format!("`{text}` is not NAME:ACCESS with any of {}", all.join(","));
        let (name, access) = text.split_once(':').ok_or_else(bad)?;
        Ok(Self { name: name.parse()?, access: split(access).ok_or_else(bad)? })
    }
}

impl TryFrom<String> for WordPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<WordPattern> for String {
    fn from(pattern: WordPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for WordPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.is_prefix { "*" } else { "" })
    }
}

impl<W: AccessWord> fmt::Display for Scope<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, join(&self.access))
    }
}
