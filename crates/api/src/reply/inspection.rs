//! What a component or a revision is made of.

use airssys_wasm_model::{Asked, Digest, Grants, Instances, Limits, Name, RevisionNumber, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to `inspect`, of a service or of a file. A file has no revision and no grants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inspection {
    /// The service, or the component's own name.
    pub name: Option<Name>,
    /// The release's version.
    pub version: Option<Version>,
    /// The revision.
    pub revision: Option<RevisionNumber>,
    /// The artifact.
    pub digest: Digest,
    /// How large it is.
    pub size_bytes: u64,
    /// What kind of component it is: `handler`, `http`, `command`, `functions`.
    pub shape: String,
    /// What it offers.
    pub exports: Vec<String>,
    /// What it needs.
    pub imports: Vec<String>,
    /// What its manifest asks for.
    pub asked: Asked,
    /// What the operator granted.
    pub granted: Option<Grants>,
    /// What one revision may use.
    pub limits: Limits,
    /// How its instances live.
    pub instances: Instances,
}
