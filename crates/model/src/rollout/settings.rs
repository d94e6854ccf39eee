//! The `[rollout]` table.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::RolloutError;
use super::experiment::ExperimentSettings;
use super::gate::GateSettings;
use super::metric::MetricSettings;
use super::shadow::ShadowSettings;
use super::step::StepSettings;
use super::strategy::StrategyName;
use crate::unit::{ByteSize, Span};

/// The `[rollout]` table of a manifest: the default for `update`. A file for `update --rollout` has the
/// same fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RolloutSettings {
    /// Which strategy.
    pub strategy: StrategyName,
    /// Canary: what is done until the candidate gets every call, which is added at the end. A number is a
    /// share in per cent that is watched for `observe`; a table is one act, such as `{ pause = "5m" }`.
    /// Shares rise.
    pub steps: Vec<StepSettings>,
    /// Canary: how long each share is watched before the next.
    pub observe: Span,
    /// Blue-green: how long the replaced revision is kept warm for an instant way back.
    pub hold: Span,
    /// The share of the candidate's calls that may fail, in per cent, before it is taken back.
    pub max_error_rate: f64,
    /// Calls that the candidate must have answered before it is promoted; 0 asks for none.
    pub min_calls: u64,
    /// What the candidate's 99th percentile of latency may be. No bound unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_latency_p99: Option<Span>,
    /// What the 99th percentile of the CPU time of the candidate's calls may be. No bound unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cpu_p99: Option<Span>,
    /// What the 99th percentile of the memory of the candidate's calls may be. No bound unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory_p99: Option<ByteSize>,
    /// Canary and A/B: whether the candidate is also compared with the active revision over the same
    /// seconds.
    pub analysis: bool,
    /// What happens when a window ends and says too little.
    pub on_inconclusive: OnInconclusive,
    /// Measures that somebody else keeps, asked for while the candidate is watched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricSettings>,
    /// Who else has a word in it, and where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateSettings>,
    /// A/B: the experiment.
    pub experiment: ExperimentSettings,
    /// Shadow: what is copied and how answers are compared.
    pub shadow: ShadowSettings,
}

/// What happens when the evidence does not decide. It never promotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnInconclusive {
    /// The rollout waits, and says why.
    #[default]
    Pause,
    /// The candidate is taken back.
    Abort,
}

impl RolloutSettings {
    /// Reads a file for `update --rollout`: TOML, or JSON where it begins with a brace. Its fields stand
    /// by themselves or in a table `rollout`, as a manifest has them.
    ///
    /// # Errors
    /// When it cannot be read or makes no sense, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings = if text.trim_start().starts_with('{') {
            let mut fields: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(text).map_err(|error| error.to_string())?;
            let inner = fields.remove("rollout").filter(|_| fields.is_empty());
            let fields = inner.unwrap_or(fields.into());
            serde_json::from_value::<Self>(fields).map_err(|error| error.to_string())?
        } else {
            parse_toml(text).map_err(|error| error.to_string())?
        };
        settings.check().map_err(|error| error.to_string())?;
        Ok(settings)
    }

    /// Whether the settings make sense together.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), RolloutError> {
        super::check::check(self)
    }
}

fn parse_toml(text: &str) -> Result<RolloutSettings, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct AsManifest {
        rollout: RolloutSettings,
    }
    let fields: toml::Table = toml::from_str(text)?;
    // From the text, so that a mistake is told with its line.
    if fields.len() == 1 && fields.contains_key("rollout") {
        return toml::from_str(text).map(|file: AsManifest| file.rollout);
    }
    toml::from_str(text)
}

impl Default for RolloutSettings {
    fn default() -> Self {
        Self {
            strategy: StrategyName::AllAtOnce,
            steps: [5.0, 25.0, 50.0].map(StepSettings::Share).to_vec(),
            observe: Span(Duration::from_secs(10)),
            hold: Span(Duration::from_secs(30)),
            max_error_rate: 1.0,
            min_calls: 0,
            max_latency_p99: None,
            max_cpu_p99: None,
            max_memory_p99: None,
            analysis: true,
            on_inconclusive: OnInconclusive::Pause,
            metrics: Vec::new(),
            gates: Vec::new(),
            experiment: ExperimentSettings::default(),
            shadow: ShadowSettings::default(),
        }
    }
}
