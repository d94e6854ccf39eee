//! Environment variables.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::meeting::Ask;

/// One environment variable that a component wants to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvAsk {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// `env:NAME` passes the node's own variable on, `env:NAME=VALUE` sets one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvGrant {
    /// The variable's name.
    pub name: String,
    /// Its value; without one, the node's own.
    pub value: Option<String>,
}

/// A variable that the guest sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvRight {
    /// Its name.
    pub name: String,
    /// Its value; without one, the node's own.
    pub value: Option<String>,
}

impl EnvGrant {
    pub(super) fn checked(self) -> Result<Self, String> {
        let value = self.value.as_deref().unwrap_or_default();
        let bad = self.name.is_empty() || self.name.contains(['=', '\0']) || value.contains('\0');
        if bad { Err(self.name) } else { Ok(self) }
    }

    /// What both allow: the same variable, where they do not give it two values.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        let same = self.name == other.name && self.value == other.value;
        same.then(|| self.clone())
    }
}

impl Ask for EnvAsk {
    const KIND: Kind = Kind::Env;
    type Grant = EnvGrant;
    type Right = EnvRight;

    fn of(grant: &EnvGrant) -> Self {
        Self { name: grant.name.clone(), reason: String::new() }
    }

    fn meet(&self, grant: &EnvGrant) -> Option<EnvRight> {
        let EnvGrant { name, value } = grant;
        (self.name == *name).then(|| EnvRight { name: name.clone(), value: value.clone() })
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        before.iter().any(|one| one.name == self.name)
    }

    fn said(&self) -> String {
        format!("the variable `{}`", self.name)
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        vec![format!("env:{}", self.name)]
    }
}

impl FromStr for EnvGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        Self { name: name.to_owned(), value }.checked()
    }
}

impl fmt::Display for EnvGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            None => f.write_str(&self.name),
            Some(value) => write!(f, "{}={value}", self.name),
        }
    }
}
