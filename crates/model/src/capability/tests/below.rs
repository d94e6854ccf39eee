//! What is said of all below a directory, held against each path there.

use rand::Rng;
use rand::rngs::SmallRng;

use super::super::{Access, Asked, DirectoryRight, FileAccess, FilesAsk, Grants, Rights};
use super::{for_seeds, pick};

const GLOBS: [&str; 7] = ["a", "b", "*", "**", "*.txt", "a*", "?"];
const NAMES: [&str; 5] = ["a", "b", "ab", "c.txt", "x"];
const WORDS: [Access; 5] =
    [Access::Read, Access::List, Access::Modify, Access::Create, Access::Delete];

fn joined(random: &mut SmallRng, from: &[&str], least: usize) -> String {
    let count = random.random_range(least..5);
    let parts: Vec<&str> = (0..count).map(|_| *pick(random, from)).collect();
    parts.join("/")
}

/// The directory `/d` with some rules.
fn directory(random: &mut SmallRng) -> DirectoryRight {
    let ask = |path, access| FilesAsk { path, access: vec![access], reason: "any".into() };
    let mut files = vec![ask("/d/*.none".to_owned(), Access::List)];
    for _ in 0..random.random_range(0..4) {
        let path = format!("/d/{}", joined(random, &GLOBS, 1));
        files.push(ask(path, *pick(random, &WORDS)));
    }
    let grants = Grants(vec!["files:/srv=/d:read,write".parse().unwrap()]);
    let rights = Rights::intersect(&Asked { files, ..Asked::default() }, &grants).unwrap();
    rights.directories.iter().find(|right| right.guest == "/d").unwrap().clone()
}

#[test]
fn what_holds_below_a_directory_holds_for_each_path_in_it() {
    for_seeds(5_000, |random| {
        let right = directory(random);
        let dir = joined(random, &NAMES, 0);
        let below = joined(random, &NAMES, 1);
        let path = if dir.is_empty() { below } else { format!("{dir}/{below}") };
        let (some, every) = (right.somewhere_below(&dir), right.everywhere_below(&dir));
        let there = right.access(&path);
        assert!(some.contains(there), "{path} below {dir} in {right:?}: {there:?} in {some:?}");
        assert!(there.contains(every), "{path} below {dir} in {right:?}: {every:?} in {there:?}");
    });
}

#[test]
fn a_whole_directory_is_the_same_all_the_way_down() {
    let grants = Grants(vec!["files:/srv=/d:read,write".parse().unwrap()]);
    let rights = Rights::intersect(&Asked::unstated(), &grants).unwrap();
    let right = rights.directories.iter().next().unwrap();
    for path in ["", "a", "a/b"] {
        let all = (right.access(path), right.somewhere_below(path), right.everywhere_below(path));
        assert_eq!(all, (FileAccess::ALL, FileAccess::ALL, FileAccess::ALL), "{path}");
    }
}
