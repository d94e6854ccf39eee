//! HTTP requests through a component, with bodies streamed both ways.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use futures::channel::oneshot;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use http_body_util::BodyExt;
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::handler::{Prepared as Prepared3, Proxy};
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use super::HttpError;
use super::body::{Flow, HttpBody, Reading, Sending};
use super::error::CallError;
use super::instance::ready_for;
use crate::context::RequestId;
use crate::guest::Guest;
use crate::instance::Instance;
use crate::limit::{Halt, Limit, Metered};
use crate::linked::Doors;
use crate::pool::{Lease, Pool};

/// The body of a request on its way to a guest.
pub type RequestBody = WasiBody;

type Answer = wasmtime::Result<http::Response<WasiBody>>;
type Ended = Result<(), CallError>;

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
        let doors = &self.place.0.revision.home.doors;
        if doors.http_p2.is_none() && doors.http_p3.is_none() {
            self.unused();
            return Err(CallError::Unsupported { wanted: "an HTTP handler" });
        }
        let Lease { place, ready, call, since } = self;
        let now = Instant::now();
        let pool = Arc::clone(&place.0);
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        if let Some(workers) = &pool.workers {
            // For whichever call is first to need an instance of its own.
            if let Some(instance) = ready {
                pool.park(instance);
            }
            let flow = Flow::of(&pool, &call);
            let request_id = call.request_id;
            let (head, sitting) = workers.http(place, request, call, since).await?;
            let body = check_length(&head, &pool)
                .and_then(|()| HttpBody::of_a_seat(sitting, flow, &pool.revision));
            let body = pool.revision.noted(request_id, body)?;
            return Ok(head.map(|()| body));
        }
        let (until, probe) = (pool.until(&call, since), call.probe);
        let (flow, request_id) = (Flow::of(&pool, &call), call.request_id);
        let (answer, mut answered) = oneshot::channel();
        let sending = Arc::new(Sending::begin(since));
        let sent = Arc::clone(&sending);
        let work = Box::pin(async move {
            let pool = &*place.0;
            let mut instance = ready_for(pool, ready, call, now).await?;
            let handled = handle(pool, &mut instance, request, answer).await;
            if !probe {
                pool.costs().held(instance.store.data().memory.used_bytes(), now);
            }
            // Before the instance is dropped, which ends its body as if it were whole.
            handled.inspect_err(|_| sent.cut())?;
            if let Some(end) = instance.store.data_mut().outbound.take_end() {
                sent.ends_with(end);
            }
            pool.give_back(instance);
            Ok(())
        });
        let mut work = Metered::call(now, work, pool, until).unless_probe(probe);
        let answered = first_answer(&mut work, &mut answered).await;
        let pool = work.pool();
        let headed = pool.revision.noted(request_id, headed(pool, answered))?;
        match headed {
            Headed::Whole(answer) => {
                let body = whole(pool, answer, flow, sending);
                pool.revision.noted(request_id, body)
            }
            Headed::Begun(answer) => {
                let whose = Arc::clone(&pool.revision);
                let reading = go_on(work.without_deadline(), Arc::clone(&sending), request_id);
                Ok(answer
                    .map(|body| HttpBody::of_one_that_goes_on(body, flow, whose, sending, reading)))
            }
        }
    }
}

/// An answer with its head, of a guest that has ended or goes on.
enum Headed {
    Whole(http::Response<WasiBody>),
    Begun(http::Response<WasiBody>),
}

fn headed(
    pool: &Pool,
    answered: (Option<Answer>, Option<Result<Ended, Halt>>),
) -> Result<Headed, CallError> {
    let (answer, is_whole) = match answered {
        // A guest that failed has no good answer, even if its head was there first.
        (_, Some(Err(halt))) => return Err(halt.into()),
        (_, Some(Ok(Err(error)))) => return Err(error),
        (None, _) => return Err(CallError::NoAnswer),
        (Some(answer), ended) => (failed(answer)?, ended.is_some()),
    };
    check_length(&answer, pool)?;
    Ok(if is_whole { Headed::Whole(answer) } else { Headed::Begun(answer) })
}

fn whole(
    pool: &Pool,
    answer: http::Response<WasiBody>,
    flow: Flow,
    sending: Arc<Sending>,
) -> Result<http::Response<HttpBody>, CallError> {
    let (head, body) = answer.into_parts();
    let body = HttpBody::of_one_that_ended(body, flow, &pool.revision, sending)?;
    Ok(http::Response::from_parts(head, body))
}

/// An answer that says itself that it is longer than answers may be is none.
fn check_length<B>(answer: &http::Response<B>, pool: &Pool) -> Result<(), CallError> {
    let said = answer.headers().get(CONTENT_LENGTH).and_then(|said| said.to_str().ok());
    let said = said.and_then(|said| said.parse::<u64>().ok());
    match said.is_some_and(|said| said > pool.revision.spec.limits.output.0) {
        true => Err(CallError::Limit(Limit::Output)),
        false => Ok(()),
    }
}

fn failed(answer: Answer) -> Result<http::Response<WasiBody>, CallError> {
    answer.map_err(|error| CallError::Http(format!("{error:#}")))
}

/// Lets the guest run until its answer's head is there or it has ended. Most guests have ended by then.
async fn first_answer<F: Future<Output = Ended> + Unpin>(
    work: &mut Metered<F, Arc<Pool>>,
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
fn go_on<F>(work: Metered<F, Arc<Pool>>, sending: Arc<Sending>, call: RequestId) -> Reading
where
    F: Future<Output = Ended> + Send + Unpin + 'static,
{
    let (reading, gone) = oneshot::channel::<()>();
    let pool = Arc::clone(work.pool());
    let patience = pool.time_limit();
    tokio::spawn(async move {
        let abandoned = async {
            // Sent or dropped, both mean the same.
            let _ = gone.await;
            tokio::time::sleep(patience).await;
        };
        // Pinned here, so that the guest is still there when its answer is said to be cut.
        let mut work = std::pin::pin!(work);
        let late = tokio::select! {
            ended = &mut work => {
                let ended = ended.unwrap_or_else(|halt| Err(halt.into()));
                pool.revision.noted(call, ended).err().map(|error| error.to_string())
            }
            () = abandoned => Some(format!("it went on for {patience:?} without a reader")),
            () = sending.stalled(patience) => Some(format!("it did not move for {patience:?}")),
        };
        if let Some(why) = late {
            sending.cut();
            let spec = &pool.revision.spec;
            if pool.revision.may_be_told() {
                tracing::warn!(service = %spec.service, revision = %spec.revision, "an answer was cut: {why}");
            }
        }
    });
    reading
}

async fn handle(
    pool: &Pool,
    instance: &mut Instance,
    request: http::Request<WasiBody>,
    answer: oneshot::Sender<Answer>,
) -> Result<(), CallError> {
    let Instance { store, instance, http, lane, .. } = instance;
    if http.is_none() {
        let loaded = load(pool.revision.doors(*lane), store, instance)?;
        *http = Some(loaded.map_err(|error| CallError::of(&error, store.data()))?);
    }
    let handled = match http {
        Some(Proxy::P2(proxy)) => handle_p2(store, proxy, request, answer).await,
        Some(proxy @ Proxy::P3(_)) => handle_p3(store, proxy, request, answer).await,
        None => unreachable!("it was just found"),
    };
    handled.map_err(|error| CallError::of(&error, store.data()))
}

/// Finds the export that answers requests.
pub(crate) fn load(
    doors: &Doors,
    store: &mut Store<Guest>,
    instance: &wasmtime::component::Instance,
) -> Result<wasmtime::Result<Proxy>, CallError> {
    match (&doors.http_p2, &doors.http_p3) {
        (Some(http), _) => Ok(http.load(&mut *store, instance).map(Proxy::P2)),
        (None, Some(http)) => Ok(http.load(&mut *store, instance).map(Proxy::P3)),
        (None, None) => Err(CallError::Unsupported { wanted: "an HTTP handler" }),
    }
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
