//! How an update is rolled out, as a manifest or a flag asks for it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::unit::Span;

/// The strategies that this version walks.
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
}

impl StrategyName {
    /// The name that flags, files and answers use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllAtOnce => "all-at-once",
            Self::BlueGreen => "blue-green",
            Self::Canary => "canary",
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
        match text {
            "all-at-once" => Ok(Self::AllAtOnce),
            "blue-green" => Ok(Self::BlueGreen),
            "canary" => Ok(Self::Canary),
            _ => Err(format!(
                "`{text}` is not a strategy of this version: use all-at-once, blue-green or canary"
            )),
        }
    }
}

/// The `[rollout]` table of a manifest: the default for `update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RolloutSettings {
    /// Which strategy.
    pub strategy: StrategyName,
    /// Canary: the candidate's share after each shift, in per cent, rising. 100 is added at the end.
    pub steps: Vec<f64>,
    /// Canary: how long each share is watched before the next.
    pub observe: Span,
    /// Blue-green: how long the replaced revision is kept warm for an instant way back.
    pub hold: Span,
    /// Canary: the share of the candidate's calls that may fail, in per cent, before it is taken back.
    pub max_error_rate: f64,
    /// Canary: calls that the candidate must have answered before it is promoted; 0 asks for none.
    pub min_calls: u64,
}

impl Default for RolloutSettings {
    fn default() -> Self {
        Self {
            strategy: StrategyName::AllAtOnce,
            steps: vec![5.0, 25.0, 50.0],
            observe: Span(Duration::from_secs(10)),
            hold: Span(Duration::from_secs(30)),
            max_error_rate: 1.0,
            min_calls: 0,
        }
    }
}
