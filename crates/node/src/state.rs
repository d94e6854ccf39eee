//! The state of actors, kept in the store.
//!
//! One keeper serves every revision of a service, so that their instances take turns at one state. What a
//! version before the present one saved last is kept beside it, for whoever has to undo a migration.

use std::sync::Arc;

use airssys_wasm_host::{SavedState, StateError, StateKeeper, Turn};
use airssys_wasm_model::{Name, Version};
use airssys_wasm_store::{PutError, RecordError, Store};
use futures::future::{BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Keeps the state of one service.
pub(crate) struct KeptState {
    store: Arc<Store>,
    key: String,
    /// What the store holds, once it has been read. Held for the length of a turn, which is what a turn
    /// is: the calls of an actor wait here, in their order.
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
enum Seen {
    #[default]
    Unread,
    Read(Option<Kept>),
}

#[derive(Clone)]
struct Kept {
    state: SavedState,
    /// The record's version in the store.
    record: u64,
    previous: Option<(Version, Vec<u8>)>,
}

/// A turn at the state. Its lock is given to the thread that writes, so that a call which is given up in
/// the middle of a save lets nobody in before the save has ended.
struct StoredTurn {
    store: Arc<Store>,
    key: String,
    seen: Option<OwnedMutexGuard<Seen>>,
}

/// The head of a record; the bytes of both states follow it.
#[derive(Serialize, Deserialize)]
struct Head {
    version: Version,
    generation: u64,
    length: usize,
    previous: Option<Version>,
}

impl KeptState {
    pub(crate) fn new(store: Arc<Store>, service: &Name) -> Self {
        Self { store, key: key(service), seen: Arc::default() }
    }
}

/// Where a service's state is.
pub(crate) fn key(service: &Name) -> String {
    format!("state/{service}")
}

impl StateKeeper for KeptState {
    fn turn(&self) -> BoxFuture<'_, Result<Box<dyn Turn>, StateError>> {
        async {
            let mut seen = Arc::clone(&self.seen).lock_owned().await;
            if matches!(*seen, Seen::Unread) {
                *seen = Seen::Read(read(&self.store, &self.key).await?);
            }
            let (store, key) = (Arc::clone(&self.store), self.key.clone());
            Ok(Box::new(StoredTurn { store, key, seen: Some(seen) }) as Box<dyn Turn>)
        }
        .boxed()
    }

    fn peek(&self) -> BoxFuture<'_, Result<Option<SavedState>, StateError>> {
        async { Ok(read(&self.store, &self.key).await?.map(|kept| kept.state)) }.boxed()
    }
}

impl StoredTurn {
    fn kept(&self) -> Option<&Kept> {
        match self.seen.as_deref() {
            Some(Seen::Read(kept)) => kept.as_ref(),
            Some(Seen::Unread) | None => None,
        }
    }
}

impl Turn for StoredTurn {
    fn saved(&self) -> Option<&SavedState> {
        self.kept().map(|kept| &kept.state)
    }

    fn save<'a>(
        &'a mut self,
        version: &'a Version,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<u64, StateError>> {
        let kept = next(self.kept(), version, bytes);
        let (store, key) = (Arc::clone(&self.store), self.key.clone());
        let seen = self.seen.take();
        let writing = tokio::task::spawn_blocking(move || {
            let Some(mut seen) = seen else {
                return Err(StateError("an earlier save of this turn failed".into()));
            };
            let expected = match &*seen {
                Seen::Read(Some(before)) => Some(before.record),
                Seen::Read(None) | Seen::Unread => None,
            };
            *seen = Seen::Unread;
            let record = store
                .records()
                .put_if(&key, expected, &encode(&kept)?)
                .map_err(|error: PutError| StateError(error.into()))?;
            let generation = kept.state.generation;
            *seen = Seen::Read(Some(Kept { record, ..kept }));
            Ok((seen, generation))
        });
        async move {
            let (seen, generation) = writing.await.map_err(|error| StateError(error.into()))??;
            self.seen = Some(seen);
            Ok(generation)
        }
        .boxed()
    }
}

/// What is kept after this version has saved these bytes.
fn next(before: Option<&Kept>, version: &Version, bytes: Vec<u8>) -> Kept {
    let previous = before.and_then(|before| {
        if before.state.version == *version {
            before.previous.clone()
        } else {
            Some((before.state.version.clone(), before.state.bytes.clone()))
        }
    });
    let generation = before.map_or(1, |before| before.state.generation + 1);
    Kept { state: SavedState { version: version.clone(), bytes, generation }, record: 0, previous }
}

async fn read(store: &Arc<Store>, key: &str) -> Result<Option<Kept>, StateError> {
    let (store, key) = (Arc::clone(store), key.to_owned());
    let reading = tokio::task::spawn_blocking(move || {
        let found =
            store.records().get(&key).map_err(|error: RecordError| StateError(error.into()))?;
        found.map(|found| decode(&found.value, found.version)).transpose()
    });
    reading.await.map_err(|error| StateError(error.into()))?
}

fn encode(kept: &Kept) -> Result<Vec<u8>, StateError> {
    let head = Head {
        version: kept.state.version.clone(),
        generation: kept.state.generation,
        length: kept.state.bytes.len(),
        previous: kept.previous.as_ref().map(|(version, _)| version.clone()),
    };
    let mut record = serde_json::to_vec(&head).map_err(|error| StateError(error.into()))?;
    record.push(b'\n');
    record.extend_from_slice(&kept.state.bytes);
    if let Some((_, bytes)) = &kept.previous {
        record.extend_from_slice(bytes);
    }
    Ok(record)
}

fn decode(record: &[u8], version: u64) -> Result<Kept, StateError> {
    let broken = || StateError("the record of the state is broken".into());
    let end = record.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
    let head: Head =
        serde_json::from_slice(&record[..end]).map_err(|error| StateError(error.into()))?;
    let (bytes, previous) = record[end + 1..].split_at_checked(head.length).ok_or_else(broken)?;
    Ok(Kept {
        state: SavedState {
            version: head.version,
            bytes: bytes.to_vec(),
            generation: head.generation,
        },
        record: version,
        previous: head.previous.map(|version| (version, previous.to_vec())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: Version = Version::new(1, 0, 0);
    const V2: Version = Version::new(2, 0, 0);

    #[tokio::test]
    async fn what_one_keeper_saved_another_reads() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        let service: Name = "counter".parse().unwrap();
        let keeper = KeptState::new(Arc::clone(&store), &service);
        assert_eq!(keeper.peek().await.unwrap(), None);
        let mut turn = keeper.turn().await.unwrap();
        assert_eq!(turn.save(&V1, b"one".to_vec()).await.unwrap(), 1);
        assert_eq!(turn.save(&V1, b"two".to_vec()).await.unwrap(), 2);
        drop(turn);
        let mut turn = keeper.turn().await.unwrap();
        turn.save(&V2, b"three".to_vec()).await.unwrap();
        drop(turn);

        let other = KeptState::new(store, &service);
        let state = SavedState { version: V2, bytes: b"three".to_vec(), generation: 3 };
        assert_eq!(other.peek().await.unwrap(), Some(state.clone()));
        assert_eq!(other.turn().await.unwrap().saved(), Some(&state));
        let kept = read(&other.store, &other.key).await.unwrap().unwrap();
        assert_eq!(kept.previous, Some((V1, b"two".to_vec())));
    }

    #[tokio::test]
    async fn a_turn_waits_for_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        let keeper = Arc::new(KeptState::new(store, &"a".parse().unwrap()));
        let first = keeper.turn().await.unwrap();
        let waiting = Arc::clone(&keeper);
        let second = tokio::spawn(async move {
            waiting.turn().await.unwrap().saved().map(|saved| saved.generation)
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        assert_eq!(second.await.unwrap(), None);
    }
}
