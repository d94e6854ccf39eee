//! Versions of releases, numbers of revisions, and `name@version`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{Name, NameError};

/// A semantic version. `v2.0.0` is read as `2.0.0`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Version(semver::Version);

/// Why a text is no [`Version`].
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a version such as 1.2.3")]
pub struct VersionError {
    text: String,
    #[source]
    source: semver::Error,
}

impl Version {
    /// `major.minor.patch`.
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self(semver::Version::new(major, minor, patch))
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let digits = text.strip_prefix('v').unwrap_or(text);
        semver::Version::parse(digits)
            .map(Self)
            .map_err(|source| VersionError { text: text.to_owned(), source })
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The number of a revision within its service, counted from 1. Prints as `r3`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct RevisionNumber(pub u32);

impl RevisionNumber {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for RevisionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

/// A release by its name and version, written `name@version`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct ReleaseRef {
    /// Whose release.
    pub name: Name,
    /// Which one.
    pub version: Version,
}

/// Why a text is no [`ReleaseRef`].
#[derive(Debug, thiserror::Error)]
pub enum ReleaseRefError {
    /// No `@` in the text.
    #[error("`{0}` is not NAME@VERSION")]
    NoVersion(String),
    /// The part before `@`.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The part after `@`.
    #[error(transparent)]
    Version(#[from] VersionError),
}

impl FromStr for ReleaseRef {
    type Err = ReleaseRefError;

    fn from_str(text: &str) -> Result<Self, ReleaseRefError> {
        let (name, version) =
            text.split_once('@').ok_or_else(|| ReleaseRefError::NoVersion(text.to_owned()))?;
        Ok(Self { name: name.parse()?, version: version.parse()? })
    }
}

impl fmt::Display for ReleaseRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_v_is_dropped() {
        assert_eq!("v2.0.0".parse::<Version>().unwrap(), Version::new(2, 0, 0));
        assert!("2".parse::<Version>().is_err());
        assert!("vv2.0.0".parse::<Version>().is_err());
    }

    #[test]
    fn a_release_needs_both_halves() {
        assert_eq!("greeter@v1.2.0".parse::<ReleaseRef>().unwrap().to_string(), "greeter@1.2.0");
        for bad in ["greeter", "@1.0.0", "greeter@", "a@b@1.0.0"] {
            assert!(bad.parse::<ReleaseRef>().is_err(), "{bad:?} was accepted");
        }
    }
}
