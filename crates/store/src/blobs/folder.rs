//! The file system as blobs and objects see it: one flat folder.
//!
//! A trait because there are two: the disk, and the tests' folder that forgets what was not synced.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::disk::sync_folder;

/// One folder of files. Names are plain file names.
pub(crate) trait Folder: Debug + Send + Sync {
    /// A new empty file; an error if there is one of that name.
    fn create(&self, name: &str) -> io::Result<Box<dyn NewFile>>;
    /// A file's content from some byte on, and the length of the whole.
    fn open_at(&self, name: &str, from: u64) -> io::Result<(Box<dyn Read + Send>, u64)>;
    /// A file's content from its beginning, and its length.
    fn open(&self, name: &str) -> io::Result<(Box<dyn Read + Send>, u64)> {
        self.open_at(name, 0)
    }
    /// Whether there is a file of this name.
    fn exists(&self, name: &str) -> io::Result<bool>;
    /// Gives a file another name, replacing what had it, in one step.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// When a file was written or touched last.
    fn touched(&self, name: &str) -> io::Result<SystemTime>;
    /// Makes a file count as written now.
    fn touch(&self, name: &str) -> io::Result<()>;
    /// The names of all files.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Makes creations, renames and removals durable.
    fn sync(&self) -> io::Result<()>;
}

/// A file being written.
pub(crate) trait NewFile: Write + Debug + Send {
    /// Makes the content durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// A folder on the disk.
#[derive(Debug)]
pub(crate) struct DiskFolder(pub(crate) PathBuf);

impl Folder for DiskFolder {
    fn create(&self, name: &str) -> io::Result<Box<dyn NewFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(self.0.join(name))?;
        Ok(Box::new(file))
    }

    fn open_at(&self, name: &str, from: u64) -> io::Result<(Box<dyn Read + Send>, u64)> {
        let mut file = File::open(self.0.join(name))?;
        if from > 0 {
            file.seek(SeekFrom::Start(from))?;
        }
        let len = file.metadata()?.len();
        Ok((Box::new(file), len))
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.0.join(name).try_exists()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn touched(&self, name: &str) -> io::Result<SystemTime> {
        fs::metadata(self.0.join(name))?.modified()
    }

    fn touch(&self, name: &str) -> io::Result<()> {
        OpenOptions::new().append(true).open(self.0.join(name))?.set_modified(SystemTime::now())
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

impl NewFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}
