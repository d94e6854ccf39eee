//! The shelf of records: get, put if unchanged, list by prefix, watch.
//!
//! Versions come from one counter of the whole store, so a version is never used twice, not even by a
//! record that was deleted and made again: whoever holds an old version can't mistake the new one for
//! it. There is no put of several records at once: what must change together belongs in one record.

use std::path::Path;
use std::sync::Arc;

use redb::{ReadableTable, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::engine::{CLOCK_KEY, Engine, LEASES, META, RECORDS, Stop};
use super::error::{PutError, RecordError};
use super::file::open_file;
use super::lease::{self, Fence};
use super::watch::{Announcer, Change, Watch};
use crate::lock::DirectoryLock;
use crate::store::StoreError;

/// The name of the file that holds them.
pub(crate) const RECORDS_FILE: &str = "records.redb";

/// The longest key. Names are labels of at most 63 bytes, and a key is a few of them.
pub const MAX_KEY_BYTES: usize = 512;

/// The largest value. A record is read and written whole, so what is larger belongs in a blob.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// The records of one store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Records {
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    engine: Engine,
    announcer: Announcer,
    /// Last, so that the directory is released after the engine has closed.
    _lock: Option<Arc<DirectoryLock>>,
}

/// A value and the version it was read at: what the next change has to build on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// Where the record stands. Versions only grow.
    pub version: u64,
    /// What it says.
    pub value: T,
}

/// A record in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub key: String,
    /// Where it stands.
    pub version: u64,
    /// What it says.
    pub value: Vec<u8>,
}

impl Records {
    pub(crate) fn open(dir: &Path, lock: Arc<DirectoryLock>) -> Result<Self, StoreError> {
        Ok(Self::with(open_file(dir, RECORDS_FILE, create_tables)?, Some(lock)))
    }

    /// The records on any backend, so that a test can cut its power.
    #[cfg(test)]
    pub(super) fn on(
        backend: impl redb::StorageBackend,
        lock: Option<Arc<DirectoryLock>>,
    ) -> Result<Self, super::file::OpenError> {
        Ok(Self::with(super::file::open_on(backend, create_tables)?, lock))
    }

    fn with(engine: Engine, lock: Option<Arc<DirectoryLock>>) -> Self {
        let shelf = Shelf { engine, announcer: Announcer::new(), _lock: lock };
        Self { shelf: Arc::new(shelf) }
    }

    /// The record under this key, if there is one.
    pub fn get(&self, key: &str) -> Result<Option<Versioned<Vec<u8>>>, RecordError> {
        self.engine().read(|transaction| {
            let found = transaction.open_table(RECORDS)?.get(key)?;
            Ok(found.map(|found| {
                let (version, value) = found.value();
                Versioned { version, value: value.to_vec() }
            }))
        })
    }

    /// The record under this key, read as JSON.
    pub fn get_json<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<Versioned<T>>, RecordError> {
        let Some(Versioned { version, value }) = self.get(key)? else { return Ok(None) };
        let value = serde_json::from_slice(&value)
            .map_err(|source| RecordError::Malformed { key: key.to_owned(), source })?;
        Ok(Some(Versioned { version, value }))
    }

    /// Puts a record if it still stands at `expected` (`None`: if there is none yet), and returns its
    /// new version. Durable when it returns.
    ///
    /// Bounds: [`MAX_KEY_BYTES`] and [`MAX_RECORD_BYTES`].
    pub fn put_if(&self, key: &str, expected: Option<u64>, value: &[u8]) -> Result<u64, PutError> {
        self.put(None, key, expected, value)
    }

    /// As [`put_if`](Self::put_if), and only while the fence's lease has not been taken over.
    pub fn put_fenced(
        &self,
        fence: &Fence,
        key: &str,
        expected: Option<u64>,
        value: &[u8],
    ) -> Result<u64, PutError> {
        self.put(Some(fence), key, expected, value)
    }

    /// As [`put_if`](Self::put_if), with the value written as JSON.
    pub fn put_json<T: Serialize + ?Sized>(
        &self,
        key: &str,
        expected: Option<u64>,
        value: &T,
    ) -> Result<u64, PutError> {
        self.put(None, key, expected, &to_json(key, value)?)
    }

    /// As [`put_fenced`](Self::put_fenced), with the value written as JSON.
    pub fn put_json_fenced<T: Serialize + ?Sized>(
        &self,
        fence: &Fence,
        key: &str,
        expected: Option<u64>,
        value: &T,
    ) -> Result<u64, PutError> {
        self.put(Some(fence), key, expected, &to_json(key, value)?)
    }

    /// Deletes a record if it still stands at `expected`. Durable when it returns.
    pub fn delete_if(&self, key: &str, expected: u64) -> Result<(), PutError> {
        let body = |transaction: &WriteTransaction| {
            let mut table = transaction.open_table(RECORDS)?;
            let found = table.get(key)?.map(|found| found.value().0);
            unchanged(key, Some(expected), found)?;
            table.remove(key)?;
            Ok(())
        };
        self.engine().write(body, |done| {
            self.tell(done.map(|()| Change::Deleted { key: key.to_owned() }));
        })
    }

    /// All records whose key starts with `prefix`, in the order of their keys, as of one instant.
    ///
    /// Meant for what a node has dozens or thousands of; [`keys`](Self::keys) spares the values.
    pub fn list(&self, prefix: &str) -> Result<Vec<Record>, RecordError> {
        self.scan(prefix, |key, version, value| Record {
            key: key.to_owned(),
            version,
            value: value.to_vec(),
        })
    }

    /// Keys and versions of all records whose key starts with `prefix`, in order, as of one instant.
    pub fn keys(&self, prefix: &str) -> Result<Vec<(String, u64)>, RecordError> {
        self.scan(prefix, |key, version, _| (key.to_owned(), version))
    }

    /// How many records have a key that starts with `prefix`. Reads each of them.
    pub fn count(&self, prefix: &str) -> Result<u64, RecordError> {
        self.engine().read(|transaction| {
            let mut count = 0;
            for found in transaction.open_table(RECORDS)?.range(prefix..)? {
                if !found?.0.value().starts_with(prefix) {
                    break;
                }
                count += 1;
            }
            Ok(count)
        })
    }

    /// Changes under `prefix` from now on. List after calling this, so that nothing falls between.
    pub fn watch(&self, prefix: &str) -> Watch {
        self.shelf.announcer.watch(prefix)
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.shelf.engine
    }

    fn put(
        &self,
        fence: Option<&Fence>,
        key: &str,
        expected: Option<u64>,
        value: &[u8],
    ) -> Result<u64, PutError> {
        within_bounds(key, value)?;
        let body = |transaction: &WriteTransaction| {
            if let Some(fence) = fence {
                lease::check(transaction, fence)?;
            }
            let mut table = transaction.open_table(RECORDS)?;
            let found = table.get(key)?.map(|found| found.value().0);
            unchanged(key, expected, found)?;
            let version = tick(transaction)?;
            table.insert(key, (version, value))?;
            Ok(version)
        };
        self.engine().write(body, |done| {
            self.tell(done.map(|&version| Change::Put { key: key.to_owned(), version }));
        })
    }

    fn scan<T>(
        &self,
        prefix: &str,
        entry: impl Fn(&str, u64, &[u8]) -> T,
    ) -> Result<Vec<T>, RecordError> {
        self.engine().read(|transaction| {
            let mut entries = Vec::new();
            for found in transaction.open_table(RECORDS)?.range(prefix..)? {
                let (key, found) = found?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                let (version, value) = found.value();
                entries.push(entry(key.value(), version, value));
            }
            Ok(entries)
        })
    }

    /// An outcome left open by a failing disk is a change that may have gone by untold.
    pub(super) fn tell(&self, change: Option<Change>) {
        self.shelf.announcer.tell(change.unwrap_or(Change::Missed));
    }
}

/// The next number of the store's clock, for a version or a fencing token.
pub(super) fn tick(transaction: &WriteTransaction) -> Result<u64, redb::Error> {
    let mut meta = transaction.open_table(META)?;
    let next = meta.get(CLOCK_KEY)?.map_or(0, |last| last.value()) + 1;
    meta.insert(CLOCK_KEY, next)?;
    Ok(next)
}

fn create_tables(transaction: &WriteTransaction) -> Result<(), Stop<RecordError>> {
    transaction.open_table(RECORDS)?;
    transaction.open_table(LEASES)?;
    Ok(())
}

fn unchanged(key: &str, expected: Option<u64>, found: Option<u64>) -> Result<(), Stop<PutError>> {
    if expected == found {
        return Ok(());
    }
    Err(Stop::Refused(PutError::Conflict { key: key.to_owned(), expected, found }))
}

fn within_bounds(key: &str, value: &[u8]) -> Result<(), PutError> {
    let too_large = |what, bytes, limit| {
        let key = key.chars().take(80).collect();
        Err(PutError::TooLarge { key, what, bytes, limit })
    };
    if key.len() > MAX_KEY_BYTES {
        return too_large("key", key.len(), MAX_KEY_BYTES);
    }
    if value.len() > MAX_RECORD_BYTES {
        return too_large("value", value.len(), MAX_RECORD_BYTES);
    }
    Ok(())
}

fn to_json<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Vec<u8>, PutError> {
    serde_json::to_vec(value).map_err(|source| PutError::Malformed { key: key.to_owned(), source })
}
