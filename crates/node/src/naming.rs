//! Calls that name their revision: by the header `x-airssys-route`, or by a revision's own address.
//!
//! Either is off unless the active revision's `[routing]` turns it on, for a revision without a share of the
//! calls is one that its operator does not trust yet.

use std::fmt;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_deploy::Unclaimed;
use airssys_wasm_model::{Name, RevisionNumber, Version};

use crate::attributes::ROUTE;
use crate::live::Running;

/// What a call names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// `revision=3`.
    Revision(RevisionNumber),
    /// `version=2.0.0`: the newest revision of it that runs.
    Version(Version),
}

/// Why a call does not reach what it names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NamingError {
    /// The service does not let its callers choose.
    #[error("it does not let a call name its revision or version by `{ROUTE}`")]
    NotAllowed,
    /// The service gives its revisions no addresses.
    #[error("its revisions have no addresses of their own")]
    NoAddresses,
    /// Its calls are for actors with keys.
    #[error(
        "a call to an actor with a key cannot choose its revision: the key would have two states"
    )]
    Keyed,
    /// The header says neither.
    #[error("`{ROUTE}: {0}` is neither `revision=3` nor `version=2.0.0`")]
    Unreadable(String),
    /// It is there and takes no call.
    #[error("{named}: {why}")]
    Unclaimed {
        /// What was named.
        named: Named,
        /// Why it takes none.
        why: Unclaimed,
    },
}

/// What of an unreadable header is shown again.
const SHOWN_CHARS: usize = 100;

impl Named {
    pub(crate) fn read(header: &[u8]) -> Result<Self, NamingError> {
        let text = String::from_utf8_lossy(header);
        let read = || {
            let (kind, value) = text.trim().split_once('=')?;
            match kind {
                "revision" => {
                    value.parse().ok().map(|number| Self::Revision(RevisionNumber(number)))
                }
                "version" => value.parse().ok().map(Self::Version),
                _ => None,
            }
        };
        read().ok_or_else(|| NamingError::Unreadable(text.chars().take(SHOWN_CHARS).collect()))
    }

    /// Whether this is what is named.
    pub(crate) fn is(&self, number: RevisionNumber, running: &Running) -> bool {
        match self {
            Self::Revision(named) => *named == number,
            Self::Version(named) => *named == running.version,
        }
    }
}

impl NamingError {
    /// The code and the words for a caller.
    pub(crate) fn failure(&self, service: &Name) -> Failure {
        let failure = |code| Failure::new(code, format!("service `{service}`: {self}"));
        match self {
            Self::NotAllowed => failure(Code::Denied)
                .help("write `named = true` under [routing] in its Component.toml, and update it"),
            Self::NoAddresses => failure(Code::NotFound).help(
                "write `preview = true` under [routing] in its Component.toml, and update it",
            ),
            Self::Unreadable(_) | Self::Keyed => failure(Code::Usage),
            Self::Unclaimed { .. } => failure(Code::NotFound)
                .help(format!("`airssys-wasm status {service}` shows the revisions that run")),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revision(number) => number.fmt(f),
            Self::Version(version) => write!(f, "version {version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_or_a_version_is_named() {
        let three = Named::Revision(RevisionNumber(3));
        assert_eq!(Named::read(b"revision=3"), Ok(three));
        let two = Named::Version(Version::new(2, 0, 0));
        assert_eq!(Named::read(b" version=v2.0.0 "), Ok(two));
        for text in [
            "",
            "3",
            "revision=",
            "revision=r3",
            "revision=-1",
            "version=2",
            "weight=1",
            "\u{fffd}",
        ] {
            let read = Named::read(text.as_bytes());
            assert!(matches!(read, Err(NamingError::Unreadable(_))), "{text}: {read:?}");
        }
    }
}
