//! Calls to other services.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::Decision;
use super::kind::Kind;
use super::meeting::Ask;
use crate::name::Name;

/// A service that a component wants to call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAsk {
    /// Which.
    pub name: Name,
    /// Which of its functions; without one, whatever it answers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Why.
    pub reason: String,
}

/// `services:tokenizer`, or `services:tokenizer#split` for one function of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceGrant {
    /// Which service.
    pub name: Name,
    /// Which of its functions; without one, whatever it answers to.
    pub function: Option<String>,
}

/// The services that a revision may call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceRights(Box<[ServiceGrant]>);

impl ServiceRights {
    pub(super) fn compile(rights: Vec<ServiceGrant>) -> Self {
        Self(rights.into())
    }

    /// Whether the guest may call this function of the service, or its handler, which has no name.
    pub fn check(&self, service: &Name, function: Option<&str>) -> Decision {
        let fits = |right: &ServiceGrant| {
            right.name == *service
                && right.function.as_deref().is_none_or(|granted| function == Some(granted))
        };
        Decision::when(self.0.iter().any(fits))
    }

    /// Whether it may call none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ServiceAsk {
    fn scope(&self) -> ServiceGrant {
        ServiceGrant { name: self.name.clone(), function: self.function.clone() }
    }
}

impl ServiceGrant {
    fn covers(&self, other: &Self) -> bool {
        self.name == other.name && (self.function.is_none() || self.function == other.function)
    }

    pub(super) fn checked(self) -> Result<Self, String> {
        let is_part = |byte: u8| byte.is_ascii_graphic();
        let bad = |text: &String| {
            text.is_empty() || text.len() > FUNCTION_MAX_BYTES || !text.bytes().all(is_part)
        };
        if self.function.as_ref().is_some_and(bad) {
            return Err(format!("`{self}` is not SERVICE or SERVICE#FUNCTION"));
        }
        Ok(self)
    }

    /// The one that allows all that both do.
    pub(super) fn join(&self, other: &Self) -> Option<Self> {
        if other.covers(self) {
            Some(other.clone())
        } else {
            self.covers(other).then(|| self.clone())
        }
    }

    /// What both allow.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        if self.covers(other) {
            Some(other.clone())
        } else {
            other.covers(self).then(|| self.clone())
        }
    }
}

/// The longest name of a function, with its interface before it.
const FUNCTION_MAX_BYTES: usize = 512;

impl Ask for ServiceAsk {
    const KIND: Kind = Kind::Services;
    type Grant = ServiceGrant;
    type Right = ServiceGrant;

    fn of(grant: &ServiceGrant) -> Self {
        let ServiceGrant { name, function } = grant.clone();
        Self { name, function, reason: String::new() }
    }

    fn meet(&self, grant: &ServiceGrant) -> Option<ServiceGrant> {
        self.scope().meet(grant)
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        before.iter().any(|one| one.scope().covers(&self.scope()))
    }

    fn said(&self) -> String {
        format!("calls to the service `{}`", self.scope())
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        vec![format!("services:{}", self.scope())]
    }
}

impl FromStr for ServiceGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, function) = match text.split_once('#') {
            Some((name, function)) => (name, Some(function.to_owned())),
            None => (text, None),
        };
        let name = name.parse().map_err(|error: crate::name::NameError| error.to_string())?;
        Self { name, function }.checked()
    }
}

impl fmt::Display for ServiceGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        self.function.as_ref().map_or(Ok(()), |function| write!(f, "#{function}"))
    }
}
