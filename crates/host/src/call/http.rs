//! HTTP requests through a component, with bodies streamed both ways.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::oneshot;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::Sleep;
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::handler::{Prepared as Prepared3, Proxy};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use super::HttpError;
use super::error::CallError;
use super::instance::ready_for;
use crate::guest::Guest;
use crate::instance::Instance;
use crate::limit::{Halt, Metered};
use crate::pool::{Lease, Place, Pool};

/// The body of a request on its way to a guest.
pub type RequestBody = WasiBody;

type Answer = wasmtime::Result<http::Response<WasiBody>>;
type Ended = Result<Instance, CallError>;

/// The body of a guest's answer. Its gaps are bounded by the revision's limit on time.
pub struct HttpBody {
    body: WasiBody,
    gap: Duration,
    /// Armed when the guest makes the reader wait.
    alarm: Option<Pin<Box<Sleep>>>,
    /// There while the guest still runs.
    reader: Option<Reader>,
}

/// The reader's side of a body whose guest still runs. Dropping it tells the guest's task that nobody reads
/// any more.
struct Reader {
    progress: Arc<Progress>,
    _gone: oneshot::Sender<()>,
}

/// When a body last moved, by whichever side.
struct Progress {
    start: Instant,
    last_ms: AtomicU64,
}

impl Progress {
    fn moved(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(now, Ordering::Relaxed);
    }

    /// Waits until nothing has moved for so long: the guest writes nothing, or its reader reads nothing.
    async fn stalled(&self, patience: Duration) {
        loop {
            let last = Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
            let idle = self.start.elapsed().saturating_sub(last);
            match patience.checked_sub(idle) {
                Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
                _ => return,
            }
        }
    }
}

impl Lease {
    /// Sends a request through the component. The answer is given as soon as its head is there; the guest
    /// goes on in the background while its body is read, and its place is taken until it has ended.
    ///
    /// The request needs an authority, in its URI or its `host` header.
    pub async fn http<B>(
        self,
        request: http::Request<B>,
    ) -> Result<http::Response<HttpBody>, CallError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<HttpError>,
    {
        let Lease { pool, place, ready, call, since } = self;
        let doors = &pool.revision.doors;
        if doors.http_p2.is_none() && doors.http_p3.is_none() {
            return Err(CallError::Unsupported { wanted: "an HTTP handler" });
        }
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        let until = pool.until(&call, since);
        let (answer, mut answered) = oneshot::channel();
        let guest = Arc::clone(&pool);
        let work = async move {
            let mut instance = ready_for(&guest, ready, call).await?;
            handle(&guest, &mut instance, request, answer).await?;
            Ok(instance)
        };
        let mut work = pool.metered(work, until);
        let (first, ended) = first_answer(&mut work, &mut answered).await;
        let answer = match (first, ended) {
            // A guest that failed has no good answer, even if its head was there first.
            (_, Some(Err(halt))) => return Err(halt.into()),
            (_, Some(Ok(Err(error)))) => return Err(error),
            (None, _) => return Err(CallError::NoAnswer),
            (Some(answer), ended) => {
                let answer = answer.map_err(|error| CallError::Http(format!("{error:#}")))?;
                let reader = match ended {
                    Some(Ok(Ok(instance))) => {
                        pool.give_back(instance);
                        None
                    }
                    _ => Some(go_on(pool.clone(), place, work.without_deadline())),
                };
                answer.map(|body| (body, reader))
            }
        };
        let gap = pool.time_limit();
        Ok(answer.map(|(body, reader)| HttpBody { body, gap, alarm: None, reader }))
    }
}

/// Lets the guest run until its answer's head is there or it has ended. Most guests have ended by then.
async fn first_answer<F: Future<Output = Ended>>(
    work: &mut Metered<F>,
    answered: &mut oneshot::Receiver<Answer>,
) -> (Option<Answer>, Option<Result<Ended, Halt>>) {
    std::future::poll_fn(|cx| {
        let ended = match Pin::new(&mut *work).poll(cx) {
            Poll::Ready(ended) => Some(ended),
            Poll::Pending => None,
        };
        match (Pin::new(&mut *answered).poll(cx), ended) {
            (Poll::Ready(Ok(answer)), ended) => Poll::Ready((Some(answer), ended)),
            // Ended and nothing sent: nothing will be. Not ended and the sender dropped: how the guest
            // ends is still worth knowing.
            (_, Some(ended)) => Poll::Ready((None, Some(ended))),
            (_, None) => Poll::Pending,
        }
    })
    .await
}

/// The guest writes its body, or does what it has to do after it, on a task of its own. It has the revision's
/// time to end by itself from when nobody reads any more, and as long for each gap in its body: a reader that
/// does not read holds its place no longer than a guest that does not write.
fn go_on<F>(pool: Arc<Pool>, place: Place, work: Metered<F>) -> Reader
where
    F: Future<Output = Ended> + Send + 'static,
{
    let (gone_sender, gone) = oneshot::channel::<()>();
    let patience = pool.time_limit();
    let progress = Arc::new(Progress { start: Instant::now(), last_ms: AtomicU64::new(0) });
    let reader = Reader { progress: Arc::clone(&progress), _gone: gone_sender };
    tokio::spawn(async move {
        let abandoned = async {
            // Sent or dropped, both mean the same.
            let _ = gone.await;
            tokio::time::sleep(patience).await;
        };
        tokio::select! {
            ended = work => match ended {
                Ok(Ok(instance)) => pool.give_back(instance),
                Ok(Err(error)) => tracing::warn!(
                    service = %pool.revision.spec.service,
                    revision = %pool.revision.spec.revision,
                    "after its answer had begun: {error}"
                ),
                Err(halt) => tracing::warn!(
                    service = %pool.revision.spec.service,
                    revision = %pool.revision.spec.revision,
                    "after its answer had begun: {}",
                    CallError::from(halt)
                ),
            },
            () = abandoned => {}
            () = progress.stalled(patience) => tracing::info!(
                service = %pool.revision.spec.service,
                revision = %pool.revision.spec.revision,
                "ended: its answer had not moved for {patience:?}"
            ),
        }
        drop(place);
    });
    reader
}

async fn handle(
    pool: &Pool,
    instance: &mut Instance,
    request: http::Request<WasiBody>,
    answer: oneshot::Sender<Answer>,
) -> Result<(), CallError> {
    let doors = &pool.revision.doors;
    let store = &mut instance.store;
    let handled = if let Some(http) = &doors.http_p2 {
        let proxy = http.load(&mut *store, &instance.instance);
        match proxy {
            Ok(proxy) => handle_p2(store, &proxy, request, answer).await,
            Err(error) => Err(error),
        }
    } else if let Some(http) = &doors.http_p3 {
        let service = http.load(&mut *store, &instance.instance);
        match service {
            Ok(service) => handle_p3(store, &Proxy::P3(service), request, answer).await,
            Err(error) => Err(error),
        }
    } else {
        return Err(CallError::Unsupported { wanted: "an HTTP handler" });
    };
    handled.map_err(|error| CallError::of(&error, store.data()))
}

async fn handle_p2(
    store: &mut Store<Guest>,
    proxy: &wasmtime_wasi_http::p2::bindings::Proxy,
    request: http::Request<WasiBody>,
    answer: oneshot::Sender<Answer>,
) -> wasmtime::Result<()> {
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(Scheme::Http, request)?;
    let out = http.new_response_outparam_from_callback(move |answered| {
        // Nobody waits any more: the caller is gone, and so will the guest be.
        let _ = answer.send(answered.map_err(Into::into));
    })?;
    proxy.wasi_http_incoming_handler().call_handle(store, request, out).await
}

async fn handle_p3(
    store: &mut Store<Guest>,
    proxy: &Proxy,
    request: http::Request<WasiBody>,
    answer: oneshot::Sender<Answer>,
) -> wasmtime::Result<()> {
    let prepared =
        Prepared3::new(store.as_context_mut(), proxy, request, WasiHttpView::http, answer)?;
    store
        .run_concurrent(async move |accessor| {
            // Time is kept from outside: a guest that never waits would never let this future be polled.
            prepared.run(accessor, std::future::pending()).await?;
            // The body is written by tasks that outlive the call.
            std::future::poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            Ok(())
        })
        .await
        .and_then(|handled| handled)
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.alarm = None;
                if let Some(reader) = &self.reader {
                    reader.progress.moved();
                }
                Poll::Ready(frame)
            }
            Poll::Pending => {
                let gap = self.gap;
                let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(gap)));
                match alarm.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(HttpError::ConnectionWriteTimeout))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
