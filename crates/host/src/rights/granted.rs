//! What a revision's rights mean on this machine: its directories, opened once, and its variables, read
//! once. Every instance gets the same.
//!
//! A directory is opened from the one that the operator named, downwards and through no link: what lies
//! between them may have been written by guests. From then on instances reach it by its handle, so nothing
//! that is renamed or replaced on the way leads them elsewhere.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use airssys_wasm_model::{DirectoryRight, Rights};
use rustix::fs::{Mode as FileMode, OFlags, open, openat};

use crate::wasi::Mount;

/// What is granted, ready to be given to instances. [`Granted::open`] of no rights is nothing.
#[derive(Default)]
pub(crate) struct Granted {
    mounts: Vec<Arc<Mount>>,
    env: Vec<(String, String)>,
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
        let (granted, failed) = Self::default().renewed(rights);
        failed.map_or(Ok(granted), Err)
    }

    /// The same for other rights: a directory that is open stays the one that it is, whatever its name leads to by
    /// now. One that cannot be opened is left out and told of.
    pub(super) fn renewed(&self, rights: &Rights) -> (Self, Option<DirectoryError>) {
        let (mut mounts, mut failed) = (Vec::new(), None);
        for right in rights.directories.iter() {
            let open = self.mounts.iter().find(|mount| mount.is_at(right));
            match open.map_or_else(|| mount(right), |open| Ok(Arc::new(open.under(right.clone()))))
            {
                Ok(mount) => mounts.push(mount),
                Err(error) => failed = Some(error),
            }
        }
        let env = rights.env.iter().filter_map(|right| {
            // A variable that the node itself does not have stays unset, as a shell would have it.
            let value = right.value.clone().or_else(|| std::env::var(&right.name).ok())?;
            Some((right.name.clone(), value))
        });
        (Self { mounts, env: env.collect() }, failed)
    }

    /// The directories.
    pub(crate) fn mounts(&self) -> &[Arc<Mount>] {
        &self.mounts
    }

    /// What is granted now of the directory that was this mount when the guest got it: nothing, where no right to
    /// it is left.
    pub(crate) fn now(&self, mount: &Arc<Mount>) -> Arc<Mount> {
        let same = self.mounts.iter().find(|now| mount.is_same_place(now));
        same.map_or_else(|| Arc::new(mount.without_rights()), Arc::clone)
    }

    /// The variables.
    pub(crate) fn env(&self) -> &[(String, String)] {
        &self.env
    }
}

fn mount(right: &DirectoryRight) -> Result<Arc<Mount>, DirectoryError> {
    let DirectoryRight { host, below, guest, .. } = right;
    let held = descend(host, below).map_err(|source| DirectoryError {
        dir: format!("{}{below}", host.trim_end_matches('/')),
        guest: guest.clone(),
        source,
    })?;
    Ok(Arc::new(Mount::new(right.clone(), held.into())))
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_on_the_way_down_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("granted/real")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        symlink("../outside", dir.path().join("granted/link")).unwrap();
        let granted = dir.path().join("granted");
        assert!(descend(granted.to_str().unwrap(), "/real").is_ok());
        assert!(descend(granted.to_str().unwrap(), "/link").is_err());
        // What the operator names is the operator's own affair.
        symlink("granted", dir.path().join("alias")).unwrap();
        assert!(descend(dir.path().join("alias").to_str().unwrap(), "/real").is_ok());
    }
}
