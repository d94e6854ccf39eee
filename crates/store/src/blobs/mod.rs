//! Blobs: large, immutable, named by the digest of their bytes.

mod folder;
mod shelf;
mod writer;

#[cfg(test)]
mod folder_shadow;
#[cfg(test)]
mod power_cut;

pub use shelf::{BlobError, Blobs, MAX_BLOB_BYTES};
pub use writer::Writer;

pub(crate) use folder::{DiskFolder, Folder, NewFile};

#[cfg(test)]
pub(crate) use folder_shadow::Shadow;
