//! The audit trail, read as it is written.

use super::sse::EventStream;
use super::{Client, unreadable};
use crate::command::Audit;
use crate::reply::AuditEntry;
use crate::{Command, Failure, Route};

/// The entries of the audit trail from some moment on.
pub struct AuditEvents(EventStream);

impl Client {
    /// What is recorded from now on, or after the entry that `after_seq` says: nothing is missed in between. The
    /// stream ends now and then by itself; whoever follows asks again after the last entry that it saw.
    ///
    /// # Errors
    /// When too many follow already, or the trail cannot be read.
    pub async fn follow_audit(&self, asked: Audit) -> Result<AuditEvents, Failure> {
        let asked = Command::Audit(asked);
        let route = Route::of(&asked);
        let target = route.write(&asked).target.replacen(route.path, Route::AUDIT_EVENTS, 1);
        EventStream::open(self, &target).await.map(AuditEvents)
    }
}

impl AuditEvents {
    /// The next entry; `None` when the node has ended the stream.
    ///
    /// # Errors
    /// When the connection breaks, or the node says nothing for too long.
    pub async fn next(&mut self) -> Result<Option<AuditEntry>, Failure> {
        let Some(data) = self.0.next().await? else { return Ok(None) };
        serde_json::from_value(data).map(Some).map_err(|error| unreadable(&error))
    }
}
