//! What a component or a revision is made of.

use airssys_wasm_model::{
    Asked, Digest, Grants, Instances, Limits, Name, RevisionNumber, RoutingSettings, Signer,
    Version,
};
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
    /// Who signed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signers: Vec<Signer>,
    /// How it can be called: `http`, `handler`, `command`, `functions`.
    pub shape: Vec<String>,
    /// What it offers, by interface and function.
    pub exports: Vec<String>,
    /// The functions that `invoke` can call; absent where there is none, and of a file, which is not
    /// compiled to look into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<Function>,
    /// What it needs.
    pub imports: Vec<String>,
    /// What its manifest asks for.
    pub asked: Asked,
    /// What the operator granted.
    pub granted: Option<Grants>,
    /// What one revision may use.
    pub limits: Box<Limits>,
    /// How its instances live.
    pub instances: Instances,
    /// What callers have a say in while it is the active revision.
    #[serde(default)]
    pub routing: RoutingSettings,
}

/// A function that a component exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Function {
    /// Its name, with its interface's: `area` or `example:shapes/math#area`.
    pub name: String,
    /// Its parameters and result: `func(width: f64, height: f64) -> f64`.
    pub signature: String,
}
