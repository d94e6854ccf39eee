//! A service's events, read as they come.

use airssys_wasm_model::Name;

use super::Client;
use super::sse::EventStream;
use crate::reply::ServiceEvent;
use crate::{Failure, Route};

/// The events of one service, until it is removed or its node stops.
pub struct Events(EventStream);

impl Client {
    /// What happens to a service from now on. The first event is the rollout under way, if there is one.
    ///
    /// # Errors
    /// When there is no such service, or too many read events already.
    pub async fn events(&self, service: &Name) -> Result<Events, Failure> {
        let target = Route::EVENTS.replace("{service}", service.as_str());
        EventStream::open(self, &target).await.map(Events)
    }
}

impl Events {
    /// The next event; `None` when the node has ended the stream. One that this client does not know is a newer
    /// node's, and left out.
    ///
    /// # Errors
    /// When the connection breaks, or the node says nothing for too long.
    pub async fn next(&mut self) -> Result<Option<ServiceEvent>, Failure> {
        while let Some(data) = self.0.next().await? {
            if let Ok(event) = serde_json::from_value(data) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}
