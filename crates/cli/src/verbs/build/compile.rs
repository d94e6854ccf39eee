//! Compiling: cargo for Rust, the project's own command for everything else.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use airssys_wasm_api::{Code, Failure, MAX_ARTIFACT_BYTES};
use serde::Deserialize;
use tokio::process::Command;

use super::Project;
use crate::files::read_bytes;

/// The target that Rust's own standard library makes components for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Compiles the project and gives the bytes that came out, a component or a core module.
pub(super) async fn compile(project: &Project) -> Result<Vec<u8>, Failure> {
    let build = &project.manifest.build;
    let output = match (&build.command, build.language.as_deref()) {
        (Some(command), _) => {
            let output = build.output.as_ref().ok_or_else(|| {
                invalid("[build] has a command and no output: say which .wasm it leaves")
            })?;
            run(project, command).await?;
            project.dir.join(output)
        }
        (None, Some("rust")) => cargo(project).await?,
        (None, Some(other)) => {
            return Err(invalid(format!("[build] language `{other}` can't be built: rust can"))
                .help("name a `command` that builds it and the `output` it leaves"));
        }
        (None, None) => {
            return Err(invalid("[build] says neither a language nor a command")
                .help("write `language = \"rust\"`, or a `command` and the `output` it leaves"));
        }
    };
    read_bytes(&output, MAX_ARTIFACT_BYTES)
        .map_err(|failure| failure.help("the build ended well and did not leave this file"))
}

fn invalid(message: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Invalid, message)
}

/// The project's own command, through the shell as it would be typed.
async fn run(project: &Project, command: &str) -> Result<(), Failure> {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let status = Command::new(shell)
        .args([flag, command])
        .current_dir(&project.dir)
        .stdin(Stdio::null())
        // Stdout is for results: what the tools say belongs beside them.
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| Failure::new(Code::Failed, format!("`{command}`: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(Code::Failed, format!("`{command}` failed: {status}")))
}

async fn cargo(project: &Project) -> Result<PathBuf, Failure> {
    check_target().await?;
    let manifest = project.dir.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(invalid(format!("there is no {}", manifest.display()))
            .help("a Rust project has its Cargo.toml beside Component.toml"));
    }
    let output = Command::new("cargo")
        .args(["build", "--release", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics", "--manifest-path"])
        .arg(&manifest)
        // A saved state is keyed to this version, which is the one that authors raise.
        .env("AIRSSYS_WASM_COMPONENT_VERSION", project.manifest.component.version.to_string())
        .current_dir(&project.dir)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| Failure::new(Code::Failed, format!("cargo cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(Failure::new(Code::Failed, "the project does not compile")
            .help("the compiler's errors are above"));
    }
    let built = artifacts(&String::from_utf8_lossy(&output.stdout), &manifest);
    choose(built, project.manifest.component.name.as_str())
}

/// Without the target rustc fails on every crate, in words that don't tell what is missing.
async fn check_target() -> Result<(), Failure> {
    if target_is_installed().await.map_err(|error| no_rust(&error))? {
        return Ok(());
    }
    Err(Failure::new(Code::Failed, format!("Rust's target {TARGET} is not installed"))
        .help(format!("install it with `rustup target add {TARGET}`")))
}

/// Whether Rust can compile components; an error where there is no Rust.
pub(crate) async fn target_is_installed() -> std::io::Result<bool> {
    let mut rustc = Command::new("rustc");
    let output = rustc.args(["--print", "target-libdir", "--target", TARGET]).output().await?;
    let libraries = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(libraries.trim()).is_dir())
}

fn no_rust(error: &std::io::Error) -> Failure {
    Failure::new(Code::Failed, format!("Rust is not installed: rustc cannot be run: {error}"))
        .help("install it from https://rustup.rs; `airssys-wasm doctor` shows what else is missing")
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
fn choose(mut files: Vec<PathBuf>, name: &str) -> Result<PathBuf, Failure> {
    if files.len() > 1 {
        let wanted = name.replace('-', "_");
        files.retain(|file| {
            file.file_stem().is_some_and(|stem| stem.to_string_lossy().replace('-', "_") == wanted)
        });
    }
    match (files.pop(), files.is_empty()) {
        (Some(file), true) => Ok(file),
        (None, _) => Err(invalid("cargo built no .wasm of this package")
            .help("a component is a `[lib]` with `crate-type = [\"cdylib\"]`, or a `src/main.rs`")),
        (Some(_), false) => Err(invalid(format!("cargo built several files named {name}"))),
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
        assert_eq!(choose(files(), "other").unwrap_err().code, Code::Invalid);
        assert_eq!(choose(vec!["/t/x.wasm".into()], "other").unwrap(), PathBuf::from("/t/x.wasm"));
    }
}
