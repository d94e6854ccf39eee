//! `wasi:keyvalue@0.2.0-draft2`: the right to a bucket is looked up when it is opened, and again when the rights have
//! changed; the handle carries what may be done with it, so that a use costs a test of one bit.
//!
//! A copied call reads and writes nothing: what it would have written is counted.

mod atomics;
mod batch;
mod bindings;
mod store;

use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_model::{AccessSet, AccessWord as _, DataAccess, Denial, Kind};
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTableError};

use self::bindings::wasi::keyvalue;
use crate::guest::Guest;
use crate::keyvalue::{Bucket, KeyValueError};
use crate::limit::Limit;
use crate::rights::LiveRights;
use crate::watch::Use;

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    keyvalue::store::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    keyvalue::atomics::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    keyvalue::batch::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

/// A bucket that a guest has open.
#[derive(Clone)]
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub struct OpenBucket {
    name: Arc<str>,
    access: AccessSet<DataAccess>,
    /// The epoch of the rights that this is the access of.
    seen: u64,
    bucket: Arc<dyn Bucket>,
}

/// An entry that a guest may swap. Its version is kept and not its value: a guest may hold a thousand.
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub struct Cas {
    of: OpenBucket,
    key: String,
    seen: Option<u64>,
}

/// Why a guest does not get what it asked for.
#[allow(unreachable_pub, reason = "the generated module, which is no wider, re-exports it")]
pub enum Refusal {
    /// It asked for something that can be no bucket.
    NoSuchStore,
    /// No right allows it.
    Denied,
    /// Anything else that it is told.
    Other(String),
    /// The handle is none.
    Trap(wasmtime::Error),
}

impl From<ResourceTableError> for Refusal {
    fn from(error: ResourceTableError) -> Self {
        match error {
            ResourceTableError::Full => Self::Other("the instance holds too many handles".into()),
            other => Self::Trap(other.into()),
        }
    }
}

impl Refusal {
    fn told(self) -> wasmtime::Result<keyvalue::store::Error> {
        match self {
            Self::NoSuchStore => Ok(keyvalue::store::Error::NoSuchStore),
            Self::Denied => Ok(keyvalue::store::Error::AccessDenied),
            Self::Other(text) => Ok(keyvalue::store::Error::Other(text)),
            Self::Trap(error) => Err(error),
        }
    }
}

impl OpenBucket {
    /// Takes over what may be done with it now, if the rights have changed.
    fn renew(&mut self, rights: &LiveRights) {
        let epoch = rights.epoch();
        if self.seen != epoch {
            (self.access, self.seen) = (rights.now().rights.keyvalue.access(&self.name), epoch);
        }
    }
}

impl Guest {
    /// The bucket behind a handle, if this may be done with it for so many keys.
    fn bucket(
        &mut self,
        handle: &Resource<OpenBucket>,
        access: DataAccess,
        keys: usize,
    ) -> Result<OpenBucket, Refusal> {
        let bucket = self.table.get_mut(handle)?;
        bucket.renew(&self.files.revision().rights);
        let bucket = bucket.clone();
        self.may(&bucket, access)?;
        self.in_time(keys)?;
        Ok(bucket)
    }

    /// Whether the revision may read or write so many more keys in this second.
    fn in_time(&self, keys: usize) -> Result<(), Refusal> {
        let meters = &self.revision().meters;
        if meters.keyvalue_rate.take(keys as u64, Instant::now()) {
            return Ok(());
        }
        meters.hit(Limit::KeyvalueRate);
        let limit = self.revision().spec.limits.keyvalue_rate;
        let why = format!("the limit `keyvalue_rate` of {limit} keys a second is reached");
        self.speaker.warns("limits", &why);
        Err(Refusal::Other(why))
    }

    /// The check of each use, told to whoever watches.
    fn may(&self, bucket: &OpenBucket, access: DataAccess) -> Result<(), Refusal> {
        let name = &*bucket.name;
        if !bucket.access.contains(access) {
            let act = match access {
                DataAccess::Read => "read in the bucket",
                DataAccess::Write => "write to the bucket",
            };
            return Err(self.denied_bucket(act, name, access));
        }
        if let (DataAccess::Write, Some(gauges)) = (access, &self.refusing) {
            gauges.refuses();
            return Err(Refusal::Other("the copy of a call writes nothing".to_owned()));
        }
        if self.sees_uses(Kind::Keyvalue) {
            let (kind, access) = (Kind::Keyvalue, access.as_str());
            self.used(Use { kind, access, target: name });
        }
        Ok(())
    }

    fn denied_bucket(&self, act: &str, name: &str, access: DataAccess) -> Refusal {
        let scope = format!("{name}:{}", access.as_str());
        let service = &self.revision().spec.service;
        self.denied(Denial::new(service, Kind::Keyvalue, act, name, &scope));
        Refusal::Denied
    }

    /// What the guest is told of a failure, and the log of what it is not told.
    fn failed(&self, error: KeyValueError) -> Refusal {
        match error {
            KeyValueError::Full(why) => {
                self.revision().meters.hit(Limit::Keyvalue);
                let why = format!("the limit `keyvalue` is reached: {why}");
                self.speaker.warns("limits", &why);
                Refusal::Other(why)
            }
            KeyValueError::Refused(why) => {
                self.speaker.warns("keyvalue", &why);
                Refusal::Other(why)
            }
            KeyValueError::Failed(why) => {
                let service = &self.revision().spec.service;
                tracing::error!(%service, error = &*why, "the key-value store failed");
                Refusal::Other("the key-value store failed".to_owned())
            }
        }
    }
}
