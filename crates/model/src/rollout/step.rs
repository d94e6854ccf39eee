//! The steps of a canary, as they are written.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::gate::Gate;
use crate::routing::Match;
use crate::unit::Span;

/// One step: a bare number, or a table with one key.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum StepSettings {
    /// This share of the calls, in per cent, watched for as long as `observe` says.
    Share(f64),
    /// One act.
    Act(StepAct),
}

/// One act of a canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepAct {
    /// The candidate gets this share of the calls, in per cent.
    Weight(f64),
    /// The candidate is watched so long.
    Observe(Span),
    /// Nothing happens: so long, or `"until-promoted"`.
    Pause(PauseFor),
    /// The candidate has so many instances ready.
    Scale(u32),
    /// Calls that match go to the candidate, whatever its share.
    Match(Match),
    /// The candidate gets copies of this share of the calls, in per cent; 0 ends it.
    Mirror(f64),
    /// Somebody else is asked.
    Gate(Gate),
    /// After the last: the replaced revision is kept warm so long, for an instant way back.
    Hold(Span),
}

/// How long a pause lasts. Written `"5m"` or `"until-promoted"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "PauseText", into = "PauseText")]
#[schemars(with = "String")]
pub enum PauseFor {
    /// So long.
    Time(Span),
    /// Until an operator promotes the rollout or lets it go on.
    UntilPromoted,
}

impl From<f64> for StepSettings {
    fn from(percent: f64) -> Self {
        Self::Share(percent)
    }
}

impl From<StepAct> for StepSettings {
    fn from(act: StepAct) -> Self {
        Self::Act(act)
    }
}

impl<'de> Deserialize<'de> for StepSettings {
    // By hand, because an untagged enum answers every mistake with "no variant matched".
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = StepSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share in per cent, or a table such as { observe = \"10s\" }")
    }

    fn visit_f64<E: de::Error>(self, percent: f64) -> Result<StepSettings, E> {
        Ok(StepSettings::Share(percent))
    }

    fn visit_u64<E: de::Error>(self, percent: u64) -> Result<StepSettings, E> {
        Ok(StepSettings::Share(percent as f64))
    }

    fn visit_i64<E: de::Error>(self, percent: i64) -> Result<StepSettings, E> {
        Ok(StepSettings::Share(percent as f64))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StepSettings, A::Error> {
        let act = StepAct::deserialize(MapAccessDeserializer::new(&mut map))?;
        match map.next_key::<String>()? {
            Some(key) => Err(de::Error::custom(format!(
                "a step is one act, and this one has `{key}` besides: give each a table of its own"
            ))),
            None => Ok(StepSettings::Act(act)),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PauseText {
    Time(Span),
    Text(String),
}

const UNTIL_PROMOTED: &str = "until-promoted";

impl TryFrom<PauseText> for PauseFor {
    type Error = String;

    fn try_from(text: PauseText) -> Result<Self, String> {
        match text {
            PauseText::Time(span) => Ok(Self::Time(span)),
            PauseText::Text(text) => text.parse(),
        }
    }
}

impl FromStr for PauseFor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == UNTIL_PROMOTED {
            return Ok(Self::UntilPromoted);
        }
        let span = text.parse().map(Self::Time);
        span.map_err(|error| format!("{error}, nor \"{UNTIL_PROMOTED}\""))
    }
}

impl From<PauseFor> for PauseText {
    fn from(pause: PauseFor) -> Self {
        match pause {
            PauseFor::Time(span) => Self::Time(span),
            PauseFor::UntilPromoted => Self::Text(UNTIL_PROMOTED.to_owned()),
        }
    }
}
