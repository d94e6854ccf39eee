//! How a revision's instances live.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::routing::StickyBy;

/// How long an instance lives and who shares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstanceModel {
    /// One instance a call: nothing leaks from a call to the next.
    #[default]
    Fresh,
    /// Instances are used again, one call at a time.
    Pooled,
    /// One instance with one mailbox and saved state; with a `key`, as if there were one for each of its values.
    Actor,
}

/// The `[instances]` table of a manifest, and what `scale` changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Instances {
    /// How an instance lives.
    pub model: InstanceModel,
    /// Instances kept warm while the revision runs.
    pub min: u32,
    /// Instances at most.
    pub max: u32,
    /// `pooled`: an instance is replaced after so many calls; 0 sets no bound.
    pub max_calls: u64,
    /// `pooled` and `actor`: an instance is replaced after a call that leaves it with this share of its limit on
    /// memory, in per cent. Some languages' runtimes leak, and a new instance costs less than the call that fails.
    pub recycle_percent: u32,
    /// `pooled` with WASI 0.3: HTTP calls that may be at once in one instance. One with a lifecycle of its own has its
    /// calls one by one.
    pub in_flight: u32,
    /// `actor`: what of a call says which actor it is for, each with a mailbox and a state of its own. Their
    /// calls go to at most `max` instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<StickyBy>,
}

impl Instances {
    /// The highest `max`, for the reason of [`Limits::CONCURRENCY_MAX`](crate::Limits::CONCURRENCY_MAX): an
    /// instance serves a call.
    pub const MAX: u32 = 100_000;
}

impl Default for Instances {
    fn default() -> Self {
        let model = InstanceModel::Fresh;
        let (max_calls, recycle_percent) = (0, 75);
        Self { model, min: 0, max: 64, max_calls, recycle_percent, in_flight: 16, key: None }
    }
}
