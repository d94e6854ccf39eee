//! Compiling: a language's own tools, or the project's own command.

use std::process::Stdio;

use airssys_wasm_api::{Code, Failure, MAX_ARTIFACT_BYTES};
use airssys_wasm_languages::{BuildError, Compiled, Engine, Job, Language};
use airssys_wasm_model::InstanceModel;
use tokio::process::Command;

use super::Project;
use crate::files::read_bytes;
use crate::place;

/// Compiles the project and gives what came out, a component or a core module.
pub(super) async fn compile(project: &Project) -> Result<Compiled, Failure> {
    let build = &project.manifest.build;
    match (build.language.as_deref(), build.command.as_deref(), build.output.as_deref()) {
        (Some(language), None, None) => by_language(project, language).await,
        (None, Some(command), Some(output)) => {
            run(project, command).await?;
            let left = read_bytes(&project.dir.join(output), MAX_ARTIFACT_BYTES);
            left.map(Compiled::from).map_err(|failure| {
                failure.help(format!(
                    "`{command}` ended well and did not leave the `output` that [build] names"
                ))
            })
        }
        (None, Some(_), None) => Err(invalid("[build] has a `command` and no `output`")
            .help("write `output = \"out.wasm\"` below it: the file that the command leaves")),
        (Some(_), Some(_), _) => Err(invalid("[build] has a `language` and a `command`").help(
            "leave one of them out: the language's tools build the project, or the command does",
        )),
        (_, None, Some(_)) => Err(invalid("[build] has an `output` and no `command`")
            .help("leave it out, or write the `command` that leaves this file")),
        (None, None, None) => {
            Err(invalid("[build] says neither a language nor a command").help(format!(
                "write `language = \"rust\"` there ({} are known), or a `command` and its `output`",
                Language::list()
            )))
        }
    }
}

fn invalid(message: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Invalid, message)
}

async fn by_language(project: &Project, language: &str) -> Result<Compiled, Failure> {
    let language: Language = language.parse().map_err(|error| {
        invalid(format!("[build] language: {error}"))
            .help("any other is built by a `command` that leaves its `output`")
    })?;
    let manifest = &project.manifest;
    let engine = Engine::chosen(language, manifest.build.engine.as_deref())
        .map_err(|error| invalid(format!("[build] engine: {error}")))?;
    let job = Job {
        dir: &project.dir,
        name: manifest.component.name.as_str(),
        version: &manifest.component.version.to_string(),
        kind: manifest.build.kind.unwrap_or_default(),
        engine,
        stateful: manifest.instances.model == InstanceModel::Actor,
        toolchains: &place::toolchains()?,
    };
    airssys_wasm_languages::build(language, &job).await.map_err(|error| failure(&error))
}

fn failure(error: &BuildError) -> Failure {
    let code = match error {
        BuildError::Source { .. } | BuildError::Sdk { .. } | BuildError::Undefined { .. } => {
            Code::Invalid
        }
        _ => Code::Failed,
    };
    let failure = Failure::new(code, error);
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
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
