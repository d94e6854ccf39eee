//! The directories that a revision sees, and what it may do with the files in each.

use super::access::FileAccess;
use super::decision::Decision;
use super::files::FilesShare;
use super::glob::{Glob, below, is_normal};

/// The directories of a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directories(Box<[DirectoryRight]>);

/// A directory of this machine that the guest sees, with what it may do below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryRight {
    /// The directory that the operator named, an absolute path of this machine.
    pub host: String,
    /// The way from there to what is asked, as `/a/b`, or nothing. What lies on it may have been written by
    /// guests: none of it may be followed as a link.
    pub below: String,
    /// Where the guest sees it.
    pub guest: String,
    rules: Box<[FileRule]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FileRule {
    /// Relative to the guest's directory.
    glob: Glob,
    access: FileAccess,
}

impl Directories {
    /// Puts together what belongs to one directory: whoever holds its handle may use all that is allowed
    /// below it, whichever ask it came from.
    pub(super) fn compile(shares: &[FilesShare]) -> Self {
        let mut all: Vec<DirectoryRight> = Vec::new();
        for share in shares {
            let right = DirectoryRight::at(share, shares);
            if !all.contains(&right) {
                all.push(right);
            }
        }
        all.sort_by(|a, b| a.guest.cmp(&b.guest));
        Self(all.into())
    }

    /// Each directory, in the order of the guest's paths.
    pub fn iter(&self) -> std::slice::Iter<'_, DirectoryRight> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The directory in which the guest's path lies, the deepest if several hold it, and the path relative
    /// to it. Where a host has the directory's handle it has no need of this.
    pub fn find<'a>(&self, path: &'a str) -> Option<(&DirectoryRight, &'a str)> {
        let path = path.strip_prefix('/')?;
        let mut dir = path;
        loop {
            let key = |right: &DirectoryRight| right.guest[1..].cmp(dir);
            if let Ok(at) = self.0.binary_search_by(key) {
                return Some((&self.0[at], below(path, dir)?));
            }
            if dir.is_empty() {
                return None;
            }
            dir = dir.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }

    /// Whether the guest may use the file at this absolute path so.
    pub fn check(&self, path: &str, access: FileAccess) -> Decision {
        match self.find(path) {
            Some((directory, relative)) => directory.check(relative, access),
            None => Decision::NotGranted,
        }
    }
}

impl DirectoryRight {
    fn at(share: &FilesShare, all: &[FilesShare]) -> Self {
        let FilesShare { host, granted, mount, .. } = share;
        let way = below(mount, granted).unwrap_or_default();
        let mut rules = Vec::new();
        for one in all.iter().filter(|one| one.host == *host && one.granted == *granted) {
            for glob in one.glob.below(mount) {
                add(&mut rules, FileRule { glob, access: one.access });
            }
        }
        Self {
            host: host.clone(),
            below: if way.is_empty() { String::new() } else { format!("/{way}") },
            guest: format!("/{mount}"),
            rules: rules.into(),
        }
    }

    /// The same directory with nothing that may be done in it.
    pub fn revoked(&self) -> Self {
        Self { rules: Box::default(), ..self.clone() }
    }

    /// Whether the file at this path, relative to the directory, may be used in all the ways of `access`.
    /// The directory itself is the empty path.
    ///
    /// The path has to be normalized: one with `.`, `..`, an empty part or NUL is denied. That it leads
    /// through no link is for the host, which has the handles.
    pub fn check(&self, path: &str, access: FileAccess) -> Decision {
        Decision::when(is_normal(path) && self.access(path).contains(access))
    }

    /// All that may be done with the file at this path, for a handle to it to carry along.
    pub fn access(&self, path: &str) -> FileAccess {
        let mut all = FileAccess::NONE;
        if is_normal(path) {
            for rule in &self.rules {
                if !all.contains(rule.access) && rule.glob.matches(path) {
                    all = all.or(rule.access);
                }
            }
        }
        all
    }

    /// All that may be done with some path or other below the one at this path.
    pub fn somewhere_below(&self, path: &str) -> FileAccess {
        let through = self.rules.iter().filter(|rule| rule.glob.leads_through(path));
        through.fold(FileAccess::NONE, |all, rule| all.or(rule.access))
    }

    /// What may be done with every path below the one at this path, as far as that is plain: by rules for whole
    /// directories.
    pub fn everywhere_below(&self, path: &str) -> FileAccess {
        let holds =
            |rule: &&FileRule| rule.glob.is_whole() && below(path, rule.glob.prefix()).is_some();
        self.rules.iter().filter(holds).fold(FileAccess::NONE, |all, rule| all.or(rule.access))
    }

    /// Whether something below the directory at this path may be used, so that the guest must be let through
    /// it. Its listing shows what may be listed, and directories that lead to such.
    pub fn leads_through(&self, path: &str) -> bool {
        is_normal(path) && self.rules.iter().any(|rule| rule.glob.leads_through(path))
    }
}

/// Adds a rule, to one for the same files if there is one.
fn add(rules: &mut Vec<FileRule>, rule: FileRule) {
    match rules.iter_mut().find(|one| one.glob == rule.glob) {
        Some(same) => same.access = same.access.or(rule.access),
        None => rules.push(rule),
    }
}
