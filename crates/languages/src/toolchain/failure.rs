//! Why a toolchain could not be installed: what fetches it is missing, or what it said comes to one of a few causes.

use std::io;
use std::process::ExitStatus;

use super::needed::NeededError;

/// Why a toolchain is not there now.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// What fetches it, or runs it, is not there or too old.
    #[error(transparent)]
    Needed(#[from] NeededError),
    /// The tool that fetches it is not there.
    #[error("{package} is fetched by {tool}, which cannot be run: {why}")]
    Fetcher {
        /// Which.
        tool: Fetcher,
        /// What would have been fetched.
        package: String,
        /// What was wrong.
        why: String,
    },
    /// It ran and failed, and has said so.
    #[error("{package} could not be fetched: {why}")]
    Fetch {
        /// The tool.
        tool: Fetcher,
        /// What was to be fetched.
        package: String,
        /// What was wrong.
        why: Why,
    },
    /// It was fetched and does not run here.
    #[error("{package} was fetched and does not run: {said}")]
    Broken {
        /// What was fetched.
        package: &'static str,
        /// Why.
        said: String,
    },
    /// The toolchains' folder.
    #[error("{path}: {error}")]
    Folder {
        /// Where.
        path: String,
        /// Why.
        error: io::Error,
    },
}

/// What fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetcher {
    /// Python's.
    Pip,
    /// Node.js's.
    Npm,
    /// Rust's.
    Rustup,
}

/// What was wrong when something was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Nobody answered where it is fetched from.
    #[error("there is no network, or what it is fetched from cannot be reached")]
    Unreachable,
    /// Something else came than what is pinned.
    #[error("its checksum is not the one that is pinned")]
    Changed,
    /// It is not there, or not for this platform. pip that does not try again says no more where nobody answers.
    #[error("what it is fetched from has no such file for this platform, or cannot be reached")]
    Absent,
    /// Something else, which the tool has said.
    #[error("what fetches it ended with {0}")]
    Other(ExitStatus),
}

impl InstallError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Needed(error) => error.help(),
            Self::Fetcher { tool, .. } => tool.install().into(),
            Self::Fetch { tool, why: Why::Unreachable, .. } => {
                format!("try again once it can be; it is fetched once. {}", tool.mirror())
            }
            Self::Fetch { tool, why: Why::Changed, .. } => {
                format!("nothing of it was kept. Where a mirror has changed it, {}", tool.source())
            }
            Self::Fetch { tool, why: Why::Absent, .. } => {
                format!("a mirror may lack it, or {tool} be too old to see it: {}", tool.renew())
            }
            Self::Fetch { why: Why::Other(_), .. } => {
                "what it said is above; nothing was kept, so try again once it is mended".into()
            }
            Self::Broken { package: "componentize-qjs" | "esbuild", .. } => {
                "it is there for Linux, macOS and Windows on x86-64 and for Linux and macOS on ARM"
                    .into()
            }
            Self::Broken { package: "componentize-js", .. } => {
                "it needs Node.js 20 or newer, and is there for Linux and macOS on x86-64 and ARM and for Windows on \
                 x86-64"
                    .into()
            }
            Self::Broken { .. } => "there may be none for this platform".into(),
            Self::Folder { .. } => {
                "AIRSSYS_WASM_TOOLCHAINS names another folder for toolchains".into()
            }
        }
    }
}

impl Fetcher {
    fn install(self) -> &'static str {
        match self {
            Self::Pip => {
                "install pip: `python3 -m ensurepip`, or your system's package `python3-pip`"
            }
            Self::Npm => "install Node.js with npm: https://nodejs.org",
            Self::Rustup => "install it from https://rustup.rs",
        }
    }

    fn mirror(self) -> &'static str {
        match self {
            Self::Pip => "A mirror is named by `python3 -m pip config set global.index-url URL`",
            Self::Npm => "A mirror is named by `npm config set registry URL`",
            Self::Rustup => "A mirror is named by RUSTUP_DIST_SERVER",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Pip => "`python3 -m pip config get global.index-url` shows which",
            Self::Npm => "`npm config get registry` shows which",
            Self::Rustup => "RUSTUP_DIST_SERVER says which",
        }
    }

    fn renew(self) -> &'static str {
        match self {
            Self::Pip => "`python3 -m pip install --upgrade pip`",
            Self::Npm => "`npm install --global npm`",
            Self::Rustup => "`rustup self update`",
        }
    }
}

impl std::fmt::Display for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pip => "pip",
            Self::Npm => "npm",
            Self::Rustup => "rustup",
        })
    }
}

impl Why {
    /// What a tool's words come to. Where nobody answers, pip says in the end that there is no such package.
    pub(super) fn of(said: &str, status: ExitStatus) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if says(CHANGED) {
            Self::Changed
        } else if says(UNREACHABLE) {
            Self::Unreachable
        } else if says(ABSENT) {
            Self::Absent
        } else {
            Self::Other(status)
        }
    }
}

/// Of pip and npm: the sum is another.
const CHANGED: &[&str] = &["DO NOT MATCH THE HASHES", "EINTEGRITY"];

/// Of pip, npm and rustup: nobody answered.
const UNREACHABLE: &[&str] = &[
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeout",
    "ReadTimeout",
    "ProxyError",
    "connection broken by",
    "Max retries exceeded",
    "ECONNREFUSED",
    "ECONNRESET",
    "EAI_AGAIN",
    "ENOTFOUND",
    "ENETUNREACH",
    "EHOSTUNREACH",
    "ETIMEDOUT",
    "ERR_SOCKET_TIMEOUT",
    "could not download file",
];

/// Of pip and npm: there is no such thing.
const ABSENT: &[&str] = &["No matching distribution found", "E404", "ETARGET"];

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn what_pip_and_npm_say_is_told_apart() {
        let why = |said: &str| Why::of(said, ExitStatus::from_raw(256));
        let lost = "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(…)'\n\
            ERROR: No matching distribution found for ziglang==0.17.1";
        assert_eq!(why(lost), Why::Unreachable);
        assert_eq!(why("npm error code: 'ECONNREFUSED',"), Why::Unreachable);
        assert_eq!(why("ERROR: No matching distribution found for ziglang==0.17.1"), Why::Absent);
        let changed = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.";
        assert_eq!(why(changed), Why::Changed);
        assert_eq!(why("npm error code EINTEGRITY"), Why::Changed);
        assert!(matches!(why("Segmentation fault"), Why::Other(_)));
    }
}
