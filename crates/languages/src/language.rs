//! The languages by name, and which names a language can't give a component.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language that components are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rust, by its own target.
    Rust,
    /// C, by clang as zig carries it.
    C,
    /// C++, by the same.
    Cpp,
    /// Go, by its own compiler.
    Go,
    /// Python, by `componentize-py`.
    Python,
    /// JavaScript, by `componentize-qjs` or `componentize-js`.
    Js,
    /// TypeScript: JavaScript once esbuild has taken the types away.
    Ts,
    /// Zig.
    Zig,
}

/// A word that names no language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no language `{0}`: {all} are there", all = Language::list())]
pub struct UnknownLanguage(String);

/// A component's name that the language can't use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` has a meaning of its own in {language}, and can't name a project")]
pub struct NameError {
    name: String,
    language: Language,
}

impl Language {
    /// Every one, in the order in which they are shown.
    pub const ALL: [Self; 8] =
        [Self::Rust, Self::C, Self::Cpp, Self::Go, Self::Python, Self::Js, Self::Ts, Self::Zig];

    /// The word by which it is chosen: `cpp`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Go => "go",
            Self::Python => "python",
            Self::Js => "js",
            Self::Ts => "ts",
            Self::Zig => "zig",
        }
    }

    /// The words of all, for a sentence.
    pub fn list() -> String {
        Self::ALL.map(Self::word).join(", ")
    }

    /// Whether a project in this language can have this name: one that is a word of the language can't be its package.
    pub fn check_name(self, name: &str) -> Result<(), NameError> {
        let taken = match self {
            Self::Rust => RUST,
            // In C, C++ and Zig nothing is named after the component. A Go module is `example/NAME`, a Python project's
            // and a private npm package's name is used by nothing: each takes any name that a component may have.
            Self::C | Self::Cpp | Self::Go | Self::Python | Self::Js | Self::Ts | Self::Zig => &[],
        };
        match taken.contains(&name) {
            true => Err(NameError { name: name.to_owned(), language: self }),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Go => "Go",
            Self::Python => "Python",
            Self::Js => "JavaScript",
            Self::Ts => "TypeScript",
            Self::Zig => "Zig",
        })
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Reads its word, or another by which it is widely known, in small letters or capitals.
    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let lower = text.to_ascii_lowercase();
        let known = |language: &Self| language.word() == lower;
        if let Some(language) = Self::ALL.into_iter().find(known) {
            return Ok(language);
        }
        match lower.as_str() {
            "c++" => Ok(Self::Cpp),
            "javascript" => Ok(Self::Js),
            "typescript" => Ok(Self::Ts),
            "golang" => Ok(Self::Go),
            _ => Err(UnknownLanguage(text.to_owned())),
        }
    }
}

/// Names that cargo or Rust refuse for a package: Rust's words, those of its own crates and of cargo's folders, and
/// the SDK's, which each project names.
const RUST: &[&str] = &[
    "abstract",
    "airssys-wasm-sdk",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_read_by_its_word_and_by_its_long_name() {
        for language in Language::ALL {
            assert_eq!(language.word().parse(), Ok(language));
        }
        assert_eq!("typescript".parse(), Ok(Language::Ts));
        for language in Language::ALL {
            assert_eq!(language.to_string().parse(), Ok(language), "as it is written");
        }
        assert!("cobol".parse::<Language>().unwrap_err().to_string().contains("rust, c, cpp"));
    }

    #[test]
    fn a_word_of_the_language_names_no_project_in_it() {
        assert!(Language::Rust.check_name("match").is_err());
        assert!(Language::Rust.check_name("airssys-wasm-sdk").is_err());
        assert!(Language::C.check_name("match").is_ok());
    }
}
