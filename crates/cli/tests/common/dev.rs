//! `dev` in a process of its own, followed by what it prints.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::Node;

/// A `dev` that goes on until it is dropped.
pub(crate) struct Dev {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    said: std::io::Lines<BufReader<ChildStderr>>,
}

impl Dev {
    /// Starts one on a project, after the command has been changed.
    pub(crate) fn start(node: &Node, project: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_airssys-wasm"));
        command
            .args(["dev", "--output", "json", "--data"])
            .arg(node.dir.path())
            .current_dir(project)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        change(&mut command);
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, lines, said }
    }

    /// Waits until a line of standard error holds this.
    pub(crate) fn says(&mut self, words: &str) {
        let said = self.said.by_ref().map(Result::unwrap);
        assert!(said.into_iter().any(|line| line.contains(words)), "dev goes on");
    }

    /// What came of the next change.
    pub(crate) fn next(&mut self) -> Value {
        let line = self.lines.next().expect("dev goes on").unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
