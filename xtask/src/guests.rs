//! Builds the guests for `wasm32-wasip2`: those of the tests (`guests/`) and those of the demo
//! (`examples/guests/`). Each is a workspace of its own, because a guest is never built for the host.
//!
//! Unchanged sources cost cargo's own check and nothing more.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// The one target guests are built for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// The folders that hold guests, each a cargo workspace.
pub(crate) const FOLDERS: [&str; 2] = ["guests", "examples/guests"];

/// A guest's package and the component it builds to.
pub(crate) struct Guest {
    /// The package's name.
    pub(crate) name: String,
    /// The `.wasm`.
    pub(crate) path: PathBuf,
}

/// `cargo xtask guests`.
pub(crate) fn run() -> Result<()> {
    for folder in FOLDERS {
        for guest in build(folder)? {
            println!("{}", guest.path.display());
        }
    }
    Ok(())
}

/// Builds every guest of a folder; the target is added first where it is missing.
pub(crate) fn build(folder: &str) -> Result<Vec<Guest>> {
    add_target()?;
    let manifest = shell::root().join(folder).join("Cargo.toml");
    shell::run(
        shell::cargo()
            .args(["build", "--release", "--quiet", "--target", TARGET, "--manifest-path"])
            .arg(&manifest),
    )?;
    let guests = list(folder)?;
    for guest in &guests {
        let path = &guest.path;
        path.metadata().with_context(|| format!("{} was not built", path.display()))?;
    }
    Ok(guests)
}

/// The guests of a folder, whether built or not.
pub(crate) fn list(folder: &str) -> Result<Vec<Guest>> {
    let manifest = shell::root().join(folder).join("Cargo.toml");
    let metadata = shell::read(
        shell::cargo()
            .args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"])
            .arg(&manifest),
    )?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let built = Path::new(metadata["target_directory"].as_str().context("no target directory")?)
        .join(TARGET)
        .join("release");
    let packages = metadata["packages"].as_array().context("no packages")?;
    Ok(packages.iter().filter_map(|package| guest(package, &built)).collect())
}

/// A package is a guest when it builds to a component: a `cdylib`, or a command's binary.
fn guest(package: &Value, built: &Path) -> Option<Guest> {
    let name = package["name"].as_str()?.to_owned();
    package["targets"].as_array()?.iter().find_map(|target| {
        let kinds = target["crate_types"].as_array()?;
        let stem = target["name"].as_str()?;
        let file = match () {
            () if kinds.iter().any(|kind| kind == "cdylib") => stem.replace('-', "_"),
            () if kinds.iter().any(|kind| kind == "bin") => stem.to_owned(),
            () => return None,
        };
        Some(Guest { name: name.clone(), path: built.join(format!("{file}.wasm")) })
    })
}

fn add_target() -> Result<()> {
    let installed = shell::read(shell::program("rustup").args(["target", "list", "--installed"]))
        .context("guests need rustup, which adds their target")?;
    if installed.lines().any(|line| line.trim() == TARGET) {
        return Ok(());
    }
    eprintln!("adding the {TARGET} target");
    shell::run(shell::program("rustup").args(["target", "add", TARGET]))
}
