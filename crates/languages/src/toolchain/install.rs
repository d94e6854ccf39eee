//! Installing: each package by its registry's own tool, which checks the sums and knows the user's mirror.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::package::{Package, Registry};
use super::{PYTHON, Toolchains, command};
use crate::Language;
use crate::build::{TARGET, target_is_installed};

/// Why a toolchain is not there now.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The tool that fetches it is not there, or not as it must be.
    #[error("{tool} is needed to fetch {package}, and cannot be run: {why}")]
    Fetcher {
        /// `python3 -m pip`, `npm` or `rustup`.
        tool: &'static str,
        /// What would have been fetched.
        package: String,
        /// What was wrong.
        why: String,
    },
    /// It ran and failed: no network, no such file for this platform, a sum that differs.
    #[error("{package} could not be fetched; {tool} said:\n{said}")]
    Fetch {
        /// The tool.
        tool: &'static str,
        /// What was fetched.
        package: String,
        /// The end of what it said.
        said: String,
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
        error: std::io::Error,
    },
}

impl InstallError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Fetcher { tool: "rustup", .. } => "install it from https://rustup.rs".into(),
            Self::Fetcher { tool: "npm", .. } => {
                "install Node.js 18 or newer, which brings npm: https://nodejs.org".into()
            }
            Self::Fetcher { .. } => {
                "install Python 3.9 or newer with pip: https://www.python.org".into()
            }
            Self::Fetch { tool: "rustup", .. } => "it has to be reached once, by rustup".into(),
            Self::Fetch { tool: "npm", .. } => {
                "it has to be reached once; with a mirror, set npm's `registry`".into()
            }
            Self::Fetch { .. } => {
                "it has to be reached once; with a mirror, set pip's `index-url`".into()
            }
            Self::Broken { package: "componentize-qjs" | "esbuild", .. } => {
                "it needs Node.js 18 or newer, and is there for Linux, macOS and Windows on x86-64 and for \
                 Linux and macOS on ARM"
                    .into()
            }
            Self::Broken { .. } => "there may be none for this platform".into(),
            Self::Folder { .. } => {
                "AIRSSYS_WASM_TOOLCHAINS names another folder for toolchains".into()
            }
        }
    }
}

impl Toolchains {
    /// Fetches what is missing for a language and returns the names of what was. `say` is told of each before it is
    /// fetched, which takes as long as the network does.
    pub async fn install(
        &self,
        language: Language,
        mut say: impl FnMut(&str),
    ) -> Result<Vec<String>, InstallError> {
        let mut fetched = Vec::new();
        if language == Language::Rust && !target_is_installed().await.unwrap_or(false) {
            say(TARGET);
            let mut rustup = Command::new("rustup");
            rustup.args(["target", "add", TARGET]);
            run(rustup, "rustup", TARGET).await?;
            fetched.push(TARGET.to_owned());
        }
        for package in Package::of(language) {
            let folder = package.folder();
            if self.home(*package).is_dir() {
                continue;
            }
            say(&folder);
            self.fetch(*package, Package::of(language)).await?;
            fetched.push(folder);
        }
        Ok(fetched)
    }

    /// Fetches a package with what lies in one folder with it, which `all` of its language do.
    async fn fetch(&self, package: Package, all: &[Package]) -> Result<(), InstallError> {
        let home = self.home(package);
        let folder = |error| InstallError::Folder { path: self.dir().display().to_string(), error };
        std::fs::create_dir_all(self.dir()).map_err(folder)?;
        self.sweep();
        let staging =
            tempfile::Builder::new().prefix(STAGING).tempdir_in(self.dir()).map_err(folder)?;
        match package.registry() {
            Registry::Pypi { requirements } => pip(requirements, staging.path(), package).await?,
            Registry::Npm { package: file, lock } => {
                std::fs::write(staging.path().join("package.json"), file).map_err(folder)?;
                std::fs::write(staging.path().join("package-lock.json"), lock).map_err(folder)?;
                npm(staging.path(), package).await?;
            }
        }
        for package in all {
            try_out(*package, staging.path()).await?;
        }
        match std::fs::rename(staging.path(), &home) {
            // Somebody else was faster: what is there is whole, and the same.
            Err(_) if home.is_dir() => Ok(()),
            moved => moved.map_err(folder),
        }
    }

    /// Removes what installations left that were killed. One that goes on is younger.
    fn sweep(&self) {
        let Ok(entries) = std::fs::read_dir(self.dir()) else { return };
        for entry in entries.filter_map(Result::ok) {
            let is_staging = entry.file_name().to_string_lossy().starts_with(STAGING);
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.ok().and_then(|modified| modified.elapsed().ok());
            if is_staging && age.is_some_and(|age| age > ABANDONED) {
                // What can't be removed costs space and nothing else.
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// How the folders are named in which packages are put together.
const STAGING: &str = ".fetch-";

/// Longer than any fetching takes.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

async fn pip(requirements: &str, to: &Path, package: Package) -> Result<(), InstallError> {
    let file = to.join("requirements.txt");
    std::fs::write(&file, requirements)
        .map_err(|error| InstallError::Folder { path: file.display().to_string(), error })?;
    let mut pip = Command::new(PYTHON);
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"])
        .args(["--only-binary", ":all:", "--no-compile", "--no-warn-script-location"])
        .args(["--disable-pip-version-check", "--no-input", "--target"])
        .arg(to)
        .arg("--requirement")
        .arg(&file);
    run(pip, "python3 -m pip", package.name()).await
}

async fn npm(at: &Path, package: Package) -> Result<(), InstallError> {
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    // Not `npm ci`: it refuses a lock that lacks an optional package, and the registry lacks the engine's for some
    // platforms. The sums of the lock are checked all the same.
    npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"])
        // Whatever the user's own settings say: without the lock there would be no sums.
        .args(["--package-lock=true", "--include=optional", "--loglevel", "error"])
        .current_dir(at);
    run(npm, "npm", package.name()).await
}

/// Runs a program that was just fetched. npm leaves out an optional package whose sum is wrong, and succeeds.
async fn try_out(package: Package, home: &Path) -> Result<(), InstallError> {
    let mut program = command(package, home);
    program.arg(package.harmless()).stdin(Stdio::null()).kill_on_drop(true);
    let said = match program.output().await {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => end(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => error.to_string(),
    };
    Err(InstallError::Broken { package: package.name(), said })
}

async fn run(mut command: Command, tool: &'static str, package: &str) -> Result<(), InstallError> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(|error| InstallError::Fetcher {
        tool,
        package: package.to_owned(),
        why: error.to_string(),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = end(&String::from_utf8_lossy(&output.stderr));
    let package = package.to_owned();
    // Python without pip runs, and says so.
    Err(match said.contains("No module named pip") {
        true => InstallError::Fetcher { tool, package, why: said },
        false => InstallError::Fetch { tool, package, said },
    })
}

/// The last lines of what a tool said.
fn end(said: &str) -> String {
    const LINES: usize = 12;
    let lines: Vec<&str> = said.trim().lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
