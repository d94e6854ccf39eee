//! The shelf of blobs: put, get by digest, list, remove.
//!
//! A blob is written under a passing name, synced, renamed to its digest and its folder synced: under
//! its digest it is whole or not there. Reading checks the digest again, so a damaged disk yields an
//! error, never wrong code. Which blobs are still wanted is not known here: their owner removes them.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use airssys_wasm_model::Digest;

use super::folder::{DiskFolder, Folder};
use super::writer::{Incoming, Writer};
use crate::disk::{create_private_folder, is_full};
use crate::lock::DirectoryLock;
use crate::store::StoreError;

/// The largest blob. The largest component seen in the field (a Python one with its interpreter) has
/// under 50 MB; a blob is read into memory whole, so this also bounds that.
pub const MAX_BLOB_BYTES: u64 = 256 << 20;

/// How the names of unfinished blobs begin; a digest's name never does.
const UNFINISHED: &str = "incoming-";

/// The blobs of one store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) folder: Box<dyn Folder>,
    /// Makes "is it there already?" and "rename it there" one step against a removal in between.
    /// Held for a rename or the check of one blob, never across a blob's writing.
    naming: Mutex<Doubtful>,
    next: AtomicU64,
    _lock: Option<Arc<DirectoryLock>>,
}

/// Names that are there and yet may not be on the disk, because syncing them failed. The system may have
/// forgotten that they were to be written, so a later sync that succeeds proves nothing about them: such a
/// blob counts as absent until it was written and named anew. Bounded by the disk's own errors.
type Doubtful = BTreeSet<Digest>;

/// Why an operation on a blob failed.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no blob {0}")]
    NotFound(Digest),
    /// What is on the disk is not what was written. Putting the true bytes again repairs it.
    #[error("blob {digest} is damaged on the disk")]
    Corrupt {
        /// The blob.
        digest: Digest,
        /// The digest of what was read; `None` if that was longer than any blob.
        found: Option<Digest>,
    },
    /// The bytes are more than the bound.
    #[error("the blob is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The bound: the caller's or [`MAX_BLOB_BYTES`].
        limit_bytes: u64,
    },
    /// The disk or the quota is full. Nothing is left behind, and the store stays usable.
    #[error("no room on the disk to {doing} a blob")]
    Full {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system refused an operation.
    #[error("cannot {doing} a blob")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Blobs {
    pub(crate) fn open(dir: &Path, lock: Arc<DirectoryLock>) -> Result<Self, StoreError> {
        create_private_folder(dir).map_err(|error| StoreError::from_io("create", dir, error))?;
        Self::on(DiskFolder(dir.to_owned()), Some(lock))
            .map_err(|error| StoreError::from_io("clean up", dir, error))
    }

    /// The blobs in any folder, so that a test can cut its power.
    pub(super) fn on(
        folder: impl Folder + 'static,
        lock: Option<Arc<DirectoryLock>>,
    ) -> io::Result<Self> {
        // The lock is ours, so nobody is writing these any more.
        for name in folder.names()?.iter().filter(|name| name.starts_with(UNFINISHED)) {
            folder.remove(name)?;
        }
        // A predecessor may have been killed between naming a blob and the sync. After this, whatever has
        // its name has it for good, unless `settle` says otherwise.
        folder.sync()?;
        let shelf = Shelf {
            folder: Box::new(folder),
            naming: Mutex::default(),
            next: AtomicU64::new(0),
            _lock: lock,
        };
        Ok(Self { shelf: Arc::new(shelf) })
    }

    /// Stores these bytes and returns their name. Durable when it returns; storing what is there
    /// already is quick and harmless.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        if bytes.len() as u64 > MAX_BLOB_BYTES {
            return Err(BlobError::TooLarge { limit_bytes: MAX_BLOB_BYTES });
        }
        let digest = Digest::of(bytes);
        if self.shelf.has(&digest, bytes)? {
            return Ok(digest);
        }
        // It was hashed to look for it, and is not hashed again to be written.
        let mut incoming = self.incoming()?;
        incoming.write(bytes)?;
        incoming.settle(&digest)?;
        Ok(digest)
    }

    /// Begins a blob whose bytes arrive piece by piece, at most `limit_bytes` of them (and never more
    /// than [`MAX_BLOB_BYTES`]).
    pub fn writer(&self, limit_bytes: u64) -> Result<Writer, BlobError> {
        Ok(Writer::new(self.incoming()?, limit_bytes.min(MAX_BLOB_BYTES)))
    }

    fn incoming(&self) -> Result<Incoming, BlobError> {
        let number = self.shelf.next.fetch_add(1, Ordering::Relaxed);
        Incoming::begin(self.shelf.clone(), format!("{UNFINISHED}{number}"))
    }

    /// A blob's bytes, checked against their digest.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, BlobError> {
        let (mut file, len) = match self.shelf.folder.open(&digest.hex()) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(BlobError::NotFound(*digest));
            }
            opened => opened.map_err(|error| BlobError::from_io("open", error))?,
        };
        if len > MAX_BLOB_BYTES {
            return Err(BlobError::Corrupt { digest: *digest, found: None });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
        file.by_ref()
            .take(MAX_BLOB_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| BlobError::from_io("read", error))?;
        match Digest::of(&bytes) {
            found if found == *digest => Ok(bytes),
            found => Err(BlobError::Corrupt { digest: *digest, found: Some(found) }),
        }
    }

    /// Whether there is a blob of this name. Says nothing of its state: [`get`](Self::get) does.
    pub fn contains(&self, digest: &Digest) -> Result<bool, BlobError> {
        if self.shelf.naming().contains(digest) {
            return Ok(false);
        }
        let exists = self.shelf.folder.exists(&digest.hex());
        exists.map_err(|error| BlobError::from_io("look for", error))
    }

    /// Removes a blob and says whether it was there. Durable when it returns.
    pub fn remove(&self, digest: &Digest) -> Result<bool, BlobError> {
        let mut doubtful = self.shelf.naming();
        match self.shelf.folder.remove(&digest.hex()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            removed => removed.map_err(|error| BlobError::from_io("remove", error))?,
        }
        self.shelf.sync()?;
        doubtful.remove(digest);
        Ok(true)
    }

    /// Makes a blob count as new and says whether it is there. Whoever is about to name a blob touches it, so
    /// that [`remove_untouched`](Self::remove_untouched) leaves it.
    pub fn touch(&self, digest: &Digest) -> Result<bool, BlobError> {
        let doubtful = self.shelf.naming();
        if doubtful.contains(digest) {
            return Ok(false);
        }
        match self.shelf.folder.touch(&digest.hex()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            touched => touched.map(|()| true).map_err(|error| BlobError::from_io("touch", error)),
        }
    }

    /// Removes a blob that has neither been put nor touched for so long, and says whether it did. One step
    /// against a put or a touch at the same time.
    pub fn remove_untouched(&self, digest: &Digest, since: Duration) -> Result<bool, BlobError> {
        let _turn = self.shelf.naming();
        let touched = match self.shelf.folder.touched(&digest.hex()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            touched => touched.map_err(|error| BlobError::from_io("look at", error))?,
        };
        // A time to come, after the clock was set back, is new.
        if touched.elapsed().unwrap_or_default() < since {
            return Ok(false);
        }
        let removed = self.shelf.folder.remove(&digest.hex());
        removed.map_err(|error| BlobError::from_io("remove", error))?;
        self.shelf.sync()?;
        Ok(true)
    }

    /// The names of all blobs, sorted.
    pub fn list(&self) -> Result<Vec<Digest>, BlobError> {
        let names = self.shelf.folder.names().map_err(|error| BlobError::from_io("list", error))?;
        let mut digests: Vec<Digest> =
            names.iter().filter_map(|name| format!("sha256:{name}").parse().ok()).collect();
        digests.sort_unstable();
        Ok(digests)
    }
}

impl Shelf {
    /// Whether the blob is there, with these bytes and durably so. A damaged one is to be written again.
    ///
    /// Compares instead of hashing: without the processor's help SHA-256 runs at some 200 MB/s, and a
    /// known artifact of 18 MB is to be redeployed in less than hashing it once more takes.
    pub(super) fn has(&self, digest: &Digest, bytes: impl Read) -> Result<bool, BlobError> {
        let doubtful = self.naming();
        if doubtful.contains(digest) {
            return Ok(false);
        }
        let file = match self.folder.open(&digest.hex()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(|error| BlobError::from_io("open", error))?.0,
        };
        // A file that cannot be read is to be written again, like a damaged one.
        if !same(file, bytes).unwrap_or(false) {
            return Ok(false);
        }
        // It was put now, however old its file is.
        let touched = self.folder.touch(&digest.hex());
        touched.map_err(|error| BlobError::from_io("touch", error))?;
        Ok(true)
    }

    /// Puts a finished and synced file under its digest.
    pub(super) fn settle(&self, unfinished: &str, digest: &Digest) -> Result<(), BlobError> {
        let mut doubtful = self.naming();
        let name = digest.hex();
        let was_there = self.folder.exists(&name);
        self.folder.rename(unfinished, &name).map_err(|error| BlobError::from_io("name", error))?;
        let synced = self.sync();
        if synced.is_ok() {
            doubtful.remove(digest);
        } else {
            doubtful.insert(*digest);
            // A later process could not know of the doubt, so it is not to find the name. One that was
            // there before may have been acknowledged: either file has the same bytes, and it stays.
            if let Ok(false) = was_there {
                let _ = self.folder.remove(&name);
            }
        }
        synced
    }

    fn sync(&self) -> Result<(), BlobError> {
        self.folder.sync().map_err(|error| BlobError::from_io("settle", error))
    }

    fn naming(&self) -> MutexGuard<'_, Doubtful> {
        self.naming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlobError {
    pub(super) fn from_io(doing: &'static str, source: io::Error) -> Self {
        if is_full(&source) { Self::Full { doing, source } } else { Self::Io { doing, source } }
    }
}

/// Whether two streams have the same bytes.
fn same(mut one: impl Read, mut other: impl Read) -> io::Result<bool> {
    /// Large enough that the calls cost nothing beside the comparing.
    const PIECE_BYTES: u64 = 128 << 10;
    let (mut piece, mut counterpart) = (Vec::new(), Vec::new());
    loop {
        piece.clear();
        counterpart.clear();
        one.by_ref().take(PIECE_BYTES).read_to_end(&mut piece)?;
        other.by_ref().take(PIECE_BYTES).read_to_end(&mut counterpart)?;
        if piece != counterpart {
            return Ok(false);
        }
        if piece.is_empty() {
            return Ok(true);
        }
    }
}
