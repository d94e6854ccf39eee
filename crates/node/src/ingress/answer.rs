//! What goes back: a guest's answer, or the node's own.

use std::pin::Pin;
use std::task::{Context, Poll};

use airssys_wasm_api::{Code, Failure, Problem};
use airssys_wasm_host::{HttpError, RequestId};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};

use crate::live::CountedBody;

/// The body of an answer.
pub(crate) enum AnswerBody {
    /// A guest's, streamed.
    Guest(CountedBody),
    /// The node's own.
    Own(Option<Bytes>),
}

/// A failure as `application/problem+json`.
pub(crate) fn problem(failure: Failure, request_id: RequestId) -> Response<AnswerBody> {
    let code = failure.code;
    let mut problem = Problem::from(failure.of_request(&request_id.to_string()));
    problem.status = status(code).as_u16();
    let text = serde_json::to_string(&problem).unwrap_or_else(|_| "{}".to_owned());
    let mut answer = Response::new(AnswerBody::Own(Some(text.into())));
    *answer.status_mut() = status(code);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Problem::CONTENT_TYPE));
    if matches!(code, Code::Saturated | Code::Unavailable) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

/// At the ingress a guest that was stopped at a limit is a bad gateway, not a client that asks too much.
fn status(code: Code) -> http::StatusCode {
    match code {
        Code::Limit | Code::Invalid => http::StatusCode::BAD_GATEWAY,
        code => code.http_status(),
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match self.get_mut() {
            Self::Guest(body) => Pin::new(body).poll_frame(cx),
            Self::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Guest(body) => body.is_end_stream(),
            Self::Own(bytes) => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Guest(body) => body.size_hint(),
            Self::Own(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}
