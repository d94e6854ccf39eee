//! One revision served over HTTP without a node: what `airssys-wasm run` does with an HTTP component.

use std::sync::Arc;

use airssys_wasm_deploy::Table;
use airssys_wasm_host::Pool;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::ingress::{Ingress, Route, Routes};
use crate::live::{LiveService, Running};
use crate::metrics::Traffic;

/// Serves a pool's revision at the root of this listener until `stopping` turns true, then lets the calls
/// under way end.
pub async fn serve_pool(pool: Arc<Pool>, listener: TcpListener, stopping: watch::Receiver<bool>) {
    let spec = pool.prepared().spec().clone();
    let service = Arc::new(LiveService::new(spec.service));
    let running = Running {
        revision: spec.revision,
        version: spec.version,
        pool: Arc::clone(&pool),
        asked: Arc::default(),
        traffic: Traffic::default(),
        stamp: None,
    };
    service.switch.insert(spec.revision, Arc::new(running));
    let all = Table::all(spec.revision);
    service.switch.publish(&all).expect("the one revision was just made known");
    let routes = Arc::new(Routes::default());
    let root = Route::of(&service.name, Some("/"));
    routes.put(&service, &root).expect("there is no other service to hold the root");
    let ingress = Ingress { routes, body_bytes_max: crate::ingress::BODY_BYTES_MAX };
    Arc::new(ingress).serve(listener, stopping).await;
    pool.stop().await;
}
