//! Patterns for hosts and URL paths. A pattern means what a careful reader expects.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    Any,
    Below(String),
    Name(String),
    Address(IpAddr),
}

impl HostPattern {
    /// Whether a request to this host and port falls under the pattern. `default_port` is the scheme's.
    pub fn matches(&self, host: &str, port: u16, default_port: u16) -> bool {
        self.port.unwrap_or(default_port) == port && self.host.matches(host)
    }

    /// Whether every host that `other` means is meant here too, for the same or any port.
    pub fn covers(&self, other: &Self) -> bool {
        let ports = self.port == other.port;
        let hosts = match (&self.host, &other.host) {
            (Host::Any, Host::Any | Host::Below(_) | Host::Name(_)) => true,
            (Host::Below(zone), Host::Below(inner)) => inner == zone || is_below(inner, zone),
            (Host::Below(zone), Host::Name(name)) => is_below(name, zone),
            (mine, theirs) => mine == theirs,
        };
        ports && hosts
    }

    /// Whether the pattern names one host literally, as an address or as `localhost`. Only such a
    /// pattern reaches private, loopback and link-local addresses.
    pub fn is_literal_address(&self) -> bool {
        match &self.host {
            Host::Address(_) => true,
            Host::Name(name) => name == "localhost",
            Host::Any | Host::Below(_) => false,
        }
    }
}

impl Host {
    fn matches(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        let address = bare.parse::<IpAddr>().ok();
        // A name may end in a dot to say that it is absolute; it is the same host.
        let name = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
        match self {
            Self::Any => address.is_none(),
            Self::Below(zone) => address.is_none() && is_below(&name, zone),
            Self::Name(wanted) => address.is_none() && name == *wanted,
            Self::Address(wanted) => address == Some(*wanted),
        }
    }
}

fn is_below(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|head| head.len() > 1 && head.ends_with('.'))
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| format!("`{text}` is not a host such as api.example.com: {why}");
        let (host, port) = split_port(text).ok_or_else(|| bad("the port is not a number"))?;
        let host = match host.strip_suffix('.') {
            Some("*") => return Err(bad("nothing stands behind `*.`")),
            absolute => absolute.unwrap_or(host).to_ascii_lowercase(),
        };
        let host = if host == "*" {
            Host::Any
        } else if let Some(zone) = host.strip_prefix("*.") {
            Host::Below(checked_name(zone).map_err(bad)?)
        } else if let Ok(address) = host.parse() {
            Host::Address(address)
        } else {
            Host::Name(checked_name(&host).map_err(bad)?)
        };
        Ok(Self { host, port })
    }
}

fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
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

fn checked_name(name: &str) -> Result<String, &'static str> {
    let label_is_bad = |label: &str| {
        label.is_empty()
            || label.len() > 63
            || !label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() > 253 || name.split('.').any(label_is_bad) {
        return Err("a label is empty, too long, or has a character that no host name has");
    }
    if name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err("it is made of digits, but is no complete address");
    }
    Ok(name.to_owned())
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
            Host::Any => f.write_str("*")?,
            Host::Below(zone) => write!(f, "*.{zone}")?,
            Host::Name(name) => f.write_str(name)?,
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            Host::Address(address) => write!(f, "{address}")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// URL paths: `/v1/prices` itself, `/v1/*` for one more segment, `/v1/**` for everything below.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PathPattern(String);

impl PathPattern {
    /// Every path.
    pub fn any() -> Self {
        Self("/**".to_owned())
    }

    /// Whether a request for this path falls under the pattern.
    ///
    /// A path with `.` or `..` segments, encoded or not, or with an encoded slash, matches nothing but
    /// [`PathPattern::any`]: what it means is for the other server to decide, so it can't be checked.
    pub fn matches(&self, path: &str) -> bool {
        if self.0 == "/**" {
            return true;
        }
        let lower = path.to_ascii_lowercase().replace("%2e", ".");
        if lower.contains("%2f") || lower.contains("%5c") || lower.contains('\\') {
            return false;
        }
        if lower.split('/').any(|segment| matches!(segment, "." | "..")) {
            return false;
        }
        let mut segments = path.split('/').skip(1);
        for wanted in self.0.split('/').skip(1) {
            if wanted == "**" {
                return segments.next().is_some();
            }
            match segments.next() {
                Some(found) if wanted == found || (wanted == "*" && !found.is_empty()) => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }
}

impl FromStr for PathPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let segments = || text.split('/').skip(1);
        let stars_elsewhere =
            segments().any(|segment| segment.contains('*') && !matches!(segment, "*" | "**"));
        let deep_before_end = text.rsplit('/').skip(1).any(|segment| segment == "**");
        if !text.starts_with('/') || stars_elsewhere || deep_before_end {
            return Err(format!(
                "`{text}` is not a path pattern: begin with `/`, use `*` for one whole segment and \
                 `**` at the end"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for PathPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

    #[test]
    fn a_path_pattern_cannot_be_walked_out_of() {
        let below: PathPattern = "/v1/**".parse().unwrap();
        assert!(below.matches("/v1/prices/today"));
        for out in ["/v1", "/v2/x", "/v1/../admin", "/v1/%2e%2E/admin", "/v1/..%2fadmin", "/v1x"] {
            assert!(!below.matches(out), "{out} was matched");
        }
        let one: PathPattern = "/v1/*".parse().unwrap();
        assert!(one.matches("/v1/a") && !one.matches("/v1/a/b") && !one.matches("/v1/"));
        assert!("/a/**/b".parse::<PathPattern>().is_err());
    }
}
