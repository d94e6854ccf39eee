//! Listening for HTTP connections, for either door: bounded in number, in how long one may go without a whole
//! request, and in how long it may leave an answer unread.
//!
//! A connection is looked at from time to time, and no timer runs for a request: arming and taking back one for
//! each would cost more than anything else here.

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
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::patience::Patient;

/// What differs between the doors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listening {
    /// Connections open at once. The next one waits in the listener's backlog until one ends.
    pub(crate) connections_max: usize,
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

/// Calls that may be under way on one HTTP/2 connection.
const STREAMS_MAX: u32 = 256;

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

impl Listening {
    /// Serves until `stopping` turns true, then lets the answers under way end.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        answerer: impl Answerer,
        mut stopping: watch::Receiver<bool>,
    ) {
        let server = self.server();
        let places = Arc::new(Semaphore::new(self.connections_max));
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
                    self.attend(&server, &graceful, answerer.clone(), stream, peer, place);
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
        server
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        server
    }

    /// One connection, on a task of its own.
    fn attend(
        self,
        server: &auto::Builder<TokioExecutor>,
        graceful: &GracefulShutdown,
        answerer: impl Answerer,
        stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
    ) {
        // Answers are often smaller than a segment; waiting to fill one costs a round trip.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection without TCP_NODELAY: {error}");
        }
        let stream = Patient::new(stream, self.unread);
        let activity = Arc::new(Activity::default());
        let heard = Arc::clone(&activity);
        let service = hyper::service::service_fn(move |request| {
            let busy = Busy::begin(&heard);
            let held = |body| Held { body, _busy: busy };
            let answering = answerer.clone().answer(request, peer);
            answering.map(|answer| Ok::<_, std::convert::Infallible>(answer.map(held)))
        });
        let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, "a connection ended early: {error}");
                    }
                }
                () = activity.silent_for(self.silence) => {
                    tracing::debug!(%peer, "a connection without a request was closed");
                }
            }
            drop(place);
        });
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
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[derive(Clone)]
    struct Hello;

    impl Answerer for Hello {
        type Body = Full<Bytes>;

        async fn answer(self, _: Request<Incoming>, _: SocketAddr) -> Response<Self::Body> {
            Response::new(Full::from("hello"))
        }
    }

    /// Answers after a while.
    #[derive(Clone)]
    struct Slow(Duration);

    impl Answerer for Slow {
        type Body = Full<Bytes>;

        async fn answer(self, _: Request<Incoming>, _: SocketAddr) -> Response<Self::Body> {
            tokio::time::sleep(self.0).await;
            Response::new(Full::from("slow"))
        }
    }

    /// Answers with more than any socket buffers, and tells when the answer is dropped.
    #[derive(Clone)]
    struct Flood(tokio::sync::mpsc::Sender<()>);

    impl Answerer for Flood {
        type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, std::convert::Infallible>;

        async fn answer(self, _: Request<Incoming>, _: SocketAddr) -> Response<Self::Body> {
            let held = self.0.clone();
            let body = Full::from(vec![7; 64 << 20]).map_frame(move |frame| {
                let _until_the_body_is_dropped = &held;
                frame
            });
            Response::new(body.boxed_unsync())
        }
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_is_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopping) = watch::channel(false);
        let (held, mut gone) = tokio::sync::mpsc::channel(1);
        let serving = tokio::spawn(QUICK.serve(listener, Flood(held), stopping));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        let mut some = [0; 1000];
        stream.read_exact(&mut some).await.unwrap();
        // Not another byte is read, and still the connection ends on the server's side: it is reset or
        // closed in the middle of the answer.
        serving.abort();
        let _ = serving.await;
        let dropped = tokio::time::timeout(Duration::from_secs(10), gone.recv()).await;
        assert_eq!(dropped.expect("the answer is let go"), None);
    }

    #[tokio::test]
    async fn a_request_under_way_is_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopping) = watch::channel(false);
        tokio::spawn(QUICK.serve(listener, Slow(QUICK.silence * 5), stopping));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("slow"), "{answer}");
    }

    const QUICK: Listening = Listening {
        connections_max: 2,
        silence: Duration::from_millis(100),
        unread: Duration::from_millis(200),
        farewell: Duration::from_secs(1),
    };

    async fn listening() -> (SocketAddr, watch::Sender<bool>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(QUICK.serve(listener, Hello, stopping));
        (address, stop)
    }

    #[tokio::test]
    async fn clients_that_send_nothing_give_their_places_back() {
        let (address, _stop) = listening().await;
        let mut silent = Vec::new();
        for said in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HT"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            silent.push(stream);
        }
        for mut stream in silent {
            // Closed by the server: its end comes, and no answer. What it was sent and did not read may make
            // that a reset.
            let mut rest = Vec::new();
            let ended = stream.read_to_end(&mut rest).await;
            let reset = |error: std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
            assert!(ended.is_ok() || ended.is_err_and(reset));
            assert!(rest.is_empty(), "{rest:?}");
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
    }
}
