//! State that outlives instances: who keeps it, and whose turn it is to change it.
//!
//! An actor's calls take turns. A turn is the exclusive right to the state, across every revision of the
//! service, so that while an update is under way two instances never change the state apart. What an
//! instance holds is known by its generation: one that another instance has moved past is restored first.
//! A service may have an actor for each value of a key: each has a state and turns of its own.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError};

use airssys_wasm_model::{Digest, Version};
use futures::future::BoxFuture;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Which of a service's actors. It is a hash of the key that its callers send, SHA-256: of one length, safe in a
/// record's name whatever was sent, and never the same for two keys. Prints as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActorKey(Digest);

/// A caller's key is longer than [`ActorKey::MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has {0} bytes, and at most {max} are taken", max = ActorKey::MAX_BYTES)]
pub struct KeyTooLong(pub usize);

impl ActorKey {
    /// The longest key of a caller, far above names and tokens: each is hashed before anything else is known
    /// of its call.
    pub const MAX_BYTES: usize = 4 << 10;

    /// The actor of this key.
    ///
    /// # Errors
    /// When the key is too long.
    pub fn of(key: &[u8]) -> Result<Self, KeyTooLong> {
        if key.len() > Self::MAX_BYTES {
            return Err(KeyTooLong(key.len()));
        }
        Ok(Self(Digest::of(key)))
    }
}

impl fmt::Display for ActorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.hex())
    }
}

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

/// Why a call has no turn.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// Its key has no state yet, and as many have one as may.
    #[error("as many keys have a state as may")]
    Full,
    /// What there is of it cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Keeps the state of a service's actors: of one without a key, or of one a key.
pub trait StateKeeper: Send + Sync {
    /// Waits for this call's turn at an actor's state; the ones before go first. A key without a state takes a place
    /// among so many at most, which is given back with the turn if nothing was saved.
    ///
    /// # Errors
    /// When there is no place, or the state cannot be read.
    fn turn(
        &self,
        of: Option<ActorKey>,
        actors_max: u32,
    ) -> BoxFuture<'_, Result<Box<dyn Turn>, TurnError>>;

    /// The state of the actor without a key as it is, without a turn: what a new version tries its migration on.
    fn peek(&self) -> BoxFuture<'_, Result<Option<SavedState>, StateError>>;
}

/// The exclusive right to an actor's state, given back by dropping it.
pub trait Turn: Send + Sync {
    /// The state at the beginning of the turn.
    fn saved(&self) -> Option<&SavedState>;

    /// What the version before the one that saved it saved last, where that is kept: the way back of a key
    /// whose new version was taken back.
    fn previous(&self) -> Option<&SavedState>;

    /// Saves; durable when it returns. Gives the new generation.
    fn save<'a>(
        &'a mut self,
        version: &'a Version,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<u64, StateError>>;
}

/// Keeps state in this process's memory, for as long as the keeper lives.
#[derive(Debug, Default)]
pub struct MemoryKeeper {
    /// Guards a look-up, never across an await.
    actors: std::sync::Mutex<HashMap<Option<ActorKey>, Shared>>,
}

/// One actor's, locked for the length of a turn.
type Shared = Arc<Mutex<Option<InMemory>>>;

impl MemoryKeeper {
    /// Actors at most, whatever a revision may have: nothing of them is ever forgotten, and callers choose their keys.
    pub const ACTORS_MAX: usize = 100_000;

    fn actor(&self, of: Option<ActorKey>, most: usize) -> Result<Shared, TurnError> {
        let mut actors = self.actors.lock().unwrap_or_else(PoisonError::into_inner);
        // A place stays taken where nothing was saved, too.
        if actors.len() >= most.min(Self::ACTORS_MAX) && !actors.contains_key(&of) {
            return Err(TurnError::Full);
        }
        Ok(Arc::clone(actors.entry(of).or_default()))
    }
}

#[derive(Debug)]
struct InMemory {
    saved: SavedState,
    previous: Option<SavedState>,
}

struct MemoryTurn(OwnedMutexGuard<Option<InMemory>>);

impl StateKeeper for MemoryKeeper {
    fn turn(
        &self,
        of: Option<ActorKey>,
        actors_max: u32,
    ) -> BoxFuture<'_, Result<Box<dyn Turn>, TurnError>> {
        Box::pin(async move {
            let actor = self.actor(of, actors_max as usize)?;
            Ok(Box::new(MemoryTurn(actor.lock_owned().await)) as Box<dyn Turn>)
        })
    }

    fn peek(&self) -> BoxFuture<'_, Result<Option<SavedState>, StateError>> {
        Box::pin(async {
            let actor =
                self.actors.lock().unwrap_or_else(PoisonError::into_inner).get(&None).cloned();
            let Some(actor) = actor else { return Ok(None) };
            let kept = actor.lock().await;
            Ok(kept.as_ref().map(|kept| kept.saved.clone()))
        })
    }
}

impl Turn for MemoryTurn {
    fn saved(&self) -> Option<&SavedState> {
        self.0.as_ref().map(|kept| &kept.saved)
    }

    fn previous(&self) -> Option<&SavedState> {
        self.0.as_ref()?.previous.as_ref()
    }

    fn save<'a>(
        &'a mut self,
        version: &'a Version,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<u64, StateError>> {
        let before = self.0.take();
        let generation = before.as_ref().map_or(1, |kept| kept.saved.generation + 1);
        let previous =
            before.and_then(
                |InMemory { saved, previous }| {
                    if saved.version == *version { previous } else { Some(saved) }
                },
            );
        let saved = SavedState { version: version.clone(), bytes, generation };
        *self.0 = Some(InMemory { saved, previous });
        Box::pin(async move { Ok(generation) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_any_bytes_up_to_a_bound_and_no_two_are_one_actor() {
        let longest = vec![b'x'; ActorKey::MAX_BYTES];
        let keys: [&[u8]; 7] =
            [b"", b"..", b"../state/other", b"a/b", "größe".as_bytes(), b"\0\xff", &longest];
        let actors: Vec<_> =
            keys.iter().map(|key| ActorKey::of(key).unwrap().to_string()).collect();
        for (at, actor) in actors.iter().enumerate() {
            assert!(actor.len() == 64 && actor.bytes().all(|b| b.is_ascii_hexdigit()), "{actor}");
            assert!(!actors[..at].contains(actor));
        }
        let longer = vec![b'x'; ActorKey::MAX_BYTES + 1];
        assert_eq!(ActorKey::of(&longer), Err(KeyTooLong(ActorKey::MAX_BYTES + 1)));
    }
}
