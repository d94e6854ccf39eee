//! What is compiled in by a build that names the component's version, as `airssys-wasm build` does.

use std::process::Command;

/// The child, which compiles with the variable the parent has set. Does nothing without it.
#[test]
#[ignore = "the child of `a_state_is_keyed_to_the_version_of_the_component`"]
fn child_compiles() {
    if std::env::var_os("AIRSSYS_WASM_COMPONENT_VERSION").is_some() {
        trybuild::TestCases::new().pass("tests/built/version.rs");
    }
}

/// Raising `version` in `Component.toml` alone must lead a saved state through its migration.
#[test]
fn a_state_is_keyed_to_the_version_of_the_component() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_compiles", "--ignored", "--nocapture"])
        .env("AIRSSYS_WASM_COMPONENT_VERSION", "7.8.9")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}
