//! Every guest under `guests/` is named by a test: a guest no test calls proves nothing and rots.

use anyhow::Result;

use super::Source;
use crate::guests;

/// A finding for each guest that no test names.
pub(super) fn check(sources: &[Source]) -> Result<Vec<String>> {
    let tests: Vec<&Source> = sources.iter().filter(|source| is_test(source)).collect();
    let guests = guests::list("guests")?;
    let unnamed = guests.iter().filter(|guest| {
        let plain = guest.name.replace('-', "_");
        !tests.iter().any(|test| names(&test.text, &guest.name) || names(&test.text, &plain))
    });
    Ok(unnamed.map(|guest| format!("guests/{}: no test names it", guest.name)).collect())
}

/// A Rust file with tests, outside the guests themselves.
fn is_test(source: &Source) -> bool {
    source.is_rust()
        && !source.is_under("guests/")
        && (source.text.contains("#[test]") || source.text.contains("::test"))
}

/// The name as a word of its own: `echo` is not named by `echo-http`.
fn names(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_name_does_not_count_for_a_shorter_one() {
        assert!(names(r#"guest("echo")"#, "echo"));
        assert!(!names(r#"guest("echo-http")"#, "echo"));
    }
}
