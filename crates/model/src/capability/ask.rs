//! What a manifest asks for, each with its reason.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pattern::{HostPattern, PathPattern};

/// Kinds of capability that the manifest format has and this version does not enforce yet. A component
/// that asks for one is refused at deploy, by the kind's name: granting what nothing checks would be
/// worse than saying no.
pub const UNENFORCED_KINDS: &[&str] = &[
    "net",
    "dns",
    "listen",
    "secrets",
    "keyvalue",
    "blobstore",
    "messaging",
    "services",
    "clocks",
    "random",
    "process",
];

/// The `[capabilities]` table of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Asked {
    /// Directories.
    pub files: Vec<FilesAsk>,
    /// Outbound HTTP.
    pub http: Vec<HttpAsk>,
    /// Environment variables.
    pub env: Vec<EnvAsk>,
    /// Kinds out of [`UNENFORCED_KINDS`] that the manifest names.
    pub unenforced: Vec<String>,
    /// Set for a file without a manifest, which has no way to ask: the grants alone decide.
    pub unstated: bool,
}

/// What may be done with a file.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Open for reading, stat and list.
    Read,
    /// Open for writing, create, rename and delete.
    Write,
}

/// One directory that a component wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesAsk {
    /// Where the guest sees it: `/data/**` or `/data`, a whole directory with all below it.
    pub path: String,
    /// What it does there.
    pub access: Vec<Access>,
    /// Why.
    pub reason: String,
}

/// One host that a component wants to call over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpAsk {
    /// Which host.
    pub host: HostPattern,
    /// Which methods; none named means every method.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Which paths.
    #[serde(default = "PathPattern::any")]
    pub path: PathPattern,
    /// Why.
    pub reason: String,
}

/// One environment variable that a component wants to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvAsk {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Asked {
    /// What a file without a manifest asks for: nothing it could say, so the grants alone decide.
    pub fn unstated() -> Self {
        Self { unstated: true, ..Self::default() }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.http.is_empty()
            && self.env.is_empty()
            && self.unenforced.is_empty()
    }

    /// Adds what a component's own code says it asks for, leaving out what is asked already.
    pub fn merge(&mut self, more: Self) {
        fn extend<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
            for item in more {
                if !all.contains(&item) {
                    all.push(item);
                }
            }
        }
        extend(&mut self.files, more.files);
        extend(&mut self.http, more.http);
        extend(&mut self.env, more.env);
        extend(&mut self.unenforced, more.unenforced);
    }
}
