//! Outbound TCP and UDP.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::{AddressBlock, is_inside};
use super::decision::Decision;
use super::destination::{Destination, Hosts, Ports, Protocol, split_protocol};
use super::host::{HostRef, NamePattern};
use super::kind::Kind;
use super::meeting::Ask;

/// Hosts that a component wants to connect or send to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetAsk {
    /// Which hosts and ports.
    pub to: Destination,
    /// How.
    #[serde(default)]
    pub protocol: Protocol,
    /// Why.
    pub reason: String,
}

/// `net:smtp.example.com:25`, `net:10.0.0.0/8:5432`, `net:ntp.example.com:123/udp`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetGrant {
    /// Which hosts and ports.
    pub to: Destination,
    /// How.
    pub protocol: Protocol,
}

/// Connections that one grant lets one ask make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NetRight {
    protocol: Protocol,
    ports: Ports,
    /// The names that the address has to have been looked up under, if a name is what was asked or granted.
    names: Option<NamePattern>,
    /// The addresses it has to be among, if addresses were.
    block: Option<AddressBlock>,
    /// Whether the operator named addresses inside this network, and so means them.
    is_literal: bool,
}

/// The connections of a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetRights(Box<[NetRight]>);

impl NetRights {
    pub(super) fn compile(rights: Vec<NetRight>) -> Self {
        Self(rights.into())
    }

    /// Whether a socket may connect or send to the address.
    ///
    /// `resolved_from` is the name that the host itself looked up for this guest and got the address for;
    /// what a guest claims is not evidence. Each check is of the very address that is then used, so that a
    /// name that means something else a moment later leads nowhere.
    pub fn check(
        &self,
        protocol: Protocol,
        address: SocketAddr,
        resolved_from: Option<&str>,
    ) -> Decision {
        let name = match resolved_from.and_then(HostRef::read) {
            Some(HostRef::Name(name)) => Some(name),
            Some(HostRef::Address(_)) | None => None,
        };
        let (ip, port) = (address.ip(), address.port());
        let uses = |right: &&NetRight| right.protocol == protocol && right.ports.contains(port);
        decide(self.0.iter().filter(uses), ip, name)
    }

    /// The same for an address that the name has been looked up to, before anybody said how and on which port it
    /// is to be used: whether some use of it is allowed.
    pub(super) fn reaches(&self, address: IpAddr, name: &str) -> Decision {
        decide(self.0.iter(), address, Some(name))
    }

    /// Whether some right is to hosts of this name, which takes looking it up.
    pub(super) fn names(&self, name: &str) -> bool {
        self.0.iter().filter_map(|right| right.names.as_ref()).any(|names| names.matches(name))
    }

    /// Whether something may be reached by this protocol.
    pub fn uses(&self, protocol: Protocol) -> bool {
        self.0.iter().any(|right| right.protocol == protocol)
    }

    /// Whether nothing may be reached.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether one of these rights leads to the address.
fn decide<'a>(
    rights: impl Iterator<Item = &'a NetRight>,
    ip: IpAddr,
    name: Option<&str>,
) -> Decision {
    let mut fitting = rights.filter(|right| right.leads_to(ip, name)).peekable();
    if fitting.peek().is_none() {
        return Decision::NotGranted;
    }
    if fitting.any(|right| right.is_literal) || !is_inside(ip) {
        Decision::Allowed
    } else {
        Decision::InsideAddress
    }
}

impl NetRight {
    fn leads_to(&self, ip: IpAddr, name: Option<&str>) -> bool {
        self.block.is_none_or(|block| block.contains(ip))
            && match &self.names {
                Some(names) => name.is_some_and(|name| names.matches_name(name)),
                None => true,
            }
    }
}

impl Ask for NetAsk {
    const KIND: Kind = Kind::Net;
    type Grant = NetGrant;
    type Right = NetRight;

    fn of(grant: &NetGrant) -> Self {
        Self { to: grant.to.clone(), protocol: grant.protocol, reason: String::new() }
    }

    fn meet(&self, grant: &NetGrant) -> Option<NetRight> {
        let ports = self.to.ports.meet(grant.to.ports)?;
        let (names, block) = match (&self.to.hosts, &grant.to.hosts) {
            (Hosts::Named(asked), Hosts::Named(granted)) => (Some(asked.meet(granted)?), None),
            (Hosts::At(asked), Hosts::At(granted)) => {
                let inner = if granted.covers(asked) { asked } else { granted };
                (None, Some(*inner).filter(|inner| asked.covers(inner)))
            }
            (Hosts::Named(names), Hosts::At(block)) | (Hosts::At(block), Hosts::Named(names)) => {
                (Some(names.clone()), Some(*block))
            }
        };
        let meets = self.protocol == grant.protocol && (names.is_some() || block.is_some());
        let is_literal = matches!(&grant.to.hosts, Hosts::At(block) if block.is_inside());
        let protocol = self.protocol;
        meets.then_some(NetRight { protocol, ports, names, block, is_literal })
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        before.iter().any(|one| one.protocol == self.protocol && one.to.covers(&self.to))
    }

    fn said(&self) -> String {
        format!("{} to `{}`", self.protocol.as_str().to_uppercase(), self.to)
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        vec![format!("net:{}", NetGrant { to: self.to.clone(), protocol: self.protocol })]
    }
}

impl NetGrant {
    /// What both allow, if that is written as one grant.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        let same = self.protocol == other.protocol;
        let to = self.to.meet(&other.to).filter(|_| same)?;
        Some(Self { to, protocol: self.protocol })
    }
}

impl FromStr for NetGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (to, protocol) = split_protocol(text);
        Ok(Self { to: to.parse()?, protocol })
    }
}

impl fmt::Display for NetGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.to, self.protocol.suffix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(pairs: &[(&str, &str)]) -> NetRights {
        let meet = |(ask, grant): &(&str, &str)| {
            NetAsk::of(&ask.parse().unwrap()).meet(&grant.parse().unwrap())
        };
        NetRights::compile(pairs.iter().filter_map(meet).collect())
    }

    fn check(rights: &NetRights, address: &str, name: Option<&str>) -> Decision {
        rights.check(Protocol::Tcp, address.parse().unwrap(), name)
    }

    #[test]
    fn a_name_leads_only_to_the_addresses_it_was_looked_up_to() {
        let rights = rights(&[("*.example.com:25", "smtp.example.com:25")]);
        let name = Some("SMTP.example.com.");
        assert_eq!(check(&rights, "93.184.216.34:25", name), Decision::Allowed);
        assert_eq!(check(&rights, "93.184.216.34:26", name), Decision::NotGranted);
        assert_eq!(check(&rights, "93.184.216.34:25", None), Decision::NotGranted);
        let other = Some("smtp.evilexample.com");
        assert_eq!(check(&rights, "93.184.216.34:25", other), Decision::NotGranted);
        let udp = rights.check(Protocol::Udp, "93.184.216.34:25".parse().unwrap(), name);
        assert_eq!(udp, Decision::NotGranted);
    }

    #[test]
    fn no_name_and_no_wide_block_leads_inside_the_network() {
        let named = rights(&[("*:80", "*:80"), ("0.0.0.0/0:80", "0.0.0.0/0:80")]);
        for inside in ["127.0.0.1:80", "169.254.169.254:80", "10.0.0.1:80", "[::ffff:10.0.0.1]:80"]
        {
            assert_eq!(check(&named, inside, Some("x.org")), Decision::InsideAddress, "{inside}");
        }
        // The manifest's word on the address is not the operator's.
        let asked = rights(&[("10.0.0.1:80", "0.0.0.0/0:80")]);
        assert_eq!(check(&asked, "10.0.0.1:80", None), Decision::InsideAddress);
        let literal = rights(&[("10.0.0.0/8:80", "10.1.0.0/16:80")]);
        assert_eq!(check(&literal, "[::ffff:10.1.2.3]:80", None), Decision::Allowed);
        assert_eq!(check(&literal, "10.2.0.1:80", None), Decision::NotGranted);
        let both = rights(&[("db.internal:80", "10.0.0.0/8:80")]);
        assert_eq!(check(&both, "10.1.2.3:80", Some("db.internal")), Decision::Allowed);
        assert_eq!(check(&both, "10.1.2.3:80", Some("x.org")), Decision::NotGranted);
    }
}
