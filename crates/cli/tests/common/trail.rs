//! The audit trail of a node, asked for by its verb.

use std::path::Path;

use serde_json::Value;

use super::{Node, run_with};

/// The latest entries that are asked for in these words.
#[track_caller]
pub(crate) fn trail(node: &Node, words: &[&str]) -> Vec<Value> {
    let words = [&["audit", "--tail", "1000", "--output", "json"], words].concat();
    let ended = node.run(&words);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Has the trail of this data directory verified, by its node if that runs.
pub(crate) fn verify(dir: &Path, words: &[&str]) -> (Option<i32>, Value) {
    let words = [&["audit", "--verify", "--output", "json"], words].concat();
    let ended = run_with(&words, |command| {
        command.env("AIRSSYS_WASM_DATA", dir);
    });
    let report = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
    (ended.code, report)
}
