//! A granted directory as a guest sees it, and the places in it that a guest holds open.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use airssys_wasm_model::{Access, DirectoryRight, FileAccess};
use wasmtime_wasi::filesystem::Dir;
use wasmtime_wasi::{FsPerms, OpenMode};

use super::refusal::{Denied, Refusal};
use super::words::spelled;
use crate::context::Mode;

/// A directory that was opened once, when its revision was prepared, and what may be done in it. Every
/// instance reaches it by this handle.
pub(crate) struct Mount {
    right: DirectoryRight,
    dir: Dir,
}

/// A directory that a guest holds, by its real path below a mount.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) mount: Arc<Mount>,
    /// Empty for the mount itself.
    pub(super) path: String,
}

impl Mount {
    pub(crate) fn new(right: DirectoryRight, dir: std::fs::File) -> Self {
        let dir = Dir::new(dir, perms(right.access("")), mode(&right), false);
        Self { right, dir }
    }

    /// The same directory under another right to it.
    pub(crate) fn under(&self, right: DirectoryRight) -> Self {
        let mut dir = self.dir.clone();
        (dir.perms, dir.open_mode) = (perms(right.access("")), mode(&right));
        Self { right, dir }
    }

    /// The same directory without any right to it: what a guest still holds of one that was revoked.
    pub(crate) fn without_rights(&self) -> Self {
        self.under(self.right.revoked())
    }

    /// Whether a right is one to the directory that is open here.
    pub(crate) fn is_at(&self, right: &DirectoryRight) -> bool {
        (&self.right.host, &self.right.below) == (&right.host, &right.below)
    }

    /// Whether it is the same directory at the same place.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        self.is_at(&other.right) && self.guest() == other.guest()
    }

    /// Where the guest sees it.
    pub(super) fn guest(&self) -> &str {
        &self.right.guest
    }

    /// What a guest calls the path below it.
    pub(crate) fn seen(&self, path: &str) -> String {
        let guest = self.right.guest.trim_end_matches('/');
        if path.is_empty() { self.right.guest.clone() } else { format!("{guest}/{path}") }
    }

    pub(super) fn dir(&self) -> Dir {
        self.dir.clone()
    }

    pub(super) fn handle(&self) -> Arc<std::fs::File> {
        Arc::clone(&self.dir.dir)
    }

    /// What may be done at this path.
    pub(crate) fn access(&self, path: &str) -> FileAccess {
        self.right.access(path)
    }

    /// What may be done at some path below this one.
    pub(super) fn somewhere_below(&self, path: &str) -> FileAccess {
        self.right.somewhere_below(path)
    }

    /// What may be done at every path below this one, as far as that is plain.
    pub(super) fn everywhere_below(&self, path: &str) -> FileAccess {
        self.right.everywhere_below(path)
    }

    /// Whether a guest may learn that there is something: a right covers it or what may lie below it.
    pub(super) fn is_visible(&self, path: &str) -> bool {
        !self.access(path).is_empty() || !self.somewhere_below(path).is_empty() || path.is_empty()
    }

    /// Whether a listing shows it.
    pub(super) fn is_listed(&self, path: &str) -> bool {
        self.access(path).or(self.somewhere_below(path)).contains(FileAccess::LIST)
    }

    /// The refusal of this access.
    pub(super) fn denied(&self, path: &str, access: FileAccess) -> Refusal {
        Denied { path: spelled("/", &self.seen(path)), access }.into()
    }

    /// The refusal of words that lead out, said at a directory.
    pub(super) fn leaves(&self, from: &str, words: &str, access: FileAccess) -> Refusal {
        Denied { path: spelled(&self.seen(from), words), access }.into()
    }
}

/// What is left to the runtime of a directory's handle: to say whether it can be changed, and its times.
fn mode(right: &DirectoryRight) -> OpenMode {
    let changes = FileAccess::MODIFY.or(FileAccess::CREATE).or(FileAccess::DELETE);
    let may_change = !right.access("").or(right.somewhere_below("")).and(changes).is_empty();
    if may_change { OpenMode::READ | OpenMode::WRITE } else { OpenMode::READ }
}

impl std::fmt::Debug for Mount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Mount").field(&self.right.guest).finish()
    }
}

impl AsFd for Mount {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.dir.as_fd()
    }
}

/// What a call of this mode may do at all.
pub(super) fn allowed(mode: Mode) -> FileAccess {
    match mode {
        Mode::Live => FileAccess::of(&[Access::Read, Access::Write]),
        Mode::Shadow => FileAccess::of(&[Access::Read]),
    }
}

/// The runtime's own word for it, which it checks on every use of an open file.
pub(super) fn perms(access: FileAccess) -> FsPerms {
    if access.contains(FileAccess::MODIFY) { FsPerms::ReadWrite } else { FsPerms::ReadOnly }
}
