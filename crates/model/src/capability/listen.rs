//! Inbound TCP and UDP.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::AddressBlock;
use super::decision::Decision;
use super::destination::{Destination, Hosts, Ports, Protocol, split_protocol};
use super::kind::Kind;
use super::meeting::Ask;

/// Ports that a component wants to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenAsk {
    /// At which addresses of the machine: `127.0.0.1` or `10.0.0.0/8`; at all of them unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<AddressBlock>,
    /// Which: `5353` or `8000-8100`.
    pub port: Ports,
    /// How.
    #[serde(default)]
    pub protocol: Protocol,
    /// Why.
    pub reason: String,
}

/// `listen:8443`, `listen:5000-5010/udp`, `listen:127.0.0.1:8443`, `listen:[2001:db8::/32]:80`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenGrant {
    /// At which addresses; at every one, and at all of them at once, where none is said.
    ///
    /// `0.0.0.0` and `::` stand for all addresses of their family, which no block of addresses is: listening there
    /// takes a grant of this very address, or one without any.
    pub address: Option<AddressBlock>,
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

    /// Whether a guest may listen at this address. Port 0, where the system chooses, is allowed to nobody: the
    /// choice would come after the check.
    pub fn check(&self, protocol: Protocol, at: SocketAddr) -> Decision {
        Decision::when(at.port() != 0 && self.0.iter().any(|right| right.is_at(protocol, at)))
    }

    /// Whether it may have what was sent to this address of the machine: by listening there, or at all addresses.
    pub fn check_taken(&self, protocol: Protocol, at: SocketAddr) -> Decision {
        let everywhere = match at.ip().to_canonical() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        match self.check(protocol, at) {
            Decision::Allowed => Decision::Allowed,
            _ => self.check(protocol, SocketAddr::new(everywhere, at.port())),
        }
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
    /// Listening at this one address.
    pub fn at(protocol: Protocol, at: SocketAddr) -> Self {
        let address = Some(AddressBlock::one(at.ip()));
        Self { address, port: Ports::one(at.port()), protocol }
    }

    /// Whether some listening is allowed by both.
    pub fn meets(&self, other: &Self) -> bool {
        self.meet(other).is_some()
    }

    /// What both allow.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        let port = self.port.meet(other.port).filter(|_| self.protocol == other.protocol)?;
        let address = if holds(self.address, other.address) {
            other.address
        } else if holds(other.address, self.address) {
            self.address
        } else {
            return None;
        };
        Some(Self { address, port, protocol: self.protocol })
    }

    fn is_at(&self, protocol: Protocol, at: SocketAddr) -> bool {
        self.protocol == protocol
            && self.port.contains(at.port())
            && holds(self.address, Some(AddressBlock::one(at.ip())))
    }
}

/// Whether listening at `inner` is a part of listening at `outer`.
fn holds(outer: Option<AddressBlock>, inner: Option<AddressBlock>) -> bool {
    match (outer, inner) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(outer), Some(inner)) if is_everywhere(inner) => outer == inner,
        (Some(outer), Some(inner)) => outer.covers(&inner),
    }
}

/// Whether it is the address that stands for all of them.
fn is_everywhere(block: AddressBlock) -> bool {
    block.single().is_some_and(|address| address.is_unspecified())
}

impl ListenAsk {
    fn scope(&self) -> ListenGrant {
        ListenGrant { address: self.address, port: self.port, protocol: self.protocol }
    }
}

impl Ask for ListenAsk {
    const KIND: Kind = Kind::Listen;
    type Grant = ListenGrant;
    type Right = ListenGrant;

    fn of(grant: &ListenGrant) -> Self {
        let ListenGrant { address, port, protocol } = *grant;
        Self { address, port, protocol, reason: String::new() }
    }

    fn meet(&self, grant: &ListenGrant) -> Option<ListenGrant> {
        self.scope().meet(grant)
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        before.iter().any(|one| {
            one.protocol == self.protocol
                && one.port.covers(self.port)
                && holds(one.address, self.address)
        })
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
        let (at, protocol) = split_protocol(text);
        if !at.contains(':') {
            return Ok(Self { address: None, port: at.parse()?, protocol });
        }
        match at.parse()? {
            Destination { hosts: Hosts::At(block), ports: port } => {
                Ok(Self { address: Some(block), port, protocol })
            }
            Destination { hosts: Hosts::Named(name), .. } => Err(format!(
                "`{name}` is no address: what is listened at is an address of this machine, as in \
                 127.0.0.1:8443 or [::1]:8443"
            )),
        }
    }
}

impl fmt::Display for ListenGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(block) => {
                let at = Destination { hosts: Hosts::At(block), ports: self.port };
                write!(f, "{at}{}", self.protocol.suffix())
            }
            None => write!(f, "{}{}", self.port, self.protocol.suffix()),
        }
    }
}
