//! The directories that a revision sees, and what it may do with the files in each.

use super::access::FileAccess;
use super::decision::Decision;
use super::file_rules::FileRules;
use super::files::FilesShare;
use super::glob::{Glob, below, is_normal};
use super::texts::Texts;

/// The directories of a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directories {
    all: Box<[DirectoryRight]>,
    /// Which of them the guest sees where, by paths without a slash at the end.
    at: Texts<usize>,
}

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
    /// Relative to the guest's directory.
    rules: FileRules,
}

impl Directories {
    /// Puts together what belongs to one directory: whoever holds its handle may use all that is allowed
    /// below it, whichever ask it came from.
    pub(super) fn compile(shares: &[FilesShare]) -> Self {
        let mut all: Vec<DirectoryRight> = Vec::new();
        for share in shares {
            let bare = DirectoryRight::bare(share);
            if !all.iter().any(|right| right.is_same_place(&bare)) {
                all.push(DirectoryRight { rules: rules(share, shares), ..bare });
            }
        }
        all.sort_by(|a, b| a.guest.cmp(&b.guest));
        let mut at = Texts::default();
        for (index, right) in all.iter().enumerate() {
            at.or_insert(right.guest.trim_end_matches('/'), index);
        }
        Self { all: all.into(), at }
    }

    /// Each directory, in the order of the guest's paths.
    pub fn iter(&self) -> std::slice::Iter<'_, DirectoryRight> {
        self.all.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The directory in which the guest's path lies, the deepest if several hold it, and the path relative
    /// to it. Where a host has the directory's handle it has no need of this.
    pub fn find<'a>(&self, path: &'a str) -> Option<(&DirectoryRight, &'a str)> {
        let is_end = |rest: &str| rest.is_empty() || rest.starts_with('/');
        let absolute = path.starts_with('/').then_some(path)?;
        let (at, rest) = self.at.beginning(absolute, is_end).next()?;
        Some((&self.all[*at], rest.strip_prefix('/').unwrap_or(rest)))
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
    /// The directory, with nothing that may be done in it.
    fn bare(share: &FilesShare) -> Self {
        let FilesShare { host, granted, mount, .. } = share;
        let way = below(mount, granted).unwrap_or_default();
        Self {
            host: host.clone(),
            below: if way.is_empty() { String::new() } else { format!("/{way}") },
            guest: format!("/{mount}"),
            rules: FileRules::default(),
        }
    }

    fn is_same_place(&self, other: &Self) -> bool {
        (&self.host, &self.below, &self.guest) == (&other.host, &other.below, &other.guest)
    }

    /// The same directory with nothing that may be done in it.
    pub fn revoked(&self) -> Self {
        let Self { host, below, guest, .. } = self.clone();
        Self { host, below, guest, rules: FileRules::default() }
    }

    /// Whether the file at this path, relative to the directory, may be used in all the ways of `access`.
    /// The directory itself is the empty path.
    ///
    /// The path has to be normalized: one with `.`, `..`, an empty part or NUL is denied. That it leads
    /// through no link is for the host, which has the handles.
    pub fn check(&self, path: &str, access: FileAccess) -> Decision {
        Decision::when(is_normal(path) && self.rules.access(path).contains(access))
    }

    /// All that may be done with the file at this path, for a handle to it to carry along.
    pub fn access(&self, path: &str) -> FileAccess {
        if is_normal(path) { self.rules.access(path) } else { FileAccess::NONE }
    }

    /// All that may be done with some path or other below the one at this path.
    pub fn somewhere_below(&self, path: &str) -> FileAccess {
        self.rules.somewhere_below(path)
    }

    /// What may be done with every path below the one at this path, as far as that is plain: by rules for whole
    /// directories.
    pub fn everywhere_below(&self, path: &str) -> FileAccess {
        self.rules.everywhere_below(path)
    }

    /// Whether something below the directory at this path may be used, so that the guest must be let through
    /// it. Its listing shows what may be listed, and directories that lead to such.
    pub fn leads_through(&self, path: &str) -> bool {
        is_normal(path) && !self.rules.somewhere_below(path).is_empty()
    }
}

/// What all shares of a directory allow below it.
fn rules(of: &FilesShare, all: &[FilesShare]) -> FileRules {
    let mut rules: Vec<(Glob, FileAccess)> = Vec::new();
    for one in all.iter().filter(|one| one.host == of.host && one.granted == of.granted) {
        for glob in one.glob.below(&of.mount) {
            match rules.iter_mut().find(|(known, _)| *known == glob) {
                Some((_, access)) => *access = access.or(one.access),
                None => rules.push((glob, one.access)),
            }
        }
    }
    FileRules::compile(&rules)
}
