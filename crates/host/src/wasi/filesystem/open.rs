//! Opening: the name that was checked, in the directory that was found, following nothing.

use std::fs::File;

use airssys_wasm_model::FileAccess;
use rustix::fs::{FileType, Mode as FileMode, OFlags, fstat, openat};
use rustix::io::Errno;
use wasmtime_wasi::{FsPerms, OpenMode};

use super::errand::Errand;
use super::held::FilePlace;
use super::mount::{Place, perms};
use super::opened::Right;
use super::refusal::Refusal;
use super::walk::{Found, Last, find};

/// How a guest wants to open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) last: Last,
    pub(super) create: bool,
    pub(super) exclusive: bool,
    pub(super) truncate: bool,
    pub(super) directory: bool,
    pub(super) read: bool,
    pub(super) write: bool,
    /// To write through to the disk each time, which the runtime does not do yet.
    pub(super) sync: bool,
}

/// What was opened.
pub(super) struct Opened {
    pub(super) file: File,
    /// Where it is.
    pub(super) place: Place,
    /// By what right it is open, if it is a file.
    pub(super) right: Option<Right>,
    pub(super) perms: FsPerms,
    pub(super) mode: OpenMode,
    /// Its place among the instance's open files, until it is counted itself.
    pub(super) slot: FilePlace,
}

/// How often a name may turn into a link between the look at it and its opening.
const SWAPS_MAX: usize = 16;

/// Neither waits for a pipe's other end nor becomes a terminal's owner.
const QUIETLY: OFlags =
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

impl Wish {
    fn reads(self) -> bool {
        // As the runtime has it: what is not opened to be written is opened to be read.
        self.read || !self.write
    }

    fn writes(self) -> bool {
        self.write || self.truncate
    }

    /// What it takes to open a file that is there.
    fn needs(self) -> FileAccess {
        let read = if self.reads() { FileAccess::READ } else { FileAccess::NONE };
        let write = if self.writes() { FileAccess::MODIFY } else { FileAccess::NONE };
        read.or(write)
    }

    /// What it takes to make one: its content is the guest's own.
    fn needs_new(self) -> FileAccess {
        let read = if self.read { FileAccess::READ } else { FileAccess::NONE };
        FileAccess::CREATE.or(read)
    }

    /// What a file that was opened so needs for as long as it is used. What its guest made is its guest's own:
    /// by the right to make it, it may be written, and read where that was not asked for.
    fn right(self, is_new: bool) -> Right {
        let (read, write) = match (is_new, self.read) {
            (false, _) => (FileAccess::READ, FileAccess::MODIFY),
            (true, true) => (FileAccess::READ, FileAccess::CREATE),
            (true, false) => (FileAccess::CREATE, FileAccess::CREATE),
        };
        Right { read, write, reads: self.reads(), writes: self.writes() }
    }

    /// What it may take, for a denial to name.
    fn wanted(self) -> FileAccess {
        let create = if self.create { FileAccess::CREATE } else { FileAccess::NONE };
        self.needs().or(create)
    }

    fn flags(self) -> OFlags {
        let flags = match (self.reads(), self.writes()) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            (_, false) => OFlags::RDONLY,
        };
        QUIETLY | flags
    }

    fn is_sound(self) -> Result<(), Errno> {
        if self.sync {
            return Err(Errno::NOTSUP);
        }
        if self.directory && (self.create || self.exclusive || self.truncate) {
            return Err(Errno::INVAL);
        }
        Ok(())
    }
}

/// Opens a file or a directory.
pub(super) fn open(
    errand: &mut Errand,
    place: &Place,
    words: &str,
    wish: Wish,
    slot: FilePlace,
) -> Result<Opened, Refusal> {
    wish.is_sound()?;
    for _ in 0..SWAPS_MAX {
        let found = find(place, words, wish.last, wish.wanted())?;
        match open_found(errand, &found, wish) {
            Err(Refusal::System(Errno::LOOP)) if wish.last == Last::Follow => {}
            opened => return opened.and_then(|opened| opened.known(found, wish, slot)),
        }
    }
    Err(Errno::LOOP.into())
}

struct Handle {
    file: File,
    /// Whether this opening made it.
    is_new: bool,
    /// What the rights at its path allow with it; all, if this opening made it.
    perms: FsPerms,
}

fn open_found(errand: &mut Errand, found: &Found, wish: Wish) -> Result<Handle, Refusal> {
    if wish.directory || found.is_itself() || (found.means_directory && !wish.create) {
        return open_directory(found, wish);
    }
    if wish.create && wish.exclusive {
        return create(errand, found, wish);
    }
    if errand.may(found, wish.needs()) {
        match open_existing(errand, found, wish) {
            Err(Refusal::System(Errno::NOENT)) if wish.create => errand.was_in_vain(),
            opened => return opened,
        }
        // Made and opened at once, unless it is there by now: then it is opened after all.
        return match create(errand, found, wish) {
            Err(Refusal::System(Errno::EXIST)) => open_existing(errand, found, wish),
            created => created,
        };
    }
    if wish.create && errand.may(found, wish.needs_new()) {
        // Whoever may make and not change gets a file of its own or none.
        return match create(errand, found, wish) {
            Err(Refusal::System(Errno::EXIST)) => Err(denied(errand, found, wish)),
            created => created,
        };
    }
    // A directory may be opened without reading a file.
    if !wish.create && !wish.writes() {
        match open_directory(found, wish) {
            Err(Refusal::System(Errno::NOTDIR | Errno::LOOP | Errno::NOENT)) => {}
            opened => return opened,
        }
    }
    Err(denied(errand, found, wish))
}

/// The refusal of what the rights do not hold.
fn denied(errand: &mut Errand, found: &Found, wish: Wish) -> Refusal {
    errand.check(found, wish.wanted()).err().unwrap_or(Errno::EXIST.into())
}

fn open_existing(errand: &mut Errand, found: &Found, wish: Wish) -> Result<Handle, Refusal> {
    errand.check(found, wish.needs())?;
    let truncate = if wish.truncate { OFlags::TRUNC } else { OFlags::empty() };
    let file = openat(&found.dir, &*found.name, wish.flags() | truncate, FileMode::empty())?;
    Ok(Handle { file: file.into(), is_new: false, perms: perms(found.mount.access(&found.path)) })
}

fn create(errand: &mut Errand, found: &Found, wish: Wish) -> Result<Handle, Refusal> {
    if found.means_directory {
        return Err(Errno::ISDIR.into());
    }
    errand.check(found, wish.needs_new())?;
    let flags = wish.flags() | OFlags::CREATE | OFlags::EXCL;
    let file = openat(&found.dir, &*found.name, flags, FileMode::from_raw_mode(0o666))?;
    Ok(Handle { file: file.into(), is_new: true, perms: FsPerms::ReadWrite })
}

/// A directory that a guest may know of may be opened: what is done through it is checked then.
fn open_directory(found: &Found, wish: Wish) -> Result<Handle, Refusal> {
    if wish.writes() {
        return Err(Errno::ISDIR.into());
    }
    let flags = QUIETLY | OFlags::DIRECTORY | OFlags::RDONLY;
    let file = openat(&found.dir, &*found.name, flags, FileMode::empty())?;
    Ok(Handle { file: file.into(), is_new: false, perms: perms(found.mount.access(&found.path)) })
}

impl Handle {
    fn known(self, found: Found, wish: Wish, slot: FilePlace) -> Result<Opened, Refusal> {
        let right = match FileType::from_raw_mode(fstat(&self.file)?.st_mode) {
            FileType::RegularFile => Some(wish.right(self.is_new)),
            FileType::Directory => None,
            // A pipe, a socket or a device is another power than a file.
            _ => return Err(Errno::NOTSUP.into()),
        };
        let mut mode = OpenMode::empty();
        mode.set(OpenMode::READ, wish.reads());
        mode.set(OpenMode::WRITE, wish.writes());
        let place = Place { mount: found.mount, path: found.path };
        Ok(Opened { file: self.file, place, right, perms: self.perms, mode, slot })
    }
}
