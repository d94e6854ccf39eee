//! hyper alone: what HTTP itself costs.

use std::convert::Infallible;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};

/// Answers every request with what `hello-http` answers.
pub(super) async fn serve() -> Result<()> {
    let answer = async |_: Request<Incoming>| {
        let mut answer = Response::new(Full::new(Bytes::from_static(b"Hello from a component\n")));
        let text = hyper::header::HeaderValue::from_static("text/plain");
        answer.headers_mut().insert(hyper::header::CONTENT_TYPE, text);
        Ok::<_, Infallible>(answer)
    };
    super::accept(super::listen().await?, service_fn(answer)).await
}
