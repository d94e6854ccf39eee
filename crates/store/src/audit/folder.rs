//! The file system as the trail sees it: one flat folder of files that are written at places and read.
//!
//! A trait because there are two: the disk, and the tests' folder whose power is cut.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use crate::disk::sync_folder;
use crate::private::private_file;

/// One folder of files. Names are plain file names.
pub(super) trait Folder: Debug + Send + Sync {
    /// A new empty file; an error if there is one of that name.
    fn create(&self, name: &str) -> io::Result<Box<dyn Page>>;
    /// A file to write on in.
    fn open(&self, name: &str) -> io::Result<Box<dyn Page>>;
    /// A file to read.
    fn read(&self, name: &str) -> io::Result<Box<dyn Reading>>;
    /// Gives a file another name, in one step.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names of all files.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Makes creations, renames and removals durable.
    fn sync(&self) -> io::Result<()>;
}

/// A file being written.
pub(super) trait Page: Debug + Send {
    /// Writes all of it at this place.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file to this length.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file being read.
pub(super) trait Reading: Read + Seek + Send {}

impl<T: Read + Seek + Send> Reading for T {}

/// A folder on the disk.
#[derive(Debug)]
pub(super) struct DiskFolder(pub(super) PathBuf);

impl Folder for DiskFolder {
    fn create(&self, name: &str) -> io::Result<Box<dyn Page>> {
        Ok(Box::new(private_file().create_new(true).open(self.0.join(name))?))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Page>> {
        Ok(Box::new(private_file().open(self.0.join(name))?))
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Reading>> {
        Ok(Box::new(File::open(self.0.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        // A name that is not UTF-8 is none of ours.
        fs::read_dir(&self.0)?
            .map(|entry| Ok(entry?.file_name().into_string().ok()))
            .filter_map(Result::transpose)
            .collect()
    }

    fn sync(&self) -> io::Result<()> {
        sync_folder(&self.0)
    }
}

impl Page for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    /// With its length, and without the times that nobody asks for.
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Removes a file, if it is there.
pub(super) fn remove_if_there(folder: &dyn Folder, name: &str) -> io::Result<()> {
    match folder.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A file's bytes from a place on, at most so many.
pub(super) fn read_part(
    folder: &dyn Folder,
    name: &str,
    from: u64,
    most: u64,
) -> io::Result<Vec<u8>> {
    let mut file = folder.read(name)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file's length.
pub(super) fn length(folder: &dyn Folder, name: &str) -> io::Result<u64> {
    folder.read(name)?.seek(SeekFrom::End(0))
}
