//! Directories as a host sees them that knows no globs: whole, to read or to write.

use super::access::FileAccess;
use super::files::FilesShare;
use super::glob::below;

/// A directory of this machine that the guest sees. It says less than [`Directories`](super::Directories):
/// it may stand only for asks that were found to be of whole directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesRight {
    /// The directory that the operator named, an absolute path of this machine.
    pub host: String,
    /// The way from there to what is asked, as `/a/b`, or nothing. What lies on it may have been written by
    /// guests: none of it may be followed as a link.
    pub below: String,
    /// Where the guest sees it.
    pub guest: String,
    /// Whether files there may be changed. They may always be read.
    pub write: bool,
}

impl FilesRight {
    pub(super) fn of(share: &FilesShare) -> Self {
        let FilesShare { host, granted, mount, access, .. } = share;
        let way = below(mount, granted).unwrap_or_default();
        Self {
            host: host.clone(),
            below: if way.is_empty() { String::new() } else { format!("/{way}") },
            guest: format!("/{mount}"),
            // Either access lets the guest read: a preopened directory cannot hold that back.
            write: access.contains(FileAccess::MODIFY),
        }
    }
}
