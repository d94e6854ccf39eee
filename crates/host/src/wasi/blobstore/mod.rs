//! `wasi:blobstore@0.2.0-draft`: the right to a container is looked up by its name at each use, and held again at each
//! piece of a stream after the rights have changed.
//!
//! A copied call reads and writes nothing: what it would have written is counted. An object that is being read or
//! written has a place among the instance's open files.

mod bindings;
mod container;
mod incoming;
mod names;
mod outgoing;
mod store;
mod values;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use airssys_wasm_model::{AccessSet, AccessWord as _, DataAccess, Kind, WordPattern};
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTableError};

use self::bindings::wasi::blobstore;
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub use self::incoming::IncomingValue;
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub use self::names::ObjectNames;
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub use self::outgoing::OutgoingValue;
use crate::blobstore::{BlobContainer, BlobStore, BlobStoreError};
use crate::guest::Guest;
use crate::rights::{Hold, Needs, denial_of_container};
use crate::wasi::FilePlace;
use crate::watch::{Teller, Use};

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    blobstore::types::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    blobstore::container::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    blobstore::blobstore::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

/// A container that a guest has open.
#[derive(Clone)]
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub struct OpenContainer {
    name: Arc<str>,
    container: Arc<dyn BlobContainer>,
}

/// Why a guest does not get what it asked for.
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub enum Refusal {
    /// It is told why.
    Told(String),
    /// The handle is none, or is still in use.
    Trap(wasmtime::Error),
}

impl From<ResourceTableError> for Refusal {
    fn from(error: ResourceTableError) -> Self {
        match error {
            ResourceTableError::Full => Self::Told("the instance holds too many handles".into()),
            other => Self::Trap(other.into()),
        }
    }
}

/// What is told of a stream whose right was revoked.
const REVOKED: &str = "access to the container is denied";

/// Bytes that go to the disk or come from it at once, for one stream: what other streams of guests have, too.
const PIECE_BYTES: usize = 64 << 10;

impl Guest {
    /// The container behind a handle, if this may be done with it.
    fn container(
        &self,
        handle: &Resource<OpenContainer>,
        access: DataAccess,
    ) -> Result<OpenContainer, Refusal> {
        let open = self.table.get(handle)?;
        self.may_use(&open.name, access)?;
        Ok(open.clone())
    }

    /// Whether this may be done with the container of this name.
    fn reach(&self, name: &str, access: DataAccess) -> Result<(), Refusal> {
        // What no grant could name is no container.
        if name.ends_with('*') || name.parse::<WordPattern>().is_err() {
            let why = "a container's name is 1 to 128 of letters, digits, `.`, `_`, `-` and `/`";
            return Err(Refusal::Told(why.to_owned()));
        }
        self.may_use(name, access)
    }

    /// What may be done with the container of this name now.
    fn access_now(&self, name: &str) -> AccessSet<DataAccess> {
        self.revision().rights.now().rights.blobstore.access(name)
    }

    /// What a stream needs for as long as it is used.
    fn container_hold(&self, open: &OpenContainer, access: DataAccess) -> Arc<Hold> {
        let name = Arc::clone(&open.name);
        Hold::new(self.teller(), Needs::Container { name, access })
    }

    /// The check of each use, told to whoever watches.
    fn may_use(&self, name: &str, access: DataAccess) -> Result<(), Refusal> {
        if !self.access_now(name).contains(access) {
            self.denied(denial_of_container(&self.revision().spec.service, name, access));
            return Err(Refusal::Told(format!("access to the container `{name}` is denied")));
        }
        if let (DataAccess::Write, Some(gauges)) = (access, &self.refusing) {
            gauges.refuses();
            return Err(Refusal::Told("the copy of a call writes nothing".to_owned()));
        }
        if self.sees_uses(Kind::Blobstore) {
            let (kind, access) = (Kind::Blobstore, access.as_str());
            self.used(Use { kind, access, target: name });
        }
        Ok(())
    }

    fn blobs(&self) -> Result<Arc<dyn BlobStore>, Refusal> {
        let none = || Refusal::Told("no containers are kept here".to_owned());
        self.revision().spec.backends.blobs.clone().ok_or_else(none)
    }

    /// A place among the instance's open files, for an object.
    fn object_place(&mut self) -> Result<FilePlace, Refusal> {
        let max = self.revision().spec.limits.files;
        self.files.object().ok_or_else(|| {
            let why = format!("{max} files and objects are open, and that is the limit `files`");
            self.telling.warns(&why);
            Refusal::Told(why)
        })
    }

    /// Does what may wait for the disk on a thread that may.
    async fn on_disk<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> Result<T, BlobStoreError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let done = tokio::task::spawn_blocking(work).await;
        let done = done.unwrap_or_else(|panicked| Err(BlobStoreError::Failed(panicked.into())));
        done.map_err(|error| Refusal::Told(told(&self.teller(), error)))
    }
}

/// What the guest is told of a failure, and the log of what it is not told.
fn told(teller: &Teller, error: BlobStoreError) -> String {
    match error {
        BlobStoreError::Name(why) => why,
        BlobStoreError::Refused(why) => {
            teller.says("blobstore", &why);
            why
        }
        BlobStoreError::Failed(why) => {
            let service = &teller.spec().service;
            tracing::error!(%service, error = &*why, "the blob store failed");
            "the blob store failed".to_owned()
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
