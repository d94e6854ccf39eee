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

    // Another key changes nothing for who uses it.
    let key = node.dir.path().canonicalize().unwrap().with_extension("secrets-key");
    let former = fs::read(&key).unwrap();
    let rotated = node.json(&["secret", "rotate-key"]);
    assert_eq!(rotated["resealed"], 1);
    assert_ne!(rotated["former"], rotated["current"]);
    assert_ne!(fs::read(&key).unwrap(), former);
    let read = ["invoke", "a", "run", "\"config\\tsecrets/db\""];
    assert!(node.json(&read)["output"].as_str().unwrap().contains(VALUE));
    let node = Node::start_on(node.kill());
    assert!(node.json(&read)["output"].as_str().unwrap().contains(VALUE));

    node.json(&["secret", "remove", "db"]);
    node.refused(3, &["secret", "remove", "db"]);
    let empty = set(&node, "db", "\n");
    assert_eq!(empty.code, Some(2), "{empty:?}");
    let none = run_with(&["secret", "set", "db", VALUE], |command| {
        command.env("AIRSSYS_WASM_DATA", node.dir.path());
    });
    assert_eq!(none.code, Some(2), "a value is no argument: {none:?}");
    fs::remove_file(key).unwrap();
}

#[test]
fn without_a_secret_there_is_no_key_to_replace_and_a_given_one_is_replaced_by_giving_another() {
    let node = Node::start();
    node.refused(3, &["secret", "rotate-key"]);
    let with_keys = |dir, current: &str, former: Option<&str>| {
        let mut keys = vec![("AIRSSYS_WASM_SECRETS_KEY", current.to_owned())];
        keys.extend(former.map(|key| ("AIRSSYS_WASM_SECRETS_FORMER_KEY", key.to_owned())));
        Node::start_with(dir, &keys)
    };
    let (first, second) = ("ab".repeat(32), "cd".repeat(32));
    let node = with_keys(tempfile::tempdir().unwrap(), &first, None);
    assert_eq!(set(&node, "db", VALUE).code, Some(0));
    let refused = node.refused(5, &["secret", "rotate-key"]);
    assert!(refused["help"].as_str().unwrap().contains("FORMER_KEY"), "{refused}");
    // One start with both, and the former one is needed no more.
    let node = with_keys(node.kill(), &second, Some(&first));
    assert_eq!(node.json(&["secret", "list"])["secrets"][0]["version"], 1);
    let node = with_keys(node.kill(), &second, None);
    assert_eq!(set(&node, "db", VALUE).out, "db has version 2\n");
    let node = with_keys(node.kill(), &first, None);
    assert_eq!(set(&node, "db", VALUE).code, Some(1));
}
