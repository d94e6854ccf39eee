//! What must not be in a tracked file: a path of someone's machine, a lock file that names another
//! registry than the public one, or a word of one's own workplace.
//!
//! Workplace words can't be listed here without being in a tracked file themselves; each developer may
//! keep theirs, one a line, in `.git/info/tidy-words`.

use std::fs;

use anyhow::Result;

use super::Source;
use crate::shell;

/// Beginnings of paths that exist on one machine only. Written in two parts, so that this file passes.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("C:\\Us", "ers\\"),
];

/// Where locked packages come from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Findings in every tracked text file.
pub(super) fn check(sources: &[Source]) -> Result<Vec<String>> {
    let own = own_words()?;
    let mut findings = Vec::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            let at = format!("{}:{}", source.path, number + 1);
            if let Some(path) = MACHINE_PATHS.iter().find(|path| line.contains(**path)) {
                findings.push(format!("{at}: `{path}` is a path of one machine"));
            }
            if let Some(word) = own.iter().find(|word| line.to_lowercase().contains(*word)) {
                findings.push(format!("{at}: `{word}` is a word of `.git/info/tidy-words`"));
            }
            if names_other_registry(&source.path, line) {
                findings.push(format!("{at}: locked to another registry than crates.io"));
            }
        }
    }
    Ok(findings)
}

fn names_other_registry(path: &str, line: &str) -> bool {
    path.ends_with("Cargo.lock") && line.starts_with("source = ") && !line.contains(CRATES_IO)
}

/// The developer's own words, in lower case; none when there is no such file.
fn own_words() -> Result<Vec<String>> {
    let git =
        shell::read(shell::program("git").args(["rev-parse", "--git-path", "info/tidy-words"]))?;
    let Ok(text) = fs::read_to_string(shell::root().join(git.trim())) else {
        return Ok(Vec::new());
    };
    let words = text.lines().map(|line| line.trim().to_lowercase());
    Ok(words.filter(|word| !word.is_empty()).collect())
}
