//! HTTP calls that are copied: both bodies are kept as they pass by.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use airssys_wasm_deploy::Claimed;
use airssys_wasm_host::{CallCtx, HttpBody, HttpError, Pool};
use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};

use super::compare::Answer;
use super::copy::Request as Copy;
use super::keep::Kept;
use super::{Drawn, READ_BYTES_MAX};
use crate::handled;
use crate::live::{CountedBody, LiveService, RequestError, Running, ServiceError, Unanswered};

type Frames = Poll<Option<Result<Frame<Bytes>, HttpError>>>;

/// Sends a request to the revision that was claimed, and copies it when its caller has the answer.
pub(crate) async fn copied<B>(
    drawn: Drawn,
    claimed: Claimed<Running>,
    request: Request<B>,
    call: CallCtx,
) -> Result<Response<CountedBody>, Unanswered>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<HttpError>,
{
    let (parts, body) = request.into_parts();
    let mut head = parts.clone();
    // They are about the caller's connection.
    head.extensions.clear();
    let sent = Arc::new(Mutex::new(Kept::begin(body.is_end_stream())));
    let passing = Passing { body: Box::pin(body), kept: Arc::clone(&sent) };
    let answered = LiveService::send(claimed, Request::from_parts(parts, passing), call).await;
    let took = drawn.begun.elapsed();
    let waiting = Waiting { drawn, head, sent, took };
    match answered {
        Ok(answer) => {
            let status = answer.status().as_str().to_owned();
            Ok(answer.map(|body| body.watched_by(|ended| Watched::new(waiting, status, ended))))
        }
        Err(unanswered) => {
            if let RequestError::Service(ServiceError::Call(error)) = &unanswered.error
                && let Some(answer) = Answer::failed(error)
            {
                waiting.copy(answer);
            }
            Err(unanswered)
        }
    }
}

/// A request's body on its way to its guest.
struct Passing<B> {
    body: Pin<Box<B>>,
    kept: Arc<Mutex<Kept>>,
}

impl<B> Body for Passing<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<HttpError>,
{
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Frames {
        let polled = self.body.as_mut().poll_frame(cx).map_err(Into::into);
        lock(&self.kept).saw(&polled, self.body.is_end_stream());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A call that will be copied when its caller has the answer.
struct Waiting {
    drawn: Drawn,
    head: Parts,
    sent: Arc<Mutex<Kept>>,
    took: Duration,
}

impl Waiting {
    /// A request whose body its guest did not read to the end is not known whole, and not copied.
    fn copy(self, answer: Answer) {
        let Some(body) = lock(&self.sent).whole() else { return };
        let request = Copy::Http(Request::from_parts(self.head, body));
        self.drawn.copy(request, answer, self.took);
    }
}

/// An answer on its way to its caller. The call is copied when it is dropped, if all of it has been taken by then.
pub(crate) struct Watched {
    waiting: Option<Waiting>,
    status: String,
    kept: Kept,
}

impl Watched {
    fn new(waiting: Waiting, status: String, ended: bool) -> Self {
        Self { waiting: Some(waiting), status, kept: Kept::begin(ended) }
    }

    /// Looks at what its caller takes.
    pub(crate) fn saw(&mut self, polled: &Frames, ended: bool) {
        self.kept.saw(polled, ended);
        if self.kept.is_lost() {
            // It gives its place to another call.
            self.waiting = None;
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let (Some(waiting), Some(body)) = (self.waiting.take(), self.kept.whole()) {
            waiting.copy(Answer::Given { status: std::mem::take(&mut self.status), body });
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends a copied request, through whichever door the candidate has.
pub(super) async fn send(
    pool: &Arc<Pool>,
    request: Request<Bytes>,
    call: CallCtx,
    patience: Duration,
) -> Option<(Answer, Duration)> {
    let (begun, offers) = (Instant::now(), pool.offers());
    let request = request.map(Full::new);
    if offers.http.is_some() {
        let answered = async { pool.claim(call).await?.http(request).await }.await;
        let took = begun.elapsed();
        return match answered {
            Ok(answer) => Some((read(answer, patience).await, took)),
            Err(error) => Answer::failed(&error).map(|answer| (answer, took)),
        };
    }
    if !offers.handler {
        return Some((Answer::None("it answers no HTTP requests".to_owned()), begun.elapsed()));
    }
    let (input, _held) = handled::input(request, patience).await.ok()?;
    let answered = async { pool.claim(call).await?.execute(input).await }.await;
    let took = begun.elapsed();
    let answer = match answered {
        Ok(output) => {
            let (parts, body) = handled::answer(output).into_parts();
            Answer::given(parts.status.as_str(), body, READ_BYTES_MAX)
        }
        Err(error) => Answer::failed(&error)?,
    };
    Some((answer, took))
}

/// Reads a candidate's answer.
async fn read(answer: Response<HttpBody>, patience: Duration) -> Answer {
    let (parts, mut body) = answer.into_parts();
    let mut bytes = BytesMut::new();
    let reading = async {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if bytes.len() + data.len() > READ_BYTES_MAX {
                return Ok(Answer::TooLong);
            }
            bytes.extend_from_slice(&data);
        }
        Ok::<_, HttpError>(Answer::given(parts.status.as_str(), bytes.freeze(), READ_BYTES_MAX))
    };
    match tokio::time::timeout(patience, reading).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::None(format!("its body broke off: {error}")),
        Err(_elapsed) => Answer::None(format!("its body did not end within {patience:?}")),
    }
}
