//! The contract with guests stands in `wit/` and, word for word, in each crate that is built from it: a
//! published crate holds what lies in its own folder alone.

use super::Source;

/// Where it is written.
const SOURCE: &str = "wit/";

/// Where it is copied to.
const COPIES: [&str; 2] = ["crates/sdk/wit/", "crates/host/wit/"];

/// Where the other languages' world has its own package among those that it names.
const PACKAGE: &str = "crates/languages/wit/deps/component/";

/// A finding for each copy that differs, is missing, or has no original.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let written = files(sources, SOURCE);
    let own: Vec<_> = written.iter().copied().filter(|(name, _)| !name.contains('/')).collect();
    let whole = COPIES.iter().flat_map(|copy| differing(sources, &written, copy, SOURCE));
    whole.chain(differing(sources, &own, PACKAGE, "wit/*.wit")).collect()
}

fn differing(sources: &[Source], written: &[(&str, &str)], copy: &str, what: &str) -> Vec<String> {
    let copied = files(sources, copy);
    let how = format!("`rm -r {copy} && cp -r {what} {copy}`");
    let stale = written.iter().filter(|file| !copied.contains(file));
    let foreign = copied.iter().filter(|(name, _)| !written.iter().any(|(own, _)| own == name));
    stale
        .map(|(name, _)| format!("{copy}{name}: is not as in {SOURCE}; {how}"))
        .chain(foreign.map(|(name, _)| format!("{copy}{name}: is not in {SOURCE}; {how}")))
        .collect()
}

/// Names below the folder, and texts.
fn files<'a>(sources: &'a [Source], folder: &str) -> Vec<(&'a str, &'a str)> {
    let within = |source: &'a Source| Some((source.path.strip_prefix(folder)?, &*source.text));
    sources.iter().filter_map(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_copy_that_differs_lacks_or_adds_a_file_is_found() {
        let mut sources = vec![
            source("wit/types.wit", "a"),
            source("crates/sdk/wit/types.wit", "a"),
            source("crates/host/wit/types.wit", "a"),
            source("crates/languages/wit/deps/component/types.wit", "a"),
        ];
        assert!(check(&sources).is_empty());
        sources[1].text = "b".to_owned();
        assert_eq!(check(&sources).len(), 1);
        sources[1].path = "crates/sdk/wit/other.wit".to_owned();
        assert_eq!(check(&sources).len(), 2);
    }
}
