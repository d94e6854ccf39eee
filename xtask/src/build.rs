//! Building binaries, and knowing where cargo put them: a target directory can be set in many ways, and a
//! guessed path may hold yesterday's binary.
//!
//! Always of the whole workspace: its set of features is the one that the tests are built with, so that
//! whoever runs both compiles wasmtime once, and what is measured has the features of what is tested.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// The binaries that a build left, by their names.
pub(crate) struct Binaries(Vec<PathBuf>);

/// Builds with these arguments, such as `--bins` and `--release`.
pub(crate) fn binaries(args: &[&str]) -> Result<Binaries> {
    let said = shell::read(
        shell::cargo()
            .args(["build", "--workspace"])
            .args(args)
            .arg("--message-format=json-render-diagnostics")
            .stderr(Stdio::inherit()),
    )?;
    Ok(Binaries(executables(&said)))
}

impl Binaries {
    /// The one of this name.
    pub(crate) fn named(&self, name: &str) -> Result<&Path> {
        let found = self.0.iter().find(|path| path.file_stem().is_some_and(|stem| stem == name));
        Ok(found.with_context(|| format!("cargo built no `{name}`"))?)
    }
}

fn executables(messages: &str) -> Vec<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|said| said["executable"].as_str().map(PathBuf::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_is_where_cargo_says_it_put_it() {
        let said = r#"{"reason":"compiler-artifact","executable":null,"filenames":["/t/liba.rlib"]}
{"reason":"compiler-artifact","executable":"/elsewhere/release/airssys-wasm-bench"}
{"reason":"compiler-artifact","executable":"/elsewhere/release/airssys-wasm"}
not json
{"reason":"build-finished","success":true}"#;
        let built = Binaries(executables(said));
        let path = built.named("airssys-wasm").unwrap();
        assert_eq!(path, Path::new("/elsewhere/release/airssys-wasm"));
        assert!(built.named("airssys").is_err());
    }
}
