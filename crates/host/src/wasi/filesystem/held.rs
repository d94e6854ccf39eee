//! What one guest holds: its directories with their places, and its open files, counted.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Weak};

use rustix::io::Errno;
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};
use wasmtime_wasi::filesystem::{Descriptor, Dir, File as WasiFile};
use wasmtime_wasi::p2::ReaddirIterator;

use super::mount::{Mount, Place};
use super::open::{Opened, OpenedKind};
use super::refusal::Refusal;
use crate::prepare::Revision;

/// The files of one instance.
///
/// An open file needs no place: what may be done with it was settled when it was opened, and the runtime checks
/// that on each use. A directory is what paths begin at.
pub(crate) struct HeldFiles {
    revision: Arc<Revision>,
    /// By the number of the handle in the instance's table, whose bound bounds these too.
    places: HashMap<u32, Place>,
    /// The listings of 0.2, by the same.
    listings: HashMap<u32, Listed>,
    /// A file lives as long as its handle or one of its streams does.
    open: Vec<Weak<File>>,
    /// Its clones are the openings under way.
    opening: Arc<()>,
}

/// A listing under way.
struct Listed {
    /// Where it is, if it is not to show every name.
    partial: Option<Place>,
    /// Its place among the open files.
    _slot: Arc<()>,
}

impl HeldFiles {
    pub(crate) fn new(revision: Arc<Revision>) -> Self {
        let (places, listings, open) = (HashMap::new(), HashMap::new(), Vec::new());
        Self { revision, places, listings, open, opening: Arc::new(()) }
    }

    /// The revision that the guest is an instance of.
    pub(crate) fn revision(&self) -> &Revision {
        &self.revision
    }

    pub(super) fn mounts(&self) -> &[Arc<Mount>] {
        self.revision.granted.mounts()
    }

    /// A place for one more open file, taken until it is counted itself.
    pub(super) fn slot(&mut self) -> Result<Arc<()>, Refusal> {
        let max = self.revision.spec.limits.files as usize;
        let taken =
            |open: &[Weak<File>], opening: &Arc<()>| open.len() + Arc::strong_count(opening) - 1;
        if taken(&self.open, &self.opening) >= max {
            self.open.retain(|file| file.strong_count() > 0);
        }
        if taken(&self.open, &self.opening) >= max {
            return Err(Refusal::TooManyOpen);
        }
        Ok(Arc::clone(&self.opening))
    }

    /// A place for an object of a container that is read or written: it holds a file open, too.
    pub(crate) fn object(&mut self) -> Option<Arc<()>> {
        self.slot().ok()
    }

    /// Where this handle is, if it is a directory's.
    pub(super) fn place(
        &self,
        table: &ResourceTable,
        fd: &Resource<Descriptor>,
    ) -> Result<Place, Refusal> {
        table.get(fd)?;
        self.places.get(&fd.rep()).cloned().ok_or(Errno::NOTDIR.into())
    }

    /// Hands a directory of the revision to the guest.
    pub(super) fn preopen(
        &mut self,
        table: &mut ResourceTable,
        mount: Arc<Mount>,
    ) -> Result<Resource<Descriptor>, ResourceTableError> {
        let fd = table.push(Descriptor::Dir(mount.dir()))?;
        self.places.insert(fd.rep(), Place { mount, path: String::new() });
        Ok(fd)
    }

    /// Hands what was opened to the guest.
    pub(super) fn keep(
        &mut self,
        table: &mut ResourceTable,
        opened: Opened,
    ) -> Result<Resource<Descriptor>, Refusal> {
        let Opened { file, kind, perms, mode, slot } = opened;
        let (descriptor, file, place) = match kind {
            OpenedKind::File => {
                let file = WasiFile::new(file, perms, mode, false);
                let held = Arc::downgrade(&file.file);
                (Descriptor::File(file), held, None)
            }
            OpenedKind::Directory(place) => {
                let dir = Dir::new(file, perms, mode, false);
                let held = Arc::downgrade(&dir.dir);
                (Descriptor::Dir(dir), held, Some(place))
            }
        };
        let fd = table.push(descriptor)?;
        self.open.push(file);
        drop(slot);
        if let Some(place) = place {
            self.places.insert(fd.rep(), place);
        }
        Ok(fd)
    }

    /// The guest let go of this handle.
    pub(super) fn forget(&mut self, fd: &Resource<Descriptor>) {
        self.places.remove(&fd.rep());
    }

    /// A listing of this place, which shows what the rights let be seen there.
    pub(super) fn lists(
        &mut self,
        listing: &Resource<ReaddirIterator>,
        place: Place,
        slot: Arc<()>,
    ) {
        let partial = (!place.shows_all()).then_some(place);
        self.listings.insert(listing.rep(), Listed { partial, _slot: slot });
    }

    /// Whether a listing shows this name.
    pub(super) fn shows(&self, listing: &Resource<ReaddirIterator>, name: &str) -> bool {
        self.partial(listing).is_none_or(|place| place.shows(name))
    }

    /// Where a listing is that tells names apart.
    pub(super) fn partial(&self, listing: &Resource<ReaddirIterator>) -> Option<&Place> {
        self.listings.get(&listing.rep())?.partial.as_ref()
    }

    /// The guest let go of this listing.
    pub(super) fn forget_listing(&mut self, listing: &Resource<ReaddirIterator>) {
        self.listings.remove(&listing.rep());
    }
}
