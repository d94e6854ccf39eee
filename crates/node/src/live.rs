//! The live side of a service: what every call goes through, whichever door it came in by.
//!
//! A call picks a revision and is counted in as one step, claims a place in the revision's pool, runs and
//! is recorded. No store is touched and no plan is known here.

mod actors;
mod body;
mod counted;
mod running;

use std::sync::Arc;

use airssys_wasm_deploy::{Claimed, NoRevision, ServiceRecord, Switch};
use airssys_wasm_host::{CallCtx, CallError, HttpError, Input, Output, Value};
use airssys_wasm_model::{Name, RevisionNumber, RoutingSettings, Version};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body::Body;

pub(crate) use self::body::CountedBody;
pub(crate) use self::running::{Running, Stamp};

use self::actors::{Entered, Placed};
use self::body::AnswerBody;
use self::counted::{Counted, finish, says};
use crate::attributes::{OfCall, Routable};
use crate::audit::{CallRecorder, Unrecorded};
use crate::handled::InputError;
use crate::mailbox::{KeyError, Mailboxes};
use crate::naming::{Named, NamingError};
use crate::rings::{Looped, Waits};
use crate::shadow::{self, Answer, KEPT_BYTES_MAX, Request, Shadowing};
use crate::waiting::Starting;

/// A service as its callers meet it.
pub(crate) struct LiveService {
    pub(crate) name: Name,
    pub(crate) switch: Switch<Running>,
    pub(crate) starting: Starting,
    pub(crate) shadowing: Shadowing,
    /// Of its actors.
    pub(crate) mailboxes: Mailboxes,
    /// Of all actors that its own may wait for: those of its node.
    waits: Arc<Waits>,
    /// What callers have a say in. Read only for a call that names its revision.
    routing: ArcSwap<RoutingSettings>,
    /// Where its calls are recorded, if any are.
    recorder: Option<CallRecorder>,
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

impl LiveService {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            switch: Switch::new(),
            starting: Starting::default(),
            shadowing: Shadowing::default(),
            mailboxes: Mailboxes::default(),
            waits: Arc::default(),
            routing: ArcSwap::default(),
            recorder: None,
        }
    }

    /// The same, with its calls recorded.
    pub(crate) fn recorded_by(self, recorder: CallRecorder) -> Self {
        Self { recorder: Some(recorder), ..self }
    }

    /// Where its calls are recorded, if any are.
    pub(crate) fn recorder(&self) -> Option<&CallRecorder> {
        self.recorder.as_ref()
    }

    /// The same, beside services whose actors wait for one another's.
    pub(crate) fn beside(self, waits: &Arc<Waits>) -> Self {
        Self { waits: Arc::clone(waits), ..self }
    }

    /// Routes by what the active revision of this record says, and records what the policy wants of it.
    pub(crate) fn route_by(&self, record: &ServiceRecord) {
        self.switch.stick(record.sticky());
        let routing = record.active().map(|active| &active.settings.routing);
        if **self.routing.load() != *routing.unwrap_or(&RoutingSettings::default()) {
            self.routing.store(Arc::new(routing.cloned().unwrap_or_default()));
        }
        if let Some(recorder) = &self.recorder {
            recorder.goes_by(record);
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
        match self.recorder.as_ref().filter(|recorder| recorder.is_wanted()) {
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

impl<E: Into<ServiceError>> From<E> for RequestError {
    fn from(error: E) -> Self {
        Self::Service(error.into())
    }
}
