//! Rust: cargo, for the target that its own standard library makes components for.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

use super::{BuildError, Job, read};
use crate::Language;
use crate::toolchain::Needed;

/// The target.
pub(crate) const TARGET: &str = "wasm32-wasip2";

const CARGO: &str = "cargo";

/// Where a project begins.
const MANIFEST: &str = "Cargo.toml";

pub(super) async fn build(job: &Job<'_>) -> Result<Vec<u8>, BuildError> {
    let manifest = job.dir.join(MANIFEST);
    if !manifest.is_file() {
        return Err(BuildError::Source { path: MANIFEST.into(), language: Language::Rust });
    }
    Needed::Rust.check().await?;
    check_target().await?;
    let cannot = |error| BuildError::Run { program: CARGO, error };
    let cargo = Command::new(CARGO)
        .args(["build", "--release", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics", "--manifest-path"])
        .arg(&manifest)
        // A saved state is keyed to this version, which is the one that authors raise.
        .env("AIRSSYS_WASM_COMPONENT_VERSION", job.version)
        .current_dir(job.dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Cargo speaks to who waits. `output` would take what it says on standard error too, and keep it.
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot)?;
    let output = cargo.wait_with_output().await.map_err(cannot)?;
    if !output.status.success() {
        return Err(BuildError::Compile { program: CARGO, status: output.status });
    }
    let built = artifacts(&String::from_utf8_lossy(&output.stdout), &manifest);
    read(choose(built, job.name)?)
}

/// Without the target rustc fails on every crate, in words that don't tell what is missing.
async fn check_target() -> Result<(), BuildError> {
    match target_is_installed().await {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(BuildError::Missing { language: Language::Rust, tool: TARGET, engine: None })
        }
        Err(error) => Err(BuildError::Run { program: "rustc", error }),
    }
}

/// Whether Rust can compile components; an error where there is no Rust.
pub async fn target_is_installed() -> std::io::Result<bool> {
    let mut rustc = Command::new("rustc");
    let output = rustc.args(["--print", "target-libdir", "--target", TARGET]).output().await?;
    let libraries = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(libraries.trim()).is_dir())
}

/// What cargo says of one thing it built.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The `.wasm` files of the package with this manifest.
fn artifacts(messages: &str, manifest: &Path) -> Vec<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let own = messages.filter(|message| {
        message.reason == "compiler-artifact" && message.manifest_path == manifest
    });
    let files = own.flat_map(|message| message.filenames);
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|ext| ext == "wasm")).collect();
    files.dedup();
    files
}

/// The one file, or the one with the component's name.
fn choose(mut files: Vec<PathBuf>, name: &str) -> Result<PathBuf, BuildError> {
    if files.len() > 1 {
        let wanted = name.replace('-', "_");
        files.retain(|file| {
            file.file_stem().is_some_and(|stem| stem.to_string_lossy().replace('-', "_") == wanted)
        });
    }
    let how = "a component is a `[lib]` with `crate-type = [\"cdylib\"]`, or a `src/main.rs`";
    let undefined = |what: String| Err(BuildError::Undefined { what, how: how.into() });
    match (files.pop(), files.is_empty()) {
        (Some(file), true) => Ok(file),
        (None, _) => undefined("cargo built no .wasm of this package".into()),
        (Some(_), false) => undefined(format!("cargo built several .wasm named {name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = r#"{"reason":"compiler-artifact","manifest_path":"/dep/Cargo.toml","filenames":["/t/dep.wasm"]}
{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","filenames":["/t/my_part.wasm","/t/my_part.d"]}
not json
{"reason":"build-finished","success":true}"#;

    #[test]
    fn the_packages_own_wasm_is_found_among_cargos_messages() {
        let found = artifacts(MESSAGES, Path::new("/p/Cargo.toml"));
        assert_eq!(found, [PathBuf::from("/t/my_part.wasm")]);
        assert!(artifacts(MESSAGES, Path::new("/other/Cargo.toml")).is_empty());
    }

    #[test]
    fn of_several_files_the_one_with_the_components_name_is_meant() {
        let files = || vec!["/t/tool.wasm".into(), "/t/my_part.wasm".into()];
        assert_eq!(choose(files(), "my-part").unwrap(), PathBuf::from("/t/my_part.wasm"));
        assert!(matches!(choose(files(), "other"), Err(BuildError::Undefined { .. })));
        assert_eq!(choose(vec!["/t/x.wasm".into()], "other").unwrap(), PathBuf::from("/t/x.wasm"));
    }
}
