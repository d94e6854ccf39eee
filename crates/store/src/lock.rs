//! The lock that keeps a data directory to one process.
//!
//! The operating system holds it, so it ends with the process however that ends; the pid inside is for
//! the refused process's message alone and is never trusted.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

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
        for look in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if look < LOOKS && only_looked_at(&file) => {
                    std::thread::sleep(LOOK_AGAIN_AFTER);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Locked { dir: dir.to_owned(), pid: holder(&mut file) });
                }
                Err(TryLockError::Error(error)) => return Err(io("lock", error)),
            }
        }
        // A full disk must not keep the node from starting: the pid is only a courtesy.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

/// How often, and after how long each time, a lock that is only being looked at is tried again: a second in
/// all, where a look takes microseconds.
const LOOKS: u32 = 100;
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Whether those who hold the lock share it. A client that wants to know if a node is there shares it for an
/// instant; a node never does.
fn only_looked_at(file: &File) -> bool {
    file.try_lock_shared().is_ok_and(|()| file.unlock().is_ok())
}

/// The pid the holder wrote, unless it had no time or no room to, or the platform forbids to read it.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_looks_does_not_keep_a_node_out() {
        let dir = tempfile::tempdir().unwrap();
        let looking = File::create(dir.path().join(LOCK_FILE)).unwrap();
        looking.lock_shared().unwrap();
        let starting = std::thread::spawn({
            let dir = dir.path().to_owned();
            move || DirectoryLock::take(&dir)
        });
        // Until the look is over, the node waits and is not refused.
        std::thread::sleep(LOOK_AGAIN_AFTER * 5);
        assert!(!starting.is_finished());
        looking.unlock().unwrap();
        let taken = starting.join().unwrap().unwrap();
        assert!(matches!(DirectoryLock::take(dir.path()), Err(StoreError::Locked { .. })));
        drop(taken);
        assert!(DirectoryLock::take(dir.path()).is_ok());
    }
}
