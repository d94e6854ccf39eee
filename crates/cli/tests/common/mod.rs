//! A node in a process of its own, and the command as a user runs it.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod dev;
pub(crate) mod trail;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use airssys_wasm_api::command::{RolloutChoice, Source, Update};
use airssys_wasm_api::{Client, Place};
use airssys_wasm_model::{Name, ReleaseRef, Version};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_airssys-wasm");

/// A node over a directory of its own, stopped when the test ends.
pub(crate) struct Node {
    pub(crate) dir: tempfile::TempDir,
    process: Child,
    pub(crate) http: String,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Node {
    /// Starts a node and waits for the line that says it is ready.
    pub(crate) fn start() -> Self {
        Self::start_on(tempfile::tempdir().unwrap())
    }

    /// The same, over a directory that another node has left.
    pub(crate) fn start_on(dir: tempfile::TempDir) -> Self {
        Self::start_at("127.0.0.1:0", dir, &[])
    }

    /// The same, with commands taken at this address, and more flags.
    pub(crate) fn start_at(control: &str, dir: tempfile::TempDir, flags: &[&str]) -> Self {
        Self::start_by(Command::new(BINARY), control, dir, flags)
    }

    /// A node over this directory with these variables.
    pub(crate) fn start_with(dir: tempfile::TempDir, variables: &[(&str, String)]) -> Self {
        let mut program = Command::new(BINARY);
        program.envs(variables.iter().map(|(name, value)| (name, value)));
        Self::start_by(program, "127.0.0.1:0", dir, &[])
    }

    /// A node whose files may have so many KiB at most: what it writes beyond is refused as a full disk
    /// refuses it.
    pub(crate) fn start_with_files_of(kib: u32) -> Self {
        Self::start_with_files_of_and(kib, &[])
    }

    /// The same with more flags.
    pub(crate) fn start_with_files_of_and(kib: u32, flags: &[&str]) -> Self {
        let mut shell = Command::new("bash");
        // A process that does not ignore the signal dies of it instead of getting the error.
        let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
        shell.arg("-c").arg(script).arg(BINARY);
        Self::start_by(shell, "127.0.0.1:0", tempfile::tempdir().unwrap(), flags)
    }

    fn start_by(
        mut program: Command,
        control: &str,
        dir: tempfile::TempDir,
        flags: &[&str],
    ) -> Self {
        let mut process = program
            .args(["serve", "--output", "json", "--http", "127.0.0.1:0", "--control", control])
            .arg("--data")
            .arg(dir.path())
            .args(flags)
            .env("AIRSSYS_WASM_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).expect("the ready line");
        assert_eq!(ready["event"], "ready");
        let http = ready["http"].as_str().unwrap().to_owned();
        Self { dir, process, http }
    }

    /// A client of the node's control port.
    pub(crate) fn client(&self) -> Client {
        let text = std::fs::read_to_string(self.dir.path().join("node.json")).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let node = file["control"].as_str().unwrap().to_owned();
        let token = std::fs::read_to_string(self.dir.path().join("token")).unwrap();
        Client::new(Place {
            node,
            token: token.trim().to_owned(),
            trust: airssys_wasm_api::Trust::Public,
        })
        .unwrap()
    }

    /// Ends the process as a power cut would, and gives its directory.
    pub(crate) fn kill(mut self) -> tempfile::TempDir {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap())
    }

    /// Ends the process as an operator does, and gives its directory.
    pub(crate) fn stop(mut self) -> tempfile::TempDir {
        let told = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(told.unwrap().success());
        self.process.wait().unwrap();
        std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap())
    }

    /// Runs a verb against the node.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        run_with(words, |command| {
            command.env("AIRSSYS_WASM_DATA", self.dir.path());
        })
    }

    /// Begins a verb against the node that goes on until it is killed.
    pub(crate) fn spawn(&self, words: &[&str]) -> Child {
        let mut command = prepared(words);
        command.env("AIRSSYS_WASM_DATA", self.dir.path()).stdout(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Runs a verb that must succeed, and reads its answer.
    #[track_caller]
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let ended = self.run(&[words, &["--output", "json"]].concat());
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
        serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
    }

    /// Runs a verb that must fail with this exit code, and reads what it says of it.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) -> Value {
        let ended = self.run(&[words, &["--output", "json"]].concat());
        assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
        let mut answer: Value =
            serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
        answer["error"].take()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An update to a release that is stored.
pub(crate) fn update_to(
    service: Name,
    version: Version,
    rollout: RolloutChoice,
) -> airssys_wasm_api::Command {
    let release = ReleaseRef { name: service.clone(), version };
    airssys_wasm_api::Command::Update(Update {
        source: Some(Source::Release(release)),
        rollout,
        ..Update::of(service)
    })
}

/// Runs the command without a node, a terminal, or anything of the user's.
pub(crate) fn run_with(words: &[&str], change: impl FnOnce(&mut Command)) -> Ended {
    let mut command = prepared(words);
    change(&mut command);
    let ended = command.output().unwrap();
    Ended {
        code: ended.status.code(),
        out: String::from_utf8_lossy(&ended.stdout).into_owned(),
        err: String::from_utf8_lossy(&ended.stderr).into_owned(),
    }
}

fn prepared(words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words).stdin(Stdio::null());
    for name in ["AIRSSYS_WASM_NODE", "AIRSSYS_WASM_TOKEN", "AIRSSYS_WASM_CA", "AIRSSYS_WASM_DATA"]
    {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// A guest that `cargo xtask guests` built.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/target/wasm32-wasip2/release");
    let paths = [format!("{name}.wasm"), format!("{}.wasm", name.replace('-', "_"))];
    let found = paths.iter().find_map(|path| std::fs::read(folder.join(path)).ok());
    found.unwrap_or_else(|| panic!("there is no guest {name}: run `cargo xtask guests` first"))
}

/// A guest in a file of the node's directory, with a manifest embedded.
pub(crate) fn with_manifest(node: &Node, name: &str, file: &str, manifest: &str) -> String {
    write(node, file, &with_section(guest(name), "airssys:manifest", manifest.as_bytes()))
}

/// Writes a file beside the node's data and gives its path.
pub(crate) fn write(node: &Node, file: &str, bytes: &[u8]) -> String {
    let path: PathBuf = node.dir.path().join(file);
    let mut opened = std::fs::File::create(&path).unwrap();
    opened.write_all(bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The component with a custom section more: other bytes that do the same.
pub(crate) fn with_section(mut component: Vec<u8>, name: &str, content: &[u8]) -> Vec<u8> {
    let mut section = Vec::new();
    leb128(&mut section, name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    component.push(0);
    leb128(&mut component, section.len());
    component.extend_from_slice(&section);
    component
}

fn leb128(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

/// How long anything may take that comes at all: far above what it does on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until there is one, and gives it.
#[track_caller]
pub(crate) fn found<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
