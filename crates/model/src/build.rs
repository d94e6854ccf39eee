//! How a component is built, as its manifest says it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `[build]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Build {
    /// The language whose tools build it.
    pub language: Option<String>,
    /// What the language's SDK makes of it; a handler unless set. Rust's code says it itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ComponentKind>,
    /// What runs its code, where the language has more than one: `quickjs` unless set, or `starlingmonkey`, for
    /// JavaScript and TypeScript.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// A command that builds it, in place of a language.
    pub command: Option<String>,
    /// The file that the command leaves.
    pub output: Option<String>,
}

/// What a component is for those who call it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComponentKind {
    /// Answers calls, bytes in and bytes out, with the SDK.
    #[default]
    Handler,
    /// A service over plain `wasi:http`.
    Http,
    /// A command with arguments, stdin, stdout and an exit code.
    Cli,
}

/// A word that names no kind of component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no kind `{0}` of component: handler, http and cli are there")]
pub struct UnknownComponentKind(String);

impl ComponentKind {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Handler, Self::Http, Self::Cli];

    /// The word by which it is chosen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Http => "http",
            Self::Cli => "cli",
        }
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for ComponentKind {
    type Err = UnknownComponentKind;

    fn from_str(text: &str) -> Result<Self, UnknownComponentKind> {
        let known = |kind: &Self| kind.word() == text;
        Self::ALL.into_iter().find(known).ok_or_else(|| UnknownComponentKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_written_only_where_one_is_chosen() {
        let read = |text| toml::from_str::<Build>(text).unwrap();
        let chosen = read("language = \"js\"\nengine = \"starlingmonkey\"");
        assert_eq!(chosen.engine.as_deref(), Some("starlingmonkey"));
        assert!(toml::to_string(&chosen).unwrap().contains("engine = \"starlingmonkey\""));
        let none = read("language = \"js\"");
        assert_eq!(none.engine, None);
        assert!(!toml::to_string(&none).unwrap().contains("engine"));
    }
}
