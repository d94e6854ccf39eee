//! Who may read a data directory: its owner alone. Records hold configuration, and configuration holds
//! passwords.
//!
//! It takes rights from others and never gives any, and it closes no directory that is not a store's.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use tracing::warn;

use crate::lock::LOCK_FILE;
use crate::records::RECORDS_FILE;

/// How the store makes its folders.
pub(crate) fn private_folder() -> DirBuilder {
    #[allow(
        unused_mut,
        reason = "only Unix has modes; below a Windows profile all is private already"
    )]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// How the store opens its files: to read and write, and a new one for its owner alone.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes a directory that was there before, and files in it that were left readable, from everybody but
/// their owner. Where that is not this process's to do, the log says what is open.
pub(crate) fn keep_private(dir: &Path) {
    for file in [RECORDS_FILE, LOCK_FILE].map(|name| dir.join(name)) {
        if let Err(error) = modes::close(&file)
            && error.kind() != ErrorKind::NotFound
        {
            warn!(file = %file.display(), %error, "others can read this file");
        }
    }
    let closed = if is_ours(dir) {
        modes::close(dir).map_err(|error| error.to_string())
    } else if modes::is_open(dir) {
        Err("there are other things in it".to_owned())
    } else {
        Ok(())
    };
    if let Err(why) = closed {
        warn!(
            directory = %dir.display(), %why,
            "others can read the data directory: close it with `chmod 700` or name another"
        );
    }
}

/// Whether the directory holds a store, or nothing at all, and is none that several users share. Someone
/// may name `/tmp` or their home: there the files' own modes must do.
fn is_ours(dir: &Path) -> bool {
    let holds_nothing = || {
        std::fs::read_dir(dir).is_ok_and(|mut entries| {
            entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCK_FILE))
        })
    };
    !modes::is_shared(dir) && (dir.join(RECORDS_FILE).exists() || holds_nothing())
}

#[cfg(unix)]
mod modes {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    /// Leaves the owner's rights alone. An error where it is another user's.
    pub(super) fn close(path: &Path) -> io::Result<()> {
        let mode = metadata(path)?.permissions().mode();
        if mode & 0o077 == 0 {
            Ok(())
        } else {
            set_permissions(path, Permissions::from_mode(mode & 0o700))
        }
    }

    /// Whether others than the owner may read, write or enter.
    pub(super) fn is_open(path: &Path) -> bool {
        metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    }

    /// The sticky bit stands on directories that several users write into.
    pub(super) fn is_shared(path: &Path) -> bool {
        metadata(path).is_ok_and(|found| found.permissions().mode() & 0o1000 != 0)
    }
}

/// Elsewhere rights are access lists, which are inherited and not ours to change.
#[cfg(not(unix))]
mod modes {
    use std::io;
    use std::path::Path;

    pub(super) fn close(_path: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn is_open(_path: &Path) -> bool {
        false
    }

    pub(super) fn is_shared(_path: &Path) -> bool {
        false
    }
}
