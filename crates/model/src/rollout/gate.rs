//! Gates: who else has a word in a rollout.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::Endpoint;
use crate::unit::Span;

/// Who is asked whether a rollout may go on, and what happens when there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "AuthoredGate", into = "AuthoredGate")]
#[schemars(with = "AuthoredGate")]
pub struct Gate {
    /// Who is asked.
    pub by: GateBy,
    /// How long an answer may take. A webhook's is a minute unless set; an operator has no bound unless
    /// one is set.
    pub timeout: Option<Span>,
    /// What happens after that.
    pub on_timeout: OnTimeout,
    /// What it is for, as the plan and whatever tells of the rollout show it.
    pub reason: Option<String>,
}

/// A gate and its place in every rollout of the component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "AuthoredPlace", into = "AuthoredPlace")]
#[schemars(with = "AuthoredPlace")]
pub struct GateSettings {
    /// Where.
    pub at: GateAt,
    /// Which.
    pub gate: Gate,
}

/// Who is asked at a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateBy {
    /// An HTTP endpoint: an answer of success lets the rollout pass, one of the client's error refuses it.
    Webhook(Endpoint),
    /// An operator: `resume` lets it pass, `abort` refuses it.
    Operator,
}

/// Where a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GateAt {
    /// Before anything starts.
    Start,
    /// Before each rise of the candidate's share but the last.
    Shift,
    /// Before the candidate gets every call.
    #[default]
    Promotion,
    /// When it has them. A refusal there is noted: what is promoted stays so.
    End,
}

/// What happens when a gate does not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnTimeout {
    /// The candidate is taken back.
    #[default]
    Abort,
    /// The rollout waits for an operator; `resume` asks again.
    Pause,
    /// The rollout goes on.
    Continue,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuthoredGate {
    /// A webhook: where to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<Endpoint>,
    /// An operator is asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    manual: bool,
    /// How long an answer may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Span>,
    /// What happens after that.
    #[serde(default)]
    on_timeout: OnTimeout,
    /// What it is for, as the plan and whatever tells of the rollout show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

// A flattened `AuthoredGate` would let unknown fields pass.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuthoredPlace {
    /// Where it stands.
    #[serde(default)]
    at: GateAt,
    /// A webhook: where to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<Endpoint>,
    /// An operator is asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    manual: bool,
    /// How long an answer may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Span>,
    /// What happens after that.
    #[serde(default)]
    on_timeout: OnTimeout,
    /// What it is for, as the plan and whatever tells of the rollout show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Gate {
    /// How long a webhook's answer may take unless set: a check that runs a test takes some seconds, and
    /// one that hangs is not to hang the rollout.
    pub const ANSWER_WITHIN: Span = Span(Duration::from_secs(60));

    /// The longest reason: it is in the record of each rollout that has the gate, and fits a screen.
    pub const REASON_BYTES_MAX: usize = 4 << 10;

    /// An operator's, for as long as it takes.
    pub fn operator(reason: impl Into<String>) -> Self {
        let (by, timeout, on_timeout) = (GateBy::Operator, None, OnTimeout::Pause);
        Self { by, timeout, on_timeout, reason: Some(reason.into()) }
    }
}

impl TryFrom<AuthoredGate> for Gate {
    type Error = &'static str;

    fn try_from(authored: AuthoredGate) -> Result<Self, Self::Error> {
        let (by, timeout) = match (authored.url, authored.manual) {
            (Some(url), false) => {
                (GateBy::Webhook(url), Some(authored.timeout.unwrap_or(Self::ANSWER_WITHIN)))
            }
            (None, true) => (GateBy::Operator, authored.timeout),
            _ => return Err("a gate asks either a `url` or an operator: `manual = true`"),
        };
        if authored.reason.as_ref().is_some_and(|it| it.len() > Self::REASON_BYTES_MAX) {
            return Err("a gate's `reason` has at most 4 KiB");
        }
        Ok(Self { by, timeout, on_timeout: authored.on_timeout, reason: authored.reason })
    }
}

impl From<Gate> for AuthoredGate {
    fn from(gate: Gate) -> Self {
        let Gate { by, timeout, on_timeout, reason } = gate;
        let (url, manual) = match by {
            GateBy::Webhook(url) => (Some(url), false),
            GateBy::Operator => (None, true),
        };
        Self { url, manual, timeout, on_timeout, reason }
    }
}

impl TryFrom<AuthoredPlace> for GateSettings {
    type Error = &'static str;

    fn try_from(authored: AuthoredPlace) -> Result<Self, Self::Error> {
        let AuthoredPlace { at, url, manual, timeout, on_timeout, reason } = authored;
        let gate = AuthoredGate { url, manual, timeout, on_timeout, reason };
        Ok(Self { at, gate: gate.try_into()? })
    }
}

impl From<GateSettings> for AuthoredPlace {
    fn from(settings: GateSettings) -> Self {
        let AuthoredGate { url, manual, timeout, on_timeout, reason } = settings.gate.into();
        Self { at: settings.at, url, manual, timeout, on_timeout, reason }
    }
}

impl OnTimeout {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Pause => "pause",
            Self::Continue => "continue",
        }
    }
}
