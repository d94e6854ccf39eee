//! What a node does first: what its records name runs again, before anything else is walked.

use std::sync::Arc;

use airssys_wasm_deploy::{ServiceRecord, recover};
use airssys_wasm_store::Record;
use futures::future::join_all;

use crate::ingress::Route;
use crate::node::{NodeError, Shared};
use crate::releases;
use crate::service::Service;

/// Starts every recorded service and publishes its table, then lets the walks go on.
pub(crate) async fn recover_all(shared: &Arc<Shared>) -> Result<(), NodeError> {
    let store = Arc::clone(&shared.store);
    let listing = tokio::task::spawn_blocking(move || store.records().list("services/"));
    let records = listing.await.unwrap_or_else(|panicked| {
        Err(airssys_wasm_store::RecordError::Corrupt { detail: panicked.to_string() })
    })?;
    for Record { key, version, value } in records {
        let record: ServiceRecord =
            serde_json::from_slice(&value).map_err(|source| NodeError::Record { key, source })?;
        shared.add(Service::new(Arc::clone(shared), record, Some(version)));
    }
    // Together: while one waits for the compiler, another's instances start.
    let recovered = join_all(shared.all().into_iter().map(recover_one)).await;
    recovered.into_iter().collect::<Result<(), NodeError>>()?;
    shared.walk_all();
    Ok(())
}

async fn recover_one(service: Arc<Service>) -> Result<(), NodeError> {
    let failed = recover(&*service).await.map_err(|error| NodeError::NotSaved {
        service: service.name().clone(),
        reason: error.to_string(),
    })?;
    for (revision, fault) in failed {
        tracing::error!(service = %service.name(), %revision, "does not start again and is tried again: {fault}");
    }
    put_back_route(&service).await;
    Ok(())
}

/// A service that does not start again keeps its route: its callers learn that it is down, and no other
/// service takes its place.
async fn put_back_route(service: &Arc<Service>) {
    let record = service.record();
    let Some(active) = record.active() else { return };
    let settings = &active.settings;
    match releases::find(&service.shared, service.name(), &settings.version).await {
        Ok(Some(release)) if release.http => {
            let route = Route::of(service.name(), settings.http.route.as_deref());
            if let Err(error) = service.shared.routes.put(&service.live, &route) {
                tracing::error!(service = %service.name(), "{error}");
            }
        }
        Ok(_) => {}
        Err(error) => tracing::error!(service = %service.name(), "{error}"),
    }
}
