//! Containers of objects for guests: streamed in and out, within a quota, replaced in one step.

mod containers;
mod error;
mod index;
mod objects;
mod reader;
mod shelf;
mod writer;

#[cfg(test)]
mod model;
#[cfg(test)]
mod power_cut;

pub use containers::{ContainerInfo, Containers, MAX_CONTAINERS};
pub use error::BlobstoreError;
pub use objects::{Container, ObjectInfo};
pub use reader::ObjectReader;
pub use shelf::Blobstore;
pub use writer::{MAX_OPEN_WRITES, ObjectWriter};
