//! Every test that `docs/SPECIFICATION.md` names exists: a promise held by a test that was renamed is held
//! by nothing.

use super::Source;

const SPECIFICATION: &str = "docs/SPECIFICATION.md";

/// A finding for each test that is named and not there.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let specification = sources.iter().find(|source| source.path == SPECIFICATION);
    let Some(specification) = specification else {
        return vec![format!("{SPECIFICATION} is missing")];
    };
    let missing = named(&specification.text).filter(|name| !exists(sources, name));
    missing.map(|name| format!("{SPECIFICATION}: there is no test `{name}`")).collect()
}

/// What stands in backticks and reads like a test's name: a sentence in snake case.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let is_sentence = |word: &&str| {
        word.matches('_').count() >= 3
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    text.split('`').skip(1).step_by(2).filter(is_sentence)
}

fn exists(sources: &[Source], name: &str) -> bool {
    let function = format!("fn {name}()");
    sources.iter().any(|source| source.is_rust() && source.text.contains(&function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sentences_in_backticks_are_taken_for_tests() {
        let text = "| it holds | `a_call_is_not_lost`, `bench switch`, `kill -9`, a_b_c_d |";
        assert_eq!(named(text).collect::<Vec<_>>(), ["a_call_is_not_lost"]);
    }
}
