//! Opening a data directory: the lock first, then the schema, then the shelves.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::blobs::Blobs;
use crate::blobstore::Blobstore;
use crate::disk::{create_private_folder, is_full};
use crate::keyvalue::KeyValue;
use crate::lock::DirectoryLock;
use crate::private::keep_private;
use crate::records::{RecordError, Records};

/// The layout this build writes. It is raised by a change that an older build would misread, and an
/// older build refuses what is newer than it knows.
pub const SCHEMA: u64 = 1;

/// One data directory, held by this process alone. Cheap to clone; the directory is released when the
/// last clone, shelf, [`Writer`](crate::Writer), [`Watch`](crate::Watch) owner and handle on what a guest
/// keeps is gone.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// use airssys_wasm_store::Store;
///
/// let store = Store::open(dir.path())?;
/// let digest = store.blobs().put(b"\0asm")?;
/// let version = store.records().put_if("services/greeter", None, digest.hex().as_bytes())?;
/// let record = store.records().get("services/greeter")?.expect("it was just put");
/// assert_eq!((record.version, record.value), (version, digest.hex().into_bytes()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    records: Records,
    blobs: Blobs,
    guests: Arc<Guests>,
}

/// What guests keep: opened when the first of them asks, because most nodes have none that do.
#[derive(Debug)]
struct Guests {
    dir: PathBuf,
    /// Held while it is opened, so that no file is opened twice; never across an await.
    key_value: Mutex<Option<KeyValue>>,
    /// As with the one above.
    blobstore: Mutex<Option<Blobstore>>,
    lock: Arc<DirectoryLock>,
}

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has this directory open.
    #[error("{} is in use by {}", dir.display(), match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    })]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// The process that holds it, if it could be read.
        pid: Option<u32>,
    },
    /// The directory was written by a newer build; reading it could misread it.
    #[error(
        "{} has schema {found}, and this build reads up to {supported}: run a newer airssys-wasm",
        dir.display()
    )]
    NewerSchema {
        /// The directory.
        dir: PathBuf,
        /// The schema in it.
        found: u64,
        /// The newest schema this build reads.
        supported: u64,
    },
    /// The disk or the quota is full. Nothing is lost: free some space and open again.
    #[error("no room to {doing} {}", path.display())]
    Full {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The records are damaged: restore the directory from a copy.
    #[error("{} is damaged: {detail}", path.display())]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// The system refused an operation.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Store {
    /// Opens a data directory, creating it (readable by its owner alone) if it is not there. One that
    /// others may read is taken from them where that is this process's to do; otherwise the log says so.
    ///
    /// Undoes what a killed predecessor left half done: an unfinished record is rolled back and the
    /// remains of unfinished blobs are removed.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        create_private_folder(dir).map_err(|error| StoreError::from_io("create", dir, error))?;
        let lock = Arc::new(DirectoryLock::take(dir)?);
        keep_private(dir);
        let records = Records::open(dir, lock.clone())?;
        let blobs = Blobs::open(&dir.join("blobs"), lock.clone())?;
        let (dir, key_value, blobstore) = (dir.to_owned(), Mutex::default(), Mutex::default());
        let guests = Guests { dir, key_value, blobstore, lock };
        Ok(Self { records, blobs, guests: Arc::new(guests) })
    }

    /// The records: small, named, versioned.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The blobs: large, immutable, named by digest.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// The guests' key-value buckets. The first call opens them, which takes time in proportion to what is
    /// in them; call it from a thread that may block.
    pub fn key_value(&self) -> Result<KeyValue, StoreError> {
        let guests = &self.guests;
        once(&guests.key_value, || KeyValue::open(&guests.dir, guests.lock.clone()))
    }

    /// The same where they are open already: it waits for nobody who opens them.
    pub fn open_key_value(&self) -> Option<KeyValue> {
        self.guests.key_value.try_lock().ok()?.clone()
    }

    /// Whether there is a file of key-value buckets: to have none is to keep nothing, and asking makes none.
    pub fn has_key_value(&self) -> bool {
        KeyValue::is_in(&self.guests.dir)
    }

    /// The guests' blob containers. The first call opens them, which takes time in proportion to the number
    /// of objects; call it from a thread that may block.
    pub fn blobstore(&self) -> Result<Blobstore, StoreError> {
        let guests = &self.guests;
        once(&guests.blobstore, || Blobstore::open(&guests.dir, guests.lock.clone()))
    }

    /// Whether there is an index of blob containers: to have none is to keep nothing, and asking makes none.
    pub fn has_blobstore(&self) -> bool {
        Blobstore::is_in(&self.guests.dir)
    }
}

/// What is in the place, or is now put there. A failure leaves it empty, for the next attempt.
fn once<T: Clone>(
    place: &Mutex<Option<T>>,
    open: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    match &*place {
        Some(opened) => Ok(opened.clone()),
        None => Ok(place.insert(open()?).clone()),
    }
}

impl StoreError {
    pub(crate) fn from_io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if is_full(&source) {
            Self::Full { doing, path, source }
        } else {
            Self::Io { doing, path, source }
        }
    }

    pub(crate) fn from_record(path: &Path, error: RecordError) -> Self {
        match error {
            RecordError::Full { source } | RecordError::Io { source } => {
                Self::from_io("open", path, source)
            }
            RecordError::Corrupt { detail } => Self::Corrupt { path: path.to_owned(), detail },
            RecordError::Malformed { .. } => {
                Self::Corrupt { path: path.to_owned(), detail: error.to_string() }
            }
        }
    }
}
