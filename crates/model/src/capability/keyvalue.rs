//! Key-value buckets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::DataAccess;
use super::kind::Kind;
use super::meeting::Ask;
use super::scope::{Scope, WordPattern};

/// Buckets that a component wants to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyvalueAsk {
    /// Which bucket, or which ones: `sessions`, `sessions-*`.
    pub bucket: WordPattern,
    /// What it does there.
    pub access: Vec<DataAccess>,
    /// Why.
    pub reason: String,
}

impl KeyvalueAsk {
    fn scope(&self) -> Scope<DataAccess> {
        Scope { name: self.bucket.clone(), access: self.access.clone() }
    }
}

impl Ask for KeyvalueAsk {
    const KIND: Kind = Kind::Keyvalue;
    type Grant = Scope<DataAccess>;
    type Right = Scope<DataAccess>;

    fn of(grant: &Self::Grant) -> Self {
        let Scope { name, access } = grant.clone();
        Self { bucket: name, access, reason: String::new() }
    }

    fn meet(&self, grant: &Self::Grant) -> Option<Self::Right> {
        self.scope().meet(grant)
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        self.scope().is_covered(before.iter().map(Self::scope))
    }

    fn said(&self) -> String {
        self.scope().said("bucket")
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        vec![format!("keyvalue:{}", self.scope())]
    }
}
