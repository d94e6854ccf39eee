//! An answer without end, as Server-Sent Events.

use http::header::ACCEPT;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use serde_json::Value;

use super::{Client, MAX_LINE_BYTES, unreadable, whole};
use crate::{Code, Failure};

/// Events as a node sends them.
pub(super) struct EventStream {
    client: Client,
    body: Incoming,
    kept: Vec<u8>,
}

impl EventStream {
    pub(super) async fn open(client: &Client, target: &str) -> Result<Self, Failure> {
        let request = client.request(http::Method::GET, target).header(ACCEPT, "text/event-stream");
        let request = whole(request, Empty::new().boxed_unsync())?;
        let body = client.heard(client.send(request)).await??.into_body();
        Ok(Self { client: client.clone(), body, kept: Vec::new() })
    }

    /// The data of the next event; `None` when the node has ended the stream.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, Failure> {
        loop {
            while let Some(line) = self.line() {
                if let Some(data) = data(&line)? {
                    return Ok(Some(data));
                }
            }
            if self.kept.len() > MAX_LINE_BYTES {
                return Err(Failure::new(Code::Failed, "the node's answer has an endless line"));
            }
            match self.client.piece(&mut self.body).await? {
                Some(piece) => self.kept.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.kept.iter().position(|&byte| byte == b'\n')?;
        Some(self.kept.drain(..=end).collect())
    }
}

/// The data in a line of `text/event-stream`. The node writes each event's data on one line; names, numbers,
/// comments and the empty lines between events say nothing more.
fn data(line: &[u8]) -> Result<Option<Value>, Failure> {
    let Some(data) = line.strip_prefix(b"data: ") else { return Ok(None) };
    serde_json::from_slice(data).map(Some).map_err(|error| unreadable(&error))
}
