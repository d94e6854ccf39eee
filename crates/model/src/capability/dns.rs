//! Looking names up. It is a grant of its own, because a lookup carries what is asked to whoever answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::Decision;
use super::host::{HostRef, NamePattern};
use super::kind::Kind;
use super::meeting::Ask;

/// Names that a component wants to look up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsAsk {
    /// Which.
    pub name: NamePattern,
    /// Why.
    pub reason: String,
}

/// The names that a revision may look up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DnsRights(Box<[NamePattern]>);

impl DnsRights {
    pub(super) fn compile(rights: Vec<NamePattern>) -> Self {
        Self(rights.into())
    }

    /// Whether the name may be looked up. An address, however it is spelt, is no name.
    pub fn check(&self, name: &str) -> Decision {
        let Some(HostRef::Name(name)) = HostRef::read(name) else { return Decision::NotGranted };
        Decision::when(self.0.iter().any(|pattern| pattern.matches_name(name)))
    }

    /// Whether no name may be looked up.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Ask for DnsAsk {
    const KIND: Kind = Kind::Dns;
    type Grant = NamePattern;
    type Right = NamePattern;

    fn of(grant: &NamePattern) -> Self {
        Self { name: grant.clone(), reason: String::new() }
    }

    fn meet(&self, grant: &NamePattern) -> Option<NamePattern> {
        self.name.meet(grant)
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        before.iter().any(|one| one.name.covers(&self.name))
    }

    fn said(&self) -> String {
        format!("looking up `{}`", self.name)
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        vec![format!("dns:{}", self.name)]
    }
}
