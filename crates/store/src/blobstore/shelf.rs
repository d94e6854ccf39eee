//! The shelf of containers: opening it, and collecting what a crash left.
//!
//! An object's bytes are one file that never changes. It is written under a passing name, synced, given its
//! number and only then entered into the index, in the transaction that takes out what it replaces. So the
//! index never names a file that is not whole, and a file that the index does not name is nobody's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::containers::Containers;
use super::error::BlobstoreError;
use super::index::{self, Acted, Index};
use crate::accounts;
use crate::blobs::{DiskFolder, Folder};
use crate::disk::create_private_folder;
use crate::lock::DirectoryLock;
use crate::quota::{Quota, Usage};
use crate::records::{Engine, MakeTables, RecordError, open_file};
use crate::store::StoreError;

/// The index, in a file of its own: neither records nor key-value writes wait for it.
const FILE: &str = "blobstore.redb";

/// The folder of the objects' files.
const FOLDER: &str = "objects";

pub(super) const TABLES: MakeTables = index::make;

/// How the names of unfinished files begin; a number never does.
pub(super) const UNFINISHED: &str = "incoming-";

/// The blob containers of one store. Cheap to clone. Every operation blocks on the disk.
#[derive(Clone, Debug)]
pub struct Blobstore {
    pub(super) shelf: Arc<Shelf>,
}

#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) engine: Engine,
    pub(super) folder: Box<dyn Folder>,
    /// Makes naming a file and syncing the folder one step: a sync that failed may have forgotten every
    /// name before it, and no later one would say so. Held for a rename and a sync.
    naming: Mutex<()>,
    /// What is being written, by service. Held to add or take off a number.
    pub(super) under_way: Mutex<BTreeMap<String, Usage>>,
    next: AtomicU64,
    /// Last, so that the directory is released after the engine has closed.
    _lock: Option<Arc<DirectoryLock>>,
}

/// Why the files could not be put in order.
#[derive(Debug)]
pub(super) enum TidyError {
    Index(RecordError),
    Folder(std::io::Error),
}

impl Blobstore {
    pub(crate) fn open(dir: &Path, lock: Arc<DirectoryLock>) -> Result<Self, StoreError> {
        let (folder, index) = (dir.join(FOLDER), dir.join(FILE));
        let io = |doing, source| StoreError::from_io(doing, &folder, source);
        create_private_folder(&folder).map_err(|error| io("create", error))?;
        let engine = open_file(dir, FILE, TABLES)?;
        Self::on(engine, DiskFolder(folder.clone()), Some(lock)).map_err(|error| match error {
            TidyError::Index(error) => StoreError::from_record(&index, error),
            TidyError::Folder(error) => io("clean up", error),
        })
    }

    /// Whether a directory has them.
    pub(crate) fn is_in(dir: &Path) -> bool {
        dir.join(FILE).exists()
    }

    /// The containers on any index and folder, so that a test can cut their power.
    pub(super) fn on(
        engine: Engine,
        folder: impl Folder + 'static,
        lock: Option<Arc<DirectoryLock>>,
    ) -> Result<Self, TidyError> {
        accounts::audit(&engine, index::count).map_err(TidyError::Index)?;
        let next = collect(&engine, &folder)?;
        let shelf = Shelf {
            engine,
            folder: Box::new(folder),
            naming: Mutex::new(()),
            under_way: Mutex::default(),
            next: AtomicU64::new(next),
            _lock: lock,
        };
        Ok(Self { shelf: Arc::new(shelf) })
    }

    /// A service's containers, within its quota.
    pub fn containers(&self, service: &str, quota: Quota) -> Containers {
        Containers::new(self.clone(), service.to_owned(), quota)
    }

    /// What a service keeps, in all its containers together.
    pub fn usage(&self, service: &str) -> Result<Usage, BlobstoreError> {
        Ok(accounts::of(&self.shelf.engine, service)?)
    }

    /// Every service that keeps an object, and how much: to find what a removed one has left.
    pub fn services(&self) -> Result<Vec<(String, Usage)>, BlobstoreError> {
        Ok(accounts::kept(&self.shelf.engine)?.into_iter().collect())
    }

    /// Changes the index, and removes the files that no object has any more.
    pub(super) fn change<T>(
        &self,
        body: impl FnOnce(&mut Index<'_>) -> Acted<T>,
    ) -> Result<T, BlobstoreError> {
        let (value, freed) = index::change(&self.shelf.engine, body)?;
        for file in freed {
            // What this fails to remove, the next opening does.
            let _ = self.shelf.folder.remove(&file_name(file));
        }
        Ok(value)
    }
}

impl Shelf {
    /// A number that no file has had since the store was opened.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives a finished and synced file its number. Durable when it returns.
    pub(super) fn name(&self, unfinished: &str, file: u64) -> Result<(), BlobstoreError> {
        let _turn = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        let name = file_name(file);
        self.folder
            .rename(unfinished, &name)
            .map_err(|error| BlobstoreError::from_io("name", error))?;
        let synced = self.folder.sync();
        if synced.is_err() {
            let _ = self.folder.remove(&name);
        }
        synced.map_err(|error| BlobstoreError::from_io("settle", error))
    }

    pub(super) fn under_way(&self) -> MutexGuard<'_, BTreeMap<String, Usage>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn file_name(file: u64) -> String {
    format!("{file:016x}")
}

/// Removes what the index does not name, and returns the first free number. The lock is ours, so nobody is
/// writing these any more.
fn collect(engine: &Engine, folder: &impl Folder) -> Result<u64, TidyError> {
    let wanted = index::files(engine).map_err(TidyError::Index)?;
    for name in folder.names().map_err(TidyError::Folder)? {
        let number = u64::from_str_radix(&name, 16).ok().filter(|file| file_name(*file) == name);
        let nobodys = match number {
            Some(file) => !wanted.contains(&file),
            // What has some other name was not made here.
            None => name.starts_with(UNFINISHED),
        };
        if nobodys {
            folder.remove(&name).map_err(TidyError::Folder)?;
        }
    }
    folder.sync().map_err(TidyError::Folder)?;
    Ok(wanted.last().map_or(0, |last| last + 1))
}
