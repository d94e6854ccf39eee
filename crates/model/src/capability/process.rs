//! Programs of the host. A component names an entry of the operator's list; the list says which program
//! that is, and with which arguments.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::Decision;
use super::kind::Kind;
use super::meeting::Ask;
use crate::name::Name;

/// A program that a component wants to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessAsk {
    /// The name of an entry in the operator's list.
    pub name: Name,
    /// Why.
    pub reason: String,
}

/// One entry of the operator's list: what runs is all here, and nothing of it comes from a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The absolute path of the program.
    pub program: String,
    /// All of its arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
}

/// The operator's list of programs that components may be granted, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BTreeMap<Name, Program>")]
pub struct Programs(BTreeMap<Name, Program>);

/// Why a list of programs is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramsError {
    /// A program that would be searched for.
    #[error("the program of `{0}` has no absolute path: a search could find another one")]
    Relative(Name),
    /// NUL in the program or an argument.
    #[error("the program of `{0}` or one of its arguments has a NUL in it")]
    Nul(Name),
}

/// The entries that a revision may run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessRights(Box<[Name]>);

impl Programs {
    /// The entry of this name.
    pub fn get(&self, name: &Name) -> Option<&Program> {
        self.0.get(name)
    }
}

impl TryFrom<BTreeMap<Name, Program>> for Programs {
    type Error = ProgramsError;

    fn try_from(all: BTreeMap<Name, Program>) -> Result<Self, ProgramsError> {
        for (name, Program { program, arguments }) in &all {
            if !std::path::Path::new(program).is_absolute() {
                return Err(ProgramsError::Relative(name.clone()));
            }
            if program.contains('\0') || arguments.iter().any(|text| text.contains('\0')) {
                return Err(ProgramsError::Nul(name.clone()));
            }
        }
        Ok(Self(all))
    }
}

impl ProcessRights {
    pub(super) fn compile(rights: Vec<Name>) -> Self {
        Self(rights.into())
    }

    /// Whether the guest may run the entry of this name.
    pub fn check(&self, name: &str) -> Decision {
        Decision::when(self.0.iter().any(|one| one.as_str() == name))
    }

    /// Whether it may run none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Ask for ProcessAsk {
    const KIND: Kind = Kind::Process;
    type Grant = Name;
    type Right = Name;

    fn of(grant: &Name) -> Self {
        Self { name: grant.clone(), reason: String::new() }
    }

    fn meet(&self, grant: &Name) -> Option<Name> {
        (self.name == *grant).then(|| grant.clone())
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        before.iter().any(|one| one.name == self.name)
    }

    fn said(&self) -> String {
        format!("running the program `{}`", self.name)
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        vec![format!("process:{}", self.name)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_would_be_searched_for_is_refused() {
        let list = |path: &str| {
            serde_json::from_str::<Programs>(&format!(
                r#"{{ "thumbs": {{ "program": "{path}", "arguments": ["-q"] }} }}"#
            ))
        };
        assert!(list("/usr/bin/convert").unwrap().get(&"thumbs".parse().unwrap()).is_some());
        assert!(list("convert").is_err() && list("./convert").is_err());
    }
}
