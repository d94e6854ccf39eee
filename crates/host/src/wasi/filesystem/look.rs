//! What only looks: stat, the text of a link, a file's identity.

use std::fs::File;

use airssys_wasm_model::FileAccess;
use rustix::fs::{AtFlags, FileType, Mode as FileMode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;
use wasmtime_wasi::filesystem::{Descriptor, File as WasiFile};
use wasmtime_wasi::{FsPerms, OpenMode};

use super::errand::Errand;
use super::mount::Place;
use super::refusal::Refusal;
use super::walk::{Found, Last, find};

/// Looks at what is there, or at what a link there leads to: a handle through which nothing is read.
pub(super) fn handle(
    errand: &mut Errand,
    place: &Place,
    words: &str,
    last: Last,
) -> Result<File, Refusal> {
    let found = seen(errand, place, words, last)?;
    let flags = LOOK | OFlags::CLOEXEC;
    Ok(openat(&found.dir, &*found.name, flags, FileMode::empty())?.into())
}

#[cfg(target_os = "linux")]
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW);
/// `O_EVTONLY` and `O_SYMLINK`.
#[cfg(target_vendor = "apple")]
const LOOK: OFlags = OFlags::from_bits_retain(0x8000 | 0x20_0000);
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
const LOOK: OFlags = OFlags::NONBLOCK.union(OFlags::NOFOLLOW);

/// The handle as the runtime knows it.
pub(super) fn descriptor(file: File) -> Descriptor {
    Descriptor::File(WasiFile::new(file, FsPerms::ReadOnly, OpenMode::empty(), false))
}

/// The text of a link. One that leads out of every mount tells of the host's own directories.
pub(super) fn read_link(
    errand: &mut Errand,
    place: &Place,
    words: &str,
) -> Result<String, Refusal> {
    let found = seen(errand, place, words, Last::Keep)?;
    let target = readlinkat(&found.dir, &*found.name, Vec::new())?;
    let target = target.into_string().map_err(|_not_unicode| Errno::ILSEQ)?;
    if target.starts_with('/') { Err(Errno::PERM.into()) } else { Ok(target) }
}

/// What a guest may look at: what it may list, and the directories on the way to what it may use.
fn seen(errand: &mut Errand, place: &Place, words: &str, last: Last) -> Result<Found, Refusal> {
    let found = find(place, words, last, FileAccess::LIST)?;
    let is_on_way = !found.mount.somewhere_below(&found.path).is_empty() || found.path.is_empty();
    let may_list = errand.may(&found, FileAccess::LIST);
    if may_list || !is_on_way {
        errand.check(&found, FileAccess::LIST)?;
    }
    let stat = statat(&found.dir, &*found.name, AtFlags::SYMLINK_NOFOLLOW)?;
    let is_directory = FileType::from_raw_mode(stat.st_mode).is_dir();
    if !is_directory && !may_list {
        errand.check(&found, FileAccess::LIST)?;
    }
    if !is_directory && found.means_directory {
        return Err(Errno::NOTDIR.into());
    }
    Ok(found)
}
