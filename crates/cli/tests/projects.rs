//! Projects: what `init` writes builds, passes its tests, deploys, and is updated by `dev` in place.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::dev::Dev;
use common::{Ended, Node, run_with};
use serde_json::Value;

/// Where the projects of the tests are compiled: kept, because what takes long is the same each time.
fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/projects")
}

fn run_in(dir: &Path, words: &[&str]) -> Ended {
    run_with(words, |command| {
        command.current_dir(dir).env("CARGO_TARGET_DIR", target_dir());
    })
}

fn dev(node: &Node, project: &Path) -> Dev {
    Dev::start(node, project, |command| {
        command.env("CARGO_TARGET_DIR", target_dir());
    })
}

/// Runs a verb that must succeed.
#[track_caller]
fn done_in(dir: &Path, words: &[&str]) -> Ended {
    let ended = run_in(dir, words);
    assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
    ended
}

/// Runs a verb that must fail with this exit code, and gives what it says.
#[track_caller]
fn refused_in(dir: &Path, code: i32, words: &[&str]) -> String {
    let ended = run_in(dir, words);
    assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
    ended.err
}

/// A project of this template that was built and whose cases pass.
fn built(dir: &Path, name: &str, template: &str) -> PathBuf {
    done_in(dir, &["init", name, "--template", template]);
    let project = dir.join(name);
    let component = project.join(format!("build/{name}.wasm"));
    let printed = done_in(&project, &["build"]).out;
    assert_eq!(Path::new(printed.trim()), component.canonicalize().unwrap());
    let tested = done_in(&project, &["test", "--no-build", "--output", "json"]).out;
    let tested: Value = serde_json::from_str(&tested).unwrap();
    assert_eq!(tested["failed"], 0);
    assert_ne!(tested["passed"], 0);
    project
}

#[test]
fn new_http_and_cli_projects_build_and_pass_their_tests() {
    let dir = tempfile::tempdir().unwrap();
    built(dir.path(), "site", "http");
    let project = built(dir.path(), "tool", "cli");
    let names = project.join("names");
    fs::write(&names, "ada\ngrace\n").unwrap();
    let ran = run_with(&["run", "build/tool.wasm", "--", "hi"], |command| {
        command.current_dir(&project).stdin(fs::File::open(&names).unwrap());
    });
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "hi, ada!\nhi, grace!\n"), "{ran:?}");
}

#[test]
fn the_guests_pass_their_own_cases() {
    for guest in ["counter", "echo-handler"] {
        let project = guest_project(guest);
        let words = ["test", "--project", project.to_str().unwrap(), "--output", "json"];
        let ended = run_with(&words, |_| {});
        assert_eq!(ended.code, Some(0), "{guest}: {ended:?}");
        let tested: Value = serde_json::from_str(&ended.out).unwrap();
        let files = fs::read_dir(project.join("tests/cases")).unwrap().count();
        assert_eq!((&tested["passed"], &tested["failed"]), (&files.into(), &0.into()), "{guest}");
    }
}

fn guest_project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests").join(name)
}

#[test]
fn a_new_project_deploys_and_dev_updates_it_in_place() {
    let (node, dir) = (Node::start(), tempfile::tempdir().unwrap());
    let project = built(dir.path(), "greeter", "handler");
    let component = project.join("build/greeter.wasm");
    let deployed = node.json(&["deploy", component.to_str().unwrap()]);
    assert_eq!((&deployed["service"], &deployed["version"]), (&"greeter".into(), &"0.1.0".into()));
    assert_eq!(node.run(&["invoke", "greeter", "--input", "ada"]).out, "hello, ada!");

    let mut dev = dev(&node, &project);
    assert_eq!(dev.next()["done"], "updated");
    let source = project.join("src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("{}, {name}!", "{} to you, {name}!")).unwrap();
    let round = dev.next();
    assert!(round["version"].as_str().unwrap().starts_with("0.1.0-dev."), "{round}");
    assert_eq!(node.run(&["invoke", "greeter", "--input", "ada"]).out, "hello to you, ada!");

    // An update that is taken back is no success.
    let manifest = project.join("Component.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("greeting = \"hello\"", "greeting = 7")).unwrap();
    assert_eq!(dev.next()["error"]["code"], "rolled_back");
    assert_eq!(node.run(&["invoke", "greeter", "--input", "ada"]).out, "hello to you, ada!");
    fs::write(&manifest, text).unwrap();

    // A build that fails changes nothing, and the watch goes on.
    fs::write(&source, "no rust").unwrap();
    dev.says("src/lib.rs:1:");
    assert_eq!(dev.next()["error"]["code"], "failed");
    assert_eq!(node.run(&["invoke", "greeter", "--input", "ada"]).out, "hello to you, ada!");
}

#[test]
fn a_case_that_fails_is_told_with_what_came() {
    let dir = tempfile::tempdir().unwrap();
    let project = built(dir.path(), "shouter", "cli");
    let case = "[[call]]\ninput = \"ada\\n\"\noutput = \"bye\"\n";
    fs::write(project.join("tests/cases/wrong.toml"), case).unwrap();
    let ended = run_in(&project, &["test", "--no-build", "wrong"]);
    assert_eq!(ended.code, Some(1));
    let told = "FAILED  wrong: call 1: the output is \"hello, ada!\\n\" and not \"bye\"";
    assert!(ended.out.contains(told), "{ended:?}");
}

#[test]
fn what_is_wrong_with_a_project_is_told_by_its_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    assert!(refused_in(dir.path(), 3, &["build"]).contains("airssys-wasm init"));
    let manifest = |build: &str| {
        let text = format!("[component]\nname = \"odd\"\nversion = \"1.0.0\"\n[build]\n{build}\n");
        fs::write(dir.path().join("Component.toml"), text).unwrap();
    };
    manifest("");
    assert!(refused_in(dir.path(), 8, &["build"]).contains("neither a language nor a command"));
    manifest("language = \"cobol\"");
    assert!(refused_in(dir.path(), 8, &["build"]).contains("cobol"));
    manifest("langauge = \"rust\"");
    assert!(refused_in(dir.path(), 8, &["build"]).contains("line 5, column 1"));
    manifest("command = \"exit 3\"\noutput = \"out.wasm\"");
    assert!(refused_in(dir.path(), 1, &["build"]).contains("exit 3"));
}

/// A command with nothing in it: `(memory (export "memory") 1) (func (export "_start"))`.
const PREVIEW1_COMMAND: &[u8] =
    b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\
    \x07\x13\x02\x06memory\x02\0\x06_start\0\0\x0a\x04\x01\x02\0\x0b";

#[test]
#[cfg(unix)]
fn a_preview_1_module_from_any_command_becomes_a_component_with_its_manifest() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("module.bin"), PREVIEW1_COMMAND).unwrap();
    let manifest = "[component]\nname = \"adapted\"\nversion = \"1.2.3\"\n\
        [build]\ncommand = \"cp module.bin out.wasm\"\noutput = \"out.wasm\"\n";
    fs::write(dir.path().join("Component.toml"), manifest).unwrap();
    done_in(dir.path(), &["build"]);
    let inspected = done_in(dir.path(), &["inspect", "build/adapted.wasm", "--output", "json"]);
    let inspected: Value = serde_json::from_str(&inspected.out).unwrap();
    assert_eq!((&inspected["name"], &inspected["version"]), (&"adapted".into(), &"1.2.3".into()));
    assert_eq!(inspected["shape"][0], "command");
}

/// The same command with another page of memory.
fn with_two_pages(command: &[u8]) -> Vec<u8> {
    let (memory, mut changed) = (b"\x05\x03\x01\0\x01", command.to_vec());
    let at = changed.windows(memory.len()).position(|part| part == memory).unwrap();
    changed[at + memory.len() - 1] = 2;
    changed
}

/// The build's output lies among the sources, as in the guide, and a file that is built into nothing
/// changes: neither is a change of the service.
#[test]
#[cfg(unix)]
fn dev_updates_when_what_is_built_changes_and_only_then() {
    let (node, dir) = (Node::start(), tempfile::tempdir().unwrap());
    let source = dir.path().join("module.bin");
    fs::write(&source, PREVIEW1_COMMAND).unwrap();
    let manifest = "[component]\nname = \"adapted\"\nversion = \"1.2.3\"\n\
        [build]\ncommand = \"cp module.bin out.wasm && echo built\"\noutput = \"out.wasm\"\n";
    fs::write(dir.path().join("Component.toml"), manifest).unwrap();
    let mut dev = dev(&node, dir.path());
    assert_eq!(dev.next()["done"], "deployed");
    dev.says("built");
    fs::write(dir.path().join("README.md"), "nothing of this is built").unwrap();
    dev.says("built");
    fs::write(&source, with_two_pages(PREVIEW1_COMMAND)).unwrap();
    dev.says("built");
    let round = dev.next();
    assert_eq!(round["done"], "updated");
    let history = node.json(&["history", "adapted"]);
    let revisions = history.as_array().unwrap().iter().map(|line| &line["revision"]);
    assert_eq!(revisions.max_by_key(|number| number.as_u64()), Some(&2.into()), "{history}");
    let active = &node.json(&["status", "adapted"])["active"]["version"];
    assert_eq!(*active, round["version"]);
}

/// What a guest's code asks for is in its manifest once it is built.
#[test]
fn what_the_code_asks_for_is_asked_of_the_operator() {
    let project = guest_project("echo-handler");
    let ended = run_with(&["build", "--project", project.to_str().unwrap()], |_| {});
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let node = Node::start();
    let denied = node.refused(4, &["deploy", ended.out.trim()]);
    assert!(denied["help"].as_str().unwrap().contains("--grant env:TZ"), "{denied}");
}
