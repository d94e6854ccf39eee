//! Blob containers: who keeps them for a service. What may be done with one is checked where the guest's import
//! lands, before anything here is called.
//!
//! All of it is called on threads that may block. What is written or deleted is durable when it is answered.

mod memory;

use std::sync::Arc;
use std::time::SystemTime;

pub use self::memory::MemoryBlobs;

/// Keeps the containers of one service. No other service sees them, whatever names it uses.
pub trait BlobStore: Send + Sync {
    /// Makes an empty container.
    fn create(
        &self,
        container: &str,
        now: SystemTime,
    ) -> Result<Arc<dyn BlobContainer>, BlobStoreError>;

    /// A container that is there.
    fn container(&self, name: &str) -> Result<Arc<dyn BlobContainer>, BlobStoreError>;

    /// Whether there is a container of this name.
    fn exists(&self, container: &str) -> Result<bool, BlobStoreError>;

    /// Deletes a container with all that is in it, if it is there.
    fn delete(&self, container: &str) -> Result<(), BlobStoreError>;

    /// Copies an object, in the place of what has the other name.
    fn copy(&self, from: &BlobId, to: &BlobId, now: SystemTime) -> Result<(), BlobStoreError>;

    /// Gives an object another name, in the place of what has it, in one step.
    fn rename(&self, from: &BlobId, to: &BlobId) -> Result<(), BlobStoreError>;
}

/// One container. It may have been deleted since: then each operation says so.
pub trait BlobContainer: Send + Sync {
    /// When it was made.
    fn created_at(&self) -> Result<SystemTime, BlobStoreError>;

    /// So many bytes of an object at most, from there on. Beyond its end there are none. They stay what they are,
    /// whatever becomes of the object.
    fn read(
        &self,
        object: &str,
        offset: u64,
        len: u64,
    ) -> Result<Box<dyn BlobReader>, BlobStoreError>;

    /// Begins an object. What has its name stays until the new one is finished.
    fn write(&self, object: &str) -> Result<Box<dyn BlobWriter>, BlobStoreError>;

    /// What is known of an object.
    fn info(&self, object: &str) -> Result<BlobInfo, BlobStoreError>;

    /// Whether there is an object of this name.
    fn has(&self, object: &str) -> Result<bool, BlobStoreError>;

    /// Names of objects after this one, so many at most, in their order.
    fn list(&self, after: Option<String>, limit: usize) -> Result<BlobNames, BlobStoreError>;

    /// Deletes those of these objects that are there, together.
    fn delete_many(&self, objects: &[String]) -> Result<(), BlobStoreError>;

    /// Deletes all objects.
    fn clear(&self) -> Result<(), BlobStoreError>;
}

/// Bytes on their way out.
pub trait BlobReader: Send {
    /// How many are left.
    fn remaining_bytes(&self) -> u64;

    /// The next ones, into this buffer; none at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BlobStoreError>;
}

/// Bytes on their way in. Dropped without being finished it leaves nothing.
pub trait BlobWriter: Send {
    /// Adds bytes. After an error the object is given up.
    fn append(&mut self, bytes: &[u8]) -> Result<(), BlobStoreError>;

    /// Puts the object in the place of what has its name, in one step.
    fn finish(self: Box<Self>, now: SystemTime) -> Result<(), BlobStoreError>;
}

/// An object and its container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobId {
    /// The container.
    pub container: String,
    /// The object.
    pub object: String,
}

/// What is known of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its size.
    pub size_bytes: u64,
    /// When it was written or copied.
    pub created_at: SystemTime,
}

/// A part of a container's names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlobNames {
    /// The names.
    pub names: Vec<String>,
    /// After which name the next part begins; `None` if there is none.
    pub next: Option<String>,
}

/// Why an operation on containers or objects failed.
#[derive(Debug, thiserror::Error)]
pub enum BlobStoreError {
    /// There is nothing of that name, or something already. The guest is told this text.
    #[error("{0}")]
    Name(String),
    /// The guest asked for what does not fit: a quota, too many writes at once. It is told this text, and so is
    /// the log.
    #[error("{0}")]
    Refused(String),
    /// The store failed. The guest is told no more than that.
    #[error("the blob store failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
