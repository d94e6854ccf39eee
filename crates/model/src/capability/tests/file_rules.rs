//! Rules that are read all at once, against each glob by itself and as plainly as its meaning can be said.

use rand::Rng;
use rand::rngs::SmallRng;

use super::files::{like, split, walk};
use super::{for_seeds, pick};
use crate::capability::file_rules::FileRules;
use crate::capability::glob::PATH_MAX_BYTES;
use crate::capability::{FileAccess, Glob};

const PARTS: [&str; 14] =
    ["a", "b", "ab", "*", "*", "**", "**", "**", "*b", "a*", "b*", "?", "a*b", "?b*"];
const NAMES: [&str; 6] = ["a", "b", "ab", "ba", "abb", "c"];

type Rule = (String, FileAccess);

fn joined(rng: &mut SmallRng, from: &[&str], most: usize) -> Vec<String> {
    (0..rng.random_range(0..=most)).map(|_| (*pick(rng, from)).to_owned()).collect()
}

fn rule(rng: &mut SmallRng, glob: &[String]) -> Rule {
    (format!("/{}", glob.join("/")), *pick(rng, &FileAccess::EACH))
}

fn compile(rules: &[Rule]) -> FileRules {
    let parse = |(glob, access): &Rule| (Glob::parse_absolute(glob).unwrap(), *access);
    FileRules::compile(&rules.iter().map(parse).collect::<Vec<_>>())
}

/// Whether some path below this one can fall under the glob.
fn leads(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, _) => false,
        (Some((&"**", _)), _) | (Some(_), None) => true,
        (Some((part, rest)), Some((name, tail))) => {
            like(part.as_bytes(), name.as_bytes()) && leads(rest, tail)
        }
    }
}

/// Whether the glob is for a whole directory, and the path lies in it.
fn is_all_in(pattern: &[&str], path: &[&str]) -> bool {
    let is_name = |part: &&str| !part.contains(['*', '?']);
    pattern.split_last().is_some_and(|(last, names)| {
        *last == "**" && names.iter().all(is_name) && path.starts_with(names)
    })
}

fn assert_is_each(rules: &[Rule], together: &FileRules, path: &str) {
    let each = |holds: fn(&[&str], &[&str]) -> bool| {
        let all = rules.iter().filter(|(glob, _)| {
            let mut parts = split(glob);
            if !glob.contains(['*', '?']) {
                parts.push("**");
            }
            holds(&parts, &split(path))
        });
        all.fold(FileAccess::NONE, |all, (_, access)| all.or(*access))
    };
    let shown = &rules[..rules.len().min(8)];
    assert_eq!(together.access(path), each(walk), "{path} by {shown:?}");
    assert_eq!(together.somewhere_below(path), each(leads), "below {path} by {shown:?}");
    assert_eq!(together.everywhere_below(path), each(is_all_in), "all below {path} by {shown:?}");
}

#[test]
fn rules_together_allow_what_each_of_them_does() {
    for_seeds(2_000, |rng| {
        let rules: Vec<Rule> = (0..rng.random_range(0..6))
            .map(|_| {
                let glob = joined(rng, &PARTS, 6);
                rule(rng, &glob)
            })
            .collect();
        let together = compile(&rules);
        assert_is_each(&rules, &together, "");
        for _ in 0..20 {
            assert_is_each(&rules, &together, &joined(rng, &NAMES, 7).join("/"));
        }
    });
}

/// Of which each has two places and more: they don't fit into one row, nor into two.
const MANY: usize = 3_000;

#[test]
fn rules_past_the_width_of_a_row_are_as_good_as_those_in_it() {
    for_seeds(3, |rng| {
        let first = |rng: &mut SmallRng| format!("n{}", rng.random_range(0..MANY / 4));
        let rules: Vec<Rule> = (0..MANY)
            .map(|_| {
                let glob = [vec![first(rng)], joined(rng, &PARTS, 4)].concat();
                rule(rng, &glob)
            })
            .collect();
        let together = compile(&rules);
        for _ in 0..15 {
            let path = [vec![first(rng)], joined(rng, &NAMES, 4)].concat();
            assert_is_each(&rules, &together, &path.join("/"));
        }
    });
}

#[test]
fn the_longest_globs_and_paths_are_told_apart_by_one_name() {
    for_seeds(10, |rng| {
        let names: Vec<&str> =
            (0..PATH_MAX_BYTES / 2).map(|_| *pick(rng, &["a", "b", "c"])).collect();
        let like =
            |rng: &mut SmallRng, name: &&str| (*pick(rng, &[*name, *name, "?", "*"])).to_owned();
        let longest: Vec<String> = names.iter().map(|name| like(rng, name)).collect();
        let mut rules = vec![rule(rng, &longest)];
        for _ in 0..3 {
            let ends = joined(rng, &["a", "b", "?", "*"], 3);
            rules.push(rule(rng, &[vec!["**".to_owned()], ends].concat()));
        }
        let together = compile(&rules);
        let at = rng.random_range(0..names.len());
        let mut other = names.clone();
        other[at] = "d";
        for path in [&names[..], &other, &names[..at]] {
            assert_is_each(&rules, &together, &path.join("/"));
        }
    });
}
