//! Key-value buckets for guests: per service and bucket, within a quota, each write durable when answered.

mod bucket;
mod error;
mod shelf;
mod tables;
mod writer;

#[cfg(test)]
mod model;
#[cfg(test)]
mod power_cut;

pub use bucket::{Bucket, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES};
pub use error::KeyValueError;
pub use shelf::KeyValue;
