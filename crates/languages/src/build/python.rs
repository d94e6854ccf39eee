//! Python: the project, its SDK and what it vendors, made a component by `componentize-py`.
//!
//! The tool runs the top level of the project's modules and keeps the memory that comes of it. It gets a copy of the
//! project, so that what it leaves behind stays out of it, and a world with those imports alone that the files name.
//! Python runs without chance and time while it builds (`still`), and what is left of them in memory is emptied
//! (`settled`), so that the same source gives the same bytes.

mod settled;
mod still;
mod world;

use std::path::{Path, PathBuf};

use airssys_wasm_model::Digest;

use super::{BuildError, Compiled, Job, read, tell};
use crate::toolchain::{Needed, Package};
use crate::{ComponentKind, Language};

/// The tool's name, to whoever it does not work for.
const TOOL: &str = "componentize-py";

/// Where a project begins.
const APP: &str = "app.py";

/// Where the SDK writes what is wrong with the project's code.
const REPORT: &str = ".build-error";

/// Pure Python packages that the project carries with it, if it does.
const VENDOR: &str = "vendor";

pub(super) async fn build(job: &Job<'_>) -> Result<Compiled, BuildError> {
    job.check_files(Language::Python, &[APP], "__init__.py")?;
    Needed::Python.check().await?;
    let stage = Stage::new(job)?;
    stage.copy(job)?;
    let app = read(stage.source.join(APP))?;
    world::write(job, &stage.source, &stage.vendor)
        .and_then(|()| still::write(&stage.library, exports(job), &app))
        .map_err(|error| BuildError::File { path: job.made(), error })?;
    // Before the tool runs, which leaves compiled files there.
    let source = stage.digest()?;
    run(job, &stage).await?;
    let built = read(stage.component.clone())?;
    let unknown =
        |why| BuildError::File { path: stage.component, error: std::io::Error::other(why) };
    Ok(Compiled { wasm: settled::settled(&built).map_err(unknown)?, source: Some(source) })
}

/// The folders of one build, made anew for each.
struct Stage {
    source: PathBuf,
    vendor: PathBuf,
    library: PathBuf,
    environment: PathBuf,
    component: PathBuf,
}

impl Stage {
    fn new(job: &Job<'_>) -> Result<Self, BuildError> {
        let dir = job.made().join("python");
        let stage = Self {
            source: dir.join("source"),
            vendor: dir.join(VENDOR),
            library: dir.join("library"),
            environment: dir.join("environment"),
            component: job.made().join("component.wasm"),
        };
        let made = || {
            if dir.exists() {
                std::fs::remove_dir_all(&dir)?;
            }
            for folder in [&stage.source, &stage.vendor, &stage.library] {
                std::fs::create_dir_all(folder)?;
            }
            // An environment without packages: else the tool takes those of the machine that it runs on.
            std::fs::create_dir_all(stage.environment.join("lib").join("site-packages"))
        };
        made().map_err(|error| BuildError::File { path: dir.clone(), error })?;
        Ok(stage)
    }

    /// Of all that the component is made of.
    fn digest(&self) -> Result<Digest, BuildError> {
        let mut all = Vec::new();
        collect(&self.source, &mut all)?;
        collect(&self.vendor, &mut all)?;
        Ok(Digest::of(&all))
    }

    fn copy(&self, job: &Job<'_>) -> Result<(), BuildError> {
        let skipped = |name: &str| matches!(name, "build" | "tests" | VENDOR);
        let vendored = job.dir.join(VENDOR);
        copy(job.dir, &self.source, &skipped)
            .and_then(|()| match vendored.is_dir() {
                true => copy(&vendored, &self.vendor, &|_| false),
                false => Ok(()),
            })
            .map_err(|error| BuildError::File { path: job.dir.to_owned(), error })
    }
}

/// Adds each file below a folder, by its path there and its bytes, in the order of the names.
fn collect(dir: &Path, all: &mut Vec<u8>) -> Result<(), BuildError> {
    let failed = |error| BuildError::File { path: dir.to_owned(), error };
    let entries = std::fs::read_dir(dir).map_err(failed)?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, all)?;
        } else {
            all.extend(path.to_string_lossy().as_bytes());
            all.extend(Digest::of(&read(path)?).to_string().as_bytes());
        }
    }
    Ok(())
}

/// Copies a folder in the order of its names. What begins with a dot, compiled files, virtual environments and what
/// `skipped` names at its top stay behind.
fn copy(from: &Path, to: &Path, skipped: &dyn Fn(&str) -> bool) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(from)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "__pycache__" || skipped(&name) {
            continue;
        }
        let (path, target) = (entry.path(), to.join(&name));
        if path.join("pyvenv.cfg").is_file() {
            continue;
        }
        if path.is_dir() {
            std::fs::create_dir_all(&target)?;
            copy(&path, &target, &|_| false)?;
        } else {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

async fn run(job: &Job<'_>, stage: &Stage) -> Result<(), BuildError> {
    let mut tool = job.toolchains.program(Language::Python, Package::ComponentizePy)?;
    tool.args(["--quiet", "--full-names", "--wit-path"])
        .arg(job.wit())
        .args(["--world", world::NAME, "componentize", still::BUILD, "--output"])
        .arg(&stage.component)
        .arg("--python-path")
        .arg(&stage.source)
        .arg("--python-path")
        .arg(&stage.vendor)
        .arg("--python-path")
        .arg(&stage.library)
        .env("VIRTUAL_ENV", &stage.environment)
        .env("RUST_BACKTRACE", "0");
    let output = tool.output().await.map_err(|error| BuildError::Run { program: TOOL, error })?;
    if output.status.success() {
        return Ok(());
    }
    // What the SDK says of the project's code, or else what the tool says for itself.
    let report = std::fs::read_to_string(stage.source.join(REPORT)).ok();
    Err(report.as_deref().and_then(missed).unwrap_or_else(|| {
        tell(&report.unwrap_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned()));
        BuildError::Compile { program: TOOL, status: output.status }
    }))
}

/// What the SDK misses in the project's code, where that is what it says: what is wrong, and after a colon what to write.
fn missed(said: &str) -> Option<BuildError> {
    let (what, how) = said.strip_prefix("error: ")?.trim_end().split_once(": ")?;
    Some(BuildError::Undefined { what: what.into(), how: how.into() })
}

/// The SDK's module that exports what a component of this kind does.
fn exports(job: &Job<'_>) -> &'static str {
    match job.kind {
        ComponentKind::Handler if job.stateful => "airssys.guest.stateful_handler",
        ComponentKind::Handler => "airssys.guest.handler",
        ComponentKind::Http => "airssys.guest.http",
        ComponentKind::Cli => "airssys.guest.cli",
    }
}
