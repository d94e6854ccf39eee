//! Secrets: set, listed and removed, and never read back.

use std::fmt;

use airssys_wasm_model::SecretName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Payload;

/// Set a secret. Whoever uses it uses the new value from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecret {
    /// Which.
    pub name: SecretName,
    /// Its value.
    pub value: SecretInput,
}

/// List the secrets, without their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSecrets {}

/// A command about this secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedSecret {
    /// Which.
    pub name: SecretName,
}

/// A secret's value on its way to the node: a [`Payload`] that `Debug` does not show. Its JSON has to: it is what is
/// sent, and nothing else may be made of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretInput(pub Payload);

impl fmt::Debug for SecretInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretInput({} bytes)", self.0.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_no_debug_output() {
        let value = SecretInput(Payload("correct horse".into()));
        let set = crate::Command::SetSecret(SetSecret { name: "a".parse().unwrap(), value });
        assert!(!format!("{set:?}").contains("horse"));
    }
}
