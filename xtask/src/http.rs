//! A small HTTP/1.1 client over one kept-alive connection: what the demo's traffic needs and no more.
//!
//! It speaks to loopback only, follows nothing and retries nothing: a call that fails must be seen. The
//! benchmarks use a load generator of their own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Longer than any call of the demo may take; a node that hangs must not hang the demo.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest body read back; the demo's answers are a few hundred bytes.
const MAX_BODY_BYTES: usize = 1 << 20;

/// One connection.
pub(crate) struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
}

/// An answer, whole.
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the server will close the connection after this answer.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

impl Connection {
    /// Connects to `http://host:port`.
    pub(crate) fn open(url: &str) -> Result<Self> {
        let host = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/').to_owned();
        let stream = TcpStream::connect(&host).with_context(|| format!("no answer at {host}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { host, stream: BufReader::new(stream) })
    }

    /// Posts a body and reads the whole answer.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<Answer> {
        let (host, length) = (&self.host, body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: text/plain\r\n\
             content-length: {length}\r\n\r\n"
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("not HTTP: `{line}`"))?;
        let mut answer = Answer { status, headers: Vec::new(), body: Vec::new() };
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').context("a header without a colon")?;
            answer.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        answer.body = match answer.header("content-length").map(str::parse) {
            Some(length) => self.exactly(length?)?,
            None if answer.header("transfer-encoding").is_some() => self.chunks()?,
            None => Vec::new(),
        };
        Ok(answer)
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = usize::from_str_radix(line.split(';').next().unwrap_or(""), 16)?;
            if size == 0 {
                // Trailers, if any, end with an empty line.
                while !self.line()?.is_empty() {}
                return Ok(body);
            }
            if body.len() + size > MAX_BODY_BYTES {
                bail!("an answer of more than {MAX_BODY_BYTES} bytes");
            }
            body.extend(self.exactly(size)?);
            self.line()?;
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        if length > MAX_BODY_BYTES {
            bail!("an answer of {length} bytes, more than {MAX_BODY_BYTES}");
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the connection was closed before the answer");
        }
        Ok(line.trim_end().to_owned())
    }
}
