//! `cargo xtask tidy`: the house rules that neither the compiler nor clippy can hold.
//!
//! It reads what git tracks and changes nothing. Every finding names its file and what to do about it.

mod contract;
mod dependencies;
mod files;
mod guests;
mod promises;
mod words;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Checks every rule and prints what breaks one.
pub(crate) fn run() -> Result<()> {
    let sources = sources()?;
    let mut findings = dependencies::check(&sources)?;
    findings.extend(contract::check(&sources));
    findings.extend(files::check(&sources));
    findings.extend(guests::check(&sources)?);
    findings.extend(promises::check(&sources));
    findings.extend(words::check(&sources)?);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} finding(s)", findings.len());
    }
    println!("{} files tidy", sources.len());
    Ok(())
}

/// A tracked text file.
struct Source {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn is_under(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }
}

/// Every text file git tracks or would track, so that a new file is checked before its first commit.
fn sources() -> Result<Vec<Source>> {
    let listed = shell::read(shell::program("git").args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))
    .context("tidy checks what git tracks")?;
    let root = shell::root();
    let read = |path: &str| {
        let bytes = fs::read(root.join(PathBuf::from(path))).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        Some(Source { path: path.to_owned(), text })
    };
    Ok(listed.lines().filter_map(read).collect())
}
