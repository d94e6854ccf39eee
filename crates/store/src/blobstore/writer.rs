//! An object on its way in: counted and written as its bytes arrive.

use std::io::Write as _;
use std::time::SystemTime;

use super::error::BlobstoreError;
use super::index::{Object, Place};
use super::objects::millis;
use super::shelf::{Blobstore, UNFINISHED};
use crate::blobs::NewFile;
use crate::quota::{Quota, QuotaExceeded, QuotaPart, Usage};

/// The most objects that a service writes at once: each holds a file open.
pub const MAX_OPEN_WRITES: usize = 64;

/// An object being written. Dropping it unfinished leaves nothing behind, and what had its name stays. It
/// keeps no bytes in memory: each piece goes to the file.
#[derive(Debug)]
pub struct ObjectWriter {
    store: Blobstore,
    place: Place,
    name: String,
    quota: Quota,
    unfinished: String,
    number: u64,
    /// `None` once the object is stored or given up.
    file: Option<Box<dyn NewFile>>,
    written_bytes: u64,
}

impl ObjectWriter {
    pub(super) fn begin(
        store: Blobstore,
        place: Place,
        name: String,
        quota: Quota,
    ) -> Result<Self, BlobstoreError> {
        take_turn(&store, &place.service)?;
        let number = store.shelf.number();
        let unfinished = format!("{UNFINISHED}{number}");
        let mut writer =
            Self { store, place, name, quota, unfinished, number, file: None, written_bytes: 0 };
        let file = writer.store.shelf.folder.create(&writer.unfinished);
        writer.file = Some(file.map_err(|error| BlobstoreError::from_io("begin", error))?);
        Ok(writer)
    }

    /// Adds bytes. After an error the object is given up, and finishing it is an error too.
    ///
    /// The quota is checked as the bytes arrive, with everything that the service is writing at the same
    /// time, so that an endless stream does not fill the disk before it is refused.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), BlobstoreError> {
        let written = self.reserve(bytes.len() as u64).and_then(|()| {
            let file = self.file.as_mut().ok_or_else(given_up)?;
            file.write_all(bytes).map_err(|error| BlobstoreError::from_io("write", error))
        });
        if written.is_err() {
            self.give_up();
        }
        written
    }

    /// Bytes added so far.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Puts the object in the place of what has its name, in one step. Durable when it returns.
    pub fn finish(mut self, now: SystemTime) -> Result<(), BlobstoreError> {
        let file = self.file.as_mut().ok_or_else(given_up)?;
        file.sync().map_err(|error| BlobstoreError::from_io("sync", error))?;
        let shelf = &self.store.shelf;
        shelf.name(&self.unfinished, self.number)?;
        // It has its number now, and is not to be removed under the other name.
        self.file = None;
        let size_bytes = self.written_bytes;
        let object = Object { file: self.number, size_bytes, created_ms: millis(now) };
        let entered =
            self.store.change(|index| index.put(&self.place, &self.name, object, &self.quota));
        match entered {
            // Whether the index names it is open: if not, the next opening removes it.
            Err(BlobstoreError::Failed(_)) | Ok(()) => {}
            Err(_) => drop(self.store.shelf.folder.remove(&super::shelf::file_name(self.number))),
        }
        entered
    }

    /// Counts bytes before they are written.
    fn reserve(&mut self, more: u64) -> Result<(), BlobstoreError> {
        let size_bytes = self.written_bytes.saturating_add(more);
        self.quota.admit_entry(&self.name, size_bytes)?;
        let kept = self.store.usage(&self.place.service)?;
        let replaced = self.store.object(&self.place, &self.name)?;
        let credit =
            replaced.map_or_else(Usage::default, |old| Usage::of(&self.name, old.size_bytes));
        let mut under_way = self.store.shelf.under_way();
        let ours = under_way.entry(self.place.service.clone()).or_default();
        let asked = kept.minus(credit).plus(*ours).bytes.saturating_add(more);
        let asked = asked.saturating_add(self.name.len() as u64);
        // A shorter object than the one before may pass above a lowered quota, as everywhere.
        if asked > self.quota.bytes
            && size_bytes.saturating_add(self.name.len() as u64) > credit.bytes
        {
            let (part, limit) = (QuotaPart::Bytes, self.quota.bytes);
            return Err(QuotaExceeded { part, limit, asked }.into());
        }
        ours.bytes = ours.bytes.saturating_add(more);
        self.written_bytes = size_bytes;
        Ok(())
    }

    /// Whatever this fails to remove, the next opening removes.
    fn give_up(&mut self) {
        if let Some(file) = self.file.take() {
            drop(file);
            let _ = self.store.shelf.folder.remove(&self.unfinished);
        }
    }
}

impl Drop for ObjectWriter {
    fn drop(&mut self) {
        self.give_up();
        let mut under_way = self.store.shelf.under_way();
        if let Some(ours) = under_way.get_mut(&self.place.service) {
            *ours = ours.minus(Usage { bytes: self.written_bytes, entries: 1 });
            if *ours == Usage::default() {
                under_way.remove(&self.place.service);
            }
        }
    }
}

fn take_turn(store: &Blobstore, service: &str) -> Result<(), BlobstoreError> {
    let mut under_way = store.shelf.under_way();
    let ours = under_way.entry(service.to_owned()).or_default();
    if ours.entries >= MAX_OPEN_WRITES as u64 {
        let (what, limit) = ("objects being written", MAX_OPEN_WRITES);
        return Err(BlobstoreError::TooMany { what, limit });
    }
    ours.entries += 1;
    Ok(())
}

fn given_up() -> BlobstoreError {
    BlobstoreError::from_io("write", std::io::Error::other("it was given up"))
}
