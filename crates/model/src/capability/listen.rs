//! Inbound TCP and UDP.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::Decision;
use super::destination::{Ports, Protocol, split_protocol};
use super::kind::Kind;
use super::meeting::Ask;

/// Ports that a component wants to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenAsk {
    /// Which: `5353` or `8000-8100`.
    pub port: Ports,
    /// How.
    #[serde(default)]
    pub protocol: Protocol,
    /// Why.
    pub reason: String,
}

/// `listen:8443`, `listen:5000-5010/udp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenGrant {
    /// Which ports.
    pub port: Ports,
    /// How.
    pub protocol: Protocol,
}

/// The ports that a revision may listen on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenRights(Box<[ListenGrant]>);

impl ListenRights {
    pub(super) fn compile(rights: Vec<ListenGrant>) -> Self {
        Self(rights.into())
    }

    /// Whether a guest may listen on this port. Port 0, where the system chooses, is allowed to nobody: the
    /// choice would come after the check.
    pub fn check(&self, protocol: Protocol, port: u16) -> Decision {
        let fits = |right: &ListenGrant| right.protocol == protocol && right.port.contains(port);
        Decision::when(port != 0 && self.0.iter().any(fits))
    }

    /// Whether it may listen somewhere by this protocol.
    pub fn uses(&self, protocol: Protocol) -> bool {
        self.0.iter().any(|right| right.protocol == protocol)
    }

    /// Whether it may listen nowhere.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ListenGrant {
    /// What both allow.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        let port = self.port.meet(other.port).filter(|_| self.protocol == other.protocol)?;
        Some(Self { port, protocol: self.protocol })
    }
}

impl ListenAsk {
    fn scope(&self) -> ListenGrant {
        ListenGrant { port: self.port, protocol: self.protocol }
    }
}

impl Ask for ListenAsk {
    const KIND: Kind = Kind::Listen;
    type Grant = ListenGrant;
    type Right = ListenGrant;

    fn of(grant: &ListenGrant) -> Self {
        Self { port: grant.port, protocol: grant.protocol, reason: String::new() }
    }

    fn meet(&self, grant: &ListenGrant) -> Option<ListenGrant> {
        self.scope().meet(grant)
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        let holds = |one: &Self| one.protocol == self.protocol && one.port.covers(self.port);
        before.iter().any(holds)
    }

    fn said(&self) -> String {
        format!("listening on `{}`", self.scope())
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        vec![format!("listen:{}", self.scope())]
    }
}

impl FromStr for ListenGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (port, protocol) = split_protocol(text);
        Ok(Self { port: port.parse()?, protocol })
    }
}

impl fmt::Display for ListenGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.port, self.protocol.suffix())
    }
}
