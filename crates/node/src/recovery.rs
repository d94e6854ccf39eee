//! What a node does first: what its records name runs again, before anything else is walked.
//!
//! The services' routes are there as soon as the records are read. From then on a call may come, and waits for
//! its own service, which is brought up before the others for it.

use std::sync::Arc;

use airssys_wasm_deploy::{ServiceRecord, recover};
use airssys_wasm_store::{Record, RecordError, Store};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::ingress::Route;
use crate::node::{NodeError, Shared};
use crate::releases;
use crate::service::Service;

/// Services that are brought up at once, besides those that a caller waits for: enough to keep the processors
/// busy while some of them read, and few enough that the artifacts they hold meanwhile fit any memory.
const AT_ONCE: usize = 8;

/// Reads every service's record and lets the services be found.
pub(crate) async fn read_all(shared: &Arc<Shared>) -> Result<(), NodeError> {
    let store = Arc::clone(&shared.store);
    let listed = reading(move || store.records().list("services/")).await?;
    for Record { key, version, value } in listed {
        let record: ServiceRecord =
            serde_json::from_slice(&value).map_err(|source| NodeError::Record { key, source })?;
        shared.add(Service::new(Arc::clone(shared), record, Some(version)));
    }
    shared.read_batches().await?;
    put_back_routes(shared).await
}

/// Starts every service and publishes its table, then lets the walks go on. What was decided for several services
/// is theirs first: none of them may be taken back alone for not starting again.
pub(crate) async fn recover_all(shared: &Arc<Shared>) -> Result<(), NodeError> {
    shared.tell_batches().await?;
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut recovering = JoinSet::new();
    for service in shared.all() {
        let turns = Arc::clone(&turns);
        recovering.spawn(async move {
            let _turn = tokio::select! {
                turn = turns.acquire_owned() => Some(turn),
                () = service.live.starting.wanted() => None,
            };
            let recovered = recover_one(&service).await;
            // Whatever came of it, nothing is left to wait for.
            service.live.starting.end();
            recovered
        });
    }
    while let Some(recovered) = recovering.join_next().await {
        recovered.unwrap_or_else(|panicked| Err(lost(panicked).into()))?;
    }
    shared.walk_all();
    shared.supervise_batches();
    Ok(())
}

async fn recover_one(service: &Arc<Service>) -> Result<(), NodeError> {
    let failed = recover(&**service).await.map_err(|error| NodeError::NotSaved {
        service: service.name().clone(),
        reason: error.to_string(),
    })?;
    for (revision, fault) in failed {
        tracing::error!(service = %service.name(), %revision, "does not start again and is tried again: {fault}");
    }
    Ok(())
}

/// A service keeps its route whether it starts again or not: its callers learn that it is down, and no other
/// service takes its place.
async fn put_back_routes(shared: &Arc<Shared>) -> Result<(), NodeError> {
    let services = shared.all();
    let store = Arc::clone(&shared.store);
    let routes = reading(move || {
        let mut routes = Vec::with_capacity(services.len());
        for service in services {
            service.live.starting.begin();
            if service.record().active().is_some() {
                let route = route(&store, &service)?;
                routes.push((Arc::clone(&service.live), route));
            }
        }
        Ok(routes)
    });
    for error in shared.routes.put_all(routes.await?) {
        tracing::error!("{error}");
    }
    Ok(())
}

/// Where a service answers HTTP, if it does.
fn route(store: &Store, service: &Service) -> Result<Option<Route>, RecordError> {
    let record = service.record();
    let Some(active) = record.active() else { return Ok(None) };
    let settings = &active.settings;
    let release = releases::read_one(store, service.name(), &settings.version)?;
    let answers = release.is_some_and(|release| release.http);
    Ok(answers.then(|| Route::of(service.name(), settings.http.route.as_deref())))
}

async fn reading<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, RecordError> + Send + 'static,
) -> Result<T, RecordError> {
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|panicked| Err(lost(panicked)))
}

fn lost(panicked: tokio::task::JoinError) -> RecordError {
    RecordError::Corrupt { detail: panicked.to_string() }
}
