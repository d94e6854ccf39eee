//! Secrets: who has their values. What a guest may do with one is checked before anything here is called.

use std::sync::Arc;

/// Has the values of secrets.
pub trait SecretSource: Send + Sync {
    /// The current value; `None` if there is no such secret. Asked again for each use, so that a new value needs no
    /// new revision. Called on the call path: it may look at the disk after a change, and not else.
    ///
    /// # Errors
    /// When it cannot be opened. The guest is told no more than that; no text ever has a part of a value.
    fn current(&self, name: &str) -> Result<Option<Arc<dyn SecretValue>>, SecretError>;
}

/// A value. Whoever keeps it wipes it when the last of its users is done.
pub trait SecretValue: Send + Sync {
    /// The value itself. It must get into no log and no message.
    fn expose(&self) -> &[u8];
}

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the secret cannot be read")]
pub struct SecretError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
