//! What the node's rooms share, and the services that it has.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_deploy::ServiceRecord;
use airssys_wasm_host::{Host, Processes};
use airssys_wasm_model::Name;
use airssys_wasm_store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::stopping;
use crate::audit::{Followers, Trail};
use crate::authority::Authority;
use crate::batches::Batches;
use crate::events::Streams;
use crate::ingress::Routes;
use crate::outside::Outside;
use crate::rings::Waits;
use crate::secrets::NodeSecrets;
use crate::service::Service;

/// What the node's rooms share.
pub(crate) struct Shared {
    pub(crate) host: Host,
    pub(crate) store: Arc<Store>,
    pub(crate) secrets: Arc<NodeSecrets>,
    pub(crate) processes: Processes,
    pub(crate) routes: Arc<Routes>,
    pub(crate) outside: Outside,
    pub(crate) trail: Arc<Trail>,
    pub(crate) streams: Streams,
    pub(crate) followers: Followers,
    pub(crate) batches: Batches,
    /// Of the actors of all services.
    pub(crate) waits: Arc<Waits>,
    pub(crate) authority: Authority,
    /// Guards the map, never across an await. No call takes it: calls come in through the routes.
    pub(super) services: Mutex<BTreeMap<Name, Known>>,
    pub(super) ready: AtomicBool,
    /// Whether the node stops: whoever waits for a rollout learns it here.
    pub(crate) stopping: watch::Sender<bool>,
}

/// A service and the task that walks it.
pub(crate) struct Known {
    pub(super) service: Arc<Service>,
    pub(super) walk: Option<JoinHandle<()>>,
    /// Commands that may be about to give it its first revision.
    claims: usize,
}

/// A service that is to be deployed to. One that has no revision when the last of these goes is forgotten.
pub(crate) struct Claim {
    service: Arc<Service>,
}

impl Shared {
    /// The service of this name, if it has ever been deployed.
    pub(crate) fn service(&self, name: &Name) -> Result<Arc<Service>, Failure> {
        let found = self.services().get(name).map(|known| Arc::clone(&known.service));
        found.filter(|service| !service.record().revisions.is_empty()).ok_or_else(|| {
            Failure::new(Code::NotFound, format!("there is no service `{name}`"))
                .help("`airssys-wasm list` shows the services of the node")
        })
    }

    /// The service of this name, made if there is none. Nothing of a new one is stored yet.
    ///
    /// # Errors
    /// When the node stops.
    pub(crate) fn claim(self: &Arc<Self>, name: &Name) -> Result<Claim, Failure> {
        let mut services = self.services();
        // Under the lock with which `close` takes the services: none is made after that.
        if *self.stopping.borrow() {
            return Err(stopping());
        }
        let known = services.entry(name.clone()).or_insert_with(|| {
            let seed = rand::random();
            let record = ServiceRecord { seed, ..ServiceRecord::new(name.clone()) };
            let service = Service::new(Arc::clone(self), record, None);
            let walk = tokio::spawn(Arc::clone(&service).walk_on());
            Known { service, walk: Some(walk), claims: 0 }
        });
        known.claims += 1;
        Ok(Claim { service: Arc::clone(&known.service) })
    }

    fn release(&self, service: &Arc<Service>) {
        let mut services = self.services();
        let mut known = services.get_mut(service.name());
        // One of the same name may have been made since this one was removed.
        let Some(known) = known.take_if(|known| Arc::ptr_eq(&known.service, service)) else {
            return;
        };
        known.claims -= 1;
        if known.claims == 0 && service.record().revisions.is_empty() {
            let unused = services.remove(service.name());
            if let Some(walk) = unused.and_then(|unused| unused.walk) {
                walk.abort();
            }
        }
    }

    /// What this comes to, unless the node stops before.
    pub(crate) async fn unless_stopping<T>(
        &self,
        waiting: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let mut stops = self.stopping.subscribe();
        tokio::select! {
            done = waiting => Ok(done),
            _ = stops.wait_for(|stops| *stops) => Err(stopping()),
        }
    }

    /// Adds a service that the store has, without walking it.
    pub(crate) fn add(&self, service: Arc<Service>) {
        let name = service.name().clone();
        self.services().insert(name, Known { service, walk: None, claims: 0 });
    }

    /// Begins the walks of the services that were added.
    pub(crate) fn walk_all(&self) {
        for known in self.services().values_mut().filter(|known| known.walk.is_none()) {
            known.walk = Some(tokio::spawn(Arc::clone(&known.service).walk_on()));
        }
    }

    /// Every service, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Service>> {
        let services = self.services();
        let all = services.values().map(|known| Arc::clone(&known.service));
        all.filter(|service| !service.record().revisions.is_empty()).collect()
    }

    /// Lets every service record its calls as the policy of now wants it. One that is made meanwhile goes by it already:
    /// it is made under the lock that this takes.
    pub(crate) fn record_by_policy(&self) {
        for known in self.services().values() {
            if let Some(recorder) = known.service.live.recorder() {
                recorder.goes_by_policy();
            }
        }
    }

    pub(crate) fn services(&self) -> MutexGuard<'_, BTreeMap<Name, Known>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.service.shared.release(&self.service);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_service_without_a_revision_goes_with_its_last_claim() {
        let dir = tempfile::tempdir().unwrap();
        let node = testing::node(dir.path()).await;
        let (shared, name) = (node.shared(), "echo".parse().unwrap());
        let (first, second) = (shared.claim(&name).unwrap(), shared.claim(&name).unwrap());
        assert!(Arc::ptr_eq(first.service(), second.service()));
        drop(first);
        assert_eq!(shared.services().len(), 1);
        drop(second);
        assert_eq!(shared.services().len(), 0);
        node.close().await;
        assert_eq!(shared.claim(&name).err().unwrap().code, Code::Unavailable);
    }
}
