//! All updates of several services that the node knows: those under way, and the latest that have ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_deploy::{BATCHES_KEPT, BatchId, BatchRecord, NotSaved, supervise, tell_decided};
use airssys_wasm_store::{PutError, Record, RecordError, Store};
use tokio::task::JoinHandle;

use super::batch::{Batch, Supervised, key};
use crate::node::{NodeError, Shared, blocking, stopping, store_failure};
use crate::walking::{SAVE_AGAIN_AFTER, supervised};

/// The updates of several services on a node. A service takes part in one at a time, so there are no more under
/// way than services; of those that have ended [`BATCHES_KEPT`] are kept.
#[derive(Default)]
pub(crate) struct Batches {
    /// Guards the map, never across an await.
    known: Mutex<BTreeMap<BatchId, Known>>,
    /// The number given last.
    last: AtomicU64,
}

struct Known {
    batch: Arc<Batch>,
    task: Option<JoinHandle<()>>,
}

impl Batches {
    /// The number that the next one may get.
    pub(crate) fn next(&self) -> BatchId {
        BatchId(self.last.load(Ordering::Relaxed) + 1)
    }

    /// A number that no other gets.
    pub(crate) fn number(&self) -> BatchId {
        BatchId(self.last.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The update with this number.
    pub(crate) fn find(&self, id: BatchId) -> Result<Arc<Batch>, Failure> {
        let found = self.known().get(&id).map(|known| Arc::clone(&known.batch));
        found.ok_or_else(|| {
            Failure::new(Code::NotFound, format!("there is no {id}"))
                .help(format!("the node knows those under way and the latest {BATCHES_KEPT}"))
        })
    }

    /// Records an update. Nothing supervises it yet.
    pub(crate) async fn create(
        &self,
        store: &Arc<Store>,
        record: BatchRecord,
    ) -> Result<Arc<Batch>, Failure> {
        self.forget_oldest(store).await?;
        let (writer, new) = (Arc::clone(store), record.clone());
        let put = blocking(move || writer.records().put_json(&key(new.id), None, &new)).await?;
        let version = put.map_err(|error| store_failure(&error))?;
        let (id, batch) = (record.id, Batch::new(store, record, version));
        self.known().insert(id, Known { batch: Arc::clone(&batch), task: None });
        Ok(batch)
    }

    /// Reads the records of all.
    pub(crate) fn read(&self, store: &Arc<Store>, listed: Vec<Record>) -> Result<(), NodeError> {
        for Record { key, version, value } in listed {
            let record: BatchRecord = serde_json::from_slice(&value)
                .map_err(|source| NodeError::Record { key, source })?;
            let id = record.id;
            self.last.fetch_max(id.0, Ordering::Relaxed);
            let batch = Batch::new(store, record, version);
            self.known().insert(id, Known { batch, task: None });
        }
        Ok(())
    }

    /// Ends the supervision of all where it is.
    pub(crate) async fn close(&self) {
        let all: Vec<_> = std::mem::take(&mut *self.known()).into_values().collect();
        for Known { batch, task } in all {
            if let Some(mut task) = task {
                task.abort();
                // Until it is gone, it holds the directory; whether it ended or was ended is the same.
                let _ = (&mut task).await;
            }
            batch.seal().await;
        }
    }

    /// The same for a node that is dropped.
    pub(crate) fn abort(&self) {
        for known in std::mem::take(&mut *self.known()).into_values() {
            if let Some(task) = known.task {
                task.abort();
            }
        }
    }

    fn under_way(&self) -> Vec<Arc<Batch>> {
        let known = self.known();
        let all = known.values().map(|known| Arc::clone(&known.batch));
        all.filter(|batch| batch.record().is_open()).collect()
    }

    /// Deletes the records of those that ended longest ago, to make room for one more.
    async fn forget_oldest(&self, store: &Arc<Store>) -> Result<(), Failure> {
        let ended: Vec<_> = {
            let known = self.known();
            let ended = known.iter().filter(|(_, known)| !known.batch.record().is_open());
            ended.map(|(id, _)| *id).collect()
        };
        let surplus = (ended.len() + 1).saturating_sub(BATCHES_KEPT);
        for id in ended.into_iter().take(surplus) {
            let store = Arc::clone(store);
            let deleted = blocking(move || {
                let found = store.records().get(&key(id));
                let found =
                    found.map_err(|error| PutError::Corrupt { detail: error.to_string() })?;
                found.map_or(Ok(()), |found| store.records().delete_if(&key(id), found.version))
            });
            deleted.await?.map_err(|error: PutError| store_failure(&error))?;
            self.known().remove(&id);
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<BatchId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Reads the records of the updates of several services.
    pub(crate) async fn read_batches(self: &Arc<Self>) -> Result<(), NodeError> {
        let store = Arc::clone(&self.store);
        let reading = tokio::task::spawn_blocking(move || store.records().list("batches/"));
        let listed = reading
            .await
            .unwrap_or_else(|panicked| Err(RecordError::Corrupt { detail: panicked.to_string() }));
        self.batches.read(&self.store, listed?)
    }

    /// Tells the services what was decided for them before the node stopped: before they are recovered.
    pub(crate) async fn tell_batches(self: &Arc<Self>) -> Result<(), NotSaved> {
        for batch in self.batches.under_way() {
            tell_decided(&Supervised { shared: Arc::clone(self), batch }).await?;
        }
        Ok(())
    }

    /// Supervises those that are under way.
    pub(crate) fn supervise_batches(self: &Arc<Self>) {
        for batch in self.batches.under_way() {
            // Nothing stops before it has started.
            let _ = self.supervise_batch(&batch);
        }
    }

    /// Brings an update to its end, in a task of its own.
    ///
    /// # Errors
    /// When the node stops.
    pub(crate) fn supervise_batch(self: &Arc<Self>, batch: &Arc<Batch>) -> Result<(), Failure> {
        let mut known = self.batches.known();
        let id = batch.record().id;
        // `close` has taken them: none is supervised after that.
        let known = known.get_mut(&id).ok_or_else(stopping)?;
        let all = Supervised { shared: Arc::clone(self), batch: Arc::clone(batch) };
        known.task = Some(tokio::spawn(async move {
            supervised(&id, || to_the_end(&all)).await;
        }));
        Ok(())
    }
}

async fn to_the_end(all: &Supervised) {
    let id = all.batch.record().id;
    while let Err(error) = supervise(all).await {
        tracing::error!("{id}: {error}; trying again");
        tokio::time::sleep(SAVE_AGAIN_AFTER).await;
    }
    let record = all.batch.record();
    tracing::info!("{id} has ended: {}", record.reason().unwrap_or("every service is promoted"));
}
