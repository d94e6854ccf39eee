//! From a guest's words to a name in a directory that is held open, through every link by its handle.
//!
//! What is found is where the words really lead, so a right is checked against that and never against the words.
//! A name that no right covers or leads to is not even looked up: whether it exists stays unknown.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use airssys_wasm_model::FileAccess;
use rustix::fs::{Mode, OFlags, openat, readlinkat};
use rustix::io::Errno;

use super::mount::{Mount, Place};
use super::refusal::Refusal;
use super::words::{Step, Words, join};

/// Links that are followed on one way: as many as Linux follows.
const LINKS_MAX: usize = 40;

/// What is done where the last name is a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Follow,
    Keep,
}

/// Where words lead.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) mount: Arc<Mount>,
    /// The directory that the name is in.
    pub(super) dir: Held,
    /// [`ITSELF`] for the directory itself. It was no link when it was looked at; what acts on it follows none.
    pub(super) name: String,
    /// The real path below the mount.
    pub(super) path: String,
    /// Whether the words can only mean a directory.
    pub(super) means_directory: bool,
}

/// The name of a directory in itself.
pub(super) const ITSELF: &str = ".";

/// A directory that is held open.
#[derive(Debug)]
pub(super) enum Held {
    Mount(Arc<std::fs::File>),
    Below(OwnedFd),
}

impl AsFd for Held {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Mount(dir) => dir.as_fd(),
            Self::Below(dir) => dir.as_fd(),
        }
    }
}

impl Found {
    /// Whether it is a directory by what was said, and needs no look.
    pub(super) fn is_itself(&self) -> bool {
        self.name == ITSELF
    }
}

/// Finds where these words lead from the directory at `place`.
///
/// The way begins at the mount each time: a directory that was moved meanwhile is another place, with other
/// rights, and a handle to it must not carry the old ones along. `wanted` is for the denial alone.
pub(super) fn find(
    place: &Place,
    words: &str,
    last: Last,
    wanted: FileAccess,
) -> Result<Found, Refusal> {
    let said = words;
    let words = Words::read(said)?;
    if words.is_absolute() {
        return Err(place.mount.leaves(&place.path, said, wanted));
    }
    match straight(place, words, last)? {
        Some(found) => Ok(found),
        None => Walk::of(place, words, last, wanted).arrive(),
    }
}

/// The usual way: downwards and over no link, which the kernel walks at once.
fn straight(place: &Place, words: Words<'_>, last: Last) -> Result<Option<Found>, Refusal> {
    let Some(names) = words.names() else { return Ok(None) };
    let Some((name, way)) = names.split_last() else {
        let Some(dir) = descend(&place.mount, &place.path)? else { return Ok(None) };
        return Ok(Some(found(place, dir, ITSELF, place.path.clone(), words)));
    };
    let parent = way.iter().fold(place.path.clone(), |path, name| join(&path, name));
    let path = join(&parent, name);
    // What is not visible is refused by the walk, which knows how far the guest may go.
    if !place.mount.is_visible(&parent) || !place.mount.is_visible(&path) {
        return Ok(None);
    }
    let Some(dir) = descend(&place.mount, &parent)? else { return Ok(None) };
    if last == Last::Follow && link(&dir, name)?.is_some() {
        return Ok(None);
    }
    Ok(Some(found(place, dir, name, path, words)))
}

fn found(place: &Place, dir: Held, name: &str, path: String, words: Words<'_>) -> Found {
    let (mount, means_directory) = (Arc::clone(&place.mount), words.means_directory());
    Found { mount, dir, name: name.to_owned(), path, means_directory }
}

/// Opens a directory below the mount, or nothing where a link is on the way.
#[cfg(target_os = "linux")]
fn descend(mount: &Mount, path: &str) -> Result<Option<Held>, Refusal> {
    use rustix::fs::{ResolveFlags, openat2};

    const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);
    if path.is_empty() {
        return Ok(Some(Held::Mount(mount.handle())));
    }
    // Without `NOFOLLOW`, which would have a link at the end be called no directory.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat2(mount.handle(), path, flags, Mode::empty(), BENEATH) {
        Ok(dir) => Ok(Some(Held::Below(dir))),
        // A link, a kernel or a sandbox without this call, or a rename at the same time.
        Err(Errno::LOOP | Errno::NOSYS | Errno::PERM | Errno::AGAIN | Errno::XDEV) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn descend(mount: &Mount, path: &str) -> Result<Option<Held>, Refusal> {
    Ok(path.is_empty().then(|| Held::Mount(mount.handle())))
}

/// A directory on the way is entered and not read, where the kernel tells the two apart.
#[cfg(target_os = "linux")]
const DIRECTORY: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Where a link leads, or nothing if it is none or is not there.
fn link(dir: impl AsFd, name: &str) -> Result<Option<String>, Refusal> {
    match readlinkat(dir, name, Vec::new()) {
        Ok(target) => match target.into_string() {
            Ok(target) => Ok(Some(target)),
            Err(_not_unicode) => Err(Errno::ILSEQ.into()),
        },
        Err(Errno::INVAL | Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A way that has links or `..` in it, taken name by name.
struct Walk<'a> {
    place: &'a Place,
    last: Last,
    wanted: FileAccess,
    /// The steps ahead, the next one last.
    ahead: Vec<Owned>,
    /// The directories entered, each with its name.
    entered: Vec<(OwnedFd, String)>,
    links: usize,
    means_directory: bool,
}

enum Owned {
    Into(String),
    Up,
}

impl<'a> Walk<'a> {
    fn of(place: &'a Place, words: Words<'_>, last: Last, wanted: FileAccess) -> Self {
        let means_directory = words.means_directory();
        let (ahead, entered) = (Vec::new(), Vec::new());
        let mut walk = Self { place, last, wanted, ahead, entered, links: 0, means_directory };
        walk.goes_on(words);
        // A place's own path is real, and taken again like any other: it may have changed.
        let names = place.path.split('/').filter(|name| !name.is_empty());
        walk.ahead.extend(names.rev().map(|name| Owned::Into(name.to_owned())));
        walk
    }

    fn goes_on(&mut self, words: Words<'_>) {
        self.ahead.extend(words.steps().rev().map(|step| match step {
            Step::Into(name) => Owned::Into(name.to_owned()),
            Step::Up => Owned::Up,
        }));
    }

    fn arrive(mut self) -> Result<Found, Refusal> {
        while let Some(step) = self.ahead.pop() {
            match step {
                Owned::Up if self.entered.pop().is_none() => {
                    let said = self.remaining("..".to_owned());
                    return Err(self.place.mount.leaves("", &said, self.wanted));
                }
                Owned::Up => {}
                Owned::Into(name) => {
                    if let Some(found) = self.enter(name)? {
                        return Ok(found);
                    }
                }
            }
        }
        let path = self.path();
        Ok(self.found(ITSELF.to_owned(), path))
    }

    /// Goes into a directory or takes a link's way, unless this is the end.
    fn enter(&mut self, name: String) -> Result<Option<Found>, Refusal> {
        let path = join(&self.path(), &name);
        if !self.place.mount.is_visible(&path) {
            return Err(self.place.mount.denied(&self.remaining(path), self.wanted));
        }
        let is_last = self.ahead.is_empty();
        if is_last && self.last == Last::Keep {
            return Ok(Some(self.found(name, path)));
        }
        if let Some(target) = link(self.here(), &name)? {
            self.links += 1;
            if self.links > LINKS_MAX {
                return Err(Errno::LOOP.into());
            }
            let words = Words::read(&target)?;
            if words.is_absolute() {
                return Err(self.place.mount.leaves("", &self.remaining(target), self.wanted));
            }
            self.means_directory |= is_last && words.means_directory();
            self.goes_on(words);
            return Ok(None);
        }
        if is_last {
            return Ok(Some(self.found(name, path)));
        }
        match openat(self.here(), &*name, DIRECTORY, Mode::empty()) {
            Ok(dir) => self.entered.push((dir, name)),
            // It has become a link since: the next look will see that.
            Err(Errno::LOOP) => {
                self.links += 1;
                if self.links > LINKS_MAX {
                    return Err(Errno::LOOP.into());
                }
                self.ahead.push(Owned::Into(name));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(None)
    }

    fn here(&self) -> BorrowedFd<'_> {
        match self.entered.last() {
            Some((dir, _)) => dir.as_fd(),
            None => self.place.mount.as_fd(),
        }
    }

    fn path(&self) -> String {
        let names: Vec<&str> = self.entered.iter().map(|(_, name)| &**name).collect();
        names.join("/")
    }

    /// The path that was meant, as far as words tell.
    fn remaining(&self, path: String) -> String {
        self.ahead.iter().rev().fold(path, |path, step| match step {
            Owned::Into(name) => join(&path, name),
            Owned::Up => join(&path, ".."),
        })
    }

    fn found(&mut self, name: String, path: String) -> Found {
        let dir = match self.entered.pop() {
            Some((dir, _)) => Held::Below(dir),
            None => Held::Mount(self.place.mount.handle()),
        };
        let (mount, means_directory) = (Arc::clone(&self.place.mount), self.means_directory);
        Found { mount, dir, name, path, means_directory }
    }
}
