//! State that outlives instances: who keeps it, and whose turn it is to change it.
//!
//! An actor's calls take turns. A turn is the exclusive right to the state, across every revision of the
//! service, so that while an update is under way two instances never change the state apart. What an
//! instance holds is known by its generation: one that another instance has moved past is restored first.

use std::sync::Arc;

use airssys_wasm_model::Version;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// State as it was last saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedState {
    /// The version whose code saved it.
    pub version: Version,
    /// What it saved.
    pub bytes: Vec<u8>,
    /// How many saves came before.
    pub generation: u64,
}

/// Why state could not be read or saved.
#[derive(Debug, thiserror::Error)]
#[error("the component's state could not be kept")]
pub struct StateError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps one actor's state.
pub trait StateKeeper: Send + Sync {
    /// Waits for this call's turn; the ones before go first.
    fn turn(&self) -> BoxFuture<'_, Result<Box<dyn Turn>, StateError>>;

    /// The state as it is, without a turn: what a new version tries its migration on.
    fn peek(&self) -> BoxFuture<'_, Result<Option<SavedState>, StateError>>;
}

/// The exclusive right to an actor's state, given back by dropping it.
pub trait Turn: Send + Sync {
    /// The state at the beginning of the turn.
    fn saved(&self) -> Option<&SavedState>;

    /// Saves; durable when it returns. Gives the new generation.
    fn save<'a>(
        &'a mut self,
        version: &'a Version,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<u64, StateError>>;
}

/// Keeps state in this process's memory, for as long as the keeper lives.
#[derive(Debug, Default)]
pub struct MemoryKeeper(Arc<Mutex<Option<SavedState>>>);

struct MemoryTurn(OwnedMutexGuard<Option<SavedState>>);

impl StateKeeper for MemoryKeeper {
    fn turn(&self) -> BoxFuture<'_, Result<Box<dyn Turn>, StateError>> {
        let state = Arc::clone(&self.0);
        Box::pin(async { Ok(Box::new(MemoryTurn(state.lock_owned().await)) as Box<dyn Turn>) })
    }

    fn peek(&self) -> BoxFuture<'_, Result<Option<SavedState>, StateError>> {
        Box::pin(async { Ok(self.0.lock().await.clone()) })
    }
}

impl Turn for MemoryTurn {
    fn saved(&self) -> Option<&SavedState> {
        self.0.as_ref()
    }

    fn save<'a>(
        &'a mut self,
        version: &'a Version,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<u64, StateError>> {
        let generation = self.0.as_ref().map_or(1, |saved| saved.generation + 1);
        *self.0 = Some(SavedState { version: version.clone(), bytes, generation });
        Box::pin(async move { Ok(generation) })
    }
}
