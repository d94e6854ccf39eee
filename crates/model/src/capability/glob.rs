//! Globs over file paths: `*` is any one name, `**` any number of them, and inside a name `*` and `?`.
//!
//! What they are, where two of them meet and how they are printed. Paths are held against them by `file_rules`, many
//! globs at once.

use std::fmt;

/// A glob below some directory, without a leading slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    text: Box<str>,
    /// How much of it are names before the first wildcard.
    literal: usize,
}

/// What stands between two slashes of a glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// `**`
    Deep,
    /// `*`
    Any,
    Literal(&'a str),
    /// `list-*`, by what stands before its star.
    Beginning(&'a str),
    /// `*.txt`, by what follows its star.
    Ending(&'a str),
    /// With more wildcards, or others.
    Like(&'a str),
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
        if !is_wild(relative) {
            parts.push("**");
        }
        Ok(Self::of(&parts))
    }

    fn of(parts: &[&str]) -> Self {
        let literal = parts.iter().take_while(|part| !is_wild(part)).count();
        let literal = parts[..literal].join("/").len();
        Self { text: parts.join("/").into(), literal }
    }

    /// The names before the first wildcard, joined by `/`.
    pub fn prefix(&self) -> &str {
        &self.text[..self.literal]
    }

    /// Whether it is everything below its prefix.
    pub fn is_whole(&self) -> bool {
        below(&self.text, self.prefix()) == Some("**")
    }

    /// What stands between its slashes.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        names(&self.text).map(Part::of)
    }

    /// What of it lies below the directory `dir`, as globs relative to that: `**/a/*.txt` below `a` is
    /// itself and `*.txt`.
    pub(super) fn below(&self, dir: &str) -> Vec<Self> {
        let parts: Vec<&str> = names(&self.text).collect();
        let mut at = vec![0];
        for name in names(dir) {
            at = step(&parts, &at, name);
        }
        at.into_iter().map(|at| Self::of(&parts[at..])).collect()
    }

    /// Whether all that falls under `other` surely falls under this one. Says no where it is not plain.
    pub fn covers(&self, other: &Self) -> bool {
        self == other || (self.is_whole() && below(other.prefix(), self.prefix()).is_some())
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
            if Part::of(part).matches(name) {
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
        && !path.as_bytes().contains(&0)
        && names(path).all(|name| !matches!(name, "" | "." | ".."))
}

/// The names of a path; the empty path has none.
#[inline]
pub(super) fn names(path: &str) -> impl Iterator<Item = &str> {
    let mut left = (!path.is_empty()).then_some(path);
    std::iter::from_fn(move || {
        let path = left?;
        // Names are short: byte by byte is quicker than to search as `str::split` does.
        let end = path.bytes().position(|byte| byte == b'/');
        left = end.map(|at| &path[at + 1..]);
        Some(end.map_or(path, |at| &path[..at]))
    })
}

/// What of `path` lies below the directory `dir`, both relative to the same: `a/b` below `a` is `b`, and
/// `a` below itself is nothing.
pub(super) fn below<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(dir)?;
    if dir.is_empty() || rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

impl<'a> Part<'a> {
    fn of(part: &'a str) -> Self {
        let plain = |text: &&str| !is_wild(text);
        match part {
            "**" => Self::Deep,
            "*" => Self::Any,
            literal if !is_wild(literal) => Self::Literal(literal),
            part => {
                let beginning = part.strip_suffix('*').filter(plain).map(Self::Beginning);
                let ending = || part.strip_prefix('*').filter(plain).map(Self::Ending);
                beginning.or_else(ending).unwrap_or(Self::Like(part))
            }
        }
    }

    fn matches(self, name: &str) -> bool {
        match self {
            Self::Deep | Self::Any => true,
            Self::Literal(literal) => literal == name,
            Self::Beginning(text) => name.starts_with(text),
            Self::Ending(text) => name.ends_with(text),
            Self::Like(pattern) => is_like(pattern, name),
        }
    }
}

/// Whether one name is like a pattern with `*` (any characters) and `?` (one character).
pub(super) fn is_like(pattern: &str, name: &str) -> bool {
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
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_glob_is_refused() {
        for bad in ["data", "/a//b", "/a/../b", "/a/[x]", "/a**", "/{a,b}", "/a/", "/a\0"] {
            assert!(Glob::parse_absolute(bad).is_err(), "{bad:?} was accepted");
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
}
