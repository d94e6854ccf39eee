//! Listening: connections in, bounded in number and in how long they may idle.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::Control;

/// Connections open at once: people, scripts and scrapers, not traffic. The next one waits in the
/// listener's backlog.
const CONNECTIONS_MAX: usize = 256;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long answers under way may go on after the node was told to stop. Commands go on without them.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long to wait when no connection can be accepted, so that one of those open may end.
const BREATH: Duration = Duration::from_millis(20);

impl Control {
    /// Serves until `stopping` turns true, then lets the answers under way end.
    pub(crate) async fn serve(self, listener: TcpListener, mut stopping: watch::Receiver<bool>) {
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        server.http2().timer(TokioTimer::new());
        let service = TowerToHyperService::new(self.router());
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let graceful = GracefulShutdown::new();
        loop {
            let accepting = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = accepting => accepted,
                _ = stopping.wait_for(|stopping| *stopping) => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("a control connection was not accepted: {error}");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            // Answers are smaller than a segment; waiting to fill one costs a round trip.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!("a control connection without TCP_NODELAY: {error}");
            }
            let connection =
                server.serve_connection(TokioIo::new(stream), service.clone()).into_owned();
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!("a control connection ended early: {error}");
                }
                drop(place);
            });
        }
        drop(listener);
        if tokio::time::timeout(FAREWELL, graceful.shutdown()).await.is_err() {
            tracing::warn!("control answers were still under way {FAREWELL:?} after the stop");
        }
    }
}
