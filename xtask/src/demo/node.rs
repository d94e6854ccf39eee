//! The demo's node: the real binary, started and driven as a user would, by its command line.
//!
//! It never reaches into the node's library; what the demo shows is what a user gets.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{build, shell};

/// A node that has not stopped by then is stuck, and the demo must end.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// A running node.
pub(super) struct Node {
    binary: PathBuf,
    data: PathBuf,
    child: Child,
    // Held open: a node whose stdout is closed would fail at its next line.
    _stdout: BufReader<ChildStdout>,
    /// Where services are called.
    pub(super) http: String,
}

/// What a client verb answered.
pub(super) struct Reply {
    /// The exit code.
    pub(super) code: i32,
    /// What it printed with `--output json`.
    pub(super) json: Value,
}

/// Builds the node and the command line in the dev profile and returns the binary.
pub(super) fn build() -> Result<PathBuf> {
    let built = build::binaries(&["--bin", "airssys-wasm"])?;
    Ok(built.named("airssys-wasm")?.to_path_buf())
}

impl Node {
    /// Starts a node on free ports and waits for its ready line.
    pub(super) fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let data = folder.join("data");
        let log = File::create(folder.join("node.log"))?;
        let mut child = Command::new(binary)
            .arg("serve")
            .arg("--data")
            .arg(&data)
            .args(["--http", "127.0.0.1:0", "--control", "127.0.0.1:0", "--output", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("the node could not be started")?;
        let mut stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let Some(http) = ready["http"].as_str().map(str::to_owned) else {
            let said = fs::read_to_string(folder.join("node.log")).unwrap_or_default();
            bail!("the node did not say it is ready but `{}`\n{said}", line.trim());
        };
        let binary = binary.to_path_buf();
        Ok(Self { binary, data, child, _stdout: stdout, http })
    }

    /// Runs a client verb.
    pub(super) fn verb(&self, args: &[&str]) -> Result<Reply> {
        let output = Command::new(&self.binary)
            .current_dir(shell::root())
            .args(args)
            .args(["--output", "json"])
            .env("AIRSSYS_WASM_DATA", &self.data)
            .stdin(Stdio::null())
            .output()?;
        let code = output.status.code().unwrap_or(-1);
        let stdout = String::from_utf8_lossy(&output.stdout);
        let json: Value = serde_json::from_str(&stdout).unwrap_or_default();
        if json == Value::Null || json.get("error").is_some() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let said = format!("{}{}", stdout.trim(), stderr.trim());
            bail!("`airssys-wasm {}` failed with exit code {code}: {said}", args.join(" "));
        }
        Ok(Reply { code, json })
    }

    /// Asks the node to stop as a supervisor would, and waits until it has.
    pub(super) fn stop(mut self) -> Result<()> {
        shell::run(shell::program("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let start = Instant::now();
        while start.elapsed() < STOP_PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                if !status.success() {
                    bail!("the node stopped with {status}; its log is node.log");
                }
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the node did not stop within {} s", STOP_PATIENCE.as_secs());
    }
}

impl Drop for Node {
    /// A demo that fails half-way leaves no node behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
