//! Globs over file paths: `*` is any one name, `**` any number of them, and inside a name `*` and `?`.
//!
//! Matching allocates nothing and goes back to the last `**` only, which is enough because what stands
//! between two of them is matched name by name: the time is bounded by the product of the two lengths.

use std::fmt;

/// A glob below some directory, without a leading slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    /// The names before the first wildcard, joined by `/`: most paths are told apart here.
    prefix: Box<str>,
    rest: Box<[Segment]>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Segment {
    /// `**`
    Deep,
    /// `*`
    Any,
    Literal(Box<str>),
    /// `*.txt`, by what follows its star.
    Ending(Box<str>),
    Like(Box<str>),
}

/// The longest glob and the longest path that is matched: Linux' `PATH_MAX`.
pub(super) const PATH_MAX_BYTES: usize = 4096;

/// Why a text is no glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// It would be relative to nothing.
    #[error("it does not begin with `/`")]
    Relative,
    /// `.`, `..`, or nothing between two slashes.
    #[error("it has an empty, `.` or `..` part")]
    Part,
    /// A character that other globs give a meaning to, and this one does not.
    #[error("`[`, `]`, `{{`, `}}`, `\\` and NUL can't be in it: use `*`, `**` and `?`")]
    Character,
    /// `**` beside other characters.
    #[error("`**` stands for whole names: nothing can stand beside it")]
    Beside,
    /// Longer than any path.
    #[error("it is longer than {} bytes", PATH_MAX_BYTES)]
    TooLong,
}

impl Glob {
    /// Reads an absolute glob, and keeps it relative to `/`. A path without wildcards means the directory
    /// with all below it, as `/**` behind it would.
    pub fn parse_absolute(text: &str) -> Result<Self, GlobError> {
        if text.len() > PATH_MAX_BYTES {
            return Err(GlobError::TooLong);
        }
        let relative = text.strip_prefix('/').ok_or(GlobError::Relative)?;
        let mut parts: Vec<&str> = names(relative).collect();
        for part in &parts {
            check(part)?;
        }
        if !relative.contains(['*', '?']) {
            parts.push("**");
        }
        Ok(Self::of(&parts))
    }

    fn of(parts: &[&str]) -> Self {
        let literal = parts.iter().take_while(|part| !part.contains(['*', '?'])).count();
        let (prefix, rest) = parts.split_at(literal);
        Self {
            prefix: prefix.join("/").into(),
            rest: rest.iter().map(|part| Segment::of(part)).collect(),
        }
    }

    /// The names before the first wildcard, joined by `/`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether it is everything below its prefix.
    pub fn is_whole(&self) -> bool {
        *self.rest == [Segment::Deep]
    }

    /// Whether a path, relative and normalized, falls under it. The caller has refused `.`, `..` and empty
    /// names.
    pub fn matches(&self, path: &str) -> bool {
        match below(path, &self.prefix) {
            Some(rest) => {
                self.is_whole() || matches(&self.rest, (!rest.is_empty()).then_some(rest))
            }
            None => false,
        }
    }

    /// Whether something that falls under it can lie below the directory at `path`, so that a guest must
    /// be let through.
    pub fn leads_through(&self, path: &str) -> bool {
        if below(&self.prefix, path).is_some() {
            return !self.prefix.is_empty() && *path != *self.prefix || !self.rest.is_empty();
        }
        let Some(rest) = below(path, &self.prefix) else { return false };
        let mut pattern = self.rest.iter();
        for name in names(rest) {
            match pattern.next() {
                Some(Segment::Deep) => return true,
                Some(segment) if segment.matches(name) => {}
                _ => return false,
            }
        }
        pattern.next().is_some()
    }

    /// What of it lies below the directory `dir`, as globs relative to that: `**/a/*.txt` below `a` is
    /// itself and `*.txt`.
    pub(super) fn below(&self, dir: &str) -> Vec<Self> {
        let text = self.to_string();
        let parts: Vec<&str> = names(&text).collect();
        let mut at = vec![0];
        for name in names(dir) {
            at = step(&parts, &at, name);
        }
        at.into_iter().map(|at| Self::of(&parts[at..])).collect()
    }

    /// Whether all that falls under `other` surely falls under this one. Says no where it is not plain.
    pub fn covers(&self, other: &Self) -> bool {
        self == other || (self.is_whole() && below(&other.prefix, &self.prefix).is_some())
    }
}

/// The places in a glob where one stands after a name, from each of the places before it.
fn step(parts: &[&str], before: &[usize], name: &str) -> Vec<usize> {
    let mut after = Vec::new();
    let mut push = |at| {
        if !after.contains(&at) {
            after.push(at);
        }
    };
    for &start in before {
        for (at, part) in parts.iter().enumerate().skip(start) {
            if *part == "**" {
                push(at);
                continue;
            }
            if Segment::of(part).matches(name) {
                push(at + 1);
            }
            break;
        }
    }
    after
}

fn check(part: &str) -> Result<(), GlobError> {
    if matches!(part, "" | "." | "..") {
        Err(GlobError::Part)
    } else if part.contains(['[', ']', '{', '}', '\\', '\0']) {
        Err(GlobError::Character)
    } else if part.contains("**") && part != "**" {
        Err(GlobError::Beside)
    } else {
        Ok(())
    }
}

/// Whether a relative path has only names in it: no `.`, no `..`, nothing empty, no NUL. The directory
/// itself is the empty path.
pub(super) fn is_normal(path: &str) -> bool {
    path.len() <= PATH_MAX_BYTES
        && names(path).all(|name| !matches!(name, "" | "." | "..") && !name.contains('\0'))
}

/// The names of a path; the empty path has none.
pub(super) fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').skip(usize::from(path.is_empty()))
}

/// What of `path` lies below the directory `dir`, both relative to the same: `a/b` below `a` is `b`, and
/// `a` below itself is nothing.
pub(super) fn below<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(dir)?;
    if dir.is_empty() || rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn matches<'a>(pattern: &[Segment], mut rest: Option<&'a str>) -> bool {
    let mut at = 0;
    let mut retry: Option<(usize, Option<&'a str>)> = None;
    loop {
        match (pattern.get(at), rest) {
            (Some(Segment::Deep), _) => {
                at += 1;
                retry = Some((at, rest));
                continue;
            }
            (Some(segment), Some(text)) => {
                let (name, tail) = first(text);
                if segment.matches(name) {
                    (at, rest) = (at + 1, tail);
                    continue;
                }
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after, Some(text))) = retry else { return false };
        let tail = first(text).1;
        retry = Some((after, tail));
        (at, rest) = (after, tail);
    }
}

fn first(path: &str) -> (&str, Option<&str>) {
    path.split_once('/').map_or((path, None), |(name, tail)| (name, Some(tail)))
}

impl Segment {
    fn of(part: &str) -> Self {
        let wild = |text: &str| text.contains(['*', '?']);
        match part {
            "**" => Self::Deep,
            "*" => Self::Any,
            literal if !wild(literal) => Self::Literal(literal.into()),
            part => match part.strip_prefix('*') {
                Some(ending) if !wild(ending) => Self::Ending(ending.into()),
                _ => Self::Like(part.into()),
            },
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Deep | Self::Any => true,
            Self::Literal(literal) => **literal == *name,
            Self::Ending(ending) => name.ends_with(&**ending),
            Self::Like(pattern) => is_like(pattern, name),
        }
    }
}

/// Whether one name is like a pattern with `*` (any characters) and `?` (one character).
fn is_like(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    let mut retry = None;
    loop {
        let left = name.clone();
        match (pattern.next(), name.next()) {
            (Some('*'), _) => {
                name = left;
                retry = Some((pattern.clone(), name.clone()));
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            (None, None) => return true,
            _ => {
                let Some((after, mut skipped)) = retry.take() else { return false };
                if skipped.next().is_none() {
                    return false;
                }
                (pattern, name) = (after.clone(), skipped.clone());
                retry = Some((after, skipped));
            }
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)?;
        for (at, segment) in self.rest.iter().enumerate() {
            if at > 0 || !self.prefix.is_empty() {
                f.write_str("/")?;
            }
            match segment {
                Segment::Deep => f.write_str("**")?,
                Segment::Any => f.write_str("*")?,
                Segment::Literal(text) | Segment::Like(text) => f.write_str(text)?,
                Segment::Ending(ending) => write!(f, "*{ending}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap();
        is_normal(path) && Glob::parse_absolute(glob).unwrap().matches(path)
    }

    #[test]
    fn a_glob_means_what_a_careful_reader_expects() {
        for (glob, path) in [
            ("/app/data/*", "/app/data/x"),
            ("/data/**", "/data"),
            ("/data/**", "/data/a/b"),
            ("/data", "/data/a/b"),
            ("/data/**/*.txt", "/data/a.txt"),
            ("/data/**/*.txt", "/data/a/b/c.txt"),
            ("/**/b/**/d", "/a/b/b/c/d"),
            ("/a/?x*z", "/a/äxyyz"),
            ("/", "/anything"),
        ] {
            assert!(matches(glob, path), "{glob} did not match {path}");
        }
        for (glob, path) in [
            ("/app/data/*", "/app/data-secret/x"),
            ("/app/data/*", "/app/data/../x"),
            ("/app/data/*", "/app/data/a/b"),
            ("/app/data/*", "/app/data"),
            ("/app/data/*", "/app/data/"),
            ("/data/**", "/data/../etc/passwd"),
            ("/data/**", "/data//x"),
            ("/data/**", "/Data/x"),
            ("/data/**", "/database"),
            ("/data/**/*.txt", "/data/a.txt/b"),
            ("/data/**/*.txt", "/data/.."),
        ] {
            assert!(!matches(glob, path), "{glob} matched {path}");
        }
    }

    #[test]
    fn what_is_no_glob_is_refused() {
        for bad in ["data", "/a//b", "/a/../b", "/a/[x]", "/a**", "/{a,b}", "/a/", "/a\0"] {
            assert!(Glob::parse_absolute(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_guest_is_let_through_to_what_it_may_reach() {
        let glob = Glob::parse_absolute("/data/*/en/**/*.txt").unwrap();
        for through in ["", "data", "data/x", "data/x/en", "data/x/en/deep/er"] {
            assert!(glob.leads_through(through), "{through}");
        }
        for past in ["dat", "data/x/de", "database"] {
            assert!(!glob.leads_through(past), "{past}");
        }
    }

    #[test]
    fn below_a_directory_a_glob_is_what_is_left_of_it() {
        let below = |glob: &str, dir: &str| {
            let below = Glob::parse_absolute(glob).unwrap().below(dir);
            below.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(below("/data/**/a/*.txt", "data/a"), ["**/a/*.txt", "*.txt"]);
        assert_eq!(below("/data/*/x", "data/a"), ["x"]);
        assert_eq!(below("/data/x/**", "data"), ["x/**"]);
        assert_eq!(below("/data/x/**", "other"), [""; 0]);
    }

    #[test]
    fn a_hostile_pattern_is_matched_in_bounded_time() {
        let glob = format!("/{}x", "**/a*a*a*/".repeat(100));
        let path = "aaaaaaaa/".repeat(400) + "y";
        assert!(!Glob::parse_absolute(&glob).unwrap().matches(&path));
    }
}
