//! The tools that build each language: pinned packages of the ordinary registries, put under the user's data folder.
//!
//! A package has a folder of its own, named with its version, and is there or not: it is put together beside its place
//! and moved there when it is whole. Nothing outside of the folder is touched but the registries' own caches, and
//! nothing is looked for elsewhere, so that the same source gives the same bytes wherever it is built. StarlingMonkey does
//! not yet: its tool keeps what the runtime drew by chance while it was started.

mod failure;
mod finding;
mod install;
mod needed;
mod package;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

pub use self::failure::{Fetcher, InstallError, Why};
pub use self::finding::Finding;
pub use self::needed::{Needed, NeededError};
pub(crate) use self::package::Package;
use crate::{BuildError, Engine, Language};

/// The folder that toolchains are in.
#[derive(Debug, Clone)]
pub struct Toolchains {
    dir: PathBuf,
}

impl Toolchains {
    /// Those in this folder, which need not be there.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A program of a package, ready to be given its arguments. What it keeps between runs stays in this folder.
    pub(crate) fn program(
        &self,
        language: Language,
        package: Package,
    ) -> Result<Command, BuildError> {
        let home = self.home(package);
        if !home.is_dir() {
            return Err(BuildError::Missing {
                language,
                tool: package.name(),
                engine: package.engine(),
            });
        }
        let program = home.join(package.program());
        if !program.exists() {
            let why = format!("{} is gone", program.display());
            return Err(broken(language, package, why));
        }
        let mut command = command(package, &home);
        command
            .env("ZIG_GLOBAL_CACHE_DIR", self.cache("zig"))
            .env("GOCACHE", self.cache("go"))
            .env("GOPATH", self.cache("gopath"))
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    /// Whether what builds a language runs, which is asked where a build failed: a program that is broken says so in
    /// words that seem to be about the source.
    pub(crate) async fn check(
        &self,
        language: Language,
        engine: Option<Engine>,
    ) -> Result<(), BuildError> {
        for package in Package::with_engine(language, engine) {
            let tried = try_out(package, &self.home(package)).await;
            tried.map_err(|why| broken(language, package, why))?;
        }
        Ok(())
    }

    /// Where a package is, if it is there.
    pub(crate) fn home(&self, package: Package) -> PathBuf {
        self.dir.join(package.folder())
    }

    fn cache(&self, name: &str) -> PathBuf {
        self.dir.join("cache").join(name)
    }
}

/// The command that installs what builds a language, with what an engine needs besides.
pub fn install_command(language: Language, engine: Option<Engine>) -> String {
    let engine = engine.map_or(String::new(), |engine| format!(" --engine {}", engine.word()));
    format!("airssys-wasm toolchain install {}{engine}", language.word())
}

fn broken(language: Language, package: Package, why: String) -> BuildError {
    BuildError::Broken { language, tool: package.name(), engine: package.engine(), why }
}

/// What a package is run by, out of the folder that holds it.
fn command(package: Package, home: &Path) -> Command {
    let program = home.join(package.program());
    match package {
        Package::Zig | Package::Go => Command::new(program),
        Package::ComponentizePy => python(&program, home),
        Package::Qjs | Package::ComponentizeJs => script(&program),
        Package::Esbuild => launched(&program),
    }
}

/// Runs a package's program, which is to do nothing; what it says where it can't. npm leaves out an optional package
/// whose sum is wrong, and succeeds.
async fn try_out(package: Package, home: &Path) -> Result<(), String> {
    let mut program = command(package, home);
    program.arg(package.harmless()).stdin(Stdio::null()).kill_on_drop(true);
    // Whatever the project at hand says: Go would fetch the version that a `go.mod` asks for.
    program.current_dir(home).env("GOTOOLCHAIN", "local").env("GOENV", "off");
    match program.output().await {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(essence(&String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(error.to_string()),
    }
}

/// Of what a tool said the line that tells what was wrong: the last that names an error, or the last.
fn essence(said: &str) -> String {
    let lines = || said.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().find(|line| line.contains("Error") || line.contains("error:"));
    error.or_else(|| lines().next()).unwrap_or("nothing was said").to_owned()
}

/// A program that Node.js runs.
fn script(program: &Path) -> Command {
    let mut command = Command::new("node");
    command.arg(program);
    command
}

/// The same for one that starts another program. If that fails it has said why: the stack of the launcher is no news.
fn launched(launcher: &Path) -> Command {
    const LAUNCH: &str = "process.on('uncaughtException', (error) => { \
                          if (!error.status) console.error(error); \
                          process.exit(error.status || 1); }); \
                          require(process.argv[1]);";
    let mut command = Command::new("node");
    command.args(["-e", LAUNCH]).arg(launcher);
    command
}

/// What a Python package has as its command, out of a folder that no environment knows of. It is no module that can be
/// run, and its script names the interpreter that fetched it.
fn python(module: &Path, home: &Path) -> Command {
    let name = module.file_name().unwrap_or(OsStr::new("")).to_string_lossy();
    let mut command = Command::new(PYTHON);
    command
        .arg("-c")
        .arg(format!("import sys; from {name} import script; sys.exit(script())"))
        .env("PYTHONPATH", home);
    command
}

/// What Python is called here.
pub const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
