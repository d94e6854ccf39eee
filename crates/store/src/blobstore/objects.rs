//! One container: objects written, read, listed and removed.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::containers::ContainerInfo;
use super::error::BlobstoreError;
use super::index::{CONTAINERS, OBJECTS, Object, Place, no_container, object};
use super::reader::ObjectReader;
use super::shelf::{Blobstore, file_name};
use super::writer::ObjectWriter;
use crate::page::{Page, Paging, names_after};
use crate::quota::Quota;
use crate::records::Stop;

/// How often a read looks again for an object that was replaced between looking and opening. Each time
/// another write has to be finished in those microseconds.
const LOOKS: usize = 100;

/// A container of a service. Cheap to clone. Names of objects are any text within the quota's length; they
/// never meet the file system.
#[derive(Clone, Debug)]
pub struct Container {
    store: Blobstore,
    place: Place,
    quota: Quota,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its name.
    pub name: String,
    /// The size of its content.
    pub size_bytes: u64,
    /// When it was written or copied.
    pub created_at: SystemTime,
}

impl Container {
    pub(super) fn new(store: Blobstore, place: Place, quota: Quota) -> Self {
        Self { store, place, quota }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.place.container
    }

    /// When it was made; an error if it was removed.
    pub fn info(&self) -> Result<ContainerInfo, BlobstoreError> {
        let created_ms = self.store.shelf.engine.read(|transaction| {
            let row = (self.place.service.as_str(), self.name());
            Ok(transaction.open_table(CONTAINERS)?.get(row)?.map(|found| found.value()))
        })?;
        let created_at = time(created_ms.ok_or_else(|| no_container(&self.place))?);
        Ok(ContainerInfo { name: self.name().to_owned(), created_at })
    }

    /// Begins an object whose bytes arrive piece by piece. What has its name stays until the new one is
    /// finished.
    pub fn write(&self, name: &str) -> Result<ObjectWriter, BlobstoreError> {
        self.quota.admit_entry(name, 0)?;
        self.info()?;
        ObjectWriter::begin(self.store.clone(), self.place.clone(), name.to_owned(), self.quota)
    }

    /// Reads at most `len` bytes of an object from `offset` on; beyond its end there are none. The bytes stay
    /// readable until the reader is dropped, whatever happens to the object.
    pub fn read(&self, name: &str, offset: u64, len: u64) -> Result<ObjectReader, BlobstoreError> {
        for _ in 0..LOOKS {
            let found = self.require(name)?;
            // Clamped: a guest's number, and beyond what the system seeks to.
            let offset = offset.min(found.size_bytes);
            match self.store.shelf.folder.open_at(&file_name(found.file), offset) {
                // Replaced or removed since: look again.
                Err(error)
                    if error.kind() == ErrorKind::NotFound
                        && self.store.object(&self.place, name)? != Some(found) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(self.damaged(name)),
                Err(error) => return Err(BlobstoreError::from_io("open", error)),
                Ok((_, size_bytes)) if size_bytes != found.size_bytes => {
                    return Err(self.damaged(name));
                }
                Ok((file, size_bytes)) => {
                    let len = len.min(size_bytes.saturating_sub(offset));
                    return Ok(ObjectReader::new(file, len, size_bytes));
                }
            }
        }
        Err(BlobstoreError::from_io("open", ErrorKind::ResourceBusy.into()))
    }

    /// Size and time of an object.
    pub fn object_info(&self, name: &str) -> Result<ObjectInfo, BlobstoreError> {
        Ok(info(name, self.require(name)?))
    }

    /// Whether there is an object of this name.
    pub fn has(&self, name: &str) -> Result<bool, BlobstoreError> {
        self.info()?;
        Ok(self.store.object(&self.place, name)?.is_some())
    }

    /// A page of the objects, in the order of their names.
    pub fn list(&self, paging: &Paging) -> Result<Page<ObjectInfo>, BlobstoreError> {
        self.info()?;
        Ok(self.store.shelf.engine.read(|transaction| {
            let table = transaction.open_table(OBJECTS)?;
            let range = table.range(names_after(
                &self.place.service,
                &self.place.container,
                paging.after.as_deref(),
            ))?;
            let found = range.map_while(|found| match found {
                Err(error) => Some(Err(redb::Error::from(error))),
                Ok((row, found)) => {
                    let (service, container, name) = row.value();
                    let ours = service == self.place.service && container == self.place.container;
                    ours.then(|| Ok((name.to_owned(), info(name, object(found.value())))))
                }
            });
            paging.fill(found)
        })?)
    }

    /// Removes an object, if it is there. Durable when it returns.
    pub fn delete(&self, name: &str) -> Result<(), BlobstoreError> {
        self.delete_many(&[name])
    }

    /// Removes those of these objects that are there, together. Durable when it returns.
    pub fn delete_many(&self, names: &[&str]) -> Result<(), BlobstoreError> {
        self.store.change(|index| {
            index.require(&self.place)?;
            for name in names {
                index.remove(&self.place, name)?;
            }
            Ok(())
        })
    }

    /// Removes all objects, in steps: after an error some may be left.
    pub fn clear(&self) -> Result<(), BlobstoreError> {
        let sweep = || {
            self.store.change(|index| {
                index.require(&self.place)?;
                index.sweep(&self.place)
            })
        };
        while sweep()? {}
        Ok(())
    }

    fn require(&self, name: &str) -> Result<Object, BlobstoreError> {
        match self.store.object(&self.place, name)? {
            Some(found) => Ok(found),
            None => {
                self.info()?;
                let (container, object) = (self.name().to_owned(), name.to_owned());
                Err(BlobstoreError::NoSuchObject { container, object })
            }
        }
    }

    fn damaged(&self, name: &str) -> BlobstoreError {
        let (container, object) = (self.name().to_owned(), name.to_owned());
        BlobstoreError::Damaged { container, object }
    }
}

impl Place {
    pub(super) fn no_object(&self, name: &str) -> Stop<BlobstoreError> {
        let (container, object) = (self.container.clone(), name.to_owned());
        Stop::Refused(BlobstoreError::NoSuchObject { container, object })
    }
}

pub(super) fn millis(time: SystemTime) -> u64 {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn time(millis: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH)
}

fn info(name: &str, found: Object) -> ObjectInfo {
    let created_at = time(found.created_ms);
    ObjectInfo { name: name.to_owned(), size_bytes: found.size_bytes, created_at }
}
