//! Says `cfg(actor)` where the manifest makes the component an actor: a state is part of a Rust component's type, and
//! one that has a state runs as nothing else.

use std::fs;

fn main() {
    println!("cargo::rerun-if-changed=Component.toml");
    let manifest = fs::read_to_string("Component.toml").expect("a project has its Component.toml");
    let is_actor = manifest.lines().any(|line| {
        line.split_once('=').is_some_and(|(key, value)| {
            key.trim() == "model" && value.trim().starts_with("\"actor\"")
        })
    });
    if is_actor {
        println!("cargo::rustc-cfg=actor");
    }
}
