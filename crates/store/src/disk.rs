//! What both shelves need to know of file systems: when one is full, and how a folder is made durable.

use std::io::{self, ErrorKind};
use std::path::Path;

/// Whether this error says that nothing more fits: the disk, the quota or the largest file is
/// exhausted. Freeing space cures all three, so callers see one variant, `Full`.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

/// Makes the names in a folder durable: a rename or a creation outlives a power cut only after this.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

/// Windows has no such call; NTFS journals its directory entries.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Creates a folder, readable by its owner alone, unless it is there. Records hold configuration, and
/// configuration holds passwords.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}
