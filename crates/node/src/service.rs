//! One service on this node: its record and the store's version of it, what of it runs, and its walk.
//!
//! Whatever changes a service changes its record first, through [`Service::amend`]; the walk watches the record
//! and makes the rest true. Calls know none of this: they only meet the [`LiveService`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_deploy::{RevisionRecord, ServiceRecord};
use airssys_wasm_host::{Backends, Prepared, Processes, RevisionSpec, StateKeeper};
use airssys_wasm_model::{Asked, InstanceModel, Instances, Name, RevisionNumber, Rights, Version};
use airssys_wasm_store::PutError;
use tokio::sync::{OwnedMutexGuard, watch};

use crate::audit::{CallRecorder, Watcher};
use crate::buckets::Buckets;
use crate::calling::Calling;
use crate::containers::Containers;
use crate::evidence::Shown;
use crate::granting;
use crate::live::LiveService;
use crate::logs::ServiceLog;
use crate::node::Shared;
use crate::releases::{self, Release};
use crate::starting::StartError;
use crate::state::KeptState;

/// A service of this node.
pub(crate) struct Service {
    pub(crate) shared: Arc<Shared>,
    pub(crate) live: Arc<LiveService>,
    pub(crate) log: Arc<ServiceLog>,
    state: Arc<KeptState>,
    buckets: Arc<Buckets>,
    containers: Arc<Containers>,
    processes: Processes,
    record: watch::Sender<Arc<ServiceRecord>>,
    gone: watch::Sender<bool>,
    /// What the step that watches has come to, the latest alone: it is newer than what is recorded.
    pub(crate) shown: watch::Sender<Option<Arc<Shown>>>,
    /// Lets one writer at a time read the record, write it and learn its version. Held across the write
    /// to the disk: that is its purpose, and no call ever takes it.
    stored: Arc<tokio::sync::Mutex<Stored>>,
    /// Held from the preparing of a revision to its record, so that a revision's number is known before it
    /// is recorded. No call ever takes it.
    preparing: tokio::sync::Mutex<()>,
    /// Lets one at a time make rights of the record and put them in force, so that none puts older ones in force after
    /// newer ones. Held while directories are opened, never across an await; no call ever takes it.
    pub(crate) granting: Mutex<()>,
    /// What the last start came to. Guards a few plain values, never across an await.
    start: Mutex<LastStart>,
}

/// What the start of the latest revision came to, for the answer to whoever asked for it.
#[derive(Default)]
pub(crate) struct LastStart {
    /// Prepared before it was recorded, for the walk to start.
    pub(crate) prepared: Option<Prepared>,
    /// Why it did not start.
    pub(crate) error: Option<(RevisionNumber, Arc<StartError>)>,
    /// How long compiling, starting and publishing took.
    pub(crate) compile: Duration,
    pub(crate) start: Duration,
    pub(crate) switch: Duration,
}

/// Where the record stands in the store.
struct Stored {
    version: Option<u64>,
    /// Whether a write failed so that the store may or may not have it.
    in_doubt: bool,
    /// Whether the service was removed: what comes late must not write it again.
    gone: bool,
    /// Whether the node stops: the next one over its directory may have the record already.
    sealed: bool,
}

/// Why a record was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AmendError<E> {
    /// It contradicts what is recorded.
    #[error(transparent)]
    Refused(E),
    /// The service was removed meanwhile.
    #[error("the service was removed")]
    Gone,
    /// The node stops.
    #[error("the node is stopping")]
    Stopping,
    /// The store would not have it.
    #[error(transparent)]
    Store(#[from] PutError),
}

impl Service {
    /// A service as the store has it; `version` is `None` for one that is not stored yet.
    pub(crate) fn new(
        shared: Arc<Shared>,
        record: ServiceRecord,
        version: Option<u64>,
    ) -> Arc<Self> {
        let name = record.name.clone();
        let recorder = CallRecorder::of(&shared.trail, shared.authority.demands(), &record);
        let live =
            Arc::new(LiveService::new(name.clone()).recorded_by(recorder).beside(&shared.waits));
        live.route_by(&record);
        Arc::new(Self {
            state: Arc::new(KeptState::new(Arc::clone(&shared.store), &name)),
            buckets: Arc::new(Buckets::new(Arc::clone(&shared.store), name.clone())),
            containers: Arc::new(Containers::new(Arc::clone(&shared.store), name)),
            processes: shared.processes.for_service(),
            shared,
            live,
            log: Arc::default(),
            record: watch::Sender::new(Arc::new(record)),
            gone: watch::Sender::new(false),
            shown: watch::Sender::new(None),
            stored: Arc::new(tokio::sync::Mutex::new(Stored {
                version,
                in_doubt: false,
                gone: false,
                sealed: false,
            })),
            preparing: tokio::sync::Mutex::default(),
            granting: Mutex::default(),
            start: Mutex::default(),
        })
    }

    pub(crate) fn name(&self) -> &Name {
        &self.live.name
    }

    /// The record as it was saved last.
    pub(crate) fn record(&self) -> Arc<ServiceRecord> {
        Arc::clone(&self.record.borrow())
    }

    /// What its buckets hold, where that is known.
    pub(crate) fn bucket_bytes(&self) -> Option<u64> {
        self.buckets.bytes()
    }

    /// How many of its keys have a state, where they have been counted.
    pub(crate) fn actors(&self) -> Option<u64> {
        self.state.actors()
    }

    /// The record and its changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<ServiceRecord>> {
        self.record.subscribe()
    }

    /// Lets nobody else prepare a revision for as long as this is held.
    pub(crate) fn prepare_alone(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Failure> {
        self.preparing.try_lock().map_err(|_| {
            let message = format!("another revision of `{}` is being prepared", self.name());
            Failure::new(Code::Conflict, message).help("try again when it has begun")
        })
    }

    pub(crate) fn last_start(&self) -> MutexGuard<'_, LastStart> {
        self.start.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the record durably, or not at all. When it returns, the change survives a power cut.
    pub(crate) async fn amend<T, E>(
        &self,
        change: impl FnOnce(&mut ServiceRecord) -> Result<T, E>,
    ) -> Result<T, AmendError<E>> {
        let mut stored = Arc::clone(&self.stored).lock_owned().await;
        if stored.gone {
            return Err(AmendError::Gone);
        }
        if stored.sealed {
            return Err(AmendError::Stopping);
        }
        if stored.in_doubt {
            stored = self.settle(stored).await?;
        }
        let mut record = ServiceRecord::clone(&self.record());
        let value = change(&mut record).map_err(AmendError::Refused)?;
        // What changes nothing is durable already: a node starts on a full disk, too.
        if record != *self.record() {
            self.put(stored, record).await?;
        }
        Ok(value)
    }

    /// Writes a record. The lock goes with the write, so that a caller that is given up in the middle of it
    /// lets nobody in before it has ended.
    async fn put(
        &self,
        mut stored: OwnedMutexGuard<Stored>,
        record: ServiceRecord,
    ) -> Result<(), PutError> {
        let (store, key) = (Arc::clone(&self.shared.store), key(self.name()));
        let (sender, live) = (self.record.clone(), Arc::clone(&self.live));
        let writing = tokio::task::spawn_blocking(move || {
            let put = store.records().put_json(&key, stored.version, &record);
            stored.in_doubt = put.is_err();
            stored.version = Some(put?);
            live.route_by(&record);
            sender.send_replace(Arc::new(record));
            Ok(())
        });
        writing.await.unwrap_or_else(|panicked| Err(lost(panicked)))
    }

    /// Reads what a failed write left: all of it or nothing.
    async fn settle(
        &self,
        mut stored: OwnedMutexGuard<Stored>,
    ) -> Result<OwnedMutexGuard<Stored>, PutError> {
        let (store, key) = (Arc::clone(&self.shared.store), key(self.name()));
        let (sender, live) = (self.record.clone(), Arc::clone(&self.live));
        let reading = tokio::task::spawn_blocking(move || {
            let found = store.records().get_json::<ServiceRecord>(&key);
            let found = found.map_err(|error| PutError::Corrupt { detail: error.to_string() })?;
            stored.version = found.as_ref().map(|found| found.version);
            if let Some(found) = found {
                live.route_by(&found.value);
                sender.send_replace(Arc::new(found.value));
            }
            stored.in_doubt = false;
            Ok(stored)
        });
        reading.await.unwrap_or_else(|panicked| Err(lost(panicked)))
    }

    /// Whether the service was deleted, and the moment when it is.
    pub(crate) fn is_gone(&self) -> watch::Receiver<bool> {
        self.gone.subscribe()
    }

    /// Waits until a service that is being removed is deleted.
    ///
    /// # Errors
    /// When the node stops before.
    pub(crate) async fn gone(&self) -> Result<(), Failure> {
        let mut gone = self.gone.subscribe();
        // The sender lives as long as the service does.
        let gone = async { gone.wait_for(|gone| *gone).await.map(drop) };
        let _ = self.shared.unless_stopping(gone).await?;
        Ok(())
    }

    /// Waits for a write that is under way and lets no further one begin: the node stops.
    pub(crate) async fn seal(&self) {
        self.stored.lock().await.sealed = true;
    }

    /// Deletes a service that was removed, its state, buckets and containers included. Its releases stay.
    pub(crate) async fn forget(&self) -> Result<(), PutError> {
        let mut stored = Arc::clone(&self.stored).lock_owned().await;
        if stored.in_doubt {
            stored = self.settle(stored).await?;
        }
        // First: while there is a record, a node that dies goes on with this when it starts again.
        self.state.forget().await?;
        self.buckets.forget().await?;
        Arc::clone(&self.containers).forget().await?;
        let (store, key) = (Arc::clone(&self.shared.store), key(self.name()));
        let deleting = tokio::task::spawn_blocking(move || {
            if let Some(version) = stored.version {
                stored.in_doubt = true;
                store.records().delete_if(&key, version)?;
                (stored.version, stored.in_doubt) = (None, false);
            }
            stored.gone = true;
            Ok(())
        });
        deleting.await.unwrap_or_else(|panicked| Err(lost(panicked)))?;
        self.shared.routes.remove(self.name());
        self.shared.services().remove(self.name());
        self.gone.send_replace(true);
        tracing::info!(service = %self.name(), "removed");
        Ok(())
    }

    /// Compiles and links a revision as it is recorded.
    pub(crate) async fn prepare_recorded(
        &self,
        revision: &RevisionRecord,
    ) -> Result<Prepared, StartError> {
        let settings = &revision.settings;
        let asked = self.release_of(&settings.version).await?.manifest.asked;
        let record = self.record();
        granting::tell_of_idle(&record, revision, &asked);
        let rights = granting::rights_now(&record, revision, &asked)?;
        self.prepare_with(revision.number, settings, asked, rights).await
    }

    /// A release of this service.
    pub(crate) async fn release_of(&self, version: &Version) -> Result<Release, StartError> {
        let found = releases::find(&self.shared, self.name(), version).await?;
        found.ok_or_else(|| StartError::NoRelease { version: version.clone() })
    }

    /// Compiles and links a revision that is to be. Nothing is recorded by it.
    pub(crate) async fn prepare(
        &self,
        number: RevisionNumber,
        settings: &airssys_wasm_deploy::RevisionSettings,
        release: &Release,
    ) -> Result<Prepared, StartError> {
        let asked = release.manifest.asked.clone();
        let rights = Rights::intersect(&asked, &settings.grants)?;
        self.prepare_with(number, settings, asked, rights).await
    }

    async fn prepare_with(
        &self,
        number: RevisionNumber,
        settings: &airssys_wasm_deploy::RevisionSettings,
        asked: Asked,
        rights: Rights,
    ) -> Result<Prepared, StartError> {
        if !rights.keyvalue.is_empty()
            && let Err(error) = self.buckets.open().await
        {
            // Each use tries again, and says so to whoever called.
            tracing::error!(service = %self.name(), error = &error as &dyn std::error::Error, "no buckets");
        }
        if !rights.blobstore.is_empty()
            && let Err(error) = Arc::clone(&self.containers).open().await
        {
            tracing::error!(service = %self.name(), error = &error as &dyn std::error::Error, "no containers");
        }
        for program in rights.process.names().filter(|name| !self.processes.lists(name)) {
            tracing::warn!(service = %self.name(), %program, "granted, and not in the list of programs");
        }
        let is_actor = settings.instances.model == InstanceModel::Actor;
        if is_actor
            && settings.instances.key.is_some()
            && let Err(error) = self.state.count().await
        {
            // Each new key tries again, and says so to whoever called.
            tracing::error!(service = %self.name(), error = &error as &dyn std::error::Error, "its actors are not counted");
        }
        let spec = RevisionSpec {
            service: self.name().clone(),
            revision: number,
            version: settings.version.clone(),
            digest: settings.digest,
            config: settings.config.clone(),
            asked: Arc::new(asked),
            rights: Arc::new(rights),
            limits: settings.limits,
            instances: self.scaled(&settings.instances),
            determinism: settings.determinism.clone(),
            sink: Arc::clone(&self.log) as _,
            watch: Arc::new(Watcher::new(Arc::clone(&self.shared.trail), self.name())),
            state: is_actor.then(|| Arc::clone(&self.state) as Arc<dyn StateKeeper>),
            backends: Backends {
                keyvalue: Some(Arc::clone(&self.buckets) as _),
                blobs: Some(Arc::clone(&self.containers) as _),
                processes: Some(self.processes.clone()),
                secrets: Some(Arc::clone(&self.shared.secrets) as _),
                services: Some(Arc::new(Calling::over(&self.shared.routes)) as _),
            },
        };
        let host = &self.shared.host;
        if let Some(prepared) = host.prepare_known(&spec).await? {
            return Ok(prepared);
        }
        let artifact = releases::artifact(&self.shared, settings.digest).await?;
        Ok(host.prepare(spec, artifact).await?)
    }

    /// How many instances there may be: the operator's word, else the revision's.
    pub(crate) fn scaled(&self, instances: &Instances) -> Instances {
        let scale = self.record.borrow().scale;
        let max = scale.max.unwrap_or(instances.max);
        Instances { min: scale.min.unwrap_or(instances.min).min(max), max, ..instances.clone() }
    }
}

/// Where a service's record is.
pub(crate) fn key(service: &Name) -> String {
    format!("services/{service}")
}

fn lost(panicked: tokio::task::JoinError) -> PutError {
    PutError::Io { source: std::io::Error::other(panicked) }
}
