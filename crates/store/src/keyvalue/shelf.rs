//! The shelf of buckets: opening it, whose they are, and removing what a service kept.

use std::path::Path;
use std::sync::Arc;

use super::bucket::Bucket;
use super::error::KeyValueError;
use super::tables::{self, Batch, Place};
use super::writer::Writer;
use crate::accounts;
use crate::lock::DirectoryLock;
use crate::quota::{Quota, Usage};
use crate::records::{Engine, MakeTables, RecordError, open_file};
use crate::store::StoreError;

/// The name of the file that holds them. A file of their own, so that neither a guest's writes nor its bytes
/// stand between the node and its records.
const FILE: &str = "keyvalue.redb";

pub(super) const TABLES: MakeTables = tables::make;

/// Entries removed in one transaction when a bucket goes: with the longest keys half a megabyte of names in
/// memory, and others' writes wait for a few milliseconds.
const SWEEP_ENTRIES: usize = 1000;

/// The key-value buckets of one store. Cheap to clone.
///
/// A write is acknowledged when it is durable, and many at once share the syncs. Reads are synchronous and
/// see every write that was acknowledged before: they cost a microsecond where the system has the page in
/// memory, and a read of the disk where it has not. The first one after a failure of the disk opens the file
/// again and checks it, which takes longer.
#[derive(Clone, Debug)]
pub struct KeyValue {
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    /// First, so that its thread has ended before the engine closes.
    writer: Writer,
    engine: Arc<Engine>,
    _lock: Option<Arc<DirectoryLock>>,
}

impl KeyValue {
    pub(crate) fn open(dir: &Path, lock: Arc<DirectoryLock>) -> Result<Self, StoreError> {
        let engine = open_file(dir, FILE, TABLES)?;
        Self::with(engine, Some(lock))
            .map_err(|error| StoreError::from_record(&dir.join(FILE), error))
    }

    /// Whether this directory has any.
    pub(crate) fn is_in(dir: &Path) -> bool {
        dir.join(FILE).exists()
    }

    /// The buckets on any backend, so that a test can cut its power.
    #[cfg(test)]
    pub(super) fn on(
        backend: impl redb::StorageBackend,
    ) -> Result<Self, crate::records::OpenError> {
        Ok(Self::with(crate::records::open_on(backend, TABLES)?, None)?)
    }

    fn with(engine: Engine, lock: Option<Arc<DirectoryLock>>) -> Result<Self, RecordError> {
        accounts::audit(&engine, tables::count)?;
        let engine = Arc::new(engine);
        let writer = Writer::start(engine.clone(), lock.clone());
        Ok(Self { shelf: Arc::new(Shelf { writer, engine, _lock: lock }) })
    }

    /// A bucket of a service, within that service's quota. It needs no making: which buckets there are is
    /// a matter of grants, and an empty one takes no room.
    pub fn bucket(&self, service: &str, bucket: &str, quota: Quota) -> Bucket {
        let place = Place { service: service.to_owned(), bucket: bucket.to_owned() };
        Bucket::new(self.clone(), place, quota)
    }

    /// What a service keeps, in all its buckets together.
    pub fn usage(&self, service: &str) -> Result<Usage, KeyValueError> {
        Ok(accounts::of(self.engine(), service)?)
    }

    /// Every service that keeps something, and how much: to find what a removed one has left.
    pub fn services(&self) -> Result<Vec<(String, Usage)>, KeyValueError> {
        Ok(accounts::kept(self.engine())?.into_iter().collect())
    }

    /// Removes everything that a service keeps. It does so in steps of some entries, so what is written
    /// meanwhile may stay: stop the service first. After an error some may be left; call it again.
    pub async fn remove_service(&self, service: &str) -> Result<(), KeyValueError> {
        self.sweep(service, None).await
    }

    pub(super) async fn sweep(
        &self,
        service: &str,
        bucket: Option<&str>,
    ) -> Result<(), KeyValueError> {
        loop {
            let (service, bucket) = (service.to_owned(), bucket.map(str::to_owned));
            let sweep = move |batch: &mut Batch<'_>| {
                Ok(batch.sweep(&service, bucket.as_deref(), SWEEP_ENTRIES)?)
            };
            if !self.writer().write(0, sweep).await? {
                return Ok(());
            }
        }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.shelf.engine
    }

    pub(super) fn writer(&self) -> &Writer {
        &self.shelf.writer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Disk, Stop, open_on};

    #[test]
    fn accounts_that_are_wrong_are_corrected_at_opening() {
        let disk = Disk::default();
        let engine = open_on(disk.clone(), TABLES).unwrap();
        let spoil = |transaction: &redb::WriteTransaction| {
            let mut batch = Batch::open(transaction)?;
            let at = Place { service: "a".to_owned(), bucket: "b".to_owned() };
            batch.put(&at, "key", b"value")?;
            batch.accounts.settle("a", Usage { bytes: 1, entries: 9 })?;
            batch.accounts.settle("ghost", Usage { bytes: 1, entries: 1 })?;
            Ok::<_, Stop<RecordError>>(())
        };
        engine.write(spoil, |_| {}).unwrap();
        drop(engine);
        let store = KeyValue::on(disk).unwrap();
        assert_eq!(store.services().unwrap(), [("a".to_owned(), Usage { bytes: 8, entries: 1 })]);
    }
}
