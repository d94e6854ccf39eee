//! A revision that runs, and how an HTTP request is answered by what its component has: HTTP of its own, or a handler.

use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_host::{CallCtx, CallError, HttpError, Input, Output, Pool};
use airssys_wasm_model::{Asked, Name, RevisionNumber, Version};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Body;

use super::RequestError;
use super::body::AnswerBody;
use super::counted::{Counted, is_failure, says};
use crate::handled;
use crate::metrics::Traffic;

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

impl Running {
    /// Through the component's own HTTP, both bodies streamed.
    pub(super) async fn stream<B>(
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
    pub(super) async fn handle<B>(
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
    pub(super) async fn execute(&self, input: Input, call: CallCtx) -> Result<Output, CallError> {
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
