//! HTTP for a component that has a handler and no HTTP of its own: the request's body is the input, the
//! output is the answer's body. It holds both whole in memory, within a bound.

use std::time::Duration;

use airssys_wasm_api::MAX_INPUT_BYTES;
use airssys_wasm_host::{HttpError, Input, Output};
use airssys_wasm_request::{METHOD, TARGET, is_of_connection, is_of_message, metadata};
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How finely held memory is counted.
const HELD_UNIT_BYTES: usize = 16 << 10;

/// What the inputs of all calls through HTTP may hold together: sixteen of the largest, or thousands of the
/// usual size. Beyond it callers are told to come back.
static HELD: Semaphore = Semaphore::const_new(16 * MAX_INPUT_BYTES / HELD_UNIT_BYTES);

/// Why a request's body did not become an input.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// It is too large to be held whole.
    #[error("the body is larger than this node, or a handler with {MAX_INPUT_BYTES} bytes, takes")]
    TooLarge,
    /// Too much is held already.
    #[error("the node holds as many inputs as it can")]
    Full,
    /// Its client sends too slowly.
    #[error("the body was not there within {0:?}")]
    TooSlow(Duration),
    /// It broke off.
    #[error("the body broke off: {0}")]
    Broken(String),
}

/// Reads a request whole. Its headers become metadata, beside its method and target.
pub(crate) async fn input<B>(
    request: Request<B>,
    within: Duration,
) -> Result<(Input, Held), InputError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<HttpError>,
{
    let (parts, body) = request.into_parts();
    let reading = tokio::time::timeout(within, read(body)).await;
    let (body, held) = reading.map_err(|_elapsed| InputError::TooSlow(within))??;
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    Ok((Input { body, content_type, metadata: metadata(&parts) }, held))
}

/// Reads a body whole. Its memory is counted before it is taken.
async fn read<B>(body: B) -> Result<(Bytes, Held), InputError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<HttpError>,
{
    let mut body = std::pin::pin!(body);
    let (mut bytes, mut held) = (BytesMut::new(), Held::default());
    while let Some(frame) = body.as_mut().frame().await {
        let frame = frame.map_err(|error| match error.into() {
            HttpError::HttpRequestBodySize(_) => InputError::TooLarge,
            error => InputError::Broken(error.to_string()),
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > MAX_INPUT_BYTES {
            return Err(InputError::TooLarge);
        }
        held.grow(bytes.len() + data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok((bytes.freeze(), held))
}

/// Memory counted against what all inputs may hold, given back by dropping it.
#[derive(Default)]
pub(crate) struct Held(Option<SemaphorePermit<'static>>);

impl Held {
    /// Of an input of so many bytes, which is there already.
    pub(crate) fn of(bytes: usize) -> Result<Self, InputError> {
        if bytes > MAX_INPUT_BYTES {
            return Err(InputError::TooLarge);
        }
        let mut held = Self::default();
        held.grow(bytes)?;
        Ok(held)
    }

    fn grow(&mut self, bytes: usize) -> Result<(), InputError> {
        let has = self.0.as_ref().map_or(0, SemaphorePermit::num_permits);
        let more = bytes.div_ceil(HELD_UNIT_BYTES).saturating_sub(has);
        let more = u32::try_from(more).map_err(|_| InputError::TooLarge)?;
        let more = HELD.try_acquire_many(more).map_err(|_| InputError::Full)?;
        match &mut self.0 {
            Some(held) => held.merge(more),
            None => self.0 = Some(more),
        }
        Ok(())
    }
}

/// Takes away what only a request over HTTP has.
pub(crate) fn leave_out_of_http(metadata: &mut Vec<(String, String)>) {
    metadata.retain(|(name, _)| !is_of_http(name));
}

fn is_of_http(name: &str) -> bool {
    [METHOD, TARGET].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// Headers that a handler's metadata can make, and their bytes: what clients are known to take. The rest is
/// left out.
const HEADERS_MAX: usize = 100;
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The output as an answer. Metadata that can be headers are.
pub(crate) fn answer(output: Output) -> Response<Bytes> {
    let mut answer = Response::new(output.body);
    let headers = answer.headers_mut();
    let mut left = HEAD_BYTES_MAX;
    for (name, value) in output.metadata.into_iter().take(HEADERS_MAX) {
        left = match left.checked_sub(name.len() + value.len()) {
            Some(left) => left,
            None => break,
        };
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
        else {
            continue;
        };
        // What is the node's business with each side.
        if !is_of_connection(&name) && !is_of_message(&name) {
            headers.append(name, value);
        }
    }
    let content_type = output.content_type.and_then(|it| HeaderValue::try_from(it).ok());
    headers.insert(
        CONTENT_TYPE,
        content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    answer
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Empty, Full};

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    fn never_fails<B: Body>(body: B) -> impl Body<Data = B::Data, Error = HttpError> {
        body.map_err(|_| HttpError::InternalError(None))
    }

    #[tokio::test]
    async fn a_request_becomes_an_input() {
        let request = Request::post("/x?y=1")
            .header("content-type", "text/plain")
            .header("x-user", "ada")
            .header("http-method", "FORGED")
            .header("connection", "close")
            .body(never_fails(Full::new(Bytes::from_static(b"body"))))
            .unwrap();
        let (input, _held) = input(request, SOON).await.unwrap();
        assert_eq!(
            (&*input.body, input.content_type.as_deref()),
            (&b"body"[..], Some("text/plain"))
        );
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let said = [
            ("http-method", "POST"),
            ("http-target", "/x?y=1"),
            ("content-type", "text/plain"),
            ("x-user", "ada"),
        ];
        assert_eq!(input.metadata, said.map(pair));
    }

    #[tokio::test]
    async fn a_body_that_cannot_be_held_is_refused() {
        let large = Bytes::from(vec![0; MAX_INPUT_BYTES + 1]);
        let request = Request::new(never_fails(Full::new(large)));
        assert!(matches!(input(request, SOON).await, Err(InputError::TooLarge)));
        let empty = Request::new(never_fails(Empty::<Bytes>::new()));
        assert_eq!(input(empty, SOON).await.unwrap().0.body, Bytes::new());
    }

    #[test]
    fn a_flood_of_metadata_is_cut() {
        let many = (0..30_000).map(|number| (format!("x-{number}"), "y".to_owned())).collect();
        let output = Output { metadata: many, ..Output::default() };
        assert_eq!(answer(output).headers().len(), HEADERS_MAX + 1);
        let large = (0..9).map(|number| (format!("x-{number}"), "y".repeat(4 << 10))).collect();
        let output = Output { metadata: large, ..Output::default() };
        assert_eq!(answer(output).headers().len(), 3 + 1);
    }

    #[test]
    fn an_output_becomes_an_answer_that_cannot_break_the_connection() {
        let metadata = [
            ("x-rows", "3"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("content-length", "9999"),
            ("transfer-encoding", "chunked"),
            ("x-split", "a\r\nx-forged: 1"),
        ];
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let output = Output {
            body: Bytes::from_static(b"{}"),
            content_type: Some("application/json".into()),
            metadata: metadata.map(pair).into(),
        };
        let answer = answer(output);
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["x-rows"], "3");
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        for refused in ["content-length", "transfer-encoding", "x-split", "x-forged"] {
            assert!(!headers.contains_key(refused), "{refused}");
        }
    }
}
