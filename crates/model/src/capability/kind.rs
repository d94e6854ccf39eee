//! The kinds of capability, and which of them this version enforces.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Kinds of capability that can be written down and that the host does not enforce yet. A component that
/// asks for one is refused at deploy, by the kind's name: granting what nothing checks would be worse than
/// saying no. A kind leaves this list with the change that enforces it.
pub const UNENFORCED_KINDS: &[&str] = &["messaging", "clocks", "random"];

/// A kind of capability. Its name is the one that grants, manifests, denials and audit lines use.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Files below a granted directory.
    Files,
    /// Outbound HTTP.
    Http,
    /// Outbound TCP and UDP.
    Net,
    /// Looking names up.
    Dns,
    /// Inbound TCP and UDP.
    Listen,
    /// Environment variables.
    Env,
    /// Secrets, used by handle or revealed.
    Secrets,
    /// Key-value buckets.
    Keyvalue,
    /// Blob containers.
    Blobstore,
    /// Message topics.
    Messaging,
    /// Calls to other services.
    Services,
    /// Programs of the host, out of the operator's list.
    Process,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Files,
        Self::Http,
        Self::Net,
        Self::Dns,
        Self::Listen,
        Self::Env,
        Self::Secrets,
        Self::Keyvalue,
        Self::Blobstore,
        Self::Messaging,
        Self::Services,
        Self::Process,
    ];

    /// Its name, as it stands before the colon of a grant.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Http => "http",
            Self::Net => "net",
            Self::Dns => "dns",
            Self::Listen => "listen",
            Self::Env => "env",
            Self::Secrets => "secrets",
            Self::Keyvalue => "keyvalue",
            Self::Blobstore => "blobstore",
            Self::Messaging => "messaging",
            Self::Services => "services",
            Self::Process => "process",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether the host enforces it.
    pub fn is_enforced(self) -> bool {
        !UNENFORCED_KINDS.contains(&self.as_str())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
