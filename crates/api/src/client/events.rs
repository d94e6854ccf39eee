//! A service's events, read as they come.

use std::pin::Pin;

use airssys_wasm_model::Name;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::header::ACCEPT;

use super::{Client, MAX_LINE_BYTES, unreadable};
use crate::reply::ServiceEvent;
use crate::{Code, Failure, Route};

/// The events of one service, until it is removed or its node stops.
pub struct Events {
    client: Client,
    body: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    kept: Vec<u8>,
}

impl Client {
    /// What happens to a service from now on. The first event is the rollout under way, if there is one.
    ///
    /// # Errors
    /// When there is no such service, or too many read events already.
    pub async fn events(&self, service: &Name) -> Result<Events, Failure> {
        let target = Route::EVENTS.replace("{service}", service.as_str());
        let request = self.request(http::Method::GET, &target).header(ACCEPT, "text/event-stream");
        let response = self.heard(self.send(request)).await??;
        let body = Box::pin(response.bytes_stream());
        Ok(Events { client: self.clone(), body, kept: Vec::new() })
    }
}

impl Events {
    /// The next event; `None` when the node has ended the stream.
    ///
    /// # Errors
    /// When the connection breaks, or the node says nothing for too long.
    pub async fn next(&mut self) -> Result<Option<ServiceEvent>, Failure> {
        loop {
            while let Some(line) = self.line() {
                if let Some(event) = read(&line)? {
                    return Ok(Some(event));
                }
            }
            if self.kept.len() > MAX_LINE_BYTES {
                return Err(Failure::new(Code::Failed, "the node's answer has an endless line"));
            }
            match self.client.heard(self.body.next()).await? {
                Some(Ok(chunk)) => self.kept.extend_from_slice(&chunk),
                Some(Err(error)) => return Err(self.client.lost(&error)),
                None => return Ok(None),
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.kept.iter().position(|&byte| byte == b'\n')?;
        Some(self.kept.drain(..=end).collect())
    }
}

/// The event of a line of `text/event-stream`. The node writes each event's data on one line; names, comments
/// and the empty lines between events say nothing more. One that this client does not know is a newer node's.
fn read(line: &[u8]) -> Result<Option<ServiceEvent>, Failure> {
    let Some(data) = line.strip_prefix(b"data: ") else { return Ok(None) };
    let value: serde_json::Value =
        serde_json::from_slice(data).map_err(|error| unreadable(&error))?;
    Ok(serde_json::from_value(value).ok())
}
