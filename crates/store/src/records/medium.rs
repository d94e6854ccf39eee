//! The file under the engine, with a memory of what it has not yet synced.
//!
//! After an I/O error redb refuses everything until the database is opened again. That is right, and
//! not enough: Linux marks a page clean although writing it back failed, so a later sync that succeeds
//! proves nothing about it ("fsyncgate", PostgreSQL 2018). The medium keeps the writes since the last
//! sync that succeeded and writes them once more before the engine is opened again.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// The backend, what it has not yet synced, and why it failed last. Outlives each opening of the engine.
#[derive(Debug)]
pub(super) struct Medium {
    backend: Box<dyn StorageBackend>,
    /// Guards the two memories below it; held for the length of one write or sync, so that the
    /// remembered order is the order on the disk.
    memory: Mutex<Memory>,
}

/// Bounded by the largest transaction: one record ([`super::MAX_RECORD_BYTES`]) or one commit of key-value
/// writes (two batches at most), and the tree's paths to them.
#[derive(Debug, Default)]
struct Memory {
    unsynced: Vec<Unsynced>,
    fault: Option<io::Error>,
}

#[derive(Debug)]
enum Unsynced {
    Write { offset: u64, data: Vec<u8> },
    Length(u64),
}

/// What redb is given: it owns its backend, and the medium must outlive it.
#[derive(Debug)]
pub(super) struct Access(pub(super) Arc<Medium>);

impl Medium {
    pub(super) fn new(backend: impl StorageBackend) -> Arc<Self> {
        Arc::new(Self { backend: Box::new(backend), memory: Mutex::default() })
    }

    /// Does again what no sync has confirmed. To be called before the engine is opened.
    pub(super) fn revive(&self) -> io::Result<()> {
        let mut memory = self.memory();
        memory.fault = None;
        if memory.unsynced.is_empty() {
            return Ok(());
        }
        // In their order, so that dying halfway leaves what a power cut could have left anyway.
        for done in &memory.unsynced {
            match done {
                Unsynced::Write { offset, data } => self.backend.write(*offset, data)?,
                Unsynced::Length(len) => self.backend.set_len(*len)?,
            }
        }
        self.backend.sync_data()?;
        memory.unsynced.clear();
        Ok(())
    }

    /// The first failure since [`revive`](Self::revive): redb itself only says that there was one.
    pub(super) fn take_fault(&self) -> Option<io::Error> {
        self.memory().fault.take()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<T>(memory: &mut Memory, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && memory.fault.is_none()
        {
            memory.fault = Some(copy(error));
        }
        result
    }
}

impl StorageBackend for Access {
    fn len(&self) -> io::Result<u64> {
        self.0.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let result = self.0.backend.read(offset, out);
        if result.is_ok() { result } else { Medium::note(&mut self.0.memory(), result) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut memory = self.0.memory();
        let result = self.0.backend.set_len(len);
        if result.is_ok() {
            memory.unsynced.push(Unsynced::Length(len));
        }
        Medium::note(&mut memory, result)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut memory = self.0.memory();
        let result = self.0.backend.sync_data();
        if result.is_ok() {
            memory.unsynced.clear();
        }
        Medium::note(&mut memory, result)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut memory = self.0.memory();
        let result = self.0.backend.write(offset, data);
        if result.is_ok() {
            memory.unsynced.push(Unsynced::Write { offset, data: data.to_vec() });
        }
        Medium::note(&mut memory, result)
    }
}

/// An `io::Error` is not `Clone`; the system's number keeps both kind and text.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
