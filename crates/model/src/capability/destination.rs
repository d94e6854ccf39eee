//! Where sockets lead: protocols, ports, and hosts with them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::AddressBlock;
use super::host::NamePattern;

/// A transport protocol.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP, which is meant where nothing is said.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

/// Ports: `25`, `8000-8100` or `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "PortsText", into = "String")]
#[schemars(with = "String")]
pub struct Ports {
    first: u16,
    last: u16,
}

/// One port may be written as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum PortsText {
    Number(u16),
    Text(String),
}

/// Hosts and ports that sockets may connect or send to: `smtp.example.com:25`, `*.example.com:443`,
/// `10.0.0.0/8:5432`, `[2001:db8::/32]:8000-8100`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Destination {
    /// Which hosts.
    pub hosts: Hosts,
    /// Which ports.
    pub ports: Ports,
}

/// Hosts by name, or by address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hosts {
    /// By the name that was looked up.
    Named(NamePattern),
    /// By address, however it was found.
    At(AddressBlock),
}

impl Protocol {
    /// Its name, as it stands behind the slash of a grant.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    pub(super) fn named(text: &str) -> Option<Self> {
        [Self::Tcp, Self::Udp].into_iter().find(|protocol| protocol.as_str() == text)
    }

    /// Behind a port, where it is not the one that goes without saying.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Tcp => "",
            Self::Udp => "/udp",
        }
    }
}

/// A text without its `/tcp` or `/udp`, and which of them it was.
pub(super) fn split_protocol(text: &str) -> (&str, Protocol) {
    let split = text.rsplit_once('/');
    let named = split.and_then(|(rest, last)| Some((rest, Protocol::named(last)?)));
    named.unwrap_or((text, Protocol::Tcp))
}

impl Ports {
    /// One port.
    pub fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// Whether the port is one of them.
    pub fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }

    /// Whether all of `other` are among them.
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// Those in both.
    pub fn meet(self, other: Self) -> Option<Self> {
        let both = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        (both.first <= both.last).then_some(both)
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is no port: use 25, 8000-8100 or *");
        let port = |digits: &str| {
            // A sign would parse too, and a zero in front be read as octal by others.
            let plain =
                digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
            if plain { digits.parse::<u16>().map_err(|_| bad()) } else { Err(bad()) }
        };
        if text == "*" {
            return Ok(Self { first: 1, last: u16::MAX });
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let ports = Self { first: port(first)?, last: port(last)? };
        if ports.first <= ports.last { Ok(ports) } else { Err(bad()) }
    }
}

impl TryFrom<PortsText> for Ports {
    type Error = String;

    fn try_from(text: PortsText) -> Result<Self, String> {
        match text {
            PortsText::Number(port) => port.to_string().parse(),
            PortsText::Text(text) => text.parse(),
        }
    }
}

impl From<Ports> for String {
    fn from(ports: Ports) -> Self {
        ports.to_string()
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (1, u16::MAX) => f.write_str("*"),
            (first, last) if first == last => write!(f, "{first}"),
            (first, last) => write!(f, "{first}-{last}"),
        }
    }
}

impl Hosts {
    /// Whether every host that `other` means is surely meant here too.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(mine), Self::Named(theirs)) => mine.covers(theirs),
            (Self::At(mine), Self::At(theirs)) => mine.covers(theirs),
            _ => false,
        }
    }
}

impl Destination {
    /// Whether all that `other` means is surely meant here too.
    pub fn covers(&self, other: &Self) -> bool {
        self.hosts.covers(&other.hosts) && self.ports.covers(other.ports)
    }

    /// What both mean; nothing where one names hosts and the other addresses, because which of them are
    /// the same only a lookup tells.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let hosts = if self.hosts.covers(&other.hosts) {
            other.hosts.clone()
        } else if other.hosts.covers(&self.hosts) {
            self.hosts.clone()
        } else {
            return None;
        };
        Some(Self { hosts, ports: self.ports.meet(other.ports)? })
    }
}

impl FromStr for Hosts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') || text.parse::<std::net::IpAddr>().is_ok() {
            return text
                .parse()
                .map(Self::At)
                .map_err(|error: super::BlockError| error.to_string());
        }
        let bad = |error| format!("`{text}` is not a host such as api.example.com: {error}");
        text.parse().map(Self::Named).map_err(bad)
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not HOST:PORT, as in smtp.example.com:25 or [::1]:80");
        let (host, ports) = text.rsplit_once(':').ok_or_else(bad)?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').filter(|inner| inner.contains(':')),
            None => Some(host).filter(|host| !host.contains(':')),
        };
        Ok(Self { hosts: host.ok_or_else(bad)?.parse()?, ports: ports.parse()? })
    }
}

impl TryFrom<String> for Destination {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::Named(names) => write!(f, "{names}"),
            Hosts::At(block) => {
                let text = block.to_string();
                if text.contains(':') { write!(f, "[{text}]") } else { f.write_str(&text) }
            }
        }?;
        write!(f, ":{}", self.ports)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_survives_its_text() {
        for text in [
            "smtp.example.com:25",
            "*.example.com:8000-8100",
            "*:443",
            "10.0.0.0/8:5432",
            "[2001:db8::/32]:*",
            "[::1]:80",
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
        let mapped: Destination = "[::ffff:10.0.0.1]:80".parse().unwrap();
        assert_eq!(mapped.to_string(), "10.0.0.1:80");
        for bad in [
            "smtp.example.com",
            "smtp.example.com:",
            "a:0",
            "a:025",
            "a:+25",
            "a:9-8",
            "a:65536",
            "::1:80",
            "[1.2.3.4]:80",
            "0x7f.1:80",
            "127.1:80",
            "1.2.3.4.:80",
            "10.0.0.1/8:80",
            "[fe80::1%eth0]:80",
        ] {
            assert!(bad.parse::<Destination>().is_err(), "{bad:?} was accepted");
        }
    }
}
