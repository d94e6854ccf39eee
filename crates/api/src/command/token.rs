//! Tokens: who may ask the node.

use std::collections::BTreeSet;

use airssys_wasm_model::{Name, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Make a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What it is called, in lists, in histories and by policies. No other token of the node has this name.
    pub name: Name,
    /// What it makes of whoever holds it.
    pub roles: BTreeSet<Name>,
    /// How long it is good for; until it is revoked, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Span>,
}

/// Make a token worth nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeToken {
    /// Which.
    pub token: Name,
}
