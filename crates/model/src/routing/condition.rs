//! One condition of a rule: an attribute of the call, and what has to be found there.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};

use super::attribute::{Attribute, AttributeError};

/// An attribute of a call and what has to be found there. Written as text or as a table:
///
/// | text | table | holds when the attribute |
/// |---|---|---|
/// | `header:x-beta=1` | `{ header = "x-beta", is = "1" }` | is exactly this |
/// | `path^=/v2/` | `{ on = "path", prefix = "/v2/" }` | begins with this |
/// | `method in GET,HEAD` | `{ on = "method", one_of = ["GET", "HEAD"] }` | is one of these |
/// | `cookie:beta` | `{ cookie = "beta", present = true }` | is there at all |
///
/// `header`, `cookie` and `query` name what they look at; `on` names any attribute as its text. Answers and
/// records have the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    attribute: Attribute,
    test: Test,
}

/// What has to be found. Values are compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// Exactly this.
    Is(String),
    /// Something that begins with this.
    Prefix(String),
    /// One of these.
    OneOf(Vec<String>),
    /// Anything.
    Present,
}

/// Why there is no such condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// What it looks at is no attribute.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    /// A table that names no attribute, or several.
    #[error("a condition names one of `header`, `cookie`, `query` and `on`")]
    NotOneAttribute,
    /// A table without a test, or with several.
    #[error("a condition has one of `is`, `prefix`, `one_of` and `present = true`")]
    NotOneTest,
    /// A list of no values, or of too many.
    #[error("`{0}` has {1} values: `one_of` takes 1 to {max}", max = Condition::VALUES_MAX)]
    Values(Attribute, usize),
    /// A value that the attribute never has.
    #[error("`{attribute}` is never `{value}`: {why}")]
    Never {
        /// What would be looked at.
        attribute: Attribute,
        /// What would be looked for.
        value: String,
        /// Why it cannot be found.
        why: &'static str,
    },
}

impl Condition {
    /// Values of `one_of` at most: each call is compared with each.
    pub const VALUES_MAX: usize = 32;

    /// The longest value, in bytes. Longer than a session's id; a signed token is nothing to match on.
    pub const VALUE_MAX_BYTES: usize = 256;

    /// A condition that some call can meet.
    ///
    /// # Errors
    /// When none can, because its attribute never has such a value.
    pub fn new(attribute: Attribute, test: Test) -> Result<Self, ConditionError> {
        if let Test::OneOf(values) = &test
            && !(1..=Self::VALUES_MAX).contains(&values.len())
        {
            return Err(ConditionError::Values(attribute, values.len()));
        }
        let listed = matches!(test, Test::OneOf(_));
        for value in test.values() {
            let why = never(&attribute, value, matches!(test, Test::Prefix(_)))
                .or((listed && value.contains(',')).then_some("a value in a list has no comma"));
            if let Some(why) = why {
                let value = value.chars().take(Self::VALUE_MAX_BYTES).collect();
                return Err(ConditionError::Never { attribute, value, why });
            }
        }
        Ok(Self { attribute, test })
    }

    /// What it looks at.
    pub fn attribute(&self) -> &Attribute {
        &self.attribute
    }

    /// What has to be found there.
    pub fn test(&self) -> &Test {
        &self.test
    }
}

impl Test {
    /// Whether an attribute with this value passes.
    pub fn passes(&self, value: &[u8]) -> bool {
        match self {
            Self::Is(wanted) => wanted.as_bytes() == value,
            Self::Prefix(prefix) => value.starts_with(prefix.as_bytes()),
            Self::OneOf(wanted) => wanted.iter().any(|wanted| wanted.as_bytes() == value),
            Self::Present => true,
        }
    }

    fn values(&self) -> &[String] {
        match self {
            Self::Is(value) | Self::Prefix(value) => std::slice::from_ref(value),
            Self::OneOf(values) => values,
            Self::Present => &[],
        }
    }

    /// The only values that pass, if they are listed.
    pub(super) fn listed(&self) -> Option<&[String]> {
        matches!(self, Self::Is(_) | Self::OneOf(_)).then(|| self.values())
    }
}

/// Why an attribute never is this value, or never begins with it.
fn never(attribute: &Attribute, value: &str, is_prefix: bool) -> Option<&'static str> {
    let is_edge = |c: char| c == ' ' || c == '\t';
    if value.is_empty() {
        return Some("say what it is, or that it is `present`");
    }
    if value.len() > Condition::VALUE_MAX_BYTES {
        return Some("a value has at most 256 bytes");
    }
    if value.chars().any(char::is_control) {
        return Some("a value has no control characters");
    }
    if value.starts_with(is_edge) || (value.ends_with(is_edge) && !is_prefix) {
        return Some("a value neither begins nor ends with a blank");
    }
    if value.contains(" & ") {
        return Some("` & ` stands between two conditions");
    }
    match attribute {
        Attribute::Path if !value.starts_with('/') => Some("a path begins with `/`"),
        Attribute::Path if value.contains(['?', '#']) => {
            Some("a path ends before `?`: use query:NAME for what follows")
        }
        Attribute::Path if !value.bytes().all(|b| b.is_ascii_graphic()) => {
            Some("a path is sent in ASCII: write other characters as %XX")
        }
        Attribute::Method if !value.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') => {
            Some("a method is written in capitals, such as GET")
        }
        Attribute::Trigger if !value.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') => {
            Some("a trigger is a word in small letters, such as http")
        }
        _ => None,
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let text = text.trim();
        let is = text.split_once('=');
        // No name has a blank in it, so the one before `in` ends the attribute, if no `=` came before.
        if let Some((attribute, values)) = text.split_once(" in ")
            && is.is_none_or(|(before, _)| before.len() > attribute.len())
        {
            let values = values.split(',').map(|value| value.trim().to_owned()).collect();
            return Self::new(attribute.trim().parse()?, Test::OneOf(values));
        }
        let Some((attribute, value)) = is else {
            return Self::new(text.parse()?, Test::Present);
        };
        let value = value.to_owned();
        match attribute.strip_suffix('^') {
            Some(attribute) => Self::new(attribute.parse()?, Test::Prefix(value)),
            None => Self::new(attribute.parse()?, Test::Is(value)),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attribute = &self.attribute;
        match &self.test {
            Test::Is(value) => write!(f, "{attribute}={value}"),
            Test::Prefix(value) => write!(f, "{attribute}^={value}"),
            Test::OneOf(values) => write!(f, "{attribute} in {}", values.join(",")),
            Test::Present => write!(f, "{attribute}"),
        }
    }
}

/// A condition as a table.
#[derive(Default, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Condition")]
struct Table {
    /// The header it looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    /// The cookie it looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    cookie: Option<String>,
    /// The query parameter it looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// The attribute it looks at: `path`, `method`, `caller`, `trigger`, or one of the above as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<String>,
    /// Exactly what has to be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    is: Option<String>,
    /// What has to be found at its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    /// What may be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_of: Option<Vec<String>>,
    /// Whether anything will do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    present: bool,
}

impl TryFrom<Table> for Condition {
    type Error = ConditionError;

    fn try_from(table: Table) -> Result<Self, ConditionError> {
        let named = [("header:", table.header), ("cookie:", table.cookie), ("query:", table.query)];
        let named = named.into_iter().filter_map(|(kind, name)| Some(format!("{kind}{}", name?)));
        let mut attributes = named.chain(table.on);
        let (Some(attribute), None) = (attributes.next(), attributes.next()) else {
            return Err(ConditionError::NotOneAttribute);
        };
        let tests = [
            table.is.map(Test::Is),
            table.prefix.map(Test::Prefix),
            table.one_of.map(Test::OneOf),
            table.present.then_some(Test::Present),
        ];
        let mut tests = tests.into_iter().flatten();
        let (Some(test), None) = (tests.next(), tests.next()) else {
            return Err(ConditionError::NotOneTest);
        };
        Self::new(attribute.parse()?, test)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = Table::default();
        match &self.attribute {
            Attribute::Header(name) => table.header = Some(name.to_string()),
            Attribute::Cookie(name) => table.cookie = Some(name.to_string()),
            Attribute::Query(name) => table.query = Some(name.to_string()),
            other => table.on = Some(other.to_string()),
        }
        match &self.test {
            Test::Is(value) => table.is = Some(value.clone()),
            Test::Prefix(value) => table.prefix = Some(value.clone()),
            Test::OneOf(values) => table.one_of = Some(values.clone()),
            Test::Present => table.present = true,
        }
        table.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// Takes a condition as text or as a table. By hand, for an untagged enum would hide the mistake in either.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Condition;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a condition such as \"header:x-beta=1\" or { header = \"x-beta\", is = \"1\" }",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Condition, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Condition, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        Condition::try_from(table).map_err(de::Error::custom)
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Table::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Table::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(text: &str) -> Condition {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn text_and_table_say_the_same() {
        let cases = [
            ("header:x-beta=1", r#"{"header":"x-beta","is":"1"}"#),
            ("cookie:beta", r#"{"cookie":"beta","present":true}"#),
            ("query:to=a=b&c", r#"{"query":"to","is":"a=b&c"}"#),
            ("path^=/v2/", r#"{"on":"path","prefix":"/v2/"}"#),
            ("method in GET,HEAD", r#"{"on":"method","one_of":["GET","HEAD"]}"#),
            ("header:x=cats in boots", r#"{"header":"x","is":"cats in boots"}"#),
            ("caller=127.0.0.1", r#"{"on":"caller","is":"127.0.0.1"}"#),
        ];
        for (text, json) in cases {
            let read = condition(text);
            assert_eq!(read.to_string(), text);
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
            assert_eq!(serde_json::from_str::<Condition>(json).unwrap(), read);
            let quoted = serde_json::to_string(text).unwrap();
            assert_eq!(serde_json::from_str::<Condition>(&quoted).unwrap(), read);
        }
        let on_header = serde_json::json!({"on": "header:X-Beta", "is": "1"});
        let on_header: Condition = serde_json::from_value(on_header).unwrap();
        assert_eq!(on_header, condition("header:x-beta=1"));
    }

    #[test]
    fn a_table_that_leaves_something_open_is_refused_with_words() {
        for (json, words) in [
            (r#"{"is":"1"}"#, "names one of"),
            (r#"{"header":"a","cookie":"b","is":"1"}"#, "names one of"),
            (r#"{"header":"a"}"#, "has one of"),
            (r#"{"header":"a","present":false}"#, "has one of"),
            (r#"{"header":"a","is":"1","prefix":"1"}"#, "has one of"),
            (r#"{"header":"a","equals":"1"}"#, "unknown field `equals`"),
            (r#"{"on":"weather","is":"1"}"#, "no attribute of a call"),
            (r#"{"header":"a b","is":"1"}"#, "no name of a header"),
            (r#"{"header":"a","one_of":[]}"#, "has 0 values"),
            (r#"{"header":"a","one_of":["1,2"]}"#, "no comma"),
            ("7", "a condition such as"),
        ] {
            let error = serde_json::from_str::<Condition>(json).unwrap_err().to_string();
            assert!(error.contains(words), "{json}: {error}");
        }
    }

    #[test]
    fn a_value_that_its_attribute_never_has_is_refused() {
        let long = format!("header:x={}", "y".repeat(257));
        for text in [
            "path=v2",
            "path^=v2/",
            "path=/v2?x=1",
            "path=/größe",
            "method=get",
            "trigger=HTTP",
            "header:x=",
            "header:x= 1",
            "header:x=\u{7}",
            "method in GET,",
            &long,
        ] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_test_passes_what_it_says() {
        let passes = |text: &str, value: &[u8]| condition(text).test().passes(value);
        assert!(passes("header:x=1", b"1") && !passes("header:x=1", b"10"));
        assert!(passes("path^=/v2/", b"/v2/a") && !passes("path^=/v2/", b"/v2"));
        assert!(passes("method in GET,HEAD", b"HEAD") && !passes("method in GET,HEAD", b"POST"));
        assert!(passes("cookie:beta", b"") && passes("cookie:beta", b"\xff"));
    }
}
