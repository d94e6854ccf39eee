//! `build`: a project's source becomes one `.wasm` that deploys by itself.
//!
//! Compile with the language's own tools, make a component of what comes out if it is a preview 1 module,
//! ask the code what it asks for, write the manifest into the file. Nothing outside `build/` changes.

mod asked;
mod compile;
mod embed;
mod project;

use std::path::PathBuf;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::{adapt, inspect};
use airssys_wasm_model::{Digest, InstanceModel, Manifest, Name, Version};
use serde::Serialize;

pub(crate) use self::project::Project;
use crate::files::replace;
use crate::ui::Ui;

/// Build a project's component: build/NAME.wasm, with its manifest in it
#[derive(clap::Args)]
pub(crate) struct Build {
    /// The project, or a folder inside it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
}

/// A component that was built.
#[derive(Debug, Serialize)]
pub(crate) struct Built {
    pub(crate) name: Name,
    pub(crate) version: Version,
    pub(crate) path: PathBuf,
    pub(crate) digest: Digest,
    pub(crate) size_bytes: usize,
    /// What was built, or what of, whatever version it was given: the same again is no change.
    #[serde(skip)]
    pub(crate) content: Digest,
}

impl Build {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let project = Project::find(&self.project)?;
        let built = project.build(None).await?;
        ui.answer(&built, |built| built.path.display().to_string())
    }
}

impl Project {
    /// Builds the component. `version` stands in the place of the manifest's own, where one is given.
    pub(crate) async fn build(&self, version: Option<&Version>) -> anyhow::Result<Built> {
        let compiled = compile::compile(self).await?;
        let component = adapt(compiled.wasm).map_err(|error| self.unfit(&error))?;
        let inspection = inspect(&component).map_err(|error| self.unfit(&error))?;
        if inspection.offers.state && self.manifest.instances.model != InstanceModel::Actor {
            return Err(self
                .invalid(&"it keeps a state, and only an actor's is saved")
                .help("write `[instances]` and `model = \"actor\"` in Component.toml")
                .into());
        }
        let asked = asked::by_code(&component, &inspection, &self.manifest).await?;
        let merged = |version| embed::merged(&self.text, &self.manifest.asked, &asked, version);
        let (own, text) = (merged(None)?, merged(version)?);
        let manifest = Manifest::parse(&text).map_err(|error| {
            self.invalid(&error)
                .help("`#[component_capabilities]` asks for something no grant can say")
        })?;
        let bytes = embed::embed(&component, &text, &manifest.component)?;
        let path = self.artifact();
        replace(&path, &bytes)?;
        Ok(Built {
            name: manifest.component.name,
            version: manifest.component.version,
            digest: Digest::of(&bytes),
            content: content(compiled.source, &component, &own),
            size_bytes: bytes.len(),
            path,
        })
    }

    /// Where the component is put.
    pub(crate) fn artifact(&self) -> PathBuf {
        self.dir.join("build").join(format!("{}.wasm", self.manifest.component.name))
    }

    /// What was built is no component that can be called: the source, or the manifest, leaves out what it begins with.
    fn unfit(&self, error: &dyn std::fmt::Display) -> Failure {
        self.invalid(error).help(match &self.manifest.build.language {
            Some(language) => format!(
                "`airssys-wasm init NAME --lang {language}` starts a project that is whole, with `--template` http \
                 and cli too"
            ),
            None => "`output` has to be a component, or a preview 1 module that names its world".into(),
        })
    }

    fn invalid(&self, error: &dyn std::fmt::Display) -> Failure {
        Failure::new(Code::Invalid, format!("{}: {error}", self.manifest.component.name))
    }
}

/// What tells two builds apart: what was made, or what of, and the manifest.
fn content(source: Option<Digest>, component: &[u8], manifest: &str) -> Digest {
    let made = source.unwrap_or_else(|| Digest::of(component)).to_string();
    Digest::of(&[made.as_bytes(), manifest.as_bytes()].concat())
}
