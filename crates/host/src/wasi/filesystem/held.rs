//! What one guest holds: its directories with their places, and its open files, counted.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Weak};

use airssys_wasm_model::FileAccess;
use rustix::io::Errno;
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};
use wasmtime_wasi::filesystem::{Descriptor, Dir, File as WasiFile};
use wasmtime_wasi::p2::ReaddirIterator;

use super::mount::{Mount, Place};
use super::open::Opened;
use super::opened::{Act, OpenFile};
use super::refusal::Refusal;
use crate::limit::{Level, Limit};
use crate::prepare::Revision;
use crate::rights::Hold;
use crate::watch::Teller;

/// The files of one instance.
///
/// A directory is what paths begin at, so its place has the rights of now. What may be done with an open file was
/// settled when it was opened, and is asked again after a change of the rights.
pub(crate) struct HeldFiles {
    revision: Arc<Revision>,
    /// By the number of the handle in the instance's table, whose bound bounds these too.
    places: HashMap<u32, Place>,
    /// The listings of 0.2, by the same.
    listings: HashMap<u32, Listed>,
    /// By what right files are open, by the same.
    files: HashMap<u32, OpenFile>,
    /// The epoch of the rights that the places have.
    epoch: u64,
    /// A file lives as long as its handle or one of its streams does.
    open: Vec<Weak<File>>,
    /// Its clones are in the places that are taken for what is not counted itself.
    opening: Arc<()>,
}

/// A place among the open files: of what is being opened, of a listing, or of an object of a container.
pub(crate) struct FilePlace {
    revision: Arc<Revision>,
    _one: Arc<()>,
}

impl Drop for FilePlace {
    fn drop(&mut self) {
        self.revision.meters.closed(Level::Files, 1);
    }
}

/// A listing under way.
struct Listed {
    place: Place,
    /// Whether it shows every name.
    whole: bool,
    /// Its place among the open files.
    _slot: FilePlace,
}

impl HeldFiles {
    /// Of a guest that began under the rights of this epoch.
    pub(crate) fn new(revision: Arc<Revision>, epoch: u64) -> Self {
        let (places, listings, files) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { revision, places, listings, files, epoch, open: Vec::new(), opening: Arc::new(()) }
    }

    /// The revision that the guest is an instance of.
    pub(crate) fn revision(&self) -> &Revision {
        &self.revision
    }

    pub(super) fn mounts(&self) -> Vec<Arc<Mount>> {
        self.revision.rights.now().granted.mounts().to_vec()
    }

    /// Takes over the rights of now, if they have changed.
    pub(super) fn renew(&mut self) {
        let epoch = self.revision.rights.epoch();
        if self.epoch == epoch {
            return;
        }
        let now = self.revision.rights.now();
        for place in self.places.values_mut() {
            place.mount = now.granted.now(&place.mount);
        }
        for Listed { place, whole, .. } in self.listings.values_mut() {
            place.mount = now.granted.now(&place.mount);
            *whole = place.shows_all();
        }
        self.epoch = epoch;
    }

    /// The check of what is done with an open handle. A directory has no act of its own: it may be asked about for
    /// as long as the guest may know of it.
    pub(super) fn may(&self, fd: &Resource<Descriptor>, act: Act) -> Result<(), Refusal> {
        if let Some(Place { mount, path }) = self.places.get(&fd.rep()) {
            let known = !mount.access(path).or(mount.somewhere_below(path)).is_empty();
            return if known { Ok(()) } else { Err(mount.denied(path, FileAccess::LIST)) };
        }
        match self.files.get(&fd.rep()) {
            Some(file) if !file.may(act) => Err(Refusal::Revoked),
            _ => Ok(()),
        }
    }

    /// What a stream of an open file needs.
    pub(super) fn hold(&self, fd: &Resource<Descriptor>, act: Act) -> Option<Arc<Hold>> {
        self.files.get(&fd.rep())?.hold(act)
    }

    /// A place for one more open file, taken until it is counted itself.
    pub(super) fn slot(&mut self) -> Result<FilePlace, Refusal> {
        let max = self.revision.spec.limits.files as usize;
        let taken =
            |open: &[Weak<File>], opening: &Arc<()>| open.len() + Arc::strong_count(opening) - 1;
        if taken(&self.open, &self.opening) >= max {
            self.tidy();
        }
        if taken(&self.open, &self.opening) >= max {
            self.revision.meters.hit(Limit::Files);
            return Err(Refusal::TooManyOpen);
        }
        self.revision.meters.opened(Level::Files);
        Ok(FilePlace { revision: Arc::clone(&self.revision), _one: Arc::clone(&self.opening) })
    }

    /// A place for an object of a container that is read or written: it holds a file open, too.
    pub(crate) fn object(&mut self) -> Option<FilePlace> {
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
        teller: Teller,
    ) -> Result<Resource<Descriptor>, Refusal> {
        let Opened { file, place, right, perms, mode, slot } = opened;
        match right {
            Some(right) => {
                let file = WasiFile::new(file, perms, mode, false);
                self.count(Arc::downgrade(&file.file));
                drop(slot);
                let fd = table.push(Descriptor::File(file))?;
                self.files.insert(fd.rep(), OpenFile::new(teller, &place, right));
                Ok(fd)
            }
            None => {
                let dir = Dir::new(file, perms, mode, false);
                self.count(Arc::downgrade(&dir.dir));
                drop(slot);
                let fd = table.push(Descriptor::Dir(dir))?;
                self.places.insert(fd.rep(), self.now(place));
                Ok(fd)
            }
        }
    }

    fn count(&mut self, file: Weak<File>) {
        self.open.push(file);
        self.revision.meters.opened(Level::Files);
    }

    /// A place that was found under rights that may have changed since.
    fn now(&self, Place { mount, path }: Place) -> Place {
        Place { mount: self.revision.rights.now().granted.now(&mount), path }
    }

    /// The guest has let go of the handle with this number.
    pub(super) fn forget(&mut self, number: u32) {
        self.places.remove(&number);
        self.files.remove(&number);
        self.tidy();
    }

    /// Forgets the files that nothing holds any more.
    fn tidy(&mut self) {
        let before = self.open.len();
        self.open.retain(|file| file.strong_count() > 0);
        self.revision.meters.closed(Level::Files, (before - self.open.len()) as u32);
    }

    /// A listing of this place, which shows what the rights let be seen there.
    pub(super) fn lists(
        &mut self,
        listing: &Resource<ReaddirIterator>,
        place: Place,
        slot: FilePlace,
    ) {
        let place = self.now(place);
        let whole = place.shows_all();
        self.listings.insert(listing.rep(), Listed { place, whole, _slot: slot });
    }

    /// Whether a listing may still be read.
    pub(super) fn may_list(&self, listing: &Resource<ReaddirIterator>) -> Result<(), Refusal> {
        match self.listings.get(&listing.rep()) {
            Some(Listed { place, whole: false, .. }) if !place.is_listed() => {
                Err(place.mount.denied(&place.path, FileAccess::LIST))
            }
            _ => Ok(()),
        }
    }

    /// Whether a listing shows this name.
    pub(super) fn shows(&self, listing: &Resource<ReaddirIterator>, name: &str) -> bool {
        self.partial(listing).is_none_or(|place| place.shows(name))
    }

    /// Where a listing is that tells names apart.
    pub(super) fn partial(&self, listing: &Resource<ReaddirIterator>) -> Option<&Place> {
        let listed = self.listings.get(&listing.rep())?;
        (!listed.whole).then_some(&listed.place)
    }

    /// The guest let go of this listing.
    pub(super) fn forget_listing(&mut self, listing: &Resource<ReaddirIterator>) {
        self.listings.remove(&listing.rep());
    }
}

impl Drop for HeldFiles {
    fn drop(&mut self) {
        self.revision.meters.closed(Level::Files, self.open.len() as u32);
    }
}
