//! A part of an object on its way out.

use std::fmt;
use std::io::{self, Read, Take};

/// A range of an object's bytes, in order. It holds the file open, so the bytes stay what they were when the
/// object is replaced or removed. Reading blocks on the disk.
pub struct ObjectReader {
    file: Take<Box<dyn Read + Send>>,
    size_bytes: u64,
}

impl ObjectReader {
    pub(super) fn new(file: Box<dyn Read + Send>, len: u64, size_bytes: u64) -> Self {
        Self { file: file.take(len), size_bytes }
    }

    /// How many bytes of the range are left.
    pub fn remaining_bytes(&self) -> u64 {
        self.file.limit()
    }

    /// The size of the whole object.
    pub fn object_bytes(&self) -> u64 {
        self.size_bytes
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remaining_bytes = self.remaining_bytes();
        f.debug_struct("ObjectReader")
            .field("remaining_bytes", &remaining_bytes)
            .finish_non_exhaustive()
    }
}
