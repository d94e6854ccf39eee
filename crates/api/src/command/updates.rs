//! Rolling several services as one.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Update;

/// Roll several services, each to another release or configuration, as one: all of them or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// One for each service, in the order in which they depend on one another: what others need comes first.
    /// `detached` and `plan_only` are said for all of them.
    pub updates: Vec<Update>,
    /// When a service that is ready goes on.
    #[serde(default)]
    pub order: UpdateOrder,
    /// Answer when all rollouts have begun, not when they have ended.
    #[serde(default)]
    pub detached: bool,
    /// Say what would happen and change nothing.
    #[serde(default)]
    pub plan_only: bool,
}

/// When a service that is ready goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateOrder {
    /// When all have been tried: then all are promoted, or none.
    #[default]
    Together,
    /// When all are ready and those before it are promoted. When a later one fails, those go back.
    InOrder,
}

/// One update of several services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JointUpdate {
    /// Which.
    pub update: UpdateNumber,
}

/// The number of an update of several services on its node, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct UpdateNumber(pub u64);

impl fmt::Display for UpdateOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Together => "together",
            Self::InOrder => "in-order",
        })
    }
}

impl fmt::Display for UpdateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A number, also as the text that it is in a path.
impl<'de> Deserialize<'de> for UpdateNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrText)
    }
}

struct NumberOrText;

impl Visitor<'_> for NumberOrText {
    type Value = UpdateNumber;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of an update")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<UpdateNumber, E> {
        Ok(UpdateNumber(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<UpdateNumber, E> {
        text.parse()
            .map(UpdateNumber)
            .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}
