//! A blob on its way in: counted, hashed and written as its bytes arrive.

use std::io::{self, Read, Write};
use std::sync::Arc;

use airssys_wasm_model::Digest;
use sha2::{Digest as _, Sha256};

use super::folder::NewFile;
use super::shelf::{BlobError, Shelf};

/// A blob being written. Dropping it unfinished leaves nothing behind.
#[derive(Debug)]
pub struct Writer {
    incoming: Incoming,
    hash: Sha256,
    written_bytes: u64,
    limit_bytes: u64,
}

/// A file under a passing name, until it is settled under its digest or given up.
#[derive(Debug)]
pub(super) struct Incoming {
    shelf: Arc<Shelf>,
    name: String,
    /// `None` once the blob is stored or given up.
    file: Option<Box<dyn NewFile>>,
}

impl Writer {
    pub(super) fn new(incoming: Incoming, limit_bytes: u64) -> Self {
        Self { incoming, hash: Sha256::new(), written_bytes: 0, limit_bytes }
    }

    /// Adds bytes. After an error the blob is given up, and finishing it is an error too: what was
    /// hashed and what was written may differ.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.written_bytes = self.written_bytes.saturating_add(bytes.len() as u64);
        if self.written_bytes > self.limit_bytes {
            self.incoming.give_up();
            return Err(BlobError::TooLarge { limit_bytes: self.limit_bytes });
        }
        self.hash.update(bytes);
        self.incoming.write(bytes)
    }

    /// Bytes added so far.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Stores the blob under its digest. Durable when it returns.
    pub fn finish(mut self) -> Result<Digest, BlobError> {
        self.incoming.file()?;
        let digest = Digest::from_bytes(self.hash.finalize_reset().into());
        let written = self.incoming.read_back()?;
        if !self.incoming.shelf.has(&digest, written)? {
            self.incoming.settle(&digest)?;
        }
        Ok(digest)
    }
}

impl Incoming {
    pub(super) fn begin(shelf: Arc<Shelf>, name: String) -> Result<Self, BlobError> {
        let file =
            shelf.folder.create(&name).map_err(|error| BlobError::from_io("begin", error))?;
        Ok(Self { shelf, name, file: Some(file) })
    }

    /// Adds bytes; after an error the blob is given up.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let written = self.file()?.write_all(bytes);
        if written.is_err() {
            self.give_up();
        }
        written.map_err(|error| BlobError::from_io("write", error))
    }

    /// Puts it under its digest. Durable when it returns.
    pub(super) fn settle(mut self, digest: &Digest) -> Result<(), BlobError> {
        self.file()?.sync().map_err(|error| BlobError::from_io("sync", error))?;
        let file = self.file.take();
        let settled = self.shelf.settle(&self.name, digest);
        if settled.is_err() {
            self.file = file;
        }
        settled
    }

    fn read_back(&self) -> Result<impl Read + use<>, BlobError> {
        let written = self.shelf.folder.open(&self.name);
        Ok(written.map_err(|error| BlobError::from_io("read", error))?.0)
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

impl Drop for Incoming {
    fn drop(&mut self) {
        self.give_up();
    }
}
