//! Files: a header that says what the file owns, and a length one can read at a sitting.

use super::Source;

/// Past this a file is shown. The median the project aims at is 100 to 150 lines.
const LONG: usize = 400;

/// Past this a file is refused: no one reads it whole any more.
const TOO_LONG: usize = 1000;

/// Findings in Rust files; long files are printed, not refused.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let lines = source.text.lines().count();
        if lines > TOO_LONG {
            findings.push(format!("{}: {lines} lines; split it by what it owns", source.path));
        } else if lines > LONG {
            println!("{}: {lines} lines, longer than {LONG}", source.path);
        }
        if needs_header(&source.path) && !has_header(&source.text) {
            let path = &source.path;
            findings.push(format!("{path}: begins without `//!`; say what the file owns"));
        }
    }
    findings
}

/// What a user would start from has no header of ours: templates, and the cases of compile errors,
/// whose expected messages carry line numbers.
fn needs_header(path: &str) -> bool {
    !["/templates/", "/tests/ui/", "/tests/cases/"].iter().any(|folder| path.contains(folder))
}

fn has_header(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!"));
    first.is_none_or(|line| line.starts_with("//!"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_may_follow_inner_attributes() {
        assert!(has_header("#![forbid(unsafe_code)]\n\n//! Owns names.\n"));
        assert!(!has_header("use std::fs;\n//! Too late.\n"));
    }
}
