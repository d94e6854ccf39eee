//! Following a secret: whoever uses one sees a new version without being deployed again.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::error::SecretError;
use super::name::SecretName;
use super::seal::Secret;
use super::shelf::Secrets;

/// A secret that is used again and again. It keeps the opened value, and reads it again only after
/// something was set or removed.
#[derive(Debug)]
pub struct HeldSecret {
    secrets: Secrets,
    name: SecretName,
    /// The value and the generation it was read at. Held while it is read again, so that many users of a
    /// new version open it once; never across an await.
    read: Mutex<Option<(u64, Arc<Secret>)>>,
}

/// Changes to the secrets, of whichever name. Several may be told as one.
#[derive(Debug)]
pub struct SecretChanges(watch::Receiver<u64>);

impl HeldSecret {
    pub(super) fn new(secrets: Secrets, name: SecretName) -> Self {
        Self { secrets, name, read: Mutex::new(None) }
    }

    /// Its name.
    pub fn name(&self) -> &SecretName {
        &self.name
    }

    /// The current version. Blocks on the disk only after a change.
    pub fn current(&self) -> Result<Arc<Secret>, SecretError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the value: one that is set in between is then read once too often, never missed.
        let generation = self.secrets.generation();
        if let Some((at, secret)) = &*read
            && *at == generation
        {
            return Ok(secret.clone());
        }
        // What could not be read again is not to be used any longer: it may have been removed.
        *read = None;
        let secret = Arc::new(self.secrets.get(&self.name)?);
        *read = Some((generation, secret.clone()));
        Ok(secret)
    }
}

impl SecretChanges {
    pub(super) fn new(receiver: watch::Receiver<u64>) -> Self {
        Self(receiver)
    }

    /// Waits for the next change; `None` once the secrets are closed.
    pub async fn next(&mut self) -> Option<u64> {
        self.0.changed().await.ok()?;
        Some(*self.0.borrow_and_update())
    }
}
