//! Files against an oracle.

use rand::Rng;
use rand::rngs::SmallRng;

use super::{for_seeds, grants, pick, some};
use crate::capability::{Access, Asked, FileAccess, FilesAsk, Rights};

const NAMES: [&str; 5] = ["a", "b", "ab", "a.txt", "x.txt"];
const PARTS: [&str; 9] = ["a", "b", "ab", "*", "**", "*.txt", "a*", "?", "a*t"];
const WORDS: [(Access, &str, &str); 6] = [
    (Access::Read, "read", "rl"),
    (Access::Write, "write", "mcd"),
    (Access::List, "list", "l"),
    (Access::Create, "create", "c"),
    (Access::Delete, "delete", "d"),
    (Access::Modify, "modify", "m"),
];
const BITS: [(FileAccess, char); 5] = [
    (FileAccess::READ, 'r'),
    (FileAccess::LIST, 'l'),
    (FileAccess::MODIFY, 'm'),
    (FileAccess::CREATE, 'c'),
    (FileAccess::DELETE, 'd'),
];

type Word = (Access, &'static str, &'static str);

struct Case {
    asks: Vec<(String, Vec<Word>)>,
    grants: Vec<(String, Vec<Word>)>,
}

fn path(rng: &mut SmallRng, parts: &[&str], most: usize) -> String {
    let count = rng.random_range(0..=most);
    let parts: Vec<_> = (0..count).map(|_| *pick(rng, parts)).collect();
    format!("/{}", parts.join("/"))
}

impl Case {
    fn draw(rng: &mut SmallRng, grants: usize) -> Self {
        let asks = rng.random_range(1..4);
        Self {
            asks: (0..asks).map(|_| (path(rng, &PARTS, 4), some(rng, &WORDS))).collect(),
            grants: (0..grants).map(|_| (path(rng, &NAMES, 2), some(rng, &WORDS))).collect(),
        }
    }

    /// What both sides give, with whatever one of them leaves out.
    fn rights(&self) -> Rights {
        let ask = |(path, words): &(String, Vec<Word>)| FilesAsk {
            path: path.clone(),
            access: words.iter().map(|(word, ..)| *word).collect(),
            reason: String::new(),
        };
        let asked = Asked { files: self.asks.iter().map(ask).collect(), ..Asked::default() };
        let text = |(at, (guest, words)): (usize, &(String, Vec<Word>))| {
            let words: Vec<_> = words.iter().map(|(_, word, _)| *word).collect();
            format!("files:/srv/{at}={guest}:{}", words.join(","))
        };
        let granted = grants(&self.grants.iter().enumerate().map(text).collect::<Vec<_>>());
        Rights::meet3(&asked, &granted, &granted)
    }

    fn is_asked(&self, path: &[&str], bit: char) -> bool {
        self.asks.iter().any(|(pattern, words)| {
            let mut parts = split(pattern);
            if !pattern.contains(['*', '?']) {
                parts.push("**");
            }
            has(words, bit) && walk(&parts, path)
        })
    }

    fn is_granted(&self, path: &[&str], bit: char) -> bool {
        self.grants.iter().any(|(guest, words)| has(words, bit) && path.starts_with(&split(guest)))
    }
}

pub(super) fn split(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

fn has(words: &[Word], bit: char) -> bool {
    words.iter().any(|(_, _, bits)| bits.contains(bit))
}

/// The definition of a glob, as plainly as it can be said.
pub(super) fn walk(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), None) => walk(rest, path),
        (Some((&"**", rest)), Some((_, tail))) => walk(rest, path) || walk(pattern, tail),
        (Some((part, rest)), Some((name, tail))) => {
            like(part.as_bytes(), name.as_bytes()) && walk(rest, tail)
        }
        _ => false,
    }
}

pub(super) fn like(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => like(rest, name),
        (Some((b'*', rest)), Some((_, tail))) => like(rest, name) || like(pattern, tail),
        (Some((b'?', rest)), Some((_, tail))) => like(rest, tail),
        (Some((wanted, rest)), Some((found, tail))) => wanted == found && like(rest, tail),
        _ => false,
    }
}

#[test]
fn files_are_never_allowed_that_one_side_did_not_name() {
    for_seeds(400, |rng| {
        let count = rng.random_range(1..4);
        let case = Case::draw(rng, count);
        let rights = case.rights();
        for _ in 0..40 {
            let path = path(rng, &NAMES, 5);
            for (access, bit) in BITS {
                if rights.directories.check(&path, access).is_allowed() {
                    let parts = split(&path);
                    assert!(case.is_asked(&parts, bit), "{path} {access:?} was not asked");
                    assert!(case.is_granted(&parts, bit), "{path} {access:?} was not granted");
                }
            }
        }
    });
}

#[test]
fn files_that_both_sides_name_are_allowed() {
    for_seeds(400, |rng| {
        // Of several grants the one whose directory is deepest decides, as with mounts.
        let case = Case::draw(rng, 1);
        let rights = case.rights();
        for _ in 0..40 {
            let path = path(rng, &NAMES, 5);
            let parts = split(&path);
            for (access, bit) in BITS {
                // An ask and a grant that share nothing else give no right to this either.
                let both = case.asks.iter().any(|ask| {
                    let one = Case { asks: vec![ask.clone()], grants: case.grants.clone() };
                    one.is_asked(&parts, bit) && one.is_granted(&parts, bit)
                });
                let allowed = rights.directories.check(&path, access).is_allowed();
                assert_eq!(allowed, both, "{path} {access:?}");
            }
        }
    });
}

#[test]
fn what_may_be_used_can_be_reached() {
    for_seeds(200, |rng| {
        let rights = Case::draw(rng, 1).rights();
        for _ in 0..40 {
            let path = path(rng, &NAMES, 5);
            let Some((directory, relative)) = rights.directories.find(&path) else { continue };
            if directory.access(relative).is_empty() {
                continue;
            }
            for (at, _) in relative.match_indices('/') {
                assert!(directory.leads_through(&relative[..at]), "{path}: {}", &relative[..at]);
            }
        }
    });
}
