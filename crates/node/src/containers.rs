//! What the guests of a service keep in the store as objects: blob containers.
//!
//! They belong to the service and not to a revision, as its buckets do. All of it blocks on the disk, and the host
//! calls it where that may be.

use std::io::Read as _;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use airssys_wasm_host::{
    BlobContainer, BlobId, BlobInfo, BlobNames, BlobReader, BlobStore, BlobStoreError, BlobWriter,
};
use airssys_wasm_model::Name;
use airssys_wasm_store::{
    BlobstoreError as StoreFailure, Container, Containers as StoredContainers, ObjectReader,
    ObjectWriter, Paging, PutError, Quota, Store,
};

/// Keeps the containers of one service, within its quota.
pub(crate) struct Containers {
    store: Arc<Store>,
    service: Name,
    quota: Quota,
    /// Set by the first who asks.
    opened: OnceLock<StoredContainers>,
}

struct Kept(Container);
struct Out(ObjectReader);
struct In(ObjectWriter);

type Done<T> = Result<T, BlobStoreError>;

impl Containers {
    pub(crate) fn new(store: Arc<Store>, service: Name) -> Self {
        Self { store, service, quota: Quota::OBJECTS, opened: OnceLock::new() }
    }

    /// Opens the index that all containers are in. That takes time in proportion to what is kept, so a revision
    /// with a right to a container has it done before a call comes.
    pub(crate) async fn open(self: Arc<Self>) -> Result<(), BlobStoreError> {
        let opening = tokio::task::spawn_blocking(move || self.stored().map(drop));
        opening.await.unwrap_or_else(|panicked| Err(BlobStoreError::Failed(panicked.into())))
    }

    /// Deletes all containers of a service that has no calls any more.
    pub(crate) async fn forget(self: Arc<Self>) -> Result<(), PutError> {
        let deleting = tokio::task::spawn_blocking(move || match self.store.has_blobstore() {
            true => self.stored()?.delete_all().map_err(failure),
            false => Ok(()),
        });
        let deleted = deleting.await.map_err(std::io::Error::other);
        let deleted = deleted.and_then(|deleted| deleted.map_err(std::io::Error::other));
        deleted.map_err(|source| PutError::Io { source })
    }

    fn stored(&self) -> Done<&StoredContainers> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = self.store.blobstore();
        let opened = opened.map_err(|error| BlobStoreError::Failed(error.into()))?;
        let ours = || opened.containers(self.service.as_str(), self.quota);
        Ok(self.opened.get_or_init(ours))
    }
}

impl BlobStore for Containers {
    fn create(&self, container: &str, now: SystemTime) -> Done<Arc<dyn BlobContainer>> {
        let made = self.stored()?.create(container, now).map_err(failure)?;
        Ok(Arc::new(Kept(made)))
    }

    fn container(&self, name: &str) -> Done<Arc<dyn BlobContainer>> {
        let found = self.stored()?.get(name).map_err(failure)?;
        Ok(Arc::new(Kept(found)))
    }

    fn exists(&self, container: &str) -> Done<bool> {
        self.stored()?.exists(container).map_err(failure)
    }

    fn delete(&self, container: &str) -> Done<()> {
        self.stored()?.delete(container).map(drop).map_err(failure)
    }

    fn copy(&self, from: &BlobId, to: &BlobId, now: SystemTime) -> Done<()> {
        self.stored()?.copy(pair(from), pair(to), now).map_err(failure)
    }

    fn rename(&self, from: &BlobId, to: &BlobId) -> Done<()> {
        self.stored()?.rename(pair(from), pair(to)).map_err(failure)
    }
}

impl BlobContainer for Kept {
    fn created_at(&self) -> Done<SystemTime> {
        Ok(self.0.info().map_err(failure)?.created_at)
    }

    fn read(&self, object: &str, offset: u64, len: u64) -> Done<Box<dyn BlobReader>> {
        let reader = self.0.read(object, offset, len).map_err(failure)?;
        Ok(Box::new(Out(reader)))
    }

    fn write(&self, object: &str) -> Done<Box<dyn BlobWriter>> {
        let writer = self.0.write(object).map_err(failure)?;
        Ok(Box::new(In(writer)))
    }

    fn info(&self, object: &str) -> Done<BlobInfo> {
        let info = self.0.object_info(object).map_err(failure)?;
        Ok(BlobInfo { size_bytes: info.size_bytes, created_at: info.created_at })
    }

    fn has(&self, object: &str) -> Done<bool> {
        self.0.has(object).map_err(failure)
    }

    fn list(&self, after: Option<String>, limit: usize) -> Done<BlobNames> {
        let page = self.0.list(&Paging { after, limit }).map_err(failure)?;
        let names = page.entries.into_iter().map(|object| object.name).collect();
        Ok(BlobNames { names, next: page.next })
    }

    fn delete_many(&self, objects: &[String]) -> Done<()> {
        let objects: Vec<_> = objects.iter().map(String::as_str).collect();
        self.0.delete_many(&objects).map_err(failure)
    }

    fn clear(&self) -> Done<()> {
        self.0.clear().map_err(failure)
    }
}

impl BlobReader for Out {
    fn remaining_bytes(&self) -> u64 {
        self.0.remaining_bytes()
    }

    fn read(&mut self, buffer: &mut [u8]) -> Done<usize> {
        self.0.read(buffer).map_err(|error| BlobStoreError::Failed(error.into()))
    }
}

impl BlobWriter for In {
    fn append(&mut self, bytes: &[u8]) -> Done<()> {
        self.0.append(bytes).map_err(failure)
    }

    fn finish(self: Box<Self>, now: SystemTime) -> Done<()> {
        self.0.finish(now).map_err(failure)
    }
}

fn pair(id: &BlobId) -> (&str, &str) {
    (&id.container, &id.object)
}

/// What the guest may know is in the text; what it may not is a failure.
fn failure(error: StoreFailure) -> BlobStoreError {
    match error {
        StoreFailure::NoSuchContainer { .. }
        | StoreFailure::ContainerExists { .. }
        | StoreFailure::NoSuchObject { .. } => BlobStoreError::Name(error.to_string()),
        StoreFailure::TooMany { .. } | StoreFailure::Quota(_) => {
            BlobStoreError::Refused(error.to_string())
        }
        StoreFailure::Damaged { .. }
        | StoreFailure::Full { .. }
        | StoreFailure::Io { .. }
        | StoreFailure::Failed(_) => BlobStoreError::Failed(error.into()),
    }
}
