//! Listing a directory: what a guest may see of it.

use std::fs::File;
use std::sync::Arc;

use airssys_wasm_model::FileAccess;
use rustix::fs::{AtFlags, Dir, FileType, Mode as FileMode, OFlags, openat, statat};
use rustix::io::Errno;

use super::errand::Errand;
use super::mount::Place;
use super::refusal::Refusal;
use super::walk::ITSELF;
use super::words::join;

/// Entries of one directory that are listed. The host holds them all while the guest reads, some 100 bytes each,
/// and a listing counts as an open file: with the usual limit 128 MB an instance, of a guest that may make so many
/// files. A directory with more is worked on by names.
const ENTRIES_MAX: usize = 20_000;

/// One entry.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: FileType,
}

impl Place {
    /// Whether a listing of this directory shows this name.
    pub(super) fn shows(&self, name: &str) -> bool {
        self.mount.is_listed(&join(&self.path, name))
    }

    /// Whether it may be listed: itself, or for what may be seen below it.
    pub(super) fn is_listed(&self) -> bool {
        self.mount.is_listed(&self.path)
    }

    /// Whether it shows every name.
    pub(super) fn shows_all(&self) -> bool {
        self.mount.everywhere_below(&self.path).contains(FileAccess::LIST)
    }
}

/// Whether this directory may be listed.
pub(super) fn check(errand: &mut Errand, place: &Place) -> Result<(), Refusal> {
    if place.is_listed() {
        errand.used(&place.mount, &place.path, FileAccess::LIST);
        return Ok(());
    }
    Err(place.mount.denied(&place.path, FileAccess::LIST))
}

/// Refuses a directory of more entries than are listed.
pub(super) fn check_size(dir: &Arc<File>) -> Result<(), Refusal> {
    let mut count = 0;
    for entry in read(dir)? {
        entry?;
        count += 1;
        if count > ENTRIES_MAX {
            return Err(Errno::NOMEM.into());
        }
    }
    Ok(())
}

/// The entries that a guest may see.
pub(super) fn entries(dir: &Arc<File>, place: &Place) -> Result<Vec<Entry>, Refusal> {
    let mut entries = Vec::new();
    for entry in read(dir)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else {
            // No right can name it.
            continue;
        };
        if matches!(name, "." | "..") || !place.shows(name) {
            continue;
        }
        if entries.len() == ENTRIES_MAX {
            return Err(Errno::NOMEM.into());
        }
        let kind = match entry.file_type() {
            FileType::Unknown => kind(dir, name),
            kind => kind,
        };
        entries.push(Entry { name: name.to_owned(), kind });
    }
    Ok(entries)
}

/// Some file systems leave it to a look at each. What is gone since has none.
fn kind(dir: &File, name: &str) -> FileType {
    let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
    stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
}

/// Through a handle of its own, so that two listings of one directory do not share a position.
fn read(dir: &Arc<File>) -> Result<Dir, Refusal> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(Dir::new(openat(dir, ITSELF, flags, FileMode::empty())?)?)
}
