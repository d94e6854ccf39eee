//! Texts, each with what it stands for: found as a whole, or as what another text begins or ends with.
//!
//! A lookup hashes once, and once for each length that might fit, however many texts there are. Operators and authors
//! of components write the texts; they are as many as their grants and asks.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Texts with values. The hash has a seed of its own, so that no author of a manifest can choose texts that collide;
/// what is found does not depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts<T> {
    values: HashMap<Box<str>, T, RandomState>,
    /// Each length once, the longest first.
    lengths: Vec<usize>,
}

impl<T> Texts<T> {
    /// What the text stands for, which is `value` if it stood for nothing yet.
    pub(super) fn or_insert(&mut self, text: &str, value: T) -> &mut T {
        if let Err(at) = self.lengths.binary_search_by(|length| text.len().cmp(length)) {
            self.lengths.insert(at, text.len());
        }
        self.values.entry(text.into()).or_insert(value)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What this text stands for.
    #[inline]
    pub(super) fn get(&self, text: &str) -> Option<&T> {
        self.values.get(text)
    }

    /// What the texts stand for that this one begins with, the longest first, each with what is left behind it.
    /// Where `fits` refuses what would be left, nothing is looked up.
    #[inline]
    pub(super) fn beginning<'a, 't>(
        &'a self,
        text: &'t str,
        fits: impl Fn(&str) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a T, &'t str)>
    where
        't: 'a,
    {
        self.lengths.iter().filter_map(move |length| {
            let (head, rest) = text.split_at_checked(*length)?;
            let value = if fits(rest) { self.get(head) } else { None };
            Some((value?, rest))
        })
    }

    /// What the texts stand for that this one ends with.
    #[inline]
    pub(super) fn ending<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a T> {
        self.lengths.iter().filter_map(move |length| {
            let (_, tail) = text.split_at_checked(text.len().checked_sub(*length)?)?;
            self.get(tail)
        })
    }
}

impl<T> Default for Texts<T> {
    fn default() -> Self {
        Self { values: HashMap::default(), lengths: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(all: &[&'static str]) -> Texts<&'static str> {
        let mut texts = Texts::default();
        for text in all {
            texts.or_insert(text, *text);
        }
        texts
    }

    #[test]
    fn what_a_text_begins_with_is_found_the_longest_first() {
        let texts = texts(&["", "/a", "/a/b", "/é"]);
        let found = |text: &'static str| -> Vec<_> {
            let fits = |rest: &str| rest.is_empty() || rest.starts_with('/');
            texts.beginning(text, fits).map(|(value, rest)| (*value, rest)).collect()
        };
        assert_eq!(found("/a/b/c"), [("/a/b", "/c"), ("/a", "/b/c"), ("", "/a/b/c")]);
        assert_eq!(found("/a/bc"), [("/a", "/bc"), ("", "/a/bc")]);
        assert_eq!(found("/aé"), [("", "/aé")]);
        assert_eq!(found("/é"), [("/é", ""), ("", "/é")]);
        assert_eq!(found("ab"), []);
    }

    #[test]
    fn what_a_text_ends_with_is_found() {
        let texts = texts(&["txt", ".txt", ".rs", "é"]);
        let found = |text: &'static str| -> Vec<_> { texts.ending(text).copied().collect() };
        assert_eq!(found("a.txt"), [".txt", "txt"]);
        assert_eq!(found("txt"), ["txt"]);
        assert_eq!(found("café"), ["é"]);
        assert!(found("").is_empty() && found("éx").is_empty());
    }

    #[test]
    fn a_text_stands_for_what_it_stood_for_first() {
        let mut texts = texts(&["a"]);
        assert_eq!(*texts.or_insert("a", "b"), "a");
        assert_eq!((texts.get("a"), texts.get("b")), (Some(&"a"), None));
    }
}
