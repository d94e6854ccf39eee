//! The example does what its first line says.

use std::path::{Path, PathBuf};
use std::process::Command;

fn guest(name: &str) -> PathBuf {
    let built = "../../examples/guests/target/wasm32-wasip2/release";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(built).join(format!("{name}.wasm"));
    assert!(path.exists(), "there is no guest {name}: run `cargo xtask guests` first");
    path
}

#[test]
fn the_embedded_plugin_is_called_and_swapped_between_two_calls() {
    let output = Command::new(env!("CARGO_BIN_EXE_embed"))
        .args([guest("word_counter_v1"), guest("word_counter_v2")])
        .arg("one two three")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let (before, after) = said.split_once("swapped to ").expect("the version was swapped");
    let first = r#"{"lines":1,"words":3}"#;
    let second = r#"{"lines":1,"words":3,"bytes":0}"#;
    let calls = |calls: [u8; 3], answer: &str| calls.map(|call| format!("call {call}: {answer}\n"));
    assert_eq!(before, calls([1, 2, 3], first).concat());
    let (_version, after) = after.split_once('\n').expect("a line for itself");
    assert_eq!(after, calls([4, 5, 6], second).concat());
}

#[test]
fn a_call_without_plugins_says_how_it_is_called() {
    let output = Command::new(env!("CARGO_BIN_EXE_embed")).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("usage: embed OLD.wasm NEW.wasm"));
}
