//! Patterns for the hosts of HTTP requests. A pattern means what a careful reader expects.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::host::{HostError, HostRef, NamePattern};

/// Hosts that outbound HTTP may reach: `api.example.com`, `*.example.com`, `192.0.2.7`, `[::1]`, each
/// with an optional `:port`.
///
/// Without a port the scheme's own port is meant (80 or 443) and no other. `*.example.com` matches
/// `a.example.com` and `a.b.example.com`, neither `example.com` nor `evilexample.com`. `*` matches
/// every name, and no address written as numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct HostPattern {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Host {
    Named(NamePattern),
    At(IpAddr),
}

impl HostPattern {
    /// Whether a request to this host and port falls under the pattern. `default_port` is the scheme's.
    pub fn matches(&self, host: &str, port: u16, default_port: u16) -> bool {
        self.port.unwrap_or(default_port) == port
            && match (&self.host, HostRef::read(host)) {
                (Host::Named(names), Some(HostRef::Name(name))) => names.matches_name(name),
                (Host::At(wanted), Some(HostRef::Address(address))) => *wanted == address,
                _ => false,
            }
    }

    /// Whether every host that `other` means is meant here too, for the same or any port.
    pub fn covers(&self, other: &Self) -> bool {
        let hosts = match (&self.host, &other.host) {
            (Host::Named(mine), Host::Named(theirs)) => mine.covers(theirs),
            (mine, theirs) => mine == theirs,
        };
        self.port == other.port && hosts
    }

    /// Whether the pattern names one host literally, as an address or as `localhost`. Only such a
    /// pattern reaches private, loopback and link-local addresses.
    pub fn is_literal_address(&self) -> bool {
        match &self.host {
            Host::At(_) => true,
            Host::Named(names) => names.single() == Some("localhost"),
        }
    }
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| format!("`{text}` is not a host such as api.example.com: {why}");
        let (host, port) = split_port(text).ok_or_else(|| bad("the port is not a number"))?;
        let host = match host.parse::<IpAddr>() {
            Ok(address) => Host::At(address.to_canonical()),
            Err(_) => {
                Host::Named(host.parse().map_err(|error: HostError| bad(&error.to_string()))?)
            }
        };
        Ok(Self { host, port })
    }
}

fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').filter(|(inner, _)| inner.contains(':'))?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((address, Some(port.parse().ok()?))),
            None if rest.is_empty() => Some((address, None)),
            None => None,
        };
    }
    match text.split_once(':') {
        // More than one colon: a bare IPv6 address.
        Some((_, port)) if port.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((text, None)),
    }
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Named(names) => write!(f, "{names}")?,
            Host::At(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            Host::At(address) => write!(f, "{address}")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_pattern_means_what_a_careful_reader_expects() {
        let below = host("*.example.com");
        assert!(below.matches("a.example.com", 443, 443));
        assert!(below.matches("A.B.Example.com.", 80, 80));
        for other in ["example.com", "evilexample.com", "a.example.com.evil.org", ".example.com"] {
            assert!(!below.matches(other, 443, 443), "{other} was matched");
        }
        assert!(!host("*").matches("127.0.0.1", 80, 80));
        assert!(!host("*").matches("[::1]", 80, 80));
        assert!(host("[::1]:9000").matches("[0:0:0:0:0:0:0:1]", 9000, 80));
        assert!(!host("api.example.com").matches("api.example.com", 8080, 80));
        assert!(host("api.example.com:8080").matches("api.example.com", 8080, 80));
    }

    #[test]
    fn a_host_pattern_survives_its_text() {
        for text in ["api.example.com", "*.example.com:8443", "*", "192.0.2.7:80", "[::1]:9000"] {
            assert_eq!(host(text).to_string(), text);
        }
        for bad in ["", "a..b", "*.", "a*.com", "http://x", "x:port", "1.2.3", "a/b", "a:1:x:"] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn covering_is_the_wider_pattern() {
        assert!(host("*.example.com").covers(&host("api.example.com")));
        assert!(host("*").covers(&host("*.example.com")));
        assert!(!host("*").covers(&host("10.0.0.1")));
        assert!(!host("api.example.com").covers(&host("*.example.com")));
        assert!(!host("api.example.com").covers(&host("api.example.com:81")));
    }
}
