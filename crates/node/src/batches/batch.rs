//! The record of one update of several services, as the store has it.

use std::sync::Arc;

use airssys_wasm_deploy::{BatchFleet, BatchId, BatchRecord, NotSaved, Timestamp};
use airssys_wasm_model::Name;
use airssys_wasm_store::{PutError, Store};
use tokio::sync::watch;

use crate::audit;
use crate::node::Shared;
use crate::service::Service;

/// An update of several services.
pub(crate) struct Batch {
    store: Arc<Store>,
    record: watch::Sender<Arc<BatchRecord>>,
    /// Lets one writer at a time read the record, write it and learn its version. Held across the write to the
    /// disk: that is its purpose.
    stored: Arc<tokio::sync::Mutex<Stored>>,
}

/// Where the record stands in the store.
struct Stored {
    /// `None` when a write failed, so that the store may or may not have it.
    version: Option<u64>,
    /// Whether the node stops: the next one over its directory may have the record already.
    sealed: bool,
}

/// The same with the services that take part, for its supervision.
pub(crate) struct Supervised {
    pub(crate) shared: Arc<Shared>,
    pub(crate) batch: Arc<Batch>,
}

impl Batch {
    pub(super) fn new(store: &Arc<Store>, record: BatchRecord, version: u64) -> Arc<Self> {
        let stored = Stored { version: Some(version), sealed: false };
        Arc::new(Self {
            store: Arc::clone(store),
            record: watch::Sender::new(Arc::new(record)),
            stored: Arc::new(tokio::sync::Mutex::new(stored)),
        })
    }

    /// The record as it was saved last.
    pub(crate) fn record(&self) -> Arc<BatchRecord> {
        Arc::clone(&self.record.borrow())
    }

    /// The record and its changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<BatchRecord>> {
        self.record.subscribe()
    }

    /// Changes the record durably, or not at all, and gives it as it is then.
    pub(crate) async fn amend<T>(
        &self,
        change: impl FnOnce(&mut BatchRecord) -> T,
    ) -> Result<T, NotSaved> {
        let mut stored = Arc::clone(&self.stored).lock_owned().await;
        if stored.sealed {
            return Err(NotSaved("the node is stopping".to_owned()));
        }
        let key = key(self.record().id);
        let (store, sender) = (Arc::clone(&self.store), self.record.clone());
        if stored.version.is_none() {
            // What a failed write left: all of it or nothing.
            let (store, sender, key) = (Arc::clone(&store), sender.clone(), key.clone());
            let reading = tokio::task::spawn_blocking(move || {
                let found = store.records().get_json::<BatchRecord>(&key).map_err(not_saved)?;
                let found = found.ok_or_else(|| NotSaved(format!("`{key}` is not there")))?;
                stored.version = Some(found.version);
                sender.send_replace(Arc::new(found.value));
                Ok(stored)
            });
            stored = reading.await.unwrap_or_else(|panicked| Err(not_saved(panicked)))?;
        }
        let mut record = BatchRecord::clone(&self.record());
        let value = change(&mut record);
        if record == *self.record() {
            return Ok(value);
        }
        // The lock goes with the write: a caller that is given up amid it lets nobody in before it has ended.
        let writing = tokio::task::spawn_blocking(move || {
            let before = stored.version.take();
            let put: Result<u64, PutError> = store.records().put_json(&key, before, &record);
            stored.version = Some(put.map_err(not_saved)?);
            sender.send_replace(Arc::new(record));
            Ok(())
        });
        writing.await.unwrap_or_else(|panicked| Err(not_saved(panicked)))?;
        Ok(value)
    }

    /// Waits for a write that is under way and lets no further one begin: the node stops.
    pub(super) async fn seal(&self) {
        self.stored.lock().await.sealed = true;
    }
}

impl BatchFleet for Supervised {
    type Member = Service;

    fn record(&self) -> watch::Receiver<Arc<BatchRecord>> {
        self.batch.watch()
    }

    async fn save(&self, change: impl Fn(&mut BatchRecord) + Send + Sync) -> Result<(), NotSaved> {
        let decided = self.batch.amend(|record| {
            let before = record.decision.clone();
            change(record);
            audit::joint(before.as_ref(), record)
        });
        self.shared.trail.decided(decided.await?);
        Ok(())
    }

    fn member(&self, service: &Name) -> Option<Arc<Service>> {
        self.shared.service(service).ok()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Where the record of an update of several services is.
pub(super) fn key(batch: BatchId) -> String {
    format!("batches/{}", batch.0)
}

fn not_saved(error: impl std::fmt::Display) -> NotSaved {
    NotSaved(error.to_string())
}
