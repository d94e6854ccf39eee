//! What the guests of a service keep in the store under names of their own: key-value buckets.
//!
//! They belong to the service and not to a revision, so they are there for the next one and after a rollback. They
//! go with the service when it is removed.

use std::sync::{Arc, OnceLock};

use airssys_wasm_host::{Bucket, Entry, KeyPage, KeyValueError, KeyValueStore, Swap};
use airssys_wasm_model::Name;
use airssys_wasm_store::{
    Bucket as StoredBucket, KeyValue, KeyValueError as StoreFailure, Paging, PutError, Quota,
    QuotaPart, Store,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// Keeps the buckets of one service, within the quota of the revision that writes.
pub(crate) struct Buckets {
    store: Arc<Store>,
    service: Name,
    /// Set by the first who asks.
    opened: OnceLock<KeyValue>,
}

struct Kept(StoredBucket);

type Done<T> = Result<T, KeyValueError>;

impl Buckets {
    pub(crate) fn new(store: Arc<Store>, service: Name) -> Self {
        Self { store, service, opened: OnceLock::new() }
    }

    /// Opens the file that all buckets are in. That takes time in proportion to what is kept, so a revision with a
    /// right to a bucket has it done before a call comes.
    pub(crate) async fn open(&self) -> Result<&KeyValue, KeyValueError> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let store = Arc::clone(&self.store);
        let opening = tokio::task::spawn_blocking(move || store.key_value());
        let opened = opening.await.map_err(|panicked| KeyValueError::Failed(panicked.into()))?;
        let opened = opened.map_err(|error| KeyValueError::Failed(error.into()))?;
        Ok(self.opened.get_or_init(|| opened))
    }

    /// What all buckets hold. It is not known where there is a file of them and nobody of the node has opened it yet.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let Some(opened) = self.opened.get().cloned().or_else(|| self.store.open_key_value())
        else {
            return (!self.store.has_key_value()).then_some(0);
        };
        let usage = opened.usage(self.service.as_str());
        usage.inspect_err(|error| tracing::warn!(service = %self.service, %error, "what its buckets hold is not known"))
            .ok()
            .map(|usage| usage.bytes)
    }

    /// Deletes all buckets of a service that has no calls any more.
    pub(crate) async fn forget(&self) -> Result<(), PutError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| PutError::Io {
            source: std::io::Error::other(error),
        };
        if !self.store.has_key_value() {
            return Ok(());
        }
        let opened = self.open().await.map_err(|error| failed(error.into()))?;
        opened.remove_service(self.service.as_str()).await.map_err(|error| failed(error.into()))
    }
}

impl KeyValueStore for Buckets {
    fn bucket<'a>(&'a self, name: &'a str, bytes_max: u64) -> BoxFuture<'a, Done<Arc<dyn Bucket>>> {
        async move {
            let quota = Quota { bytes: bytes_max, ..Quota::KEY_VALUE };
            let bucket = self.open().await?.bucket(self.service.as_str(), name, quota);
            Ok(Arc::new(Kept(bucket)) as Arc<dyn Bucket>)
        }
        .boxed()
    }
}

impl Bucket for Kept {
    fn get(&self, key: &str) -> Done<Option<Entry>> {
        let found = self.0.get_versioned(key).map_err(failure)?;
        Ok(found.map(|found| Entry { version: found.version, value: found.value }))
    }

    fn exists(&self, key: &str) -> Done<bool> {
        self.0.exists(key).map_err(failure)
    }

    fn get_many(&self, keys: &[String]) -> Done<Vec<Option<Vec<u8>>>> {
        self.0.get_many(keys).map_err(failure)
    }

    fn list_keys(&self, after: Option<String>) -> Done<KeyPage> {
        let page = self.0.list_keys(&Paging { after, ..Paging::default() }).map_err(failure)?;
        Ok(KeyPage { keys: page.entries, next: page.next })
    }

    fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> BoxFuture<'_, Done<()>> {
        self.0.set_many(entries).map(|set| set.map_err(failure)).boxed()
    }

    fn delete_many(&self, keys: Vec<String>) -> BoxFuture<'_, Done<()>> {
        self.0.delete_many(keys).map(|deleted| deleted.map_err(failure)).boxed()
    }

    fn increment(&self, key: String, delta: i64) -> BoxFuture<'_, Done<i64>> {
        self.0.increment(key, delta).map(|sum| sum.map_err(failure)).boxed()
    }

    fn swap(
        &self,
        key: String,
        expected: Option<u64>,
        value: Vec<u8>,
    ) -> BoxFuture<'_, Done<Swap>> {
        let swapping = self.0.swap(key, expected, value);
        let done = swapping.map(|swapped| match swapped {
            Ok(_) => Ok(Swap::Done),
            Err(StoreFailure::Changed { found }) => {
                Ok(Swap::Changed(found.map(|found| found.version)))
            }
            Err(error) => Err(failure(error)),
        });
        done.boxed()
    }
}

/// What the guest may know is in the text; what it may not is a failure.
fn failure(error: StoreFailure) -> KeyValueError {
    match error {
        StoreFailure::Failed(_) | StoreFailure::Closed => KeyValueError::Failed(error.into()),
        StoreFailure::Quota(quota) if quota.part == QuotaPart::Bytes => {
            KeyValueError::Full(quota.to_string())
        }
        told => KeyValueError::Refused(told.to_string()),
    }
}
