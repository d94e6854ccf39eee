//! The lock that keeps a data directory to one process.
//!
//! The operating system holds it, so it ends with the process however that ends; the pid inside is for
//! the refused process's message alone and is never trusted.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use crate::private::private_file;
use crate::store::StoreError;

/// The name of the file that is locked.
pub(crate) const LOCK_FILE: &str = "lock";

/// Held for as long as anything of the store is alive; released by `Drop`.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(LOCK_FILE);
        let io = |doing, source| StoreError::from_io(doing, &path, source);
        let mut file = private_file()
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| io("open", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { dir: dir.to_owned(), pid: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(io("lock", error)),
        }
        // A full disk must not keep the node from starting: the pid is only a courtesy.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

/// The pid the holder wrote, unless it had no time or no room to, or the platform forbids to read it.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
