//! Who keeps what the guests of a revision use besides files and networks.

use std::sync::Arc;

use crate::blobstore::{BlobStore, MemoryBlobs};
use crate::keyvalue::{KeyValueStore, MemoryBuckets};
use crate::process::Processes;
use crate::secret::SecretSource;
use crate::services::Services;

/// The keepers of one service. By default there is none: what a right allows is then answered as if nothing were
/// there.
#[derive(Clone, Default)]
pub struct Backends {
    /// Its key-value buckets.
    pub keyvalue: Option<Arc<dyn KeyValueStore>>,
    /// Its blob containers.
    pub blobs: Option<Arc<dyn BlobStore>>,
    /// The programs of the host.
    pub processes: Option<Processes>,
    /// The values of its secrets.
    pub secrets: Option<Arc<dyn SecretSource>>,
    /// The other services.
    pub services: Option<Arc<dyn Services>>,
}

impl Backends {
    /// Keepers that forget all with the last of their revisions, no secret, no program and no other service: for
    /// components that run without a node.
    pub fn in_memory() -> Self {
        Self {
            keyvalue: Some(Arc::new(MemoryBuckets::default())),
            blobs: Some(Arc::new(MemoryBlobs::default())),
            processes: None,
            secrets: None,
            services: None,
        }
    }
}
