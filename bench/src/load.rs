//! The load generator: connections kept alive, each sending its next request when the last was answered.
//!
//! It writes a ready-made request and reads just enough of the answer to know where it ends, because on
//! a small machine the generator takes its share of the cores from what it measures. It is the same for
//! every server measured. It retries nothing.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::sightings::Sightings;

/// An answer is read into a buffer of this size; the guests measured answer in a few hundred bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// How long one request may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connections to one service. They stay open from one sending to the next, so that a warm-up opens what
/// the measurement uses.
pub(crate) struct Load {
    address: String,
    path: String,
    connections: Vec<Connection>,
    /// Told of each answer, where a measurement waits for one.
    watched: Option<Arc<Sightings>>,
}

/// What came of it.
pub(crate) struct Outcome {
    /// Requests answered with 200.
    pub(crate) answered: u64,
    /// Requests answered otherwise, or not.
    pub(crate) failed: u64,
    /// How long it went on.
    pub(crate) took: Duration,
    /// Latencies in microseconds.
    pub(crate) latency_us: Histogram<u64>,
}

impl Outcome {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }

    /// An error when a request failed: a number of failures says nothing of the answers.
    pub(crate) fn all_answered(&self) -> Result<()> {
        if self.failed > 0 || self.answered == 0 {
            bail!("{} requests were answered and {} failed", self.answered, self.failed);
        }
        Ok(())
    }

    fn empty() -> Self {
        // Up to a minute with three digits: a few tens of kilobytes.
        let latency_us =
            Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are valid");
        Self { answered: 0, failed: 0, took: Duration::ZERO, latency_us }
    }
}

impl Load {
    /// Opens so many connections.
    pub(crate) async fn open(address: &str, path: &str, connections: usize) -> Result<Self> {
        let mut load = Self {
            address: address.to_owned(),
            path: path.to_owned(),
            connections: Vec::with_capacity(connections),
            watched: None,
        };
        for _ in 0..connections {
            load.connections.push(Connection::open(address, path).await?);
        }
        Ok(load)
    }

    /// Tells these of every answer.
    pub(crate) fn watched_by(mut self, sightings: &Arc<Sightings>) -> Self {
        self.watched = Some(Arc::clone(sightings));
        self
    }

    /// Sends for so long and tells what came of it.
    pub(crate) async fn send_for(&mut self, duration: Duration) -> Result<Outcome> {
        let start = Instant::now();
        let until = start + duration;
        let mut users = JoinSet::new();
        for connection in self.connections.drain(..) {
            let (address, path) = (self.address.clone(), self.path.clone());
            let watched = self.watched.clone();
            let user = User { address, path, connection, watched };
            users.spawn(user.send_until(until));
        }
        let mut outcome = Outcome::empty();
        while let Some(user) = users.join_next().await {
            let (connection, user) = user.context("a connection's task panicked")??;
            self.connections.push(connection);
            outcome.answered += user.answered;
            outcome.failed += user.failed;
            outcome.latency_us.add(&user.latency_us)?;
        }
        outcome.took = start.elapsed();
        Ok(outcome)
    }
}

/// One connection while it sends.
struct User {
    address: String,
    path: String,
    connection: Connection,
    watched: Option<Arc<Sightings>>,
}

impl User {
    async fn send_until(mut self, until: Instant) -> Result<(Connection, Outcome)> {
        let mut outcome = Outcome::empty();
        loop {
            let start = Instant::now();
            if start >= until {
                return Ok((self.connection, outcome));
            }
            match self.connection.call().await {
                Ok(answer) if answer.status == 200 => {
                    outcome.answered += 1;
                    if let Some(watched) = &self.watched {
                        watched.note(start, &answer);
                    }
                }
                Ok(_) => outcome.failed += 1,
                Err(_) => {
                    outcome.failed += 1;
                    self.connection = Connection::open(&self.address, &self.path).await?;
                }
            }
            let took = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            outcome.latency_us.saturating_record(took);
        }
    }
}

/// One kept-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: Vec<u8>,
    filled: usize,
}

/// What a measurement looks at in an answer.
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// `x-airssys-version`, if there.
    pub(crate) version: Option<String>,
}

impl Connection {
    /// Connects and readies the request.
    pub(crate) async fn open(address: &str, path: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context(address.to_owned())?;
        stream.set_nodelay(true)?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes();
        Ok(Self { stream, request, buffer: vec![0; MAX_ANSWER_BYTES], filled: 0 })
    }

    /// Sends the request and reads the answer to its end.
    pub(crate) async fn call(&mut self) -> Result<Answer> {
        tokio::time::timeout(PATIENCE, self.exchange()).await.context("no answer in time")?
    }

    async fn exchange(&mut self) -> Result<Answer> {
        self.stream.write_all(&self.request).await?;
        self.filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            if read == 0 {
                bail!(std::io::Error::from(ErrorKind::UnexpectedEof));
            }
            self.filled += read;
            if let Some(answer) = whole(&self.buffer[..self.filled])? {
                return Ok(answer);
            }
            if self.filled == self.buffer.len() {
                bail!("an answer larger than {MAX_ANSWER_BYTES} bytes");
            }
        }
    }
}

/// The answer, if these bytes hold all of it.
fn whole(bytes: &[u8]) -> Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes)? else { return Ok(None) };
    let body = &bytes[head..];
    let value = |name: &str| {
        response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|h| h.value)
    };
    let is_whole = match value("content-length") {
        Some(length) => body.len() >= std::str::from_utf8(length)?.parse::<usize>()?,
        // The last chunk; the guests measured send no trailers.
        None => body.ends_with(b"0\r\n\r\n"),
    };
    let version = value("x-airssys-version").map(|v| String::from_utf8_lossy(v).into_owned());
    let status = response.code.context("an answer without a status")?;
    Ok(is_whole.then_some(Answer { status, version }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_at_its_last_byte_and_not_before() {
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        let sized = b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\nhi";
        for answer in [&chunked[..], &sized[..]] {
            for end in 0..answer.len() {
                assert!(whole(&answer[..end]).expect("parses").is_none(), "at {end}");
            }
            assert!(whole(answer).expect("parses").is_some());
        }
    }
}
