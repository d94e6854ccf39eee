//! What of a call routing looks at, as text: `header:x-beta`, `path`, `cookie:session`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An attribute of a call that a rule looks at. Reads and prints as text, such as `header:x-beta`.
///
/// An HTTP request has all of them. The metadata of a handler's input are its headers; what a call does
/// not have matches no rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Attribute {
    /// `header:NAME`: the first header of this name, in whatever case it was sent.
    Header(FieldName),
    /// `cookie:NAME`: the first cookie of this name.
    Cookie(FieldName),
    /// `query:NAME`: the first query parameter of this name, decoded.
    Query(FieldName),
    /// `path`: the path as the caller sent it, with the service's route and without the query. It is neither
    /// decoded nor tidied up, so a rule on it steers callers and keeps none out.
    Path,
    /// `method`: the HTTP method.
    Method,
    /// `caller`: who calls, as far as the node knows: an IP address, for a request.
    Caller,
    /// `trigger`: the kind of the call, `http`, `invoke` or `function`.
    Trigger,
}

/// What a sticky split goes by: two calls with the same value reach the same revision. Reads and prints as
/// text, such as `cookie:session`. A call without a value is drawn at random.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum StickyBy {
    /// `header:NAME`: the first header of this name.
    Header(FieldName),
    /// `cookie:NAME`: the first cookie of this name.
    Cookie(FieldName),
    /// `address`: the client's IP address, as the node sees it: that of a proxy, if one stands between.
    Address,
    /// `key`: the key that the call carries in the header, or the input's metadata, `x-airssys-key`.
    Key,
}

/// The header, or the entry of an input's metadata, that is a call's key.
pub const KEY_HEADER: &str = "x-airssys-key";

/// The name of a header, a cookie or a query parameter. Header names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldName(Box<str>);

/// Why a text names nothing to route by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    /// No such attribute.
    #[error(
        "`{0}` is no attribute of a call: use header:NAME, cookie:NAME, query:NAME, path, method, \
         caller or trigger"
    )]
    Unknown(String),
    /// Nothing that a split can stick to.
    #[error("`{0}` is nothing to stick by: use header:NAME, cookie:NAME, address or key")]
    NotSticky(String),
    /// The name after the colon is none.
    #[error(
        "`{name}` is no name of a {kind}: use at most {} of {}",
        FieldName::MAX_BYTES,
        "letters, digits and ! # $ % & ' * + - . _ ` | ~"
    )]
    Name {
        /// `header`, `cookie` or `query parameter`.
        kind: &'static str,
        /// What stands in its place.
        name: String,
    },
}

impl FieldName {
    /// The longest name, four times what real ones have. Every call is searched for it.
    pub const MAX_BYTES: usize = 256;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A token of RFC 9110 (section 5.6.2), which names headers and cookies (RFC 6265, section 4.1.1),
    /// but for `^`: it begins the test `^=` in a condition's text.
    fn token(kind: &'static str, name: &str) -> Result<Self, AttributeError> {
        let in_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-._`|~".contains(&b);
        Self::checked(kind, name, name.bytes().all(in_token))
    }

    /// Query parameters are named freely (`filter[name]`). What splits a query or a condition cannot be
    /// in a name.
    fn parameter(name: &str) -> Result<Self, AttributeError> {
        let free = |b: u8| b.is_ascii_graphic() && !b"=&^#+%".contains(&b);
        Self::checked("query parameter", name, name.bytes().all(free))
    }

    fn checked(kind: &'static str, name: &str, sound: bool) -> Result<Self, AttributeError> {
        if name.is_empty() || name.len() > Self::MAX_BYTES || !sound {
            let name = name.chars().take(Self::MAX_BYTES).collect();
            return Err(AttributeError::Name { kind, name });
        }
        Ok(Self(name.into()))
    }

    fn header(name: &str) -> Result<Self, AttributeError> {
        Self::token("header", &name.to_ascii_lowercase())
    }

    fn cookie(name: &str) -> Result<Self, AttributeError> {
        Self::token("cookie", name)
    }
}

impl StickyBy {
    /// Whether calls with the same key always have the same value of this attribute too.
    pub fn decides(&self, attribute: &Attribute) -> bool {
        match (self, attribute) {
            (Self::Header(name), Attribute::Header(other))
            | (Self::Cookie(name), Attribute::Cookie(other)) => name == other,
            (Self::Key, Attribute::Header(name)) => name.as_str() == KEY_HEADER,
            _ => false,
        }
    }
}

impl FromStr for Attribute {
    type Err = AttributeError;

    fn from_str(text: &str) -> Result<Self, AttributeError> {
        Ok(match text.split_once(':') {
            Some(("header", name)) => Self::Header(FieldName::header(name)?),
            Some(("cookie", name)) => Self::Cookie(FieldName::cookie(name)?),
            Some(("query", name)) => Self::Query(FieldName::parameter(name)?),
            None if text == "path" => Self::Path,
            None if text == "method" => Self::Method,
            None if text == "caller" => Self::Caller,
            None if text == "trigger" => Self::Trigger,
            _ => return Err(AttributeError::Unknown(text.to_owned())),
        })
    }
}

impl FromStr for StickyBy {
    type Err = AttributeError;

    fn from_str(text: &str) -> Result<Self, AttributeError> {
        Ok(match text.split_once(':') {
            Some(("header", name)) => Self::Header(FieldName::header(name)?),
            Some(("cookie", name)) => Self::Cookie(FieldName::cookie(name)?),
            None if text == "address" => Self::Address,
            None if text == "key" => Self::Key,
            _ => return Err(AttributeError::NotSticky(text.to_owned())),
        })
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Path => f.write_str("path"),
            Self::Method => f.write_str("method"),
            Self::Caller => f.write_str("caller"),
            Self::Trigger => f.write_str("trigger"),
        }
    }
}

impl fmt::Display for StickyBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Address => f.write_str("address"),
            Self::Key => f.write_str("key"),
        }
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Attribute {
    type Error = AttributeError;

    fn try_from(text: String) -> Result<Self, AttributeError> {
        text.parse()
    }
}

impl From<Attribute> for String {
    fn from(attribute: Attribute) -> Self {
        attribute.to_string()
    }
}

impl TryFrom<String> for StickyBy {
    type Error = AttributeError;

    fn try_from(text: String) -> Result<Self, AttributeError> {
        text.parse()
    }
}

impl From<StickyBy> for String {
    fn from(by: StickyBy) -> Self {
        by.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_prints_as_it_reads() {
        for text in [
            "header:x-beta",
            "cookie:Session_1",
            "query:filter[name]",
            "path",
            "method",
            "caller",
            "trigger",
        ] {
            assert_eq!(text.parse::<Attribute>().unwrap().to_string(), text);
        }
        for text in ["header:x-user", "cookie:session", "address", "key"] {
            assert_eq!(text.parse::<StickyBy>().unwrap().to_string(), text);
        }
        assert_eq!("header:X-Beta".parse::<Attribute>(), "header:x-beta".parse());
    }

    #[test]
    fn a_key_decides_the_attribute_that_it_is() {
        for (by, attribute) in [
            ("header:x-user", "header:X-User"),
            ("cookie:a", "cookie:a"),
            ("key", "header:x-airssys-key"),
        ] {
            let by: StickyBy = by.parse().unwrap();
            assert!(by.decides(&attribute.parse().unwrap()), "{by}");
            for other in
                ["header:x-beta", "cookie:b", "query:a", "path", "method", "caller", "trigger"]
            {
                assert!(!by.decides(&other.parse().unwrap()), "{by}: {other}");
            }
        }
    }

    #[test]
    fn what_no_call_can_have_is_refused() {
        let long = format!("header:{}", "x".repeat(257));
        for text in
            ["", "header", "header:", "header:x beta", "header:x^", "header:ü", "Path", &long]
        {
            assert!(text.parse::<Attribute>().is_err(), "{text}");
            assert!(text.parse::<StickyBy>().is_err(), "{text}");
        }
        for text in ["cookie:a=b", "query:a&b", "query:a b", "path:/x", "address", "key"] {
            assert!(text.parse::<Attribute>().is_err(), "{text}");
        }
        for text in ["query:user", "path", "method", "caller", "trigger"] {
            assert!(text.parse::<StickyBy>().is_err(), "{text}");
        }
    }
}
