//! Rolling a service forward and back.

use airssys_wasm_model::{
    Determinism, Grants, Match, Name, RevisionNumber, RolloutSettings, Span, StepAct, StepSettings,
    StickyBy, StrategyName, Success, Version,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Source;

/// How to roll out. What is not said comes from the manifest's `[rollout]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RolloutChoice {
    /// Which strategy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<StrategyName>,
    /// Canary: its steps. A number is a share in per cent that is watched; a table is one act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepSettings>>,
    /// Canary: how long each share is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observe: Option<Span>,
    /// Blue-green: how long the replaced revision is kept warm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Span>,
    /// All of it, as a file says: in place of the manifest's, and under what else is said here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Box<RolloutSettings>>,
    /// What the candidate's 99th percentile of latency may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_latency_p99: Option<Span>,
    /// Canary and A/B: whether the candidate is compared with the active revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<bool>,
    /// A/B: which calls take part. Canary: which go to the candidate, whatever its share of the others; they
    /// go there before the first step.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub only: Option<Match>,
    /// A/B: what a caller keeps its variant by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky: Option<StickyBy>,
    /// A/B: which calls are a success: `status`, `header:NAME` or `event:NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<Success>,
    /// A/B: after which the experiment ends undecided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizon: Option<Span>,
    /// Shadow: the share of the calls that is copied, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<f64>,
    /// The share of the candidate's calls that may fail, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_error_rate: Option<f64>,
    /// Canary: calls that the candidate must have answered before it is promoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_calls: Option<u64>,
}

impl RolloutChoice {
    /// These choices laid over defaults. How long an experiment or a shadow is watched is said by their own
    /// settings; `observe` is a shadow's too.
    pub fn over(&self, defaults: &RolloutSettings) -> RolloutSettings {
        let defaults = self.settings.as_deref().unwrap_or(defaults);
        let mut experiment = defaults.experiment.clone();
        experiment.success = self.success.clone().unwrap_or(experiment.success);
        experiment.only = self.only.clone().or(experiment.only);
        experiment.sticky = self.sticky.clone().or(experiment.sticky);
        experiment.horizon = self.horizon.unwrap_or(experiment.horizon);
        let mut shadow = defaults.shadow.clone();
        shadow.mirror = self.mirror.unwrap_or(shadow.mirror);
        shadow.observe = self.observe.unwrap_or(shadow.observe);
        let mut steps = self.steps.clone().unwrap_or_else(|| defaults.steps.clone());
        let by_rule = self.only.clone().map(|only| StepAct::Match(only).into());
        steps.splice(0..0, by_rule);
        RolloutSettings {
            strategy: self.strategy.unwrap_or(defaults.strategy),
            steps,
            observe: self.observe.unwrap_or(defaults.observe),
            max_latency_p99: self.max_latency_p99.or(defaults.max_latency_p99),
            analysis: self.analysis.unwrap_or(defaults.analysis),
            experiment,
            shadow,
            hold: self.hold.unwrap_or(defaults.hold),
            max_error_rate: self.max_error_rate.unwrap_or(defaults.max_error_rate),
            min_calls: self.min_calls.unwrap_or(defaults.min_calls),
            ..defaults.clone()
        }
    }
}

/// Roll a service to another release or configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Which service.
    pub service: Name,
    /// What to roll to; the active release unless given, for a change of configuration alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The version of an uploaded artifact; the component's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// How to roll.
    #[serde(default)]
    pub rollout: RolloutChoice,
    /// Configuration, laid over the manifest's defaults; the active revision's unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    /// What the operator allows; what the active revision was granted unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Grants>,
    /// Allow all that the manifest asks for, besides `grants`.
    #[serde(default)]
    pub grant_asked: bool,
    /// What is fixed of its surroundings, over the manifest's word, for this revision alone.
    #[serde(default, skip_serializing_if = "Determinism::is_none")]
    pub determinism: Determinism,
    /// Take a release that others have signed than the one before of its name, or nobody.
    #[serde(default)]
    pub accept_signer: bool,
    /// Answer when the rollout has begun, not when it has ended.
    #[serde(default)]
    pub detached: bool,
    /// Say what would happen and change nothing.
    #[serde(default)]
    pub plan_only: bool,
}

impl Update {
    /// One that changes nothing yet of what the active revision is made of.
    pub fn of(service: Name) -> Self {
        Self {
            service,
            source: None,
            version: None,
            rollout: RolloutChoice::default(),
            config: None,
            grants: None,
            grant_asked: false,
            determinism: Determinism::default(),
            accept_signer: false,
            detached: false,
            plan_only: false,
        }
    }
}

/// Where a rollback goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RollbackTo {
    /// The revision that was active before the active one.
    #[default]
    Former,
    /// The latest revision of this version that was ever active.
    Version(Version),
    /// This revision.
    Revision(RevisionNumber),
}

/// Go back to an earlier revision: all at once unless a strategy is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// Which service.
    pub service: Name,
    /// Where to.
    #[serde(default)]
    pub to: RollbackTo,
    /// How to roll.
    #[serde(default)]
    pub rollout: RolloutChoice,
    /// Answer when the rollout has begun, not when it has ended.
    #[serde(default)]
    pub detached: bool,
    /// Say what would happen and change nothing.
    #[serde(default)]
    pub plan_only: bool,
}
