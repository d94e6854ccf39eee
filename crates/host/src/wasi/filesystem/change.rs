//! What changes names: made, taken away, moved, linked. Each is done to the name that was checked, in the
//! directory that was found.

use airssys_wasm_model::FileAccess;
use rustix::fs::{
    AtFlags, FileType, Mode as FileMode, Timestamps, linkat, mkdirat, renameat, statat, symlinkat,
    unlinkat, utimensat,
};
use rustix::io::Errno;

use super::errand::Errand;
use super::mount::Place;
use super::refusal::Refusal;
use super::walk::{Found, Last, find};
use super::words::stays_below;

const CREATE: FileAccess = FileAccess::CREATE;
const DELETE: FileAccess = FileAccess::DELETE;

pub(super) fn create_directory(
    errand: &mut Errand,
    place: &Place,
    words: &str,
) -> Result<(), Refusal> {
    let found = find_below(errand, place, words, CREATE, Errno::EXIST)?;
    Ok(mkdirat(&found.dir, &*found.name, FileMode::from_raw_mode(0o777))?)
}

pub(super) fn remove_directory(
    errand: &mut Errand,
    place: &Place,
    words: &str,
) -> Result<(), Refusal> {
    let found = find_below(errand, place, words, DELETE, Errno::INVAL)?;
    Ok(unlinkat(&found.dir, &*found.name, AtFlags::REMOVEDIR)?)
}

pub(super) fn unlink(errand: &mut Errand, place: &Place, words: &str) -> Result<(), Refusal> {
    let found = find_below(errand, place, words, DELETE, Errno::ISDIR)?;
    if found.means_directory {
        return Err(Errno::NOTDIR.into());
    }
    Ok(unlinkat(&found.dir, &*found.name, AtFlags::empty())?)
}

/// Sets times of what is there, or of what a link there leads to.
pub(super) fn set_times(
    errand: &mut Errand,
    place: &Place,
    words: &str,
    last: Last,
    times: &Timestamps,
) -> Result<(), Refusal> {
    let found = find(place, words, last, FileAccess::MODIFY)?;
    errand.check(&found, FileAccess::MODIFY)?;
    Ok(utimensat(&found.dir, &*found.name, times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Makes a symbolic link. Whoever follows it here is checked where it leads; its target must stay below the
/// mount all the same, for the sake of other programs that read these directories.
pub(super) fn symlink(
    errand: &mut Errand,
    target: &str,
    place: &Place,
    words: &str,
) -> Result<(), Refusal> {
    let found = find_below(errand, place, words, CREATE, Errno::EXIST)?;
    if !stays_below(&found.path, target) {
        let from = found.path.rsplit_once('/').map_or("", |(dir, _)| dir);
        return Err(found.mount.leaves(from, target, FileAccess::READ));
    }
    Ok(symlinkat(target, &found.dir, &*found.name)?)
}

/// Gives a file a second name. Whatever may be done by either name is then done to both, so it takes as much at
/// the old one as would make a copy of it and change it: reading and changing.
pub(super) fn link(errand: &mut Errand, old: Said<'_>, new: Said<'_>) -> Result<(), Refusal> {
    let whole = FileAccess::READ.or(FileAccess::MODIFY);
    let old = find(old.0, old.1, Last::Keep, whole)?;
    let new = find(new.0, new.1, Last::Keep, CREATE)?;
    errand.check(&old, whole)?;
    errand.check(&new, CREATE)?;
    if new.is_itself() {
        return Err(Errno::EXIST.into());
    }
    if old.means_directory || new.means_directory {
        return Err(Errno::NOTDIR.into());
    }
    Ok(linkat(&old.dir, &*old.name, &new.dir, &*new.name, AtFlags::empty())?)
}

/// Words, and the directory that they begin at.
pub(super) type Said<'a> = (&'a Place, &'a str);

/// Moves a name.
pub(super) fn rename(errand: &mut Errand, old: Said<'_>, new: Said<'_>) -> Result<(), Refusal> {
    let old = find(old.0, old.1, Last::Keep, DELETE)?;
    let new = find(new.0, new.1, Last::Keep, CREATE)?;
    errand.check(&old, DELETE)?;
    errand.check(&new, CREATE)?;
    if old.is_itself() || new.is_itself() {
        return Err(Errno::BUSY.into());
    }
    let is_directory = move_is_allowed(errand, &old, &new)?;
    if (old.means_directory || new.means_directory) && !is_directory {
        return Err(Errno::NOTDIR.into());
    }
    if errand.may(&new, DELETE) {
        return Ok(renameat(&old.dir, &*old.name, &new.dir, &*new.name)?);
    }
    match rename_onto_nothing(&old, &new) {
        // What is there would be taken away.
        Err(Errno::EXIST) => Err(errand.check(&new, DELETE).err().unwrap_or(Errno::EXIST.into())),
        renamed => Ok(renamed?),
    }
}

/// Whether what is moved may be, with all below it; gives whether it is a directory.
///
/// A move is a copy and a removal, so a file's takes `read` and `delete` at its old name and `create` at the new
/// one, and what may be changed by the new name must be changeable by the old. A directory carries every name
/// below it along, and whoever holds one of them open carries his rights along: so the rights must be the same
/// at both places, all the way down.
fn move_is_allowed(errand: &mut Errand, old: &Found, new: &Found) -> Result<bool, Refusal> {
    let kind =
        FileType::from_raw_mode(statat(&old.dir, &*old.name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode);
    if kind == FileType::Directory {
        let (before, after) = (throughout(old), throughout(new));
        if before.is_none() || before != after {
            let all = FileAccess::ALL;
            let narrower = if before == Some(all) { new } else { old };
            return Err(narrower.mount.denied(&narrower.path, all));
        }
        return Ok(true);
    }
    let changes = new.mount.access(&new.path).and(FileAccess::MODIFY);
    errand.check(old, FileAccess::READ.or(changes))?;
    Ok(false)
}

/// A name that may be acted on so. The directory that the words begin at is none, and gets this error.
fn find_below(
    errand: &mut Errand,
    place: &Place,
    words: &str,
    access: FileAccess,
    itself: Errno,
) -> Result<Found, Refusal> {
    let found = find(place, words, Last::Keep, access)?;
    if found.is_itself() {
        return Err(itself.into());
    }
    errand.check(&found, access)?;
    Ok(found)
}

/// What may be done at this path and at each one below it, if it is the same.
fn throughout(found: &Found) -> Option<FileAccess> {
    let Found { mount, path, .. } = found;
    let here = mount.access(path);
    let is_even = mount.everywhere_below(path) == here && mount.somewhere_below(path) == here;
    is_even.then_some(here)
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_onto_nothing(old: &Found, new: &Found) -> Result<(), Errno> {
    use rustix::fs::{RenameFlags, renameat_with};

    renameat_with(&old.dir, &*old.name, &new.dir, &*new.name, RenameFlags::NOREPLACE)
}

/// No other system can be asked to keep what is there.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_onto_nothing(_old: &Found, _new: &Found) -> Result<(), Errno> {
    Err(Errno::EXIST)
}
