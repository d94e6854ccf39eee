//! The library that builds in Python begin with is what the pinned zig makes of its source.

use std::path::Path;
use std::process::Command;

use airssys_wasm_languages::Language;

use crate::guest::{fetch, repository};

const FOLDER: &str = "crates/languages/src/build/python/still";

/// What each file is compiled with. Without its knowledge of libc's functions the compiler would see nobody read what
/// is emptied, and leave it full.
const COMPILED: [&str; 9] = [
    "cc",
    "-target",
    "wasm32-wasi",
    "-Oz",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-stack-protector",
    "-fno-builtin",
    "-c",
];

/// What all of it is linked with. Its functions of libc and of Python are found when a component is.
const LINKED: [&str; 5] = [
    "wasm-ld",
    "-shared",
    "--experimental-pic",
    "--unresolved-symbols=import-dynamic",
    "--strip-all",
];

/// `UPDATE_STILL=1` writes it.
#[test]
fn the_library_of_a_build_in_python_is_what_its_source_gives() {
    fetch(Language::C);
    let folder = repository().join(FOLDER);
    let made = tempfile::tempdir().unwrap();
    let mut sources: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".c"))
        .collect();
    sources.sort();
    let object = |source: &String| made.path().join(format!("{source}.o"));
    for source in &sources {
        zig(&folder, &[&COMPILED, &[source, "-o", object(source).to_str().unwrap()][..]].concat());
    }
    let objects: Vec<_> =
        sources.iter().map(|source| object(source).display().to_string()).collect();
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let library = made.path().join("still.wasm");
    zig(&folder, &[&LINKED, &objects[..], &["-o", library.to_str().unwrap()]].concat());
    let library = std::fs::read(library).unwrap();
    let kept = folder.join("still.wasm");
    if std::env::var_os("UPDATE_STILL").is_some() {
        std::fs::write(&kept, library).unwrap();
        return;
    }
    assert!(library == std::fs::read(kept).unwrap(), "UPDATE_STILL=1 writes it anew");
}

fn zig(folder: &Path, words: &[&str]) {
    let zig = repository().join("target/toolchains/zig-0.17.1/ziglang/zig");
    let ended = Command::new(zig).args(words).current_dir(folder).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
