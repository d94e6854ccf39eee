//! What a revision's rights mean on this machine: its directories, opened once, and its variables, read
//! once. Every instance gets the same.
//!
//! A directory is opened from the one that the operator named, downwards and through no link: what lies
//! between them may have been written by guests. From then on instances reach it by its handle, so nothing
//! that is renamed or replaced on the way leads them elsewhere.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use airssys_wasm_model::{FilesRight, Rights};
use rustix::fs::{Mode as FileMode, OFlags, open, openat};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use crate::context::Mode;

/// What is granted, ready to be given to instances. [`Granted::open`] of no rights is nothing.
pub(crate) struct Granted {
    dirs: Vec<GrantedDir>,
    env: Vec<(String, String)>,
}

struct GrantedDir {
    /// Leads to the handle and not to the name.
    path: String,
    guest: String,
    perms: FsPerms,
    _held: OwnedFd,
}

/// Why a directory that was granted cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the directory {dir}, granted as {guest}, cannot be opened")]
pub struct DirectoryError {
    /// The directory on this machine.
    pub dir: String,
    /// Where the guest would see it.
    pub guest: String,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl Granted {
    pub(crate) fn open(rights: &Rights) -> Result<Self, DirectoryError> {
        let dirs = rights.files.iter().map(GrantedDir::open).collect::<Result<_, _>>()?;
        let env = rights.env.iter().filter_map(|right| {
            // A variable that the node itself does not have stays unset, as a shell would have it.
            let value = right.value.clone().or_else(|| std::env::var(&right.name).ok())?;
            Some((right.name.clone(), value))
        });
        Ok(Self { dirs, env: env.collect() })
    }

    /// Gives all of it to an instance; one for copied calls may only read what others may write.
    pub(crate) fn give(&self, wasi: &mut WasiCtxBuilder, mode: Mode) -> Result<(), DirectoryError> {
        wasi.envs(&self.env);
        for dir in &self.dirs {
            let perms = match mode {
                Mode::Live => dir.perms,
                Mode::Shadow => FsPerms::ReadOnly,
            };
            wasi.preopened_dir(&dir.path, &dir.guest, perms).map_err(|error| DirectoryError {
                dir: dir.path.clone(),
                guest: dir.guest.clone(),
                source: io::Error::other(format!("{error:#}")),
            })?;
        }
        Ok(())
    }
}

impl GrantedDir {
    fn open(right: &FilesRight) -> Result<Self, DirectoryError> {
        let FilesRight { host, below, guest, write } = right;
        let held = descend(host, below).map_err(|source| DirectoryError {
            dir: format!("{}{below}", host.trim_end_matches('/')),
            guest: guest.clone(),
            source,
        })?;
        let perms = if *write { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        Ok(Self { path: path_of(&held, host, below), guest: guest.clone(), perms, _held: held })
    }
}

/// Opens the directory that the operator named, then each one on the way down.
fn descend(host: &str, below: &str) -> io::Result<OwnedFd> {
    const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);
    let mut names = below.split('/').filter(|name| !name.is_empty()).peekable();
    // Directories on the way need only be entered; the last one is read.
    let way = |is_last| if is_last { OFlags::RDONLY } else { PASSAGE };
    let mut dir = open(host, DIRECTORY | way(names.peek().is_none()), FileMode::empty())?;
    while let Some(name) = names.next() {
        let flags = DIRECTORY | OFlags::NOFOLLOW | way(names.peek().is_none());
        dir = openat(&dir, name, flags, FileMode::empty())?;
    }
    Ok(dir)
}

/// To go through a directory without reading it, where the kernel tells the two apart.
#[cfg(target_os = "linux")]
const PASSAGE: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PASSAGE: OFlags = OFlags::RDONLY;

/// A path to the open directory itself. The kernel keeps one for each handle; where it does not, the name
/// has to do.
fn path_of(held: &OwnedFd, host: &str, below: &str) -> String {
    if cfg!(target_os = "linux") {
        format!("/proc/self/fd/{}", held.as_raw_fd())
    } else {
        format!("{}{below}", host.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn right(host: &std::path::Path, below: &str) -> FilesRight {
        FilesRight {
            host: host.to_str().unwrap().into(),
            below: below.into(),
            guest: "/data".into(),
            write: true,
        }
    }

    #[test]
    fn a_link_on_the_way_down_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("granted/real")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        symlink("../outside", dir.path().join("granted/link")).unwrap();
        let granted = dir.path().join("granted");
        assert!(GrantedDir::open(&right(&granted, "/real")).is_ok());
        assert!(GrantedDir::open(&right(&granted, "/link")).is_err());
        // What the operator names is the operator's own affair.
        symlink("granted", dir.path().join("alias")).unwrap();
        assert!(GrantedDir::open(&right(&dir.path().join("alias"), "/real")).is_ok());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_directory_stays_the_one_that_was_granted() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/sub")).unwrap();
        fs::create_dir(dir.path().join("b")).unwrap();
        let opened = GrantedDir::open(&right(&dir.path().join("a"), "/sub")).unwrap();
        fs::rename(dir.path().join("a/sub"), dir.path().join("a/moved")).unwrap();
        symlink("../b", dir.path().join("a/sub")).unwrap();
        fs::write(format!("{}/written", opened.path), "x").unwrap();
        assert!(dir.path().join("a/moved/written").exists());
        assert!(!dir.path().join("b/written").exists());
    }
}
