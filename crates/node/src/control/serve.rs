//! The control door: people, scripts and scrapers, not traffic.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Control;
use super::admit::Peer;
use crate::listen::{Answerer, Listening};

/// Commands go on without the clients that wait for them.
const LISTENING: Listening = Listening {
    connections_max: 256,
    silence: Duration::from_secs(30),
    unread: Duration::from_secs(60),
    farewell: Duration::from_secs(5),
};

impl Control {
    /// Serves until `stopping` turns true, then lets the answers under way end.
    pub(crate) async fn serve(self, listener: TcpListener, stopping: watch::Receiver<bool>) {
        LISTENING.serve(listener, Routed(TowerToHyperService::new(self.router())), stopping).await;
    }
}

#[derive(Clone)]
struct Routed(TowerToHyperService<Router>);

impl Answerer for Routed {
    type Body = Body;

    async fn answer(self, mut request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        request.extensions_mut().insert(Peer(peer.ip()));
        match self.0.call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }
}
