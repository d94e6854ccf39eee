//! Listening for HTTP connections, for either door: bounded in number, in how long one may go without a whole
//! request, and in how long it may leave an answer unread.
//!
//! A connection is looked at from time to time, and no timer runs for a request: arming and taking back one for
//! each would cost more than anything else here.

mod addresses;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub(crate) use self::addresses::owner;
use self::addresses::{Addresses, Counted};
use crate::patience::Patient;
use crate::tls::Handshakes;

/// What differs between the doors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listening {
    /// Connections open at once. The next one waits in the listener's backlog until one ends.
    pub(crate) connections_max: usize,
    /// Connections of one address, where others than this machine come in. One that is over is hung up on.
    pub(crate) per_address_max: Option<usize>,
    /// Requests that may be under way on one HTTP/2 connection.
    pub(crate) streams_max: u32,
    /// The largest head of a request, where it is not the library's bound of some 400 KiB.
    pub(crate) head_bytes_max: Option<usize>,
    /// How often a connection is looked at: one that had no request under way in between is closed. So a client
    /// may take that long for the head of a request, and at most twice as long.
    pub(crate) silence: Duration,
    /// How long an answer may wait for its client to read on.
    pub(crate) unread: Duration,
    /// How long answers under way may go on after the node was told to stop.
    pub(crate) farewell: Duration,
}

/// Answers the requests of one connection.
pub(crate) trait Answerer: Clone + Send + Sync + 'static {
    type Body: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static;

    fn answer(
        self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static;
}

/// How often a silent HTTP/2 connection is asked whether its client is still there, and how long the client
/// has to say so.
const PING: Duration = Duration::from_secs(20);

/// How long to wait when no connection can be accepted: out of descriptors, most likely, and connections
/// that end give some back.
const BREATH: Duration = Duration::from_millis(20);

/// How many connections may be open at once: so many, but no more than half of the descriptors that this
/// process may have, of which the store, the guests' files and their requests need some too. The soft bound on
/// descriptors is first raised to the hard one, as every server has to: the soft one is for programs that
/// cannot count beyond 1,024.
pub(crate) fn connections_max(most: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let allowed = if raised.is_ok() { maximum } else { current };
    allowed.map_or(most, |allowed| usize::try_from(allowed / 2).map_or(most, |half| half.min(most)))
}

/// What every connection of a door needs.
#[derive(Clone)]
struct Attendance {
    listening: Listening,
    server: Arc<auto::Builder<TokioExecutor>>,
    handshakes: Option<Handshakes>,
    stopping: watch::Receiver<bool>,
}

/// What a connection takes up while it is open.
struct Places {
    _connection: OwnedSemaphorePermit,
    _address: Option<Counted>,
}

impl Listening {
    /// Serves until `stopping` turns true, then lets the answers under way end. With handshakes, every connection is
    /// encrypted.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        handshakes: Option<Handshakes>,
        answerer: impl Answerer,
        mut stopping: watch::Receiver<bool>,
    ) {
        let attendance = Attendance {
            listening: self,
            server: Arc::new(self.server()),
            handshakes,
            stopping: stopping.clone(),
        };
        let places = Arc::new(Semaphore::new(self.connections_max));
        let addresses = Addresses::default();
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
            match (place, accepted) {
                (Ok(place), Ok((stream, peer))) => {
                    let address = self.per_address_max.map(|most| addresses.count(peer.ip(), most));
                    if let Some(None) = address {
                        tracing::debug!(%peer, "its address has as many connections as it may");
                        continue;
                    }
                    let places = Places { _connection: place, _address: address.flatten() };
                    let attending = attendance.clone().attend(
                        stream,
                        peer,
                        answerer.clone(),
                        graceful.watcher(),
                    );
                    tokio::spawn(async move {
                        attending.await;
                        drop(places);
                    });
                }
                (_, Err(error)) => {
                    tracing::warn!("a connection was not accepted: {error}");
                    tokio::time::sleep(BREATH).await;
                }
                (Err(_closed), Ok(_)) => break,
            }
        }
        drop(listener);
        if tokio::time::timeout(self.farewell, graceful.shutdown()).await.is_err() {
            tracing::warn!("answers were still under way {:?} after the stop", self.farewell);
        }
    }

    fn server(self) -> auto::Builder<TokioExecutor> {
        let mut server = auto::Builder::new(TokioExecutor::new());
        if let Some(most) = self.head_bytes_max {
            server.http1().max_buf_size(most);
        }
        server
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.streams_max)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        server
    }
}

impl Attendance {
    /// One connection, from its first byte to its last.
    async fn attend(
        mut self,
        stream: TcpStream,
        peer: SocketAddr,
        answerer: impl Answerer,
        graceful: Watcher,
    ) {
        // Answers are often smaller than a segment; waiting to fill one costs a round trip.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection without TCP_NODELAY: {error}");
        }
        let unread = self.listening.unread;
        let Some(handshakes) = self.handshakes.take() else {
            let stream = Patient::new(stream, unread);
            return self.converse(stream, peer, answerer, graceful).await;
        };
        let shaken = tokio::select! {
            shaken = handshakes.shake(stream, unread) => shaken,
            _ = self.stopping.wait_for(|stopping| *stopping) => return,
        };
        match shaken {
            Ok(stream) => self.converse(stream, peer, answerer, graceful).await,
            Err(error) => tracing::debug!(%peer, "a connection did not get through: {error}"),
        }
    }

    async fn converse<S>(
        self,
        stream: S,
        peer: SocketAddr,
        answerer: impl Answerer,
        graceful: Watcher,
    ) where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let activity = Arc::new(Activity::default());
        let heard = Arc::clone(&activity);
        let service = hyper::service::service_fn(move |request| {
            let busy = Busy::begin(&heard);
            let held = |body| Held { body, _busy: busy };
            let answering = answerer.clone().answer(request, peer);
            answering.map(|answer| Ok::<_, std::convert::Infallible>(answer.map(held)))
        });
        let connection = self.server.serve_connection(TokioIo::new(stream), service).into_owned();
        tokio::select! {
            ended = graceful.watch(connection) => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, "a connection ended early: {error}");
                }
            }
            () = activity.silent_for(self.listening.silence) => {
                tracing::debug!(%peer, "a connection without a request was closed");
            }
        }
    }
}

/// What a connection's client does.
#[derive(Default)]
struct Activity {
    /// Requests that have begun. It may wrap around.
    begun: AtomicU32,
    /// Requests whose answer has not been sent yet.
    busy: AtomicU32,
}

impl Activity {
    /// Waits until there was no request between two looks.
    async fn silent_for(&self, silence: Duration) {
        let mut begun = 0;
        loop {
            tokio::time::sleep(silence).await;
            let now = self.begun.load(Ordering::Relaxed);
            if now == begun && self.busy.load(Ordering::Relaxed) == 0 {
                return;
            }
            begun = now;
        }
    }
}

/// A request under way.
struct Busy(Arc<Activity>);

impl Busy {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        activity.busy.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer, whose request is under way until it is dropped.
struct Held<B> {
    body: B,
    _busy: Busy,
}

impl<B: Body + Unpin> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
