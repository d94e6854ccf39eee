//! Builds: each language by its own tools, in a file of its own.
//!
//! What a build makes on its way lies under `build/airssys/` of the project; its result is returned. Compilers speak
//! to standard error themselves, with file and line; standard output is for results.

mod bindings;
mod c;
mod go;
mod javascript;
mod python;
mod rust;
mod zig;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use airssys_wasm_model::Digest;
use tokio::process::Command;

pub(crate) use self::rust::TARGET;
pub use self::rust::target_is_installed;
use crate::project::SDK_DIR;
use crate::toolchain::{NeededError, Package, install_command};
use crate::{ComponentKind, Engine, Language, Toolchains, contract};

/// A project to be built.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// Its folder, absolute.
    pub dir: &'a Path,
    /// Its component's name.
    pub name: &'a str,
    /// Its component's version.
    pub version: &'a str,
    /// What it is.
    pub kind: ComponentKind,
    /// What runs its code; none where the language has no engines to choose from.
    pub engine: Option<Engine>,
    /// Whether it is an actor, whose state the host keeps.
    pub stateful: bool,
    /// Where its tools are.
    pub toolchains: &'a Toolchains,
}

/// What came of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// A component, or a core module that names its world.
    pub wasm: Vec<u8>,
    /// What it was made of, where the tools make other bytes of the same each time.
    pub source: Option<Digest>,
}

/// Why a project could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Its toolchain has not been installed.
    #[error("{tool} is not installed, which builds {language}")]
    Missing {
        /// The project's language.
        language: Language,
        /// What is missing.
        tool: &'static str,
        /// The engine that it is for, where the language can do without.
        engine: Option<Engine>,
    },
    /// Its toolchain is there and does not run.
    #[error("{tool}, which builds {language}, is broken: {why}")]
    Broken {
        /// The project's language.
        language: Language,
        /// What is broken.
        tool: &'static str,
        /// The engine that it is for, where the language can do without.
        engine: Option<Engine>,
        /// How that shows.
        why: String,
    },
    /// What the tools are run by is not there, or too old.
    #[error(transparent)]
    Needed(#[from] NeededError),
    /// A tool could not be started.
    #[error("{program} cannot be run: {error}")]
    Run {
        /// Which.
        program: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// The compiler found fault with the source, and has said so.
    #[error("the project does not compile: {program} ended with {status}")]
    Compile {
        /// Which tool.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
    },
    /// The project has not what its language's builds begin with.
    #[error("there is no {path}: a project in {language} begins there")]
    Source {
        /// What is missing.
        path: PathBuf,
        /// The project's language.
        language: Language,
    },
    /// The project holds no SDK.
    #[error("there is no {path}: a project in {language} holds its SDK there")]
    Sdk {
        /// What is missing.
        path: PathBuf,
        /// The project's language.
        language: Language,
    },
    /// The project lacks the function, or the class, that its kind of component is made of, or has it in another form.
    #[error("{what}")]
    Undefined {
        /// What is missing, as a sentence.
        what: String,
        /// What to write.
        how: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The bindings could not be made, which is a fault of this program.
    #[error("the contract's bindings for {language} could not be made: {why}")]
    Bindings {
        /// The language.
        language: Language,
        /// Why.
        why: String,
    },
}

impl BuildError {
    /// What to do about it, where there is something.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Missing { language, engine, .. } => {
                Some(format!("install it with `{}`", install_command(*language, *engine)))
            }
            Self::Broken { language, engine, .. } => {
                Some(format!("`{}` fetches it anew", install_command(*language, *engine)))
            }
            Self::Needed(error) => Some(error.help()),
            Self::Run { .. } => Some("`airssys-wasm doctor` shows what is missing".into()),
            Self::Compile { .. } => Some("the compiler's errors are above".into()),
            Self::Source { language, .. } => Some(format!(
                "write it, or name the project's own language in `[build] language`; \
                 `airssys-wasm init NAME --lang {}` starts a project that is whole",
                language.word()
            )),
            Self::Sdk { .. } => Some("`airssys-wasm toolchain sdk` writes it".into()),
            Self::Undefined { how, .. } => Some(how.clone()),
            Self::File { .. } | Self::Bindings { .. } => None,
        }
    }
}

/// Builds a project by its language's own tools.
pub async fn build(language: Language, job: &Job<'_>) -> Result<Compiled, BuildError> {
    if language != Language::Rust {
        let wit = job.wit();
        contract::write(&wit).map_err(|error| BuildError::File { path: wit, error })?;
    }
    let built = match language {
        Language::Rust => rust::build(job).await.map(Compiled::from),
        Language::C | Language::Cpp => c::build(language, job).await.map(Compiled::from),
        Language::Zig => zig::build(job).await.map(Compiled::from),
        Language::Go => go::build(job).await.map(Compiled::from),
        Language::Python => python::build(job).await,
        Language::Js | Language::Ts => javascript::build(language, job).await,
    };
    match built {
        // Before the source is blamed the tools are asked whether they run at all.
        Err(error @ (BuildError::Compile { .. } | BuildError::Run { .. })) => {
            Err(job.toolchains.check(language, job.engine).await.err().unwrap_or(error))
        }
        built => built,
    }
}

/// Of tools that make the same of the same.
impl From<Vec<u8>> for Compiled {
    fn from(wasm: Vec<u8>) -> Self {
        Self { wasm, source: None }
    }
}

impl Job<'_> {
    /// Looks for what every project in a language has: a file that it begins with, and one of its SDK.
    fn check_files(&self, language: Language, own: &[&str], sdk: &str) -> Result<(), BuildError> {
        let is_missing = |path: &PathBuf| !self.dir.join(path).is_file();
        let missing = |path: &&str| Some(PathBuf::from(path)).filter(is_missing);
        if let Some(path) = own.iter().find_map(missing) {
            return Err(BuildError::Source { path, language });
        }
        match Some(Path::new(SDK_DIR).join(sdk)).filter(is_missing) {
            Some(path) => Err(BuildError::Sdk { path, language }),
            None => Ok(()),
        }
    }

    /// Where what is made on the way lies.
    fn made(&self) -> PathBuf {
        self.dir.join("build").join("airssys")
    }

    /// Where the contract is written for the tools.
    fn wit(&self) -> PathBuf {
        self.made().join("wit")
    }

    /// The world of the contract that this kind of component is built for.
    fn world(&self) -> &'static str {
        match self.kind {
            ComponentKind::Handler if self.stateful => "stateful-handler",
            ComponentKind::Handler => "handler",
            ComponentKind::Http => "http",
            ComponentKind::Cli => "cli",
        }
    }

    /// The same where the compiler itself makes the `_start` of a command, whose world only imports.
    fn compiled_world(&self) -> &'static str {
        match self.kind {
            ComponentKind::Cli => "imports",
            _ => self.world(),
        }
    }

    /// What that world exports.
    fn exports(&self) -> &'static [&'static str] {
        match self.kind {
            ComponentKind::Handler if self.stateful => STATEFUL_EXPORTS,
            ComponentKind::Handler => &STATEFUL_EXPORTS[..STATEFUL_EXPORTS.len() - 1],
            ComponentKind::Http => &["wasi:http/incoming-handler@0.2.12"],
            ComponentKind::Cli => &["wasi:cli/run@0.2.12"],
        }
    }
}

/// What an actor exports; another handler exports all of it but the last.
const STATEFUL_EXPORTS: &[&str] = &[
    "airssys:component/lifecycle@0.1.0",
    "airssys:component/handler@0.1.0",
    "airssys:component/capabilities@0.1.0",
    "airssys:component/state@0.1.0",
];

/// Runs a tool to its end; what it says goes to standard error as it says it.
async fn run(tool: Package, mut command: Command) -> Result<(), BuildError> {
    let program = tool.name();
    let status = command.stdout(std::io::stderr()).status().await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(BuildError::Compile { program, status }),
        Err(error) => Err(BuildError::Run { program, error }),
    }
}

/// Runs a tool that speaks even where all is well: it is heard if something isn't, and if `known` has no better word
/// for what it said.
async fn run_quietly(
    tool: Package,
    mut command: Command,
    known: impl FnOnce(&str) -> Option<BuildError>,
) -> Result<(), BuildError> {
    let program = tool.name();
    let output = match command.output().await {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => output,
        Err(error) => return Err(BuildError::Run { program, error }),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    Err(known(&said).unwrap_or_else(|| {
        tell(&said);
        BuildError::Compile { program, status: output.status }
    }))
}

/// Says what a tool said. Nobody left to tell it to is no reason to fail.
fn tell(said: &str) {
    let _ = std::io::stderr().write_all(said.as_bytes());
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn read(path: PathBuf) -> Result<Vec<u8>, BuildError> {
    std::fs::read(&path).map_err(|error| BuildError::File { path, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_engine_that_is_broken_is_fetched_anew_as_the_engine_that_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let toolchains = Toolchains::new(dir.path());
        let (language, engine) = (Language::Js, Some(Engine::StarlingMonkey));
        let folder = dir.path().join(Package::ComponentizeJs.folder());
        std::fs::create_dir(folder).unwrap();
        let gone = toolchains.program(language, Package::ComponentizeJs).unwrap_err();
        assert_eq!(
            gone.help().unwrap(),
            "`airssys-wasm toolchain install js --engine starlingmonkey` fetches it anew"
        );
        // QuickJS needs nothing of it, and none of what both need is there.
        assert_eq!(Package::with_engine(language, engine).count(), 3);
        let Err(BuildError::Broken { tool, engine, .. }) = toolchains.check(language, engine).await
        else {
            panic!("what is not there runs")
        };
        assert_eq!((tool, engine), ("componentize-qjs", None));
    }
}
