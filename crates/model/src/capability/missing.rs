//! Why asks and grants give no rights, and what to add.

use std::fmt;

use super::glob::GlobError;
use super::grant::Grant;

/// An ask without a grant, and how to grant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingGrant {
    /// What is asked, as a person would say it.
    pub asked: String,
    /// Why, in the manifest's words.
    pub reason: String,
    /// The grant to add, with `HOST_DIRECTORY` where the operator must choose.
    pub grant: String,
}

/// Why a manifest's asks and an operator's grants give no rights.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RightsError {
    /// The manifest asks for a kind that nothing checks yet.
    #[error("the manifest asks for `{kind}`, which this version does not enforce yet")]
    Unenforced {
        /// The kind, or what about it.
        kind: String,
    },
    /// A path that is none.
    #[error("the manifest asks for the files `{path}`, which is no path: {why}")]
    Path {
        /// As it was asked.
        path: String,
        /// What is wrong with it.
        why: GlobError,
    },
    /// Something is asked and not granted.
    #[error("{}", list(.0))]
    Missing(Vec<MissingGrant>),
    /// A grant that covers nothing the manifest asks for would silently do nothing.
    #[error("the grant `{0}` covers nothing that the manifest asks for")]
    Unasked(Grant),
}

fn list(missing: &[MissingGrant]) -> String {
    let lines: Vec<_> = missing.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl fmt::Display for MissingGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is asked ({}) and not granted; grant `{}`",
            self.asked, self.reason, self.grant
        )
    }
}
