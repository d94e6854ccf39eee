//! Measures that somebody else keeps.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::unit::Span;

/// A measure of a Prometheus server, asked for while a candidate is watched. One that has no value is no
/// evidence: the rollout is then inconclusive, and never promoted by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricSettings {
    /// What it is called in what is reported.
    pub name: String,
    /// The server, such as `http://prometheus:9090`.
    pub url: Endpoint,
    /// The query. It has to come to one number. `{service}`, `{revision}` and `{active}` in it are
    /// replaced.
    pub query: String,
    /// The most that it may come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The least that it may come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// How often it is asked for, besides once at the end of the window.
    #[serde(default = "every")]
    pub every: Span,
}

/// Where something answers over HTTP: `http://` or `https://`, a host and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Endpoint(String);

fn every() -> Span {
    Span(Duration::from_secs(10))
}

impl MetricSettings {
    /// Why this value is out of its bounds, if it is.
    pub fn refuses(&self, value: f64) -> Option<String> {
        let name = &self.name;
        match (self.max, self.min) {
            (Some(max), _) if value > max => {
                Some(format!("{name} is {value}; at most {max} is allowed"))
            }
            (_, Some(min)) if value < min => {
                Some(format!("{name} is {value}; at least {min} is asked for"))
            }
            _ => None,
        }
    }
}

impl Endpoint {
    /// The longest. It is in the record of every step that names it.
    pub const MAX_BYTES: usize = 2048;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
        let plain = text.bytes().all(|b| b.is_ascii_graphic());
        if text.len() > Self::MAX_BYTES || !plain || host.is_none_or(str::is_empty) {
            let text: String = text.chars().take(100).collect();
            return Err(format!("`{text}` is no address such as http://gate.example.com/check"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Endpoint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
