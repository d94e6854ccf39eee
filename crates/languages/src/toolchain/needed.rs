//! What of the user's own programs toolchains are fetched and run by, and how old they may be.

use std::process::Stdio;

use tokio::process::Command;

use super::PYTHON;
use super::package::{Package, Registry};
use crate::Language;

/// A program of the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// The compiler of Rust.
    Rust,
    /// Python, by which pip fetches, and which runs `componentize-py`.
    Python,
    /// Node.js, which runs the tools of JavaScript.
    Node,
}

/// A program that is not there, or not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NeededError {
    /// There is none in the `PATH`.
    #[error("there is no `{}` in the PATH: {} {} or newer is needed", .0.program(), .0.name(), .0.least())]
    Missing(Needed),
    /// It does not say its version.
    #[error("`{} --version` fails: {said}", .needed.program())]
    Broken {
        /// Which.
        needed: Needed,
        /// What it said, or the system of it.
        said: String,
    },
    /// It is too old.
    #[error("`{}` is too old: {found}, and {} or newer is needed", .needed.program(), .needed.least())]
    Old {
        /// Which.
        needed: Needed,
        /// What it says it is.
        found: String,
    },
}

impl Needed {
    /// What builds of a language are run by, if it is the user's own.
    pub fn by(language: Language) -> Option<Self> {
        match language {
            Language::Rust => Some(Self::Rust),
            Language::Python => Some(Self::Python),
            Language::Js | Language::Ts => Some(Self::Node),
            Language::C | Language::Cpp | Language::Go | Language::Zig => None,
        }
    }

    /// What a package is fetched by.
    pub(super) fn to_fetch(package: Package) -> Self {
        match package.registry() {
            Registry::Pypi { .. } => Self::Python,
            Registry::Npm { .. } => Self::Node,
        }
    }

    /// What it is called on a command line.
    pub fn program(self) -> &'static str {
        match self {
            Self::Rust => "rustc",
            Self::Python => PYTHON,
            Self::Node => "node",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::Node => "Node.js",
        }
    }

    /// The oldest that does: the SDK's own for Rust, and what the tools say of themselves for the others.
    fn least(self) -> Release {
        match self {
            Self::Rust => Release(1, 95),
            Self::Python => Release(3, 9),
            Self::Node => Release(18, 0),
        }
    }

    /// What is to be got, and where.
    fn source(self) -> String {
        let (name, least) = (self.name(), self.least());
        match self {
            Self::Rust => format!("{name} {least} or newer by rustup: https://rustup.rs"),
            Self::Python => format!("{name} {least} or newer: https://www.python.org"),
            Self::Node => format!("{name} {least} or newer, which brings npm: https://nodejs.org"),
        }
    }

    /// Asks it for its version; what it says where it does.
    pub async fn check(self) -> Result<String, NeededError> {
        let mut command = Command::new(self.program());
        let output = command.arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
        let broken = |said: String| NeededError::Broken { needed: self, said };
        let output = output.await.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => NeededError::Missing(self),
            _ => broken(error.to_string()),
        })?;
        // Python 2 says its version on standard error.
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let first = said.trim().lines().next().unwrap_or_default().to_owned();
        match Release::found(&first) {
            Some(release) if output.status.success() && release >= self.least() => Ok(first),
            Some(_) if output.status.success() => {
                Err(NeededError::Old { needed: self, found: first })
            }
            _ => Err(broken(first)),
        }
    }
}

impl NeededError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Old { needed: Needed::Rust, .. } => "`rustup update` brings a newer one".into(),
            Self::Missing(needed) | Self::Broken { needed, .. } | Self::Old { needed, .. } => {
                format!("install {}", needed.source())
            }
        }
    }

    /// The same for a list of what is to be installed: a command, or what it is and where.
    pub fn install(&self) -> String {
        match self {
            Self::Old { needed: Needed::Rust, .. } => "rustup update".into(),
            Self::Missing(needed) | Self::Broken { needed, .. } | Self::Old { needed, .. } => {
                needed.source()
            }
        }
    }
}

/// A version's first two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Release(u32, u32);

impl Release {
    /// The first there is in a text: of `Python 3.11.7`, `v20.20.2` or `rustc 1.95.0 (…)`.
    fn found(text: &str) -> Option<Self> {
        let mut numbers = text[text.find(|c: char| c.is_ascii_digit())?..].split('.');
        let (major, rest) = (numbers.next()?, numbers.next()?);
        let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self(major, 0) => write!(f, "{major}"),
            Self(major, minor) => write!(f, "{major}.{minor}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_programs_say_them_and_compared_by_number() {
        let found = |text: &str| Release::found(text);
        assert_eq!(found("Python 3.11.7"), Some(Release(3, 11)));
        assert_eq!(found("Python 3.13.0rc2+"), Some(Release(3, 13)));
        assert_eq!(found("v20.20.2"), Some(Release(20, 20)));
        assert_eq!(found("rustc 1.97.0-nightly (f889772d6 2026-02-05)"), Some(Release(1, 97)));
        assert!(found("Python 3.9.2") > found("Python 3.8.20"));
        assert!(found("Python 3.10") > found("Python 3.9"));
        assert_eq!(found("pyenv: python3: command not found"), None);
        assert_eq!(found(""), None);
    }
}
