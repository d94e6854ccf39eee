//! Tokens as they are told.

use std::collections::BTreeSet;
use std::fmt;

use airssys_wasm_model::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The answer to `create-token`. The token itself is told this once and kept by nobody else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenMade {
    /// The token: what is sent as `authorization: Bearer TOKEN`.
    pub token: String,
    /// What is kept of it.
    #[serde(flatten)]
    pub line: TokenLine,
}

/// The answer to `list-tokens`, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Tokens(pub Vec<TokenLine>);

/// One token of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenLine {
    /// Its name.
    pub name: Name,
    /// What it begins with after its prefix, which is no secret.
    pub id: String,
    /// What it makes of whoever holds it.
    pub roles: BTreeSet<Name>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is worth nothing, if it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// The answer to `revoke-token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenRevoked {
    /// The token that is worth nothing from now on.
    pub revoked: Name,
}

impl fmt::Debug for TokenMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenMade").field("line", &self.line).finish_non_exhaustive()
    }
}
