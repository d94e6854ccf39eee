//! A blob on its way in: counted, hashed and written as its bytes arrive.

use std::io::{self, Write};
use std::sync::Arc;

use airssys_wasm_model::Digest;
use sha2::{Digest as _, Sha256};

use super::folder::NewFile;
use super::shelf::{BlobError, Shelf};

/// A blob being written. Dropping it unfinished leaves nothing behind.
#[derive(Debug)]
pub struct Writer {
    shelf: Arc<Shelf>,
    name: String,
    /// `None` once the blob is stored or given up.
    file: Option<Box<dyn NewFile>>,
    hash: Sha256,
    written_bytes: u64,
    limit_bytes: u64,
}

impl Writer {
    pub(super) fn begin(
        shelf: Arc<Shelf>,
        name: String,
        limit_bytes: u64,
    ) -> Result<Self, BlobError> {
        let file =
            shelf.folder.create(&name).map_err(|error| BlobError::from_io("begin", error))?;
        let hash = Sha256::new();
        Ok(Self { shelf, name, file: Some(file), hash, written_bytes: 0, limit_bytes })
    }

    /// Adds bytes. After an error the blob is given up, and finishing it is an error too: what was
    /// hashed and what was written may differ.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let appended = self.try_append(bytes);
        if appended.is_err() {
            self.give_up();
        }
        appended
    }

    /// Bytes added so far.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Stores the blob under its digest. Durable when it returns.
    pub fn finish(mut self) -> Result<Digest, BlobError> {
        self.file()?;
        let digest = Digest::from_bytes(self.hash.finalize_reset().into());
        let written = self.shelf.folder.open(&self.name);
        let (written, _) = written.map_err(|error| BlobError::from_io("read", error))?;
        if self.shelf.has(&digest, written)? {
            return Ok(digest);
        }
        self.file()?.sync().map_err(|error| BlobError::from_io("sync", error))?;
        let file = self.file.take();
        let settled = self.shelf.settle(&self.name, &digest);
        if settled.is_err() {
            self.file = file;
        }
        settled.map(|()| digest)
    }

    fn try_append(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.written_bytes = self.written_bytes.saturating_add(bytes.len() as u64);
        if self.written_bytes > self.limit_bytes {
            return Err(BlobError::TooLarge { limit_bytes: self.limit_bytes });
        }
        self.hash.update(bytes);
        self.file()?.write_all(bytes).map_err(|error| BlobError::from_io("write", error))
    }

    fn file(&mut self) -> Result<&mut Box<dyn NewFile>, BlobError> {
        let given_up = || BlobError::from_io("write", io::Error::other("it was given up"));
        self.file.as_mut().ok_or_else(given_up)
    }

    /// Whatever this fails to remove, the next opening of the store removes.
    fn give_up(&mut self) {
        if let Some(file) = self.file.take() {
            drop(file);
            let _ = self.shelf.folder.remove(&self.name);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.give_up();
    }
}
