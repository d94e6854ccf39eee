//! Host names, and patterns for them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Host names: `api.example.com`, `*.example.com` or `*`.
///
/// `*.example.com` matches `a.example.com` and `a.b.example.com`, neither `example.com` nor
/// `evilexample.com`. `*` matches every name, and no address, however it is spelt. Case does not matter,
/// nor a dot at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct NamePattern(Names);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Names {
    Any,
    Below(Box<str>),
    One(Box<str>),
}

/// Why a text is no host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// An empty or overlong label, or a character that no name has.
    #[error("a label is empty, too long, or has a character that no host name has")]
    Label,
    /// Letters outside ASCII: what a resolver is asked is what has to be read and compared.
    #[error("write it as resolvers do, `{0}`")]
    Ascii(String),
    /// Letters outside ASCII that no domain may have.
    #[error("it has a character that no host name has")]
    NoDomain,
    /// `127.1`, `0x7f.1` and their like, which some programs read as addresses.
    #[error("it ends in a number, but is no address as four decimal numbers")]
    Number,
}

/// A host as a guest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteHost {
    /// A name, as resolvers are asked for it.
    Name(Box<str>),
    /// An address. Nothing has to be looked up for it.
    Address(IpAddr),
}

impl RemoteHost {
    /// Reads a name, also one with letters outside ASCII, or an address. What some program could take for an
    /// address and is none as four decimal numbers or as IPv6, is neither.
    pub fn read(text: &str) -> Option<Self> {
        if !text.is_ascii() {
            let ascii = idna::domain_to_ascii(text).ok()?;
            return if ascii.is_ascii() { Self::read(&ascii) } else { None };
        }
        match HostRef::read(text)? {
            HostRef::Name(name) => Some(Self::Name(name.to_ascii_lowercase().into())),
            HostRef::Address(address) => Some(Self::Address(address)),
        }
    }
}

/// A host as somebody names it, read without a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostRef<'a> {
    /// A name, in whatever case, without its last dot.
    Name(&'a str),
    Address(IpAddr),
}

impl<'a> HostRef<'a> {
    /// Reads `api.example.com.`, `192.0.2.7`, `2001:db8::1` or `[2001:db8::1]`. What is none of these, and
    /// what some program could take for an address, is nothing.
    pub(super) fn read(host: &'a str) -> Option<Self> {
        if let Some(inner) = host.strip_prefix('[') {
            let address: std::net::Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        if check(name).is_ok() {
            return Some(Self::Name(name));
        }
        host.parse::<IpAddr>().ok().map(|address| Self::Address(address.to_canonical()))
    }
}

impl NamePattern {
    /// Whether the name falls under the pattern. A text that is no name falls under none.
    pub fn matches(&self, name: &str) -> bool {
        matches!(HostRef::read(name), Some(HostRef::Name(name)) if self.matches_name(name))
    }

    /// The same for a name that has been read.
    pub(super) fn matches_name(&self, name: &str) -> bool {
        match &self.0 {
            Names::Any => true,
            Names::Below(zone) => is_below(name, zone),
            Names::One(wanted) => name.eq_ignore_ascii_case(wanted),
        }
    }

    /// Whether every name that `other` means is meant here too.
    pub fn covers(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Names::Any, _) => true,
            (Names::Below(zone), Names::Below(inner)) => inner == zone || is_below(inner, zone),
            (Names::Below(zone), Names::One(name)) => is_below(name, zone),
            (mine, theirs) => mine == theirs,
        }
    }

    /// The names that both mean: of two patterns one covers the other, or nothing falls under both.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        if self.covers(other) {
            Some(other.clone())
        } else {
            other.covers(self).then(|| self.clone())
        }
    }

    /// The name, where only one is meant.
    pub fn single(&self) -> Option<&str> {
        match &self.0 {
            Names::One(name) => Some(name),
            Names::Any | Names::Below(_) => None,
        }
    }
}

fn is_below(name: &str, zone: &str) -> bool {
    let Some(split) = name.len().checked_sub(zone.len()) else { return false };
    let (Some(head), Some(tail)) = (name.get(..split), name.get(split..)) else { return false };
    head.len() > 1 && head.ends_with('.') && tail.eq_ignore_ascii_case(zone)
}

fn check(name: &str) -> Result<(), HostError> {
    if name.len() > 253 {
        return Err(HostError::Label);
    }
    let mut last = "";
    for label in name.split('.') {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if label.is_empty() || label.len() > 63 || !label.bytes().all(is_part) {
            return Err(HostError::Label);
        }
        last = label;
    }
    // The WHATWG URL standard's "ends in a number": such a host is an IPv4 address to browsers and to the
    // resolver of libc, also in octal, in hexadecimal and with parts left out.
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_number { Err(HostError::Number) } else { Ok(()) }
}

/// A name in the one spelling that it is kept in.
fn normal(name: &str) -> Result<Box<str>, HostError> {
    if !name.is_ascii() {
        let ascii = idna::domain_to_ascii(name).ok().filter(|ascii| check(ascii).is_ok());
        return Err(ascii.map_or(HostError::NoDomain, HostError::Ascii));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    check(name)?;
    Ok(name.to_ascii_lowercase().into())
}

impl FromStr for NamePattern {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text == "*" {
            return Ok(Self(Names::Any));
        }
        match text.strip_prefix("*.") {
            Some(zone) => match normal(zone) {
                Ok(zone) => Ok(Self(Names::Below(zone))),
                Err(HostError::Ascii(ascii)) => Err(HostError::Ascii(format!("*.{ascii}"))),
                Err(error) => Err(error),
            },
            None => normal(text).map(|name| Self(Names::One(name))),
        }
    }
}

impl TryFrom<String> for NamePattern {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        text.parse()
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Names::Any => f.write_str("*"),
            Names::Below(zone) => write!(f, "*.{zone}"),
            Names::One(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> NamePattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_pattern_means_what_a_careful_reader_expects() {
        let below = names("*.Example.com.");
        assert!(below.matches("a.example.com") && below.matches("A.B.eXample.COM."));
        for other in ["example.com", "evilexample.com", "a.example.com.evil.org", ".example.com"] {
            assert!(!below.matches(other), "{other} was matched");
        }
        for text in ["a.example.com..", "a b", "a%2eb", "", ".", "a\u{ff0e}b", "x@y", "a/b"] {
            assert!(!names("*").matches(text), "{text:?} passed for a name");
        }
    }

    #[test]
    fn no_spelling_of_an_address_passes_for_a_name() {
        for odd in ["127.0.0.1", "0x7f.1", "127.1", "2130706433", "0x7F000001", "0177.0.0.1"] {
            assert!(!names("*").matches(odd), "{odd} passed for a name");
            assert!(odd.parse::<NamePattern>().is_err(), "{odd} was accepted");
        }
        for odd in ["[::1]", "::1", "1.2.3.4.", "x.0x", "x.1"] {
            assert!(!names("*").matches(odd), "{odd} passed for a name");
        }
        assert!(names("*").matches("1.2.3.4.in-addr.arpa") && names("*").matches("0xcafe.org"));
    }

    #[test]
    fn a_host_is_read_as_resolvers_are_asked_for_it() {
        let name = |text: &str| Some(RemoteHost::Name(text.into()));
        assert_eq!(RemoteHost::read("B\u{fc}cher.Example."), name("xn--bcher-kva.example"));
        let loopback = Some(RemoteHost::Address("127.0.0.1".parse().unwrap()));
        assert_eq!(RemoteHost::read("::ffff:127.0.0.1"), loopback);
        // The second one is an address in full-width digits.
        for odd in ["127.1", "\u{ff11}27.1", "a b", ""] {
            assert_eq!(RemoteHost::read(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_name_outside_ascii_is_refused_with_the_spelling_to_write() {
        let refused = |text: &str| text.parse::<NamePattern>().unwrap_err();
        assert_eq!(refused("Bücher.example"), HostError::Ascii("xn--bcher-kva.example".into()));
        assert_eq!(refused("*.bücher.example"), HostError::Ascii("*.xn--bcher-kva.example".into()));
        assert!(matches!(refused("a*.com"), HostError::Label));
    }
}
