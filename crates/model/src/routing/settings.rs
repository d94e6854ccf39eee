//! What a service lets its callers have a say in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attribute::StickyBy;

/// The `[routing]` table of a manifest. The active revision's holds for its service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingSettings {
    /// What a split of the calls sticks to, if it is to: `cookie:session`, say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky: Option<StickyBy>,
    /// Whether a call may name its revision by the header `x-airssys-route`, as `revision=3` or
    /// `version=2.0.0`, and so reach one that has no share of the calls.
    pub named: bool,
    /// Whether each revision that runs has an address of its own, `r3.<service>.localhost`.
    pub preview: bool,
}
