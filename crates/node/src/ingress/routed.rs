//! A request whose service is known: its way from there, whichever door it came in by.

use std::sync::Arc;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::{CallCtx, HttpError, RequestId};
use airssys_wasm_model::RevisionNumber;
use airssys_wasm_request::{Refusal, strip};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Body;

use super::answer::{AnswerBody, problem};
use crate::attributes::OfRequest;
use crate::live::{LiveService, RequestError, Running, ServiceError, Unanswered};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request on its way to its service.
pub(crate) struct Routed<B> {
    pub(crate) service: Arc<LiveService>,
    /// How many bytes of the path are the service's route.
    pub(crate) prefix: usize,
    /// The revision whose own address it came to.
    pub(crate) revision: Option<RevisionNumber>,
    pub(crate) request: Request<B>,
    pub(crate) call: CallCtx,
}

/// A request that no guest answered.
pub(crate) struct Refused {
    failure: Failure,
    /// The revision that it came to.
    by: Option<Arc<Running>>,
    /// Whether it would have waited for itself.
    pub(crate) is_loop: bool,
}

impl<B> Routed<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<HttpError>,
{
    pub(crate) async fn answer(self) -> Result<Response<AnswerBody>, Refused> {
        let Self { service, prefix, revision, mut request, call } = self;
        let request_id = call.request_id;
        // Before the route is taken off: rules look at the path as it was sent.
        let of = OfRequest {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            caller: call.caller.as_ref(),
        };
        let entered = service.enter(&of, revision).await;
        let entered = entered.map_err(|error| error.failure(&service.name, request_id))?;
        strip(&mut request, prefix).map_err(refused)?;
        match service.http(entered, request, call).await {
            Ok(answer) => Ok(answer.map(AnswerBody::Guest)),
            Err(Unanswered { error, by }) => {
                let is_loop = matches!(error, RequestError::Service(ServiceError::Loop(_)));
                let failure = error.failure(&service.name, request_id);
                Err(Refused { failure, by: Some(by), is_loop })
            }
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { failure, by: None, is_loop: false }
    }
}

/// What the caller gets: the answer, or why there is none.
pub(crate) fn said(
    answered: Result<Response<AnswerBody>, Refused>,
    request_id: RequestId,
) -> Response<AnswerBody> {
    let mut answer = answered.unwrap_or_else(|Refused { failure, by, .. }| {
        let mut answer = problem(failure, request_id);
        if let Some(by) = by {
            by.stamp(answer.headers_mut());
        }
        answer
    });
    let named = HeaderValue::from_bytes(&request_id.digits());
    let named = named.expect("hexadecimal digits are visible ASCII");
    answer.headers_mut().insert(X_REQUEST_ID, named);
    answer
}

/// A request that comes to no service, as its sender is told.
pub(super) fn refused(why: Refusal) -> Failure {
    let code = if why.is_too_large() { Code::TooLarge } else { Code::Usage };
    Failure::new(code, why.to_string())
}
