//! Shadows: copies of calls whose answers are compared.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::unit::Span;

/// The `[rollout.shadow]` table. A canary that mirrors compares by it too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShadowSettings {
    /// The share of the calls that is copied to the candidate, in per cent.
    pub mirror: f64,
    /// How two bodies are compared.
    pub compare: CompareBy,
    /// `json`: what may differ, as paths such as `$.time` or `$.items[*].id`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// How long.
    pub observe: Span,
    /// The share of the copied calls whose answer may differ, in per cent, before the candidate is taken
    /// back.
    pub max_difference: f64,
    /// What happens after that.
    pub then: ShadowThen,
}

/// How the bodies of two answers are compared. Their statuses are compared in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CompareBy {
    /// Byte for byte.
    Exact,
    /// As JSON, whatever its spaces and the order of its names; byte for byte where either is not JSON.
    #[default]
    Json,
}

/// What follows a shadow that found nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShadowThen {
    /// The candidate gets every call.
    Promote,
    /// The candidate is stopped, and nothing has changed.
    #[default]
    Stop,
}

impl ShadowSettings {
    /// Paths in `ignore` at most: each is looked up in every answer.
    pub const IGNORE_MAX: usize = 64;
}

impl Default for ShadowSettings {
    fn default() -> Self {
        Self {
            mirror: 10.0,
            compare: CompareBy::Json,
            ignore: Vec::new(),
            observe: Span(Duration::from_secs(60)),
            max_difference: 1.0,
            then: ShadowThen::Stop,
        }
    }
}

impl CompareBy {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Json => "json",
        }
    }
}
