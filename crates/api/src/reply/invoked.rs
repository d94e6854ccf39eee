//! What a called component answered.

use std::collections::BTreeMap;

use airssys_wasm_model::{Name, RevisionNumber, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Payload;

/// The answer to `invoke`. Over HTTP `output` is the body, and the rest are headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invoked {
    /// The service.
    pub service: Name,
    /// The revision that was called.
    pub revision: RevisionNumber,
    /// Its release's version.
    pub version: Version,
    /// What it answered: the handler's bytes, or a function's result as WAVE text.
    pub output: Payload,
    /// The output's content type.
    pub content_type: String,
    /// What the handler says of its output.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Invoked {
    /// The header that says the revision's number.
    pub const REVISION: &str = "x-airssys-revision";
    /// The header that says the version.
    pub const VERSION: &str = "x-airssys-version";
    /// The header that says the service.
    pub const SERVICE: &str = "x-airssys-service";
    /// The header that carries the metadata as a JSON object.
    pub const METADATA: &str = "x-airssys-metadata";
    /// The content type of a function's result.
    pub const WAVE: &str = "text/x-wave; charset=utf-8";
}
