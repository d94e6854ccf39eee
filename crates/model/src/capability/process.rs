//! Programs of the host. A component names an entry of the operator's list; the list says which program
//! that is, with which arguments and variables, and where it runs.

use std::collections::BTreeMap;
use std::str::FromStr;

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
    /// All of its variables: it gets none of the node's.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The absolute path of the directory that it runs in; without, an empty one of its own, which goes with it.
    #[serde(default)]
    pub directory: Option<String>,
}

/// The operator's list of programs that components may be granted, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BTreeMap<Name, Program>")]
pub struct Programs(BTreeMap<Name, Program>);

/// Why a list of programs is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramsError {
    /// The text is no list.
    #[error("{0}")]
    Unreadable(String),
    /// A program that would be searched for.
    #[error("the program of `{0}` has no absolute path: a search could find another one")]
    Relative(Name),
    /// A directory that would depend on where the node was started.
    #[error("the directory of `{0}` has no absolute path")]
    RelativeDirectory(Name),
    /// NUL in anything that the system is told.
    #[error("the entry `{0}` has a NUL in it")]
    Nul(Name),
    /// A variable that no system takes.
    #[error("`{variable}`, of the entry `{name}`, is no name of a variable")]
    Variable {
        /// The entry.
        name: Name,
        /// The variable.
        variable: String,
    },
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
        for (name, program) in &all {
            program.check(name)?;
        }
        Ok(Self(all))
    }
}

impl FromStr for Programs {
    type Err = ProgramsError;

    /// Reads a list in TOML, a table an entry.
    fn from_str(text: &str) -> Result<Self, ProgramsError> {
        let all: BTreeMap<Name, Program> =
            toml::from_str(text).map_err(|error| ProgramsError::Unreadable(error.to_string()))?;
        all.try_into()
    }
}

impl Program {
    fn check(&self, name: &Name) -> Result<(), ProgramsError> {
        let Self { program, arguments, environment, directory } = self;
        let is_absolute = |path: &String| std::path::Path::new(path).is_absolute();
        if !is_absolute(program) {
            return Err(ProgramsError::Relative(name.clone()));
        }
        if !directory.iter().all(is_absolute) {
            return Err(ProgramsError::RelativeDirectory(name.clone()));
        }
        let said = [program].into_iter().chain(arguments).chain(directory);
        if said
            .chain(environment.iter().flat_map(|(name, value)| [name, value]))
            .any(|text| text.contains('\0'))
        {
            return Err(ProgramsError::Nul(name.clone()));
        }
        let is_none = |variable: &&String| variable.is_empty() || variable.contains('=');
        match environment.keys().find(is_none) {
            Some(variable) => {
                let (name, variable) = (name.clone(), variable.clone());
                Err(ProgramsError::Variable { name, variable })
            }
            None => Ok(()),
        }
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

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.iter()
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

    #[test]
    fn a_list_says_all_of_a_program_and_nothing_that_the_system_cannot_be_told() {
        let list =
            |entry: &str| format!("[thumbs]\nprogram = \"/bin/x\"\n{entry}").parse::<Programs>();
        let all =
            list("arguments = [\"-q\"]\nenvironment = { LANG = \"C\" }\ndirectory = \"/srv\"");
        let all = all.unwrap();
        let Program { program, arguments, environment, directory } =
            all.get(&"thumbs".parse().unwrap()).unwrap();
        assert_eq!((program.as_str(), directory.as_deref()), ("/bin/x", Some("/srv")));
        assert_eq!(
            (arguments.as_slice(), environment["LANG"].as_str()),
            (&["-q".to_owned()][..], "C")
        );
        let name = || "thumbs".parse().unwrap();
        assert_eq!(
            list("directory = \"srv\"").unwrap_err(),
            ProgramsError::RelativeDirectory(name())
        );
        assert_eq!(list("arguments = [\"\\u0000\"]").unwrap_err(), ProgramsError::Nul(name()));
        for variable in ["", "A=B"] {
            let refused = list(&format!("environment = {{ \"{variable}\" = \"x\" }}")).unwrap_err();
            assert_eq!(
                refused,
                ProgramsError::Variable { name: name(), variable: variable.to_owned() }
            );
        }
        let typo = list("argument = []").unwrap_err();
        assert!(
            matches!(&typo, ProgramsError::Unreadable(why) if why.contains("argument")),
            "{typo}"
        );
    }
}
