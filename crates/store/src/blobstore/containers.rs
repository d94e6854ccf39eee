//! A service's containers: made, listed, and removed with all that is in them.

use std::time::SystemTime;

use super::error::BlobstoreError;
use super::index::{CONTAINERS, Index, OBJECTS, Object, Place, object};
use super::objects::{Container, millis, time};
use super::shelf::Blobstore;
use crate::page::{Page, Paging};
use crate::quota::{Quota, QuotaExceeded, QuotaPart};

/// The most containers of a service. They are what a manifest or an operator names, not data.
pub const MAX_CONTAINERS: usize = 100;

/// The longest container's name, and the longest object's whatever the quota says: in bytes, of any text.
pub(super) const MAX_NAME_BYTES: u64 = 1024;

/// The containers of one service, within its quota. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Containers {
    store: Blobstore,
    service: String,
    quota: Quota,
}

/// A container in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerInfo {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: SystemTime,
}

impl Containers {
    pub(super) fn new(store: Blobstore, service: String, quota: Quota) -> Self {
        let quota = Quota { name_bytes: quota.name_bytes.min(MAX_NAME_BYTES), ..quota };
        Self { store, service, quota }
    }

    /// Makes an empty container.
    pub fn create(&self, name: &str, now: SystemTime) -> Result<Container, BlobstoreError> {
        let (limit, asked) = (MAX_NAME_BYTES, name.len() as u64);
        if asked > limit {
            return Err(QuotaExceeded { part: QuotaPart::NameBytes, limit, asked }.into());
        }
        let at = self.place(name);
        self.store.change(|index| index.create(&at, millis(now), MAX_CONTAINERS))?;
        Ok(self.handle(at))
    }

    /// A container that is there.
    pub fn get(&self, name: &str) -> Result<Container, BlobstoreError> {
        let container = self.handle(self.place(name));
        container.info()?;
        Ok(container)
    }

    /// Whether there is a container of this name.
    pub fn exists(&self, name: &str) -> Result<bool, BlobstoreError> {
        match self.get(name) {
            Ok(_) => Ok(true),
            Err(BlobstoreError::NoSuchContainer { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes a container with all its objects, and says whether it was there. It does so in steps: after
    /// an error it is there with what is left, and what is written meanwhile goes too.
    pub fn delete(&self, name: &str) -> Result<bool, BlobstoreError> {
        let at = self.place(name);
        loop {
            let step = |index: &mut Index<'_>| match index.sweep(&at)? {
                true => Ok(None),
                false => Ok(Some(index.remove_container(&at)?)),
            };
            if let Some(was_there) = self.store.change(step)? {
                return Ok(was_there);
            }
        }
    }

    /// Removes all containers, when the service goes.
    pub fn delete_all(&self) -> Result<(), BlobstoreError> {
        loop {
            let page = self.list(&Paging::default())?;
            for container in &page.entries {
                self.delete(&container.name)?;
            }
            if page.next.is_none() {
                return Ok(());
            }
        }
    }

    /// A page of the containers, in the order of their names.
    pub fn list(&self, paging: &Paging) -> Result<Page<ContainerInfo>, BlobstoreError> {
        Ok(self.store.shelf.engine.read(|transaction| {
            let table = transaction.open_table(CONTAINERS)?;
            let begin = paging.after.as_deref().unwrap_or_default();
            let range = table.range((self.service.as_str(), begin)..)?;
            let found = range
                .map_while(|found| match found {
                    Err(error) => Some(Err(redb::Error::from(error))),
                    Ok((row, created_ms)) => {
                        let (service, name) = row.value();
                        let created_at = time(created_ms.value());
                        let info = ContainerInfo { name: name.to_owned(), created_at };
                        (service == self.service).then(|| Ok((info.name.clone(), info)))
                    }
                })
                .filter(
                    |found| !matches!(found, Ok((name, _)) if paging.after.as_ref() == Some(name)),
                );
            paging.fill(found)
        })?)
    }

    /// Copies an object to a container and name, replacing what is there. The bytes are shared, not written
    /// again, and count for both.
    pub fn copy(
        &self,
        from: (&str, &str),
        to: (&str, &str),
        now: SystemTime,
    ) -> Result<(), BlobstoreError> {
        self.relocate(from, to, Some(now))
    }

    /// Moves an object to a container and name, replacing what is there, in one step.
    pub fn rename(&self, from: (&str, &str), to: (&str, &str)) -> Result<(), BlobstoreError> {
        self.relocate(from, to, None)
    }

    /// A copy is made at some time; what is moved keeps its own.
    fn relocate(
        &self,
        from: (&str, &str),
        to: (&str, &str),
        copied_at: Option<SystemTime>,
    ) -> Result<(), BlobstoreError> {
        self.quota.admit_entry(to.1, 0)?;
        let (source, target) = (self.place(from.0), self.place(to.0));
        self.store.change(|index| {
            index.require(&source)?;
            let found = index.get(&source, from.1)?.ok_or_else(|| source.no_object(from.1))?;
            index.require(&target)?;
            if from == to {
                return Ok(());
            }
            let created_ms = copied_at.map_or(found.created_ms, millis);
            let entry = Object { created_ms, ..found };
            if copied_at.is_some() {
                return index.put(&target, to.1, entry, &self.quota);
            }
            index.rename((&source, from.1), (&target, to.1), entry, &self.quota)
        })
    }

    fn place(&self, container: &str) -> Place {
        Place { service: self.service.clone(), container: container.to_owned() }
    }

    fn handle(&self, at: Place) -> Container {
        Container::new(self.store.clone(), at, self.quota)
    }
}

impl Blobstore {
    /// An object's row, if it is there.
    pub(super) fn object(&self, at: &Place, name: &str) -> Result<Option<Object>, BlobstoreError> {
        Ok(self.shelf.engine.read(|transaction| {
            let row = (at.service.as_str(), at.container.as_str(), name);
            let found = transaction.open_table(OBJECTS)?.get(row)?;
            Ok(found.map(|found| object(found.value())))
        })?)
    }
}
