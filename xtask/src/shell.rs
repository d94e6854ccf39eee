//! Running other programs from the repository's root, and timing them.
//!
//! It never reads stdin: every command here must work on a machine with no one at it.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The repository's root, wherever the command was started.
pub(crate) fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the repository").to_path_buf()
}

/// A program started at the root, with nothing on stdin.
///
/// What cargo set for xtask itself (`CARGO_PKG_NAME` and its fellows) is taken away: a nested cargo
/// would hand it on to build scripts, which then rebuild although nothing changed.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).stdin(Stdio::null());
    for (key, _) in env::vars_os() {
        let Some(text) = key.to_str() else { continue };
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(key);
        }
    }
    command
}

/// The cargo that runs xtask.
pub(crate) fn cargo() -> Command {
    program(&env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
}

/// Runs to the end and fails with the command's own words when it does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let said = words(command);
    let status = command.status().with_context(|| format!("`{said}` could not be started"))?;
    if !status.success() {
        bail!("`{said}` failed ({status})");
    }
    Ok(())
}

/// Runs to the end and returns what it printed.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let said = words(command);
    let output = command.output().with_context(|| format!("`{said}` could not be started"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{said}` failed ({}): {}", output.status, stderr.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command as one would type it.
pub(crate) fn words(command: &Command) -> String {
    let mut said = command.get_program().to_string_lossy().into_owned();
    if said.ends_with("/cargo") {
        said = "cargo".to_owned();
    }
    for arg in command.get_args() {
        said.push(' ');
        said.push_str(&arg.to_string_lossy());
    }
    said
}

/// Steps done so far, each with its time and whether it passed, for a summary at the end.
#[derive(Default)]
pub(crate) struct Steps(Vec<Step>);

struct Step {
    name: &'static str,
    took: Duration,
    passed: bool,
}

impl Steps {
    /// Announces a step and does it. A failure is shown and kept, and the next step runs all the same:
    /// one run of CI should tell everything that is wrong.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = work();
        if let Err(error) = &outcome {
            println!("{name}: {error:#}");
        }
        self.0.push(Step { name, took: start.elapsed(), passed: outcome.is_ok() });
    }

    /// Prints the time of each step; fails, naming them, when some did not pass.
    pub(crate) fn conclude(&self) -> Result<()> {
        println!();
        for step in &self.0 {
            let outcome = if step.passed { "ok" } else { "FAILED" };
            println!("{:>8.1} s  {:<12} {outcome}", step.took.as_secs_f64(), step.name);
        }
        let failed: Vec<_> = self.0.iter().filter(|step| !step.passed).map(|s| s.name).collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join(", "));
        }
        Ok(())
    }
}
