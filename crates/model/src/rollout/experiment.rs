//! A/B experiments.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::routing::{Match, StickyBy};
use crate::unit::Span;

/// The `[rollout.experiment]` table: the active revision is one variant, the candidate the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExperimentSettings {
    /// Its name in reports.
    pub name: String,
    /// The candidate's share of the calls that take part, in per cent.
    pub share: f64,
    /// Which calls take part; all of them unless set. The others stay with the active revision.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub only: Option<Match>,
    /// What a caller keeps its variant by; what the service says unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky: Option<StickyBy>,
    /// Which calls are a success: `status` (the call did not fail), `header:NAME` (its answer has the
    /// header) or `event:NAME` (the component said so during it).
    pub success: Success,
    /// After which it ends undecided.
    pub horizon: Span,
    /// What happens when the candidate has won. One that has lost is taken back.
    pub on_decision: OnDecision,
}

/// What makes a call a success.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Success {
    /// It did not fail.
    #[default]
    Status,
    /// Its answer carries this header, in lower case.
    Header(String),
    /// The component emitted this event while it ran.
    Event(String),
}

/// What happens when an experiment has found its winner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDecision {
    /// The winner gets every call.
    #[default]
    Promote,
    /// The split stays, and an operator decides.
    Keep,
}

impl Success {
    /// The longest name of a header or an event.
    pub const NAME_MAX_BYTES: usize = 256;
}

impl FromStr for Success {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            let text: String = text.chars().take(100).collect();
            format!("`{text}` is no success: use status, header:NAME or event:NAME")
        };
        let named = |name: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
            let sound = !name.is_empty() && name.len() <= Self::NAME_MAX_BYTES;
            if sound && name.bytes().all(plain) { Ok(name.to_owned()) } else { Err(unknown()) }
        };
        match text.split_once(':') {
            None if text == "status" => Ok(Self::Status),
            Some(("header", name)) => named(&name.to_ascii_lowercase()).map(Self::Header),
            Some(("event", name)) => named(name).map(Self::Event),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Success {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status => f.write_str("status"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Event(name) => write!(f, "event:{name}"),
        }
    }
}

impl TryFrom<String> for Success {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Success> for String {
    fn from(success: Success) -> Self {
        success.to_string()
    }
}

impl Default for ExperimentSettings {
    fn default() -> Self {
        Self {
            name: "experiment".to_owned(),
            share: 50.0,
            only: None,
            sticky: None,
            success: Success::Status,
            horizon: Span(Duration::from_secs(24 * 60 * 60)),
            on_decision: OnDecision::Promote,
        }
    }
}
