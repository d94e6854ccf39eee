//! Requests to other machines, and to other services of the node by HTTP: `http::get("https://api.example.com/prices")?`.
//!
//! The manifest asks for a host (`http = [{ host = "api.example.com", reason = "prices" }]`). Bodies are bytes, as they
//! came, and whole: what is larger than [`Request::body_limit`] says is an error, before it takes all of the component's
//! memory. Natively, in tests, nothing is sent: what answers is what [`answer_with`] was given.

#[cfg(target_arch = "wasm32")]
mod hosted;
#[cfg(not(target_arch = "wasm32"))]
mod native;
mod url;

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(target_arch = "wasm32")]
use self::hosted::send;
#[cfg(not(target_arch = "wasm32"))]
pub use self::native::answer_with;
#[cfg(not(target_arch = "wasm32"))]
use self::native::send;
use crate::ComponentError;

/// The largest body of an answer unless a request says otherwise: 16 MiB, which is also the most that a call's input
/// may bring.
const BODY_LIMIT_BYTES: usize = 16 << 20;

/// Gets what is at this address.
///
/// # Errors
/// When there is no answer. An answer is none, whatever its status.
pub fn get(url: impl Into<String>) -> Result<Response, Error> {
    Request::new("GET", url).send()
}

/// A request to be sent.
///
/// ```
/// use airssys_wasm_sdk::http::{self, Request, Response};
///
/// http::answer_with(|request| {
///     assert_eq!((request.method(), request.bytes()), ("PUT", b"ada".as_slice()));
///     Ok(Response::new(201, "made"))
/// });
/// let response = Request::new("PUT", "https://api.example.com/people/1")
///     .header("content-type", "text/plain")
///     .body("ada")
///     .send()?;
/// assert_eq!((response.status, response.text()?), (201, "made"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    body_limit_bytes: usize,
    timeouts: Timeouts,
}

/// How long each part of an exchange may take. None: as long as the host lets it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(dead_code, reason = "read by what sends, which exists on wasm alone")]
struct Timeouts {
    connect: Option<Duration>,
    first_byte: Option<Duration>,
    between_bytes: Option<Duration>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers in their order, a name as often as it came. Names are in lower case, values are bytes as they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The component has no right to send it.
    Denied(String),
    /// It is no request: its address, method or a header can't be sent.
    Invalid(String),
    /// Nobody answers there now: the name is not found, the connection was refused or it broke.
    Unreachable(String),
    /// It took too long.
    TimedOut(String),
    /// The answer's body has more bytes than the request's limit.
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// Anything else, such as a certificate that is not believed or an answer that is no HTTP.
    Failed(String),
}

impl Request {
    /// A request of this method (`GET`) to this address (`https://api.example.com/prices?of=tea`), without a body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            body_limit_bytes: BODY_LIMIT_BYTES,
            timeouts: Timeouts::default(),
        }
    }

    /// The same with one more header. The host sets `host` and what concerns the connection.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with this body.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// The same with this value as its body, in JSON, and the content type that says so.
    ///
    /// # Errors
    /// When the value can't be written as JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, Error> {
        let body = serde_json::to_vec(value).map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// The same with an answer's body of so many bytes at most; 16 MiB unless set.
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit_bytes: bytes, ..self }
    }

    /// The same, given up when the connection is not there after so long.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = Some(timeout);
        self
    }

    /// The same, given up when the answer has not begun after so long.
    pub fn first_byte_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.first_byte = Some(timeout);
        self
    }

    /// The same, given up when nothing more of the answer's body comes for so long.
    pub fn between_bytes_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.between_bytes = Some(timeout);
        self
    }

    /// Sends it and waits for the whole answer.
    ///
    /// # Errors
    /// When there is no answer. An answer is none, whatever its status.
    pub fn send(&self) -> Result<Response, Error> {
        send(self, &url::Target::of(&self.url)?)
    }

    /// Its method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its headers.
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }

    /// Its body's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }
}

impl Response {
    /// An answer without headers, to test with.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// The first header of this name, without regard to the name's case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// The body as text.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn text(&self) -> Result<&str, Error> {
        str::from_utf8(&self.body)
            .map_err(|error| Error::Failed(format!("the answer is no text: {error}")))
    }

    /// The body as JSON of this type.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::Failed(format!("the answer does not fit: {error}")))
    }
}

/// What a component says that fails because its request did: whoever may grant it is told so, and what is not there now
/// may be so later.
impl From<Error> for ComponentError {
    fn from(error: Error) -> Self {
        let said = error.to_string();
        match error {
            Error::Denied(_) => Self::denied(said),
            Error::Unreachable(_) | Error::TimedOut(_) => Self::unavailable(said),
            Error::Invalid(_) | Error::TooLarge { .. } | Error::Failed(_) => Self::failed(said),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why)
            | Self::Invalid(why)
            | Self::Unreachable(why)
            | Self::TimedOut(why)
            | Self::Failed(why) => f.write_str(why),
            Self::TooLarge { limit_bytes } => {
                write!(f, "the answer has more than {limit_bytes} bytes")
            }
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use crate::http::{self, Error, Request, Response};
    use crate::{ComponentError, ErrorKind};

    #[test]
    fn without_an_answer_given_nothing_is_reached() {
        let error = http::get("https://api.example.com/").unwrap_err();
        assert!(matches!(error, Error::Unreachable(_)), "{error}");
        assert_eq!(ComponentError::from(error).kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn what_is_no_address_is_not_sent() {
        http::answer_with(|_| unreachable!("it was sent"));
        assert!(matches!(http::get("api.example.com"), Err(Error::Invalid(_))));
    }

    #[test]
    fn an_answer_larger_than_the_limit_is_an_error() {
        http::answer_with(|_| Ok(Response::new(200, vec![0; 5])));
        let request = Request::new("GET", "http://example.com");
        assert_eq!(request.clone().body_limit(5).send().unwrap().body.len(), 5);
        assert_eq!(request.body_limit(4).send(), Err(Error::TooLarge { limit_bytes: 4 }));
    }

    #[test]
    fn a_header_is_found_in_any_case_and_keeps_its_bytes() {
        let mut response = Response::new(200, "");
        response.headers.push(("etag".to_owned(), vec![0xff]));
        assert_eq!(response.header("ETag"), Some([0xff].as_slice()));
        assert_eq!(response.header("tag"), None);
    }

    #[test]
    fn a_denial_stays_one_for_the_caller() {
        http::answer_with(|_| Err(Error::Denied("the request is not granted".to_owned())));
        let error = ComponentError::from(http::get("http://example.com").unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Denied);
    }
}
