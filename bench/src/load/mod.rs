//! The load generator: connections kept alive on one thread, each sending its next request when the last was
//! answered, or so many requests a second over all of them.
//!
//! On a small machine the generator takes its share of the cores from what it measures. So it is one thread
//! that waits for all connections at once, writes a ready-made request, and reads just enough of an answer to
//! know where it ends. It is the same for every server measured. It retries nothing.

mod answer;
pub(crate) mod exchange;

use std::io::{ErrorKind, Read, Write};
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

pub(crate) use self::answer::Answer;
use self::answer::Reader;
use crate::sightings::Sightings;

/// How long one request may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the clock is looked at while nothing is due: requests at a rate leave and come back to this
/// precision, and the generator stays off the processor meanwhile.
const GLANCE: Duration = Duration::from_micros(50);

/// Read at once from a connection.
const READ_BYTES: usize = 64 << 10;

/// What is sent, again and again.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    address: String,
    bytes: Arc<[u8]>,
}

impl Request {
    /// A `GET` of this path.
    pub(crate) fn get(address: &str, path: &str) -> Self {
        let text = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
        Self { address: address.to_owned(), bytes: text.into_bytes().into() }
    }

    /// A `POST` of so many bytes.
    pub(crate) fn post(address: &str, path: &str, body_bytes: usize) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {body_bytes}\r\n\r\n"
        );
        let mut bytes = head.into_bytes();
        bytes.resize(bytes.len() + body_bytes, b'x');
        Self { address: address.to_owned(), bytes: bytes.into() }
    }
}

/// How fast requests are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// The next one when the last was answered.
    Closed,
    /// So many a second over all connections, whether the last was answered or not. Latency counts from when
    /// a request was due, so that a server that stands still is not spared the requests it would have had.
    PerSecond(f64),
    /// One under way over all connections: the next connection's when the last was answered.
    OneByOne,
}

/// Connections to one service. They stay open from one sending to the next, so that a warm-up opens what
/// the measurement uses.
pub(crate) struct Load {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    /// Told of each answer, where a measurement waits for one.
    watched: Option<Arc<Sightings>>,
    buffer: Vec<u8>,
}

/// What came of it.
pub(crate) struct Outcome {
    /// Requests answered with 200.
    pub(crate) answered: u64,
    /// Requests answered otherwise, or not.
    pub(crate) failed: u64,
    /// How long it went on.
    pub(crate) took: Duration,
    /// Latencies in nanoseconds.
    pub(crate) latency_ns: Histogram<u64>,
    /// The longest time in which no connection was answered well.
    pub(crate) gap: Duration,
}

impl Outcome {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }

    /// The latency that this share of the requests had at most, in milliseconds.
    pub(crate) fn latency_ms(&self, share: f64) -> f64 {
        self.latency_ns.value_at_quantile(share) as f64 / 1e6
    }

    /// An error when a request failed: a number of failures says nothing of the answers.
    pub(crate) fn all_answered(&self) -> Result<()> {
        if self.failed > 0 || self.answered == 0 {
            bail!("{} requests were answered and {} failed", self.answered, self.failed);
        }
        Ok(())
    }

    fn empty() -> Self {
        // Up to a minute with three digits: a few hundred kilobytes.
        let latency_ns =
            Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are valid");
        let (took, gap) = (Duration::ZERO, Duration::ZERO);
        Self { answered: 0, failed: 0, took, latency_ns, gap }
    }
}

impl Load {
    /// Opens so many connections.
    pub(crate) fn open(request: Request, connections: usize) -> Result<Self> {
        Self::over(vec![request; connections])
    }

    /// Opens a connection for each of these requests, which sends no other.
    pub(crate) fn over(requests: Vec<Request>) -> Result<Self> {
        let poll = Poll::new()?;
        let mut load = Self {
            poll,
            events: Events::with_capacity(1024),
            connections: Vec::with_capacity(requests.len()),
            watched: None,
            buffer: vec![0; READ_BYTES],
        };
        for (number, request) in requests.into_iter().enumerate() {
            let mut connection = Connection::open(request)?;
            load.register(number, &mut connection)?;
            load.connections.push(connection);
        }
        Ok(load)
    }

    /// Tells these of every answer.
    pub(crate) fn watched_by(mut self, sightings: &Arc<Sightings>) -> Self {
        self.watched = Some(Arc::clone(sightings));
        self
    }

    /// Sends for so long, waits for what is still under way and tells what came of it.
    pub(crate) fn send_for(&mut self, duration: Duration, pace: Pace) -> Result<Outcome> {
        let start = Instant::now();
        let mut sending = Sending::new(start, start + duration);
        match pace {
            Pace::Closed => self.send_closed(&mut sending)?,
            Pace::PerSecond(rate) => self.send_at(rate, start, &mut sending)?,
            Pace::OneByOne => self.send_one_by_one(&mut sending)?,
        }
        sending.outcome.took = start.elapsed();
        Ok(sending.outcome)
    }

    /// Sends one request on one connection and reads its answer.
    pub(crate) fn call(&mut self) -> Result<Answer> {
        let now = Instant::now();
        let mut sending = Sending::new(now, now);
        self.begin(0, now, &mut sending);
        let mut last = None;
        while sending.under_way > 0 {
            self.wait(Some(PATIENCE))?;
            for number in self.ready() {
                last = self.advance(number, &mut sending).map(|(_, answer)| answer).or(last);
            }
        }
        last.context("the connection ended before the answer did")
    }

    fn send_closed(&mut self, sending: &mut Sending) -> Result<()> {
        for number in 0..self.connections.len() {
            self.begin(number, Instant::now(), sending);
        }
        while sending.under_way > 0 {
            self.wait(Some(PATIENCE))?;
            for number in self.ready() {
                if let Some((ended, _)) = self.advance(number, sending)
                    && ended < sending.until
                {
                    self.begin(number, ended, sending);
                }
            }
        }
        Ok(())
    }

    fn send_one_by_one(&mut self, sending: &mut Sending) -> Result<()> {
        for number in (0..self.connections.len()).cycle() {
            let now = Instant::now();
            if now >= sending.until {
                break;
            }
            self.begin(number, now, sending);
            while sending.under_way > 0 {
                self.wait(Some(PATIENCE))?;
                for number in self.ready() {
                    self.advance(number, sending);
                }
            }
        }
        Ok(())
    }

    fn send_at(&mut self, rate: f64, start: Instant, sending: &mut Sending) -> Result<()> {
        let mut idle: Vec<usize> = (0..self.connections.len()).collect();
        let mut sent = 0_u64;
        let mut answered_at = start;
        loop {
            let now = Instant::now();
            // Due and no connection free: the request waits here, and its latency with it.
            loop {
                let due = start + Duration::from_secs_f64(sent as f64 / rate);
                if due > now || due >= sending.until {
                    break;
                }
                let Some(number) = idle.pop() else { break };
                self.begin(number, due, sending);
                sent += 1;
            }
            if now >= sending.until && sending.under_way == 0 {
                return Ok(());
            }
            if now > answered_at + PATIENCE {
                bail!("no answer within {PATIENCE:?}");
            }
            self.wait(None)?;
            let ready = self.ready();
            if ready.is_empty() {
                std::thread::sleep(GLANCE);
            }
            for number in ready {
                if let Some((ended, _)) = self.advance(number, sending) {
                    answered_at = ended;
                    idle.push(number);
                }
            }
        }
    }

    /// Waits for a connection to be ready; with no patience it only looks.
    fn wait(&mut self, patience: Option<Duration>) -> Result<()> {
        loop {
            match self.poll.poll(&mut self.events, Some(patience.unwrap_or_default())) {
                Ok(()) if self.events.is_empty() && patience.is_some() => {
                    bail!("no answer within {PATIENCE:?}")
                }
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn ready(&self) -> Vec<usize> {
        self.events.iter().map(|event| event.token().0).collect()
    }

    fn begin(&mut self, number: usize, due: Instant, sending: &mut Sending) {
        let connection = &mut self.connections[number];
        connection.due = Some(due);
        connection.sent = 0;
        connection.reader = Reader::default();
        sending.under_way += 1;
        // What is wrong with the connection is met when it is read.
        connection.write().ok();
    }

    /// Goes on where this connection is ready; the moment of its answer's end and what a measurement wants to
    /// know of it, if it has ended.
    fn advance(&mut self, number: usize, sending: &mut Sending) -> Option<(Instant, Answer)> {
        let connection = &mut self.connections[number];
        let due = connection.due?;
        let progress = connection.go_on(&mut self.buffer);
        let outcome = &mut sending.outcome;
        let answer = match progress {
            Ok(None) => return None,
            Ok(Some(answer)) => {
                match answer.status {
                    200 => outcome.answered += 1,
                    _ => outcome.failed += 1,
                }
                answer
            }
            Err(_) => {
                outcome.failed += 1;
                self.reopen(number).ok();
                Answer { status: 0, version: None }
            }
        };
        let ended = Instant::now();
        if answer.status == 200 {
            outcome.gap = outcome.gap.max(ended - sending.answered_at);
            sending.answered_at = ended;
        }
        let took = u64::try_from((ended - due).as_nanos()).unwrap_or(u64::MAX);
        outcome.latency_ns.saturating_record(took.max(1));
        sending.under_way -= 1;
        self.connections[number].due = None;
        if let Some(watched) = &self.watched {
            watched.note(due, &answer);
        }
        Some((ended, answer))
    }

    fn reopen(&mut self, number: usize) -> Result<()> {
        let mut connection = Connection::open(self.connections[number].request.clone())?;
        self.register(number, &mut connection)?;
        self.connections[number] = connection;
        Ok(())
    }

    fn register(&self, number: usize, connection: &mut Connection) -> Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        Ok(self.poll.registry().register(&mut connection.stream, Token(number), interest)?)
    }
}

/// One sending.
struct Sending {
    outcome: Outcome,
    until: Instant,
    under_way: usize,
    /// When a connection was last answered well.
    answered_at: Instant,
}

impl Sending {
    fn new(start: Instant, until: Instant) -> Self {
        Self { outcome: Outcome::empty(), until, under_way: 0, answered_at: start }
    }
}

/// One kept-alive connection.
struct Connection {
    request: Request,
    stream: TcpStream,
    /// When the request under way was due.
    due: Option<Instant>,
    /// How much of it has been written.
    sent: usize,
    reader: Reader,
}

impl Connection {
    fn open(request: Request) -> Result<Self> {
        let address = request.address.to_socket_addrs()?.next().context("no address")?;
        let stream = std::net::TcpStream::connect(address).context(address.to_string())?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Self { request, stream, due: None, sent: 0, reader: Reader::default() })
    }

    fn write(&mut self) -> std::io::Result<()> {
        let request = &self.request.bytes;
        while self.sent < request.len() {
            match self.stream.write(&request[self.sent..]) {
                Ok(wrote) => self.sent += wrote,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes and reads what it can without waiting; the answer, if that was its end.
    fn go_on(&mut self, buffer: &mut [u8]) -> Result<Option<Answer>> {
        self.write()?;
        loop {
            match self.stream.read(buffer) {
                Ok(0) => bail!(std::io::Error::from(ErrorKind::UnexpectedEof)),
                Ok(read) => {
                    if let Some(answer) = self.reader.take(&buffer[..read])? {
                        return Ok(Some(answer));
                    }
                    // Less than there was room for: what comes next is told by another event.
                    if read < buffer.len() {
                        return Ok(None);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
