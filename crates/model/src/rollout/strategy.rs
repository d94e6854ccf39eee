//! The strategies, by their names.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a candidate comes to its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyName {
    /// Every call at once, and the old revision stopped when its calls have ended.
    #[default]
    AllAtOnce,
    /// Every call at once, and the old revision kept warm for a while.
    BlueGreen,
    /// A growing share of the calls, watched after each step.
    Canary,
    /// An experiment: both get calls until one is better by a measure of the operator's.
    Ab,
    /// Copies of calls, whose answers are compared with those that the callers got.
    Shadow,
}

impl StrategyName {
    /// Every strategy.
    pub const ALL: [Self; 5] =
        [Self::AllAtOnce, Self::BlueGreen, Self::Canary, Self::Ab, Self::Shadow];

    /// The name that flags, files and answers use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllAtOnce => "all-at-once",
            Self::BlueGreen => "blue-green",
            Self::Canary => "canary",
            Self::Ab => "ab",
            Self::Shadow => "shadow",
        }
    }
}

impl fmt::Display for StrategyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for StrategyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|strategy| strategy.as_str() == text);
        named.ok_or_else(|| {
            format!("`{text}` is no strategy: use all-at-once, blue-green, canary, ab or shadow")
        })
    }
}
