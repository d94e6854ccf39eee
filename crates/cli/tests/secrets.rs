//! Secrets through the command line: set from stdin, used at once, after a kill too, and never shown.

mod common;

use std::fs;
use std::path::Path;

use common::{Ended, Node, guest, run_with, write};

const VALUE: &str = "correct-horse-battery";

fn set(node: &Node, name: &str, value: &str) -> Ended {
    let file = write(node, "value.txt", value.as_bytes());
    let ended = run_with(&["secret", "set", name], |command| {
        command.env("AIRSSYS_WASM_DATA", node.dir.path()).stdin(fs::File::open(&file).unwrap());
    });
    fs::remove_file(file).unwrap();
    ended
}

/// Whether the value stands in a file below the directory.
fn is_in(dir: &Path, value: &str) -> bool {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().any(|path| {
        if path.is_dir() {
            return is_in(&path, value);
        }
        let bytes = fs::read(&path).unwrap();
        bytes.windows(value.len()).any(|window| window == value.as_bytes())
    })
}

#[test]
fn a_secret_is_set_from_stdin_used_and_shown_nowhere() {
    let node = Node::start();
    let file = write(&node, "keyvalue.wasm", &guest("keyvalue"));
    let ended = set(&node, "db", &format!("{VALUE}\n"));
    assert_eq!((ended.code, &*ended.out), (Some(0), "db has version 1\n"), "{ended:?}");
    let granted = ["--grant", "secrets:db:revealed", "--grant", "keyvalue:s:read,write"];
    node.json(&[&["deploy", &file, "--name", "a", "--version", "1.0.0"][..], &granted].concat());
    let got =
        node.json(&["invoke", "a", "run", "\"config\\tsecrets/db\\nopen\\ts\\nset\\ts\\tk\\tv\""]);
    assert!(got["output"].as_str().unwrap().contains(VALUE), "{got}");
    let list = node.run(&["secret", "list"]);
    assert!(list.out.contains("21 bytes") && !list.out.contains(VALUE), "{list:?}");
    assert!(!is_in(node.dir.path(), VALUE));

    // What was answered is there after a kill: the secret, and the entry.
    let node = Node::start_on(node.kill());
    let got =
        node.json(&["invoke", "a", "run", "\"config\\tsecrets/db\\nopen\\ts\\nget\\ts\\tk\""]);
    let output = got["output"].as_str().unwrap();
    assert!(output.contains(VALUE) && output.contains("\\nv\""), "{got}");

    node.json(&["secret", "remove", "db"]);
    node.refused(3, &["secret", "remove", "db"]);
    let empty = set(&node, "db", "\n");
    assert_eq!(empty.code, Some(2), "{empty:?}");
    let none = run_with(&["secret", "set", "db", VALUE], |command| {
        command.env("AIRSSYS_WASM_DATA", node.dir.path());
    });
    assert_eq!(none.code, Some(2), "a value is no argument: {none:?}");
    let key = node.dir.path().canonicalize().unwrap().with_extension("secrets-key");
    fs::remove_file(key).unwrap();
}
