//! In which directory a path lies, and paths that lie in none.

use rand::Rng;
use rand::rngs::SmallRng;

use super::{for_seeds, grants, pick};
use crate::capability::{Asked, FileAccess, Rights};

const DIRS: [&str; 4] = ["a", "b", "ab", "a/b"];
const PIECES: [&str; 12] = ["a", "b", "ab", "a/b", "", ".", "..", "...", ".a", "\0", "a\0", "é"];

fn path(rng: &mut SmallRng, pieces: &[&str], most: usize) -> String {
    let count = rng.random_range(0..=most);
    format!("/{}", (0..count).map(|_| *pick(rng, pieces)).collect::<Vec<_>>().join("/"))
}

fn rights(guests: &[String]) -> Rights {
    let text = |(at, guest)| format!("files:/srv/{at}={guest}:read,write");
    let granted = grants(&guests.iter().enumerate().map(text).collect::<Vec<_>>());
    Rights::intersect(&Asked::unstated(), &granted).unwrap()
}

/// What is left of the path below the directory, if it lies there.
fn below<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    match (path, dir) {
        (_, "/") => path.strip_prefix('/'),
        _ if path == dir => Some(""),
        _ => path.strip_prefix(dir)?.strip_prefix('/'),
    }
}

#[test]
fn a_path_lies_in_the_deepest_directory_that_holds_it() {
    for_seeds(2_000, |rng| {
        let guests: Vec<String> =
            (0..rng.random_range(0..5)).map(|_| path(rng, &DIRS, 2)).collect();
        let directories = rights(&guests).directories;
        for _ in 0..20 {
            let mut path = path(rng, &PIECES, 5);
            if rng.random_ratio(1, 20) {
                path.remove(0);
            }
            let holding = guests.iter().filter_map(|dir| Some((dir.as_str(), below(&path, dir)?)));
            let deepest = holding.max_by_key(|(dir, _)| dir.trim_end_matches('/').len());
            let found = directories.find(&path);
            let found = found.map(|(directory, relative)| (directory.guest.as_str(), relative));
            assert_eq!(found, deepest.filter(|_| path.starts_with('/')), "{path:?} in {guests:?}");
        }
    });
}

#[test]
fn of_two_directories_at_one_place_the_first_that_was_granted_is_seen() {
    let directories = rights(&["/a".to_owned(), "/b".to_owned(), "/a".to_owned()]).directories;
    assert_eq!(directories.find("/a/x").unwrap().0.host, "/srv/0");
}

#[test]
fn a_path_that_is_not_normal_is_denied_whatever_is_granted() {
    let rights = rights(&["/".to_owned()]);
    let directory = rights.directories.iter().next().unwrap();
    for_seeds(5_000, |rng| {
        let absolute = path(rng, &PIECES, 5);
        let relative = &absolute[1..];
        let is_odd = |name: &str| matches!(name, "" | "." | "..") || name.contains('\0');
        let is_normal = relative.is_empty() || !relative.split('/').any(is_odd);
        let used = if is_normal { FileAccess::ALL } else { FileAccess::NONE };
        assert_eq!(directory.access(relative), used, "{relative:?}");
        assert_eq!(directory.leads_through(relative), is_normal, "{relative:?}");
        for access in [FileAccess::NONE, FileAccess::READ, FileAccess::ALL] {
            assert_eq!(directory.check(relative, access).is_allowed(), is_normal, "{relative:?}");
            assert_eq!(
                rights.directories.check(&absolute, access).is_allowed(),
                is_normal,
                "{absolute:?}"
            );
        }
    });
}

#[test]
fn a_path_may_be_as_long_as_the_system_has_them_and_no_longer() {
    let rights = rights(&["/".to_owned()]);
    let directory = rights.directories.iter().next().unwrap();
    let longest = format!("{}/b", "a".repeat(4_094));
    assert!(directory.check(&longest, FileAccess::ALL).is_allowed());
    assert!(!directory.check(&(longest + "b"), FileAccess::READ).is_allowed());
}
