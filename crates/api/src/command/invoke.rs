//! Calling a component through the control port.

use std::collections::BTreeMap;

use airssys_wasm_model::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Payload;

/// Call a service's handler, or one of its functions.
///
/// Over HTTP the request's body *is* the input: for the handler any bytes of the request's content type,
/// for a function (`?function=NAME`) a JSON array of WAVE texts, one an argument. An entry of the input's
/// metadata is a query field of its own, `?metadata.NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invoke {
    /// Which service.
    pub service: Name,
    /// The exported function; the handler unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// A function's arguments, each as WAVE text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The handler's input.
    #[serde(default, skip_serializing_if = "Payload::is_empty")]
    pub input: Payload,
    /// The input's content type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What else is said of the input, as a request's headers do: an actor's key, for one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}
