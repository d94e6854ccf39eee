//! Installing: each package by its registry's own tool, which checks the sums and knows the user's mirror.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::failure::{Fetcher, InstallError, Why};
use super::needed::Needed;
use super::package::{Package, Registry};
use super::{PYTHON, Toolchains, try_out};
use crate::build::{TARGET, target_is_installed};
use crate::{Engine, Language};

impl Toolchains {
    /// Fetches what is missing for a language and its engine, or is there and does not run, and returns the names of
    /// what was. `say` is told of each before it is fetched, which takes as long as the network does.
    pub async fn install(
        &self,
        language: Language,
        engine: Option<Engine>,
        mut say: impl FnMut(&str),
    ) -> Result<Vec<String>, InstallError> {
        if let Some(needed) = Needed::by(language) {
            needed.check().await?;
        }
        let mut fetched = Vec::new();
        if language == Language::Rust && !target_is_installed().await.unwrap_or(false) {
            say(TARGET);
            let mut rustup = Command::new("rustup");
            rustup.args(["target", "add", TARGET]);
            run(rustup, Fetcher::Rustup, TARGET).await?;
            fetched.push(TARGET.to_owned());
        }
        for package in Package::with_engine(language, engine) {
            let home = self.home(package);
            if home.is_dir() && try_out(package, &home).await.is_ok() {
                continue;
            }
            Needed::to_fetch(package).check().await?;
            let folder = package.folder();
            say(&folder);
            self.fetch(package).await?;
            fetched.push(folder);
        }
        Ok(fetched)
    }

    /// Fetches a package with what lies in one folder with it.
    async fn fetch(&self, package: Package) -> Result<(), InstallError> {
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
        for package in package.together() {
            try_out(*package, staging.path())
                .await
                .map_err(|said| InstallError::Broken { package: package.name(), said })?;
        }
        self.put(staging.path(), &self.home(package)).map_err(folder)
    }

    /// Puts a package that is whole in its place, and away what was there, which did not run.
    fn put(&self, staging: &Path, home: &Path) -> io::Result<()> {
        if home.is_dir() {
            let aside = tempfile::Builder::new().prefix(STAGING).tempdir_in(self.dir())?;
            std::fs::rename(home, aside.path().join("broken"))?;
        }
        match std::fs::rename(staging, home) {
            // Somebody else was faster: what is there is whole, and the same.
            Err(_) if home.is_dir() => Ok(()),
            moved => moved,
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
    run(pip, Fetcher::Pip, package.name()).await
}

async fn npm(at: &Path, package: Package) -> Result<(), InstallError> {
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    // Not `npm ci`: it refuses a lock that lacks an optional package, and the registry lacks the engine's for some
    // platforms. The sums of the lock are checked all the same.
    npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"])
        // Whatever the user's own settings say: without the lock there would be no sums.
        .args(["--package-lock=true", "--include=optional", "--loglevel", "error"])
        // npm waits 10 s, then 60 s, before it asks again: without a network that is five silent minutes.
        .args(["--fetch-retry-mintimeout", "1000", "--fetch-retry-maxtimeout", "2000"])
        .current_dir(at);
    run(npm, Fetcher::Npm, package.name()).await
}

/// Runs a tool to its end. What it says goes to standard error as it says it: who waits sees that it tries again.
async fn run(mut command: Command, tool: Fetcher, package: &str) -> Result<(), InstallError> {
    let package = package.to_owned();
    let cannot = |why: String| InstallError::Fetcher { tool, package: package.clone(), why };
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => cannot("it is not in the PATH".into()),
        _ => cannot(error.to_string()),
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed)?;
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line).into_owned();
            // Nobody left to tell it to is no reason to fail.
            let _ = writeln!(io::stderr(), "{line}");
            said.push_str(&line);
            said.push('\n');
        }
    }
    let status = child.wait().await.map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    // Python without pip runs, and says so.
    Err(match said.contains("No module named pip") {
        true => cannot("this Python has none".into()),
        false => InstallError::Fetch { tool, package, why: Why::of(&said, status) },
    })
}
