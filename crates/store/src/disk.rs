//! What both shelves need to know of file systems: when one is full, and how a folder is made durable.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::private::private_folder;

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

/// Creates a folder, readable by its owner alone, unless it is there, and makes its name durable. Records
/// hold configuration, and configuration holds passwords.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    create_folder(path, &mut sync_folder)
}

/// Creates each folder that is missing and syncs the one above it before the next.
fn create_folder(path: &Path, sync: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    let parent = parent_of(path);
    if path.is_dir() {
        // Whoever made it may have been killed before its sync. Where the folder above may not even be
        // read, it was made by somebody else, whose work it is.
        return match parent.map_or(Ok(()), sync) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        };
    }
    if let Some(parent) = parent {
        create_folder(parent, sync)?;
    }
    match private_folder().create(path) {
        // Another process was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        created => created?,
    }
    parent.map_or(Ok(()), sync)
}

/// The folder that holds the name; the current one for a name alone, none for the root.
fn parent_of(path: &Path) -> Option<&Path> {
    let parent = path.parent()?;
    Some(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn every_folder_that_is_made_has_its_name_synced_in_the_one_above() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path();
        let mut synced: Vec<PathBuf> = Vec::new();
        create_folder(&base.join("a/b/c"), &mut |folder| {
            synced.push(folder.to_owned());
            Ok(())
        })
        .unwrap();
        assert!(base.join("a/b/c").is_dir());
        let above = parent_of(base).unwrap().to_owned();
        assert_eq!(synced, [above, base.to_owned(), base.join("a"), base.join("a/b")]);
    }

    #[test]
    fn the_name_of_a_folder_made_by_a_killed_predecessor_is_synced_too() {
        let base = tempfile::tempdir().unwrap();
        let mut synced = Vec::new();
        create_folder(base.path(), &mut |folder| {
            synced.push(folder.to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(synced, [base.path().parent().unwrap()]);
    }

    #[test]
    fn a_name_alone_lies_in_the_current_folder() {
        assert_eq!(parent_of(Path::new("data")), Some(Path::new(".")));
        assert_eq!(parent_of(Path::new("a/data")), Some(Path::new("a")));
        assert_eq!(parent_of(Path::new("/")), None);
    }

    #[test]
    fn a_sync_that_fails_fails_the_making() {
        let base = tempfile::tempdir().unwrap();
        let failed = create_folder(&base.path().join("a"), &mut |folder| {
            if folder == base.path() { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
        });
        assert_eq!(failed.unwrap_err().raw_os_error(), Some(5));
    }
}
