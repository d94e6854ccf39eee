//! The typed client of a node's control port.

mod events;
mod following;
mod sse;
mod transport;
mod trust;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::request::Builder;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use serde_json::Value;

use self::transport::{Body, Lost, Transport};

use crate::reply::{Invoked, Stored};
use crate::{
    Carries, Code, Command, Event, Failure, MAX_ARTIFACT_BYTES, Payload, Problem, Reply, Route,
};

pub use self::events::Events;
pub use self::following::AuditEvents;
pub use self::trust::Trust;

/// Where a node is and what lets one in. Whoever finds it (a flag, the environment, a file) fills it in.
#[derive(Clone)]
pub struct Place {
    /// The control port's URL, `http://127.0.0.1:7070`. Without encryption only this machine is spoken to.
    pub node: String,
    /// The token.
    pub token: String,
    /// Whose certificate is believed, where the URL says `https`.
    pub trust: Trust,
}

/// A client of one node. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    transport: Transport,
    place: Place,
    /// [`SILENCE_MAX`], and less in a test.
    silence_max: Duration,
}

/// A query is answered from memory; the longest is a log reader's wait. Commands that change something
/// have no bound here: they end when what they do has ended.
const QUERY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a node may say nothing while a command is followed. It sends an empty line every 15 seconds:
/// who misses four has lost its peer, which a tunnel or a suspended machine tells nobody.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A line of an answer in parts. The largest is a reply, which has no more than a service's revisions.
const MAX_LINE_BYTES: usize = 4 << 20;

/// Bytes handed to the connection at once in an upload: often enough for a progress bar to move.
const UPLOAD_CHUNK_BYTES: usize = 64 << 10;

impl Client {
    /// A client of the node at this place. Nothing is sent yet.
    ///
    /// # Errors
    /// When the place is no node's, or one that the token would travel to unencrypted; or the authorities are none.
    pub fn new(place: Place) -> Result<Self, Failure> {
        let place = Place { node: place.node.trim_end_matches('/').to_owned(), ..place };
        let transport = Transport::new(&place.node, &place.trust)?;
        Ok(Self { transport, place, silence_max: SILENCE_MAX })
    }

    /// The node's URL.
    pub fn node(&self) -> &str {
        &self.place.node
    }

    /// Stores a component's bytes on the node. `sent` is told how many bytes have left so far.
    pub async fn upload(
        &self,
        bytes: Bytes,
        sent: impl Fn(usize) + Send + Sync + 'static,
    ) -> Result<Stored, Failure> {
        let size = bytes.len();
        if size > MAX_ARTIFACT_BYTES {
            return Err(Failure::new(
                Code::TooLarge,
                format!("the component has {size} bytes; a node takes {MAX_ARTIFACT_BYTES}"),
            ));
        }
        let chunks = (0..size).step_by(UPLOAD_CHUNK_BYTES).map(move |start| {
            let end = size.min(start + UPLOAD_CHUNK_BYTES);
            sent(end);
            Ok::<_, Infallible>(Frame::data(bytes.slice(start..end)))
        });
        let request = self
            .request(http::Method::POST, "/v1/artifacts")
            .header(CONTENT_TYPE, "application/wasm")
            .header(http::header::CONTENT_LENGTH, size);
        let body = StreamBody::new(futures::stream::iter(chunks));
        let response = self.send(whole(request, body.boxed_unsync())?).await?;
        let body = self.collect(response).await?;
        serde_json::from_slice(&body).map_err(|error| unreadable(&error))
    }

    /// Carries a command out and waits for its answer.
    pub async fn act(&self, command: Command) -> Result<Reply, Failure> {
        self.act_watched(command, |_| {}).await
    }

    /// Carries a command out whose answer is of one known kind.
    pub async fn ask<R>(&self, command: Command) -> Result<R, Failure>
    where
        R: TryFrom<Reply, Error = Failure>,
    {
        self.act(command).await?.try_into()
    }

    /// Carries a command out, told of each event while it runs.
    pub async fn act_watched(
        &self,
        command: Command,
        mut watch: impl FnMut(Event),
    ) -> Result<Reply, Failure> {
        let route = Route::of(&command);
        let wire = route.write(&command);
        let mut request = self.request(wire.method, &wire.target);
        let mut body = Empty::new().boxed_unsync();
        if let Some((content_type, Payload(bytes))) = wire.body {
            request = request.header(CONTENT_TYPE, content_type);
            body = Full::new(bytes).boxed_unsync();
        }
        if route.carries.is_watched() {
            request = request.header(ACCEPT, "application/x-ndjson");
        }
        let request = whole(request, body)?;
        match route.carries {
            Carries::JsonWatched | Carries::QueryWatched => {
                let response = self.heard(self.send(request)).await??;
                // What is done before anything happened is answered whole.
                match is_in_parts(&response) {
                    true => self.follow(route, response, &mut watch).await,
                    false => self.whole(route, response).await,
                }
            }
            Carries::Input => self.invoked(&command, self.send(request).await?).await,
            Carries::Query => {
                let asked = async { self.whole(route, self.send(request).await?).await };
                tokio::time::timeout(QUERY_TIMEOUT, asked).await.map_err(|_| self.late())?
            }
            Carries::Json => self.whole(route, self.send(request).await?).await,
        }
    }

    fn request(&self, method: http::Method, target: &str) -> Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{target}", self.place.node))
            .header(AUTHORIZATION, format!("Bearer {}", self.place.token))
    }

    async fn send(&self, request: Request<Body>) -> Result<http::Response<Incoming>, Failure> {
        let response = self.transport.send(request).await.map_err(|lost| self.lost(lost))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = self.collect(response).await?;
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => problem.error,
            Err(_) => Failure::new(
                Code::Failed,
                format!("{} answered {status}, which no node says", self.place.node),
            )
            .help("check that the URL is a node's control port, not its ingress"),
        })
    }

    async fn collect(&self, response: http::Response<Incoming>) -> Result<Bytes, Failure> {
        let body = response.into_body().collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| self.broke(&error))
    }

    async fn whole(
        &self,
        route: &Route,
        response: http::Response<Incoming>,
    ) -> Result<Reply, Failure> {
        let body = self.collect(response).await?;
        let value = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
        route.read_reply(value)
    }

    async fn follow(
        &self,
        route: &Route,
        response: http::Response<Incoming>,
        watch: &mut impl FnMut(Event),
    ) -> Result<Reply, Failure> {
        let mut body = response.into_body();
        let mut kept: Vec<u8> = Vec::new();
        while let Some(piece) = self.piece(&mut body).await? {
            kept.extend_from_slice(&piece);
            while let Some(end) = kept.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = kept.drain(..=end).collect();
                // An empty line keeps the connection alive.
                if line.len() > 1
                    && let Some(answer) = self.read_line(route, &line, watch)
                {
                    return answer;
                }
            }
            if kept.len() > MAX_LINE_BYTES {
                return Err(Failure::new(Code::Failed, "the node's answer has an endless line"));
            }
        }
        Err(Failure::new(Code::Unreachable, "the node went away before it answered").help(GOES_ON))
    }

    /// What comes next of an answer in parts; none at its end.
    async fn piece(&self, body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
        let Some(frame) = self.heard(body.frame()).await? else { return Ok(None) };
        let frame = frame.map_err(|error| self.broke(&error))?;
        // Trailers say nothing.
        Ok(Some(frame.into_data().unwrap_or_default()))
    }

    /// What a node that is followed says next, unless it has said nothing for too long.
    async fn heard<T>(&self, next: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::time::timeout(self.silence_max, next).await.map_err(|_| {
            let silent = self.silence_max.as_secs();
            let message = format!("{} has said nothing for {silent} s", self.place.node);
            Failure::new(Code::Unreachable, message).help(GOES_ON)
        })
    }

    /// One line of an answer in parts: an event, or the end.
    fn read_line(
        &self,
        route: &Route,
        line: &[u8],
        watch: &mut impl FnMut(Event),
    ) -> Option<Result<Reply, Failure>> {
        let mut value: Value = match serde_json::from_slice(line) {
            Ok(value) => value,
            Err(error) => return Some(Err(unreadable(&error))),
        };
        if let Some(reply) = value.get_mut("reply") {
            return Some(route.read_reply(reply.take()));
        }
        if let Some(error) = value.get_mut("error") {
            let failure = serde_json::from_value(error.take());
            return Some(Err(failure.unwrap_or_else(|error| unreadable(&error))));
        }
        // An event that this client does not know is a newer node's; the reply says it all anyway.
        if let Ok(event) = serde_json::from_value(value) {
            watch(event);
        }
        None
    }

    async fn invoked(
        &self,
        command: &Command,
        response: http::Response<Incoming>,
    ) -> Result<Reply, Failure> {
        let headers = response.headers().clone();
        let header = |name: &str| match headers.get(name) {
            Some(value) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
            None => String::new(),
        };
        let unreadable =
            |_| Failure::new(Code::Failed, "the answer does not say which revision was called");
        let revision = header(Invoked::REVISION).parse().map_err(|_| unreadable(()))?;
        let version = header(Invoked::VERSION).parse().map_err(|_| unreadable(()))?;
        let service = command.service().cloned().ok_or_else(|| unreadable(()))?;
        let metadata = header(Invoked::METADATA);
        let output = self.collect(response).await?;
        Ok(Reply::Invoked(Invoked {
            service,
            revision: airssys_wasm_model::RevisionNumber(revision),
            version,
            output: Payload(output),
            content_type: header(CONTENT_TYPE.as_str()),
            metadata: serde_json::from_str(&metadata).unwrap_or_default(),
        }))
    }

    /// What a broken connection means to the caller.
    fn lost(&self, lost: Lost) -> Failure {
        let node = &self.place.node;
        match lost {
            Lost::Refused(error) => trust::refused(node, &error),
            Lost::Nobody(cause) => {
                Failure::new(Code::Unreachable, format!("no node answers at {node}: {cause}"))
                    .help("start one with `airssys-wasm serve`, or name it with --node URL")
            }
            // Somebody was there and took the request, so that it may have been carried out.
            Lost::Broke(cause) => {
                let message = format!("the connection to {node} broke: {cause}");
                Failure::new(Code::Unreachable, message).help(GOES_ON)
            }
        }
    }

    fn broke(&self, error: &hyper::Error) -> Failure {
        self.lost(Lost::Broke(error.to_string()))
    }

    fn late(&self) -> Failure {
        Failure::new(Code::TimedOut, format!("{} did not answer in time", self.place.node))
    }
}

/// A request with its body. What does not fit in one is a URL or a token that somebody typed.
fn whole(request: Builder, body: Body) -> Result<Request<Body>, Failure> {
    request.body(body).map_err(|error| {
        Failure::new(Code::Usage, format!("the node's URL or the token can't be sent: {error}"))
    })
}

/// What to do when a connection ends before its answer does.
const GOES_ON: &str =
    "what had begun goes on without a reader: `airssys-wasm status NAME` says how it went";

fn is_in_parts(response: &http::Response<Incoming>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-ndjson"))
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::new(Code::Failed, format!("the node's answer cannot be read: {error}"))
        .help("use a client and a node of the same version")
}

#[cfg(test)]
mod tests;
