//! An HTTP server that says what it was sent.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

/// A server on this machine, for as long as it is kept.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

impl Peer {
    /// Starts one.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_for(1).await
    }

    /// Starts one that answers nobody before so many wait for it.
    pub(crate) async fn start_for(together: usize) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let together = Arc::new(Barrier::new(together));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A caller who goes away is no concern of the others.
                tokio::spawn(answer(stream, Arc::clone(&together)));
            }
        });
        Ok(Self { address, serving })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Reads one request and answers `METHOD TARGET BODY`; with 404 where the target is `/missing`.
async fn answer(mut stream: TcpStream, together: Arc<Barrier>) -> Result<()> {
    let mut seen = Vec::new();
    let (head, length) = loop {
        if stream.read_buf(&mut seen).await? == 0 {
            return Ok(());
        }
        if let Some(at) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&seen[..at]).into_owned();
            let length = content_length(&head);
            break (head, length.map(|length| at + 4 + length));
        }
    };
    let body = match length {
        Some(end) => {
            while seen.len() < end && stream.read_buf(&mut seen).await? > 0 {}
            seen[head.len() + 4..].to_vec()
        }
        None => chunks(&mut stream, seen[head.len() + 4..].to_vec()).await?,
    };
    together.wait().await;
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let status = if target == "/missing" { "404 Not Found" } else { "200 OK" };
    let text = [format!("{method} {target} ").as_bytes(), &body].concat();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    stream.write_all(&[head.as_bytes(), &text].concat()).await?;
    Ok(())
}

/// None where the body comes in chunks.
fn content_length(head: &str) -> Option<usize> {
    let field = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    match field("transfer-encoding") {
        Some(_) => None,
        None => Some(field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)),
    }
}

async fn chunks(stream: &mut TcpStream, mut seen: Vec<u8>) -> Result<Vec<u8>> {
    while !seen.ends_with(b"0\r\n\r\n") && stream.read_buf(&mut seen).await? > 0 {}
    let (mut body, mut rest) = (Vec::new(), &seen[..]);
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line])?, 16)?;
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 4 + size..];
    }
    Ok(body)
}
