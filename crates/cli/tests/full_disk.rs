//! A node whose disk is full: it says so, what ran still runs, and it goes on when there is room again.

mod common;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use common::{Node, guest, run_with, with_section, write};

/// A component that does the same as the guest and has so many bytes more.
fn padded(node: &Node, bytes: usize) -> String {
    let padded = with_section(guest("functions"), "padding", &vec![7; bytes]);
    write(node, &format!("padded-{bytes}.wasm"), &padded)
}

#[track_caller]
fn answers(node: &Node) {
    let called = node.run(&["invoke", "shapes", "add", "40", "2"]);
    assert_eq!((called.code, called.out.as_str()), (Some(0), "42\n"), "{called:?}");
}

#[test]
fn a_full_disk_refuses_changes_and_what_ran_still_runs() {
    let node = Node::start_with_files_of(4 << 10);
    let small = padded(&node, 1);
    node.json(&["deploy", &small, "--name", "shapes", "--version", "1.0.0"]);
    answers(&node);

    let large = padded(&node, 6 << 20);
    for words in [
        ["push", &large, "--name", "shapes", "--version", "2.0.0"],
        ["deploy", &large, "--name", "other", "--version", "1.0.0"],
    ] {
        let refused = node.refused(9, &words);
        assert!(refused["message"].as_str().unwrap().contains("no room"), "{refused}");
        answers(&node);
    }
    assert_eq!(node.json(&["versions", "shapes"]).as_array().map(Vec::len), Some(1));
    let left = std::fs::read_dir(node.dir.path().join("blobs")).unwrap().count();

    // Configurations fill the records' file until it may not grow any more.
    let mut filled = None;
    for round in 0..200 {
        let config = format!("{{\"round\": {round}, \"text\": \"{}\"}}", "x".repeat(50 << 10));
        let config = write(&node, "config.json", config.as_bytes());
        let updated = node.run(&["update", "shapes", "--config", &config, "--output", "json"]);
        match updated.code {
            Some(0) => {}
            code => {
                filled = Some((round, code));
                break;
            }
        }
    }
    assert!(matches!(filled, None | Some((_, Some(6 | 9)))), "{filled:?}");
    answers(&node);
    let node = Node::start_on(node.kill());
    answers(&node);
    node.json(&["push", &padded(&node, 2), "--name", "shapes", "--version", "2.0.0"]);
    assert_eq!(std::fs::read_dir(node.dir.path().join("blobs")).unwrap().count(), left + 1);
}

/// A disk that is wholly full has no room for one file more: what is written at each start has its own from then on.
#[test]
fn what_a_node_says_of_itself_is_written_where_the_one_before_had_written_it() {
    let number = |file: PathBuf| std::fs::metadata(file).ok().map(|data| data.ino());
    let of_node = |dir: &Path| number(dir.join("node.json"));
    let node = Node::start();
    let first = of_node(node.dir.path());
    assert!(first.is_some());
    let node = Node::start_on(node.kill());
    assert_eq!(of_node(node.dir.path()), first, "after a kill");
    let dir = node.stop();
    assert_eq!(of_node(dir.path()), None, "a client finds nobody");
    let asked = run_with(&["list"], |list| {
        list.env("AIRSSYS_WASM_DATA", dir.path());
    });
    assert_eq!(asked.code, Some(7), "{asked:?}");
    let node = Node::start_on(dir);
    assert_eq!(of_node(node.dir.path()), first, "after a stop");
    let file = std::fs::read(node.dir.path().join("node.json")).unwrap();
    serde_json::from_slice::<serde_json::Value>(&file).expect("nothing of the one before is left");
    node.json(&["list"]);
}
