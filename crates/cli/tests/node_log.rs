//! The node's own log, while guests would write in it, or fill it.

mod common;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use common::{Ended, found, guest, run_with};
use serde_json::Value;

/// A node that logs for people, into a file.
struct Logging {
    dir: tempfile::TempDir,
    node: Child,
}

impl Logging {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut node = Command::new(env!("CARGO_BIN_EXE_airssys-wasm"));
        node.args(["serve", "--http", "127.0.0.1:0", "--control", "127.0.0.1:0", "--data"])
            .arg(dir.path().join("data"))
            .env_remove("AIRSSYS_WASM_LOG")
            .stdout(Stdio::null())
            .stderr(File::create(dir.path().join("log")).unwrap());
        let node = node.spawn().unwrap();
        let logging = Self { dir, node };
        found("a node that is ready", || logging.http());
        logging
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Where services answer, once it says so.
    fn http(&self) -> Option<String> {
        let file = std::fs::read(self.data().join("node.json")).ok()?;
        let file: Value = serde_json::from_slice(&file).ok()?;
        Some(file["http"].as_str()?.strip_prefix("http://")?.to_owned())
    }

    fn run(&self, words: &[&str]) -> Ended {
        run_with(words, |command| {
            command.arg("--data").arg(self.data());
        })
    }

    fn deploy(&self, name: &str, component: &[u8], grants: &[&str]) {
        let file = self.dir.path().join("component.wasm");
        std::fs::write(&file, component).unwrap();
        let file = file.to_str().unwrap();
        let words = ["deploy", file, "--name", name, "--version", "1.0.0"];
        let deployed = self.run(&[&words, grants].concat());
        assert_eq!(deployed.code, Some(0), "{deployed:?}");
    }

    /// An answer at the door for services, as it is on the wire.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.http().unwrap()).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What it has logged. It is over then.
    fn log(mut self) -> String {
        self.end();
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    fn end(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn no_name_of_a_guests_function_passes_for_a_line_of_the_nodes_log() {
    // The names are of one length, so that the component stays one.
    let (name, forged) = (b"7hostile4harm", b"\nERROR forged");
    let mut component = guest("hostile");
    let at = |bytes: &[u8]| bytes.windows(name.len()).position(|window| window == name);
    assert!(at(&component).is_some(), "the guest has the names of its functions");
    while let Some(at) = at(&component) {
        component[at..at + name.len()].copy_from_slice(forged);
    }
    let node = Logging::start();
    node.deploy("forging", &component, &[]);
    let trapped = node.run(&["invoke", "forging", "--input", "panic"]);
    assert_eq!(trapped.code, Some(1), "{trapped:?}");
    let said = node.log();
    assert!(said.contains("ERROR forged"), "the backtrace is there: {said}");
    for line in said.lines() {
        assert!(line.starts_with("20") || line.starts_with("    "), "{line:?} in {said}");
    }
}

#[test]
fn a_request_that_fails_is_the_guests_to_know_and_no_line_of_the_nodes_log() {
    let node = Logging::start();
    node.deploy("asking", &guest("http-hello"), &["--grant", "http:127.0.0.1:9"]);
    // Nobody listens there.
    let answer = node.get("/asking/outbound?url=http://127.0.0.1:9/");
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let said = node.log();
    assert!(said.contains("asking") && !said.contains("connect error"), "{said}");
}
