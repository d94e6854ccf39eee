//! The live side of a service: what every call goes through, whichever door it came in by.
//!
//! A call picks a revision and is counted in as one step, claims a place in the revision's pool, runs and
//! is recorded. No store is touched and no plan is known here.

mod actors;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use airssys_wasm_deploy::{Claimed, InFlight, NoRevision, ServiceRecord, Switch};
use airssys_wasm_host::{
    CallCtx, CallError, HttpBody, HttpError, Input, Kind, Limit, Output, Pool, Value,
};
use airssys_wasm_model::{Asked, Name, RevisionNumber, RoutingSettings, Version};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};

use crate::attributes::{OfCall, Routable};
use crate::audit::{CallRecorder, Unrecorded};
use crate::handled::{self, InputError};
use crate::mailbox::{KeyError, Mailboxes};
use crate::metrics::{Calls, Traffic};
use crate::naming::{Named, NamingError};
use crate::shadow::{self, Answer, KEPT_BYTES_MAX, Request, Shadowing, Watched};
use crate::successes::Successes;
use crate::waiting::Starting;

use self::actors::{Entered, Placed};

/// A service as its callers meet it.
pub(crate) struct LiveService {
    pub(crate) name: Name,
    pub(crate) switch: Switch<Running>,
    pub(crate) starting: Starting,
    pub(crate) shadowing: Shadowing,
    /// Of its actors.
    pub(crate) mailboxes: Mailboxes,
    /// What callers have a say in. Read only for a call that names its revision.
    routing: ArcSwap<RoutingSettings>,
    /// Where its calls are recorded, if any are.
    recorder: Option<CallRecorder>,
}

/// A revision that runs.
pub(crate) struct Running {
    pub(crate) revision: RevisionNumber,
    pub(crate) version: Version,
    pub(crate) pool: Arc<Pool>,
    /// What its release asks for.
    pub(crate) asked: Arc<Asked>,
    pub(crate) traffic: Traffic,
    /// What its HTTP answers carry, if they say who made them.
    pub(crate) stamp: Option<Stamp>,
}

const X_SERVICE: HeaderName = HeaderName::from_static("x-airssys-service");
const X_VERSION: HeaderName = HeaderName::from_static("x-airssys-version");
const X_REVISION: HeaderName = HeaderName::from_static("x-airssys-revision");

/// The headers that say who answered, made once.
pub(crate) struct Stamp {
    pub(crate) service: HeaderValue,
    pub(crate) version: HeaderValue,
    pub(crate) revision: HeaderValue,
}

/// Which revision answered a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered<T> {
    pub(crate) revision: RevisionNumber,
    pub(crate) version: Version,
    pub(crate) answer: T,
}

/// Why a call to a service has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// No revision takes calls now.
    #[error(transparent)]
    NoRevision(#[from] NoRevision),
    /// The call names a revision that it does not reach.
    #[error(transparent)]
    Naming(#[from] NamingError),
    /// The call does not say which actor it is for.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The call has to be recorded, and cannot be.
    #[error(transparent)]
    Unrecorded(#[from] Unrecorded),
    /// The call would wait for itself.
    #[error(transparent)]
    Loop(#[from] Looped),
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// A call that would wait for its own caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the actor that it is for waits for the answer of a call that led to this one")]
pub(crate) struct Looped;

/// Why an HTTP request to a service has no answer.
#[derive(Debug)]
pub(crate) enum RequestError {
    /// As any call.
    Service(ServiceError),
    /// The body is no input for its handler.
    Input(InputError),
    /// Its component has neither HTTP nor a handler.
    NoHttp,
}

/// An HTTP request without an answer from its service.
pub(crate) struct Unanswered {
    pub(crate) error: RequestError,
    /// The revision that it was for.
    pub(crate) by: Arc<Running>,
}

impl Stamp {
    pub(crate) fn new(service: &Name, version: &Version, revision: RevisionNumber) -> Self {
        let value = |text: String| {
            HeaderValue::try_from(text).expect("names, versions and numbers are visible ASCII")
        };
        Self {
            service: value(service.to_string()),
            version: value(version.to_string()),
            revision: value(revision.0.to_string()),
        }
    }
}

impl LiveService {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            switch: Switch::new(),
            starting: Starting::default(),
            shadowing: Shadowing::default(),
            mailboxes: Mailboxes::default(),
            routing: ArcSwap::default(),
            recorder: None,
        }
    }

    /// The same, with its calls recorded.
    pub(crate) fn recorded_by(self, recorder: Option<CallRecorder>) -> Self {
        Self { recorder, ..self }
    }

    /// Routes by what the active revision of this record says.
    pub(crate) fn route_by(&self, record: &ServiceRecord) {
        self.switch.stick(record.sticky());
        let routing = record.active().map(|active| &active.settings.routing);
        if **self.routing.load() != *routing.unwrap_or(&RoutingSettings::default()) {
            self.routing.store(Arc::new(routing.cloned().unwrap_or_default()));
        }
    }

    /// What callers have a say in.
    pub(crate) fn routing(&self) -> Arc<RoutingSettings> {
        self.routing.load_full()
    }

    /// Picks the revision of a call and counts it in, as one step. A call that names its revision gets that
    /// one, whatever its share, or none; the address it came to comes before its header.
    async fn claim(
        &self,
        call: &impl Routable,
        address: Option<RevisionNumber>,
    ) -> Result<Claimed<Running>, ServiceError> {
        if self.starting.is_now() {
            Box::pin(self.starting.wait()).await;
        }
        match (address, call.named()) {
            (None, None) => Ok(self.switch.claim(call, rand::random())?),
            (Some(revision), _) if self.routing.load().preview => {
                self.claim_named(Named::Revision(revision))
            }
            (Some(_), _) => Err(NamingError::NoAddresses.into()),
            (None, Some(header)) if self.routing.load().named => {
                self.claim_named(Named::read(header)?)
            }
            (None, Some(_)) => Err(NamingError::NotAllowed.into()),
        }
    }

    /// Records a call before it begins, where that is wanted.
    async fn record(
        &self,
        trigger: &str,
        to: &Running,
        call: &CallCtx,
    ) -> Result<(), ServiceError> {
        match &self.recorder {
            None => Ok(()),
            // Boxed, so that the future of a call that is not recorded is no larger for it.
            Some(recorder) => Ok(Box::pin(recorder.record(trigger, to.revision, call)).await?),
        }
    }

    async fn claim_function(&self, call: &CallCtx) -> Result<Claimed<Running>, ServiceError> {
        let of = OfCall { trigger: "function", metadata: &[], caller: call.caller.as_ref() };
        let claimed = self.claim(&of, None).await?;
        // Before it has a place: an actor that calls a function of its own would wait for the one that it holds.
        claimed.target.pool.check_functions()?;
        Ok(claimed)
    }

    fn claim_named(&self, named: Named) -> Result<Claimed<Running>, ServiceError> {
        let claimed = self.switch.claim_named(|number, running| named.is(number, running));
        Ok(claimed.map_err(|why| NamingError::Unclaimed { named, why })?)
    }

    /// Sends an HTTP request to the revision that was claimed, which counts the call until the answer's body
    /// ends.
    pub(crate) async fn http<B>(
        &self,
        entered: Entered,
        request: http::Request<B>,
        call: CallCtx,
    ) -> Result<http::Response<CountedBody>, Unanswered>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<HttpError>,
    {
        if let Err(looped) = self.check_loop(&entered, &call) {
            return Err(Unanswered { error: looped.into(), by: entered.claimed.target });
        }
        if let Err(error) = self.record("http", &entered.claimed.target, &call).await {
            return Err(Unanswered { error: error.into(), by: entered.claimed.target });
        }
        if entered.to.is_some() {
            // Boxed, so that every other request's future is no larger for it.
            return Box::pin(self.http_to_actor(entered, request, call)).await;
        }
        let claimed = entered.claimed;
        match self.shadowing.draw(&claimed, &call) {
            None => Self::send(claimed, request, call).await,
            // Boxed, so that every other request's future is no larger for it.
            Some(drawn) => Box::pin(shadow::copied(drawn, claimed, request, call)).await,
        }
    }

    /// The same, and whoever sends it has looked whether it is to be copied.
    pub(crate) async fn send<B>(
        claimed: Claimed<Running>,
        request: http::Request<B>,
        mut call: CallCtx,
    ) -> Result<http::Response<CountedBody>, Unanswered>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<HttpError>,
    {
        let Claimed { target, in_flight, named, .. } = claimed;
        call.probe = named;
        let answered = match target.pool.offers() {
            offers if offers.http.is_some() => target.stream(request, call).await,
            // Boxed, for it is large, and would make every request's future as large.
            offers if offers.handler => Box::pin(target.handle(request, call)).await,
            _ => Err(RequestError::NoHttp),
        };
        let mut answer = match answered {
            Ok(answer) => answer,
            Err(error) => return Err(Unanswered { error, by: target }),
        };
        target.stamp(answer.headers_mut());
        Ok(answer.map(|body| CountedBody::new(body, target, named, in_flight)))
    }

    /// Calls the service's handler.
    pub(crate) async fn execute(
        &self,
        input: Input,
        mut call: CallCtx,
    ) -> Result<Answered<Output>, ServiceError> {
        let metadata = &input.metadata;
        let of = OfCall { trigger: "invoke", metadata, caller: call.caller.as_ref() };
        let entered = self.enter(&of, None).await?;
        self.check_loop(&entered, &call)?;
        self.record("invoke", &entered.claimed.target, &call).await?;
        let Placed { claimed, _turn } = self.place(entered, &mut call).await?;
        call.probe = claimed.named;
        let drawn = self.shadowing.draw(&claimed, &call);
        let copy = drawn.and_then(|drawn| drawn.of(Request::input(&input)));
        let counted = Counted::begin(&claimed.target.traffic, &call);
        let answered = async { claimed.target.pool.claim(call).await?.execute(input).await }.await;
        if let Some(copy) = copy {
            copy.answered(Answer::of_output(&answered, KEPT_BYTES_MAX));
        }
        counted.answered(says(answered.as_ref().ok()));
        finish(&claimed, counted, answered)
    }

    /// Calls a function by its name, with WAVE arguments.
    pub(crate) async fn invoke(
        &self,
        function: &str,
        arguments: &[String],
        call: CallCtx,
    ) -> Result<Answered<String>, ServiceError> {
        let claimed = self.claim_function(&call).await?;
        self.record(function, &claimed.target, &call).await?;
        let drawn = self.shadowing.draw(&claimed, &call);
        let copy = drawn.and_then(|drawn| drawn.of(Request::wave(function, arguments)));
        let counted = Counted::begin(&claimed.target.traffic, &call);
        let pool = &claimed.target.pool;
        let answered = async { pool.claim(call).await?.invoke(function, arguments).await }.await;
        if let Some(copy) = copy {
            copy.answered(Answer::of_text(&answered, KEPT_BYTES_MAX));
        }
        counted.answered(|_no_headers| false);
        finish(&claimed, counted, answered)
    }

    /// Calls a function by its name, with values.
    pub(crate) async fn call(
        &self,
        function: &str,
        arguments: Vec<Value>,
        call: CallCtx,
    ) -> Result<Answered<Option<Value>>, ServiceError> {
        let claimed = self.claim_function(&call).await?;
        self.record(function, &claimed.target, &call).await?;
        let drawn = self.shadowing.draw(&claimed, &call);
        let copy = drawn.and_then(|drawn| drawn.of(Request::values(function, &arguments)));
        let counted = Counted::begin(&claimed.target.traffic, &call);
        let pool = &claimed.target.pool;
        let answered = async { pool.claim(call).await?.call(function, arguments).await }.await;
        if let Some(copy) = copy {
            copy.answered(Answer::of_value(&answered, KEPT_BYTES_MAX));
        }
        counted.answered(|_no_headers| false);
        finish(&claimed, counted, answered)
    }
}

impl Running {
    /// Through the component's own HTTP, both bodies streamed.
    async fn stream<B>(
        &self,
        request: http::Request<B>,
        call: CallCtx,
    ) -> Result<http::Response<AnswerBody>, RequestError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<HttpError>,
    {
        let counted = Counted::begin(&self.traffic, &call);
        let answered = async { self.pool.claim(call).await?.http(request).await }.await;
        counted.answered(|name| {
            answered.as_ref().is_ok_and(|answer| answer.headers().contains_key(name))
        });
        counted.end(match &answered {
            Ok(answer) => answer.status().is_server_error(),
            Err(error) => is_failure(error),
        });
        Ok(answered?.map(AnswerBody::Streamed))
    }

    /// Through its handler. The body is read before a place is claimed: a slow client holds none.
    async fn handle<B>(
        &self,
        request: http::Request<B>,
        mut call: CallCtx,
    ) -> Result<http::Response<AnswerBody>, RequestError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<HttpError>,
    {
        // One limit for the body, the queue and the call: a drain waits for as long, and no longer.
        let within = self.pool.time_limit();
        call.deadline = Some(Instant::now() + within);
        let input = handled::input(request, within).await;
        let (input, _held) = input.map_err(RequestError::Input)?;
        let output = self.execute(input, call).await?;
        Ok(handled::answer(output).map(|body| AnswerBody::Whole(Some(body))))
    }

    /// Its handler, counted.
    async fn execute(&self, input: Input, call: CallCtx) -> Result<Output, CallError> {
        let counted = Counted::begin(&self.traffic, &call);
        let answered = async { self.pool.claim(call).await?.execute(input).await }.await;
        counted.answered(says(answered.as_ref().ok()));
        counted.end(answered.as_ref().err().is_some_and(is_failure));
        answered
    }

    /// Says in an answer's headers who made it, if it is to be said.
    pub(crate) fn stamp(&self, headers: &mut HeaderMap) {
        if let Some(stamp) = &self.stamp {
            headers.insert(X_SERVICE, stamp.service.clone());
            headers.insert(X_VERSION, stamp.version.clone());
            headers.insert(X_REVISION, stamp.revision.clone());
        }
    }
}

/// A call under way, counted however it ends.
struct Counted<'a> {
    calls: &'a Calls,
    /// Nothing for a call that named its revision: it takes part in no experiment.
    successes: Option<&'a Successes>,
    start: Instant,
    ended: bool,
}

/// A caller who gave up sooner may have had any reason; one who waited longer waited for the guest, and has
/// to be counted as let down: a candidate that hangs would otherwise look as if it were never called.
const GAVE_UP_AFTER: Duration = Duration::from_secs(1);

impl<'a> Counted<'a> {
    fn begin(traffic: &'a Traffic, call: &CallCtx) -> Self {
        if call.probe {
            traffic.successes.leave_out(call.request_id);
        }
        let successes = (!call.probe).then_some(&traffic.successes);
        Self { calls: traffic.of(call.probe), successes, start: Instant::now(), ended: false }
    }

    /// It has its answer, or none. `has` tells whether it carries a header.
    fn answered(&self, has: impl FnOnce(&str) -> bool) {
        if let Some(successes) = self.successes {
            successes.answered(has);
        }
    }

    fn end(mut self, failed: bool) {
        self.ended = true;
        self.calls.record(failed, self.start, Instant::now());
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let now = Instant::now();
            self.calls.record(now - self.start >= GAVE_UP_AFTER, self.start, now);
        }
    }
}

/// What a handler's answer carries: what stands in an output's metadata is a header.
fn says(output: Option<&Output>) -> impl FnOnce(&str) -> bool {
    move |name| {
        output.is_some_and(|output| {
            output.metadata.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
        })
    }
}

fn finish<T>(
    claimed: &Claimed<Running>,
    counted: Counted<'_>,
    answered: Result<T, CallError>,
) -> Result<Answered<T>, ServiceError> {
    counted.end(answered.as_ref().err().is_some_and(is_failure));
    let Running { revision, version, .. } = &*claimed.target;
    Ok(Answered { revision: *revision, version: version.clone(), answer: answered? })
}

/// Whether a call's error counts against its revision: the caller's own mistakes do not.
fn is_failure(error: &CallError) -> bool {
    match error {
        CallError::Fault(fault) => !matches!(fault.kind, Kind::InvalidInput | Kind::Denied),
        CallError::NoFunction { .. }
        | CallError::Arguments { .. }
        | CallError::Unsayable { .. }
        | CallError::Unsupported { .. }
        // Whoever makes up keys could else have a candidate taken back.
        | CallError::Limit(Limit::Actors) => false,
        _ => true,
    }
}

impl<E: Into<ServiceError>> From<E> for RequestError {
    fn from(error: E) -> Self {
        Self::Service(error.into())
    }
}

/// The body of an answer, counted as a call of its revision until it ends.
pub(crate) struct CountedBody {
    body: AnswerBody,
    by: Arc<Running>,
    /// Whether its call named its revision.
    named: bool,
    _in_flight: InFlight,
    /// Of a call that will be copied.
    watched: Option<Box<Watched>>,
}

impl CountedBody {
    fn new(body: AnswerBody, by: Arc<Running>, named: bool, in_flight: InFlight) -> Self {
        Self { body, by, named, _in_flight: in_flight, watched: None }
    }

    /// Lets the caller's taking of it be watched, by what is made when it is known whether it is empty.
    pub(crate) fn watched_by(mut self, watched: impl FnOnce(bool) -> Watched) -> Self {
        self.watched = Some(Box::new(watched(self.is_end_stream())));
        self
    }
}

/// The body of a component's answer.
enum AnswerBody {
    Streamed(HttpBody),
    Whole(Option<Bytes>),
}

impl AnswerBody {
    fn is_end_stream(&self) -> bool {
        match self {
            Self::Streamed(body) => body.is_end_stream(),
            Self::Whole(body) => body.is_none(),
        }
    }
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let polled = match &mut self.body {
            AnswerBody::Streamed(body) => {
                let polled = Pin::new(body).poll_frame(cx);
                match &polled {
                    // Its reader's own fault.
                    Poll::Ready(Some(Err(HttpError::ConnectionWriteTimeout))) => {}
                    // The head was counted as a good answer, which it did not stay.
                    Poll::Ready(Some(Err(_))) => {
                        self.by.traffic.of(self.named).broke_off();
                    }
                    _ => {}
                }
                polled
            }
            AnswerBody::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
        };
        let Self { body, watched, .. } = &mut *self;
        if let Some(watched) = watched {
            watched.saw(&polled, body.is_end_stream());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            AnswerBody::Streamed(body) => body.size_hint(),
            AnswerBody::Whole(body) => {
                SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64)
            }
        }
    }
}
