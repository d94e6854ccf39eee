//! Blob containers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::DataAccess;
use super::kind::Kind;
use super::meeting::Ask;
use super::scope::{Scope, WordPattern};

/// Containers that a component wants to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlobstoreAsk {
    /// Which container, or which ones: `images`, `images-*`.
    pub container: WordPattern,
    /// What it does there.
    pub access: Vec<DataAccess>,
    /// Why.
    pub reason: String,
}

impl BlobstoreAsk {
    fn scope(&self) -> Scope<DataAccess> {
        Scope { name: self.container.clone(), access: self.access.clone() }
    }
}

impl Ask for BlobstoreAsk {
    const KIND: Kind = Kind::Blobstore;
    type Grant = Scope<DataAccess>;
    type Right = Scope<DataAccess>;

    fn of(grant: &Self::Grant) -> Self {
        let Scope { name, access } = grant.clone();
        Self { container: name, access, reason: String::new() }
    }

    fn meet(&self, grant: &Self::Grant) -> Option<Self::Right> {
        self.scope().meet(grant)
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        self.scope().is_covered(before.iter().map(Self::scope))
    }

    fn said(&self) -> String {
        self.scope().said("container")
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        vec![format!("blobstore:{}", self.scope())]
    }
}
