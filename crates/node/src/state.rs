//! The state of actors, kept in the store.
//!
//! One keeper serves every revision of a service, so that their instances take turns at one state. What a
//! version before the present one saved last is kept beside it, for whoever has to undo a migration. An actor
//! without a key has the record `state/SERVICE`, one of a key `state/SERVICE/HASH`.

mod places;
mod record;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};

use airssys_wasm_host::{ActorKey, SavedState, StateError, StateKeeper, Turn, TurnError};
use airssys_wasm_model::{Name, Version};
use airssys_wasm_store::{PutError, RecordError, Store};
use futures::future::{BoxFuture, FutureExt};
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard};

use self::places::{Place, Places};
use self::record::{Kept, encode, next, read};

/// Keeps the state of one service's actors.
pub(crate) struct KeptState {
    store: Arc<Store>,
    key: String,
    /// What the store holds, once it has been read. Held for the length of a turn, which is what a turn
    /// is: the calls of an actor wait here, in their order.
    seen: Arc<Mutex<Seen>>,
    /// The same of each key that has a call now. Guards a look-up, never across an await.
    seen_of: std::sync::Mutex<SeenOf>,
    /// Set by the first who asks for it.
    places: OnceCell<Places>,
}

/// What is seen of a key is forgotten with its last call. What is left of those is swept out when the map has
/// doubled, so that it is never larger than twice the calls there are at once, or [`SWEPT_AT_LEAST`].
struct SeenOf {
    keys: HashMap<ActorKey, Weak<Mutex<Seen>>>,
    sweep_at: usize,
}

const SWEPT_AT_LEAST: usize = 64;

/// States that are deleted in one go when a service is removed: it may have millions, and what else is written
/// waits meanwhile.
const DELETED_AT_ONCE: usize = 1_000;

#[derive(Default)]
enum Seen {
    #[default]
    Unread,
    Read(Option<Kept>),
}

/// A turn at the state. Its lock is given to the thread that writes, so that a call which is given up in
/// the middle of a save lets nobody in before the save has ended.
struct StoredTurn {
    store: Arc<Store>,
    key: String,
    /// Of a key that had no state when the turn began. Before the turn, and so given back before it: whoever has the
    /// next turn finds it free.
    place: Option<Place>,
    seen: Option<OwnedMutexGuard<Seen>>,
}

impl KeptState {
    pub(crate) fn new(store: Arc<Store>, service: &Name) -> Self {
        let (key, places) = (key(service), OnceCell::new());
        Self { store, key, seen: Arc::default(), seen_of: Default::default(), places }
    }

    /// Counts the keys that have a state, unless they are counted. That takes time in proportion to them, so a revision
    /// with a key has it done before a call comes.
    pub(crate) async fn count(&self) -> Result<(), StateError> {
        self.places().await.map(drop)
    }

    /// Keys that have a state, or whose first call runs; nothing where they have not been counted.
    pub(crate) fn actors(&self) -> Option<u64> {
        self.places.get().map(Places::taken)
    }

    async fn places(&self) -> Result<&Places, StateError> {
        let count = || async {
            let (store, prefix) = (Arc::clone(&self.store), format!("{}/", self.key));
            let counting = tokio::task::spawn_blocking(move || store.records().count(&prefix));
            let counted = counting.await.map_err(|error| StateError(error.into()))?;
            Ok(Places::of(counted.map_err(|error| StateError(error.into()))?))
        };
        self.places.get_or_try_init(count).await
    }

    /// Where an actor's state is, and what is seen of it.
    fn actor(&self, of: Option<ActorKey>) -> (String, Arc<Mutex<Seen>>) {
        let Some(of) = of else { return (self.key.clone(), Arc::clone(&self.seen)) };
        let key = format!("{}/{of}", self.key);
        let mut seen_of = self.seen_of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = seen_of.keys.get(&of).and_then(Weak::upgrade) {
            return (key, seen);
        }
        if seen_of.keys.len() >= seen_of.sweep_at {
            seen_of.keys.retain(|_, seen| seen.strong_count() > 0);
            seen_of.sweep_at = SWEPT_AT_LEAST.max(seen_of.keys.len() * 2);
        }
        let seen = Arc::default();
        seen_of.keys.insert(of, Arc::downgrade(&seen));
        (key, seen)
    }

    /// Deletes the state of every actor of a service that has no calls any more. It waits for what is still
    /// being saved: a record that comes after would be the state of the next service of this name.
    pub(crate) async fn forget(&self) -> Result<(), PutError> {
        let mut under_way = vec![Arc::clone(&self.seen)];
        let seen_of = self.seen_of.lock().unwrap_or_else(PoisonError::into_inner).live();
        under_way.extend(seen_of);
        for seen in under_way {
            *seen.lock().await = Seen::Unread;
        }
        let (store, key) = (Arc::clone(&self.store), self.key.clone());
        let deleting = tokio::task::spawn_blocking(move || delete_all(&store, &key));
        deleting
            .await
            .map_err(|panicked| PutError::Io { source: std::io::Error::other(panicked) })??;
        if let Some(places) = self.places.get() {
            places.clear();
        }
        Ok(())
    }
}

impl SeenOf {
    fn live(&self) -> Vec<Arc<Mutex<Seen>>> {
        self.keys.values().filter_map(Weak::upgrade).collect()
    }
}

impl Default for SeenOf {
    fn default() -> Self {
        Self { keys: HashMap::new(), sweep_at: SWEPT_AT_LEAST }
    }
}

fn delete_all(store: &Store, key: &str) -> Result<(), PutError> {
    let corrupt = |error: RecordError| PutError::Corrupt { detail: error.to_string() };
    let records = store.records();
    // Not by the prefix `state/SERVICE`, which is also that of a service with a longer name.
    if let Some(kept) = records.get(key).map_err(corrupt)? {
        records.delete_if(key, kept.version)?;
    }
    while records.delete_under(&format!("{key}/"), DELETED_AT_ONCE)? > 0 {}
    Ok(())
}

/// Where a service's state is.
pub(crate) fn key(service: &Name) -> String {
    format!("state/{service}")
}

impl StateKeeper for KeptState {
    fn turn(
        &self,
        of: Option<ActorKey>,
        actors_max: u32,
    ) -> BoxFuture<'_, Result<Box<dyn Turn>, TurnError>> {
        async move {
            let (key, seen) = self.actor(of);
            let mut seen = seen.lock_owned().await;
            if matches!(*seen, Seen::Unread) {
                *seen = Seen::Read(read(&self.store, &key).await?);
            }
            let place = match *seen {
                Seen::Read(None) if of.is_some() => {
                    Some(self.places().await?.take(actors_max).ok_or(TurnError::Full)?)
                }
                Seen::Read(_) | Seen::Unread => None,
            };
            let store = Arc::clone(&self.store);
            Ok(Box::new(StoredTurn { store, key, seen: Some(seen), place }) as Box<dyn Turn>)
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

    fn previous(&self) -> Option<&SavedState> {
        self.kept()?.previous.as_ref()
    }

    fn save<'a>(
        &'a mut self,
        version: &'a Version,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<u64, StateError>> {
        let kept = next(self.kept(), version, bytes);
        let (store, key) = (Arc::clone(&self.store), self.key.clone());
        let (seen, place) = (self.seen.take(), self.place.take());
        let writing = tokio::task::spawn_blocking(move || {
            let Some(mut seen) = seen else {
                return Err(StateError("an earlier save of this turn failed".into()));
            };
            // Here, so that it is given back before the turn is.
            let place = place;
            let expected = match &*seen {
                Seen::Read(Some(before)) => Some(before.record),
                Seen::Read(None) | Seen::Unread => None,
            };
            *seen = Seen::Unread;
            let put = store.records().put_if(&key, expected, &encode(&kept)?);
            if let Some(place) = place
                && (put.is_ok() || may_be_there(&store, &key))
            {
                place.keep();
            }
            let record = put.map_err(|error: PutError| StateError(error.into()))?;
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

/// Whether a save that failed may have left a state all the same.
fn may_be_there(store: &Store, key: &str) -> bool {
    !matches!(store.records().get(key), Ok(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: Version = Version::new(1, 0, 0);
    const V2: Version = Version::new(2, 0, 0);
    const MOST: u32 = 10_000;

    #[tokio::test]
    async fn what_one_keeper_saved_another_reads() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        let service: Name = "counter".parse().unwrap();
        let keeper = KeptState::new(Arc::clone(&store), &service);
        assert_eq!(keeper.peek().await.unwrap(), None);
        let mut turn = keeper.turn(None, MOST).await.unwrap();
        assert_eq!(turn.save(&V1, b"one".to_vec()).await.unwrap(), 1);
        assert_eq!(turn.save(&V1, b"two".to_vec()).await.unwrap(), 2);
        drop(turn);
        let mut turn = keeper.turn(None, MOST).await.unwrap();
        turn.save(&V2, b"three".to_vec()).await.unwrap();
        drop(turn);

        let other = KeptState::new(store, &service);
        let state = SavedState { version: V2, bytes: b"three".to_vec(), generation: 3 };
        assert_eq!(other.peek().await.unwrap(), Some(state.clone()));
        assert_eq!(other.turn(None, MOST).await.unwrap().saved(), Some(&state));
        let previous = SavedState { version: V1, bytes: b"two".to_vec(), generation: 2 };
        assert_eq!(other.turn(None, MOST).await.unwrap().previous(), Some(&previous));
    }

    #[tokio::test]
    async fn a_turn_waits_for_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        let keeper = Arc::new(KeptState::new(store, &"a".parse().unwrap()));
        let first = keeper.turn(None, MOST).await.unwrap();
        let waiting = Arc::clone(&keeper);
        let second = tokio::spawn(async move {
            waiting.turn(None, MOST).await.unwrap().saved().map(|saved| saved.generation)
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        assert_eq!(second.await.unwrap(), None);
    }

    #[tokio::test]
    async fn each_key_has_a_state_and_turns_of_its_own_and_all_go_with_the_service() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        let keeper = KeptState::new(Arc::clone(&store), &"a".parse().unwrap());
        let neighbour = KeptState::new(Arc::clone(&store), &"a-b".parse().unwrap());
        let actors = ["ada", "", "../a-b"].map(|key| Some(ActorKey::of(key.as_bytes()).unwrap()));
        let all = || actors.into_iter().chain([None]);
        let mut turns = Vec::new();
        for (number, of) in all().enumerate() {
            let mut turn = keeper.turn(of, MOST).await.unwrap();
            assert_eq!(turn.saved(), None);
            turn.save(&V1, vec![number as u8]).await.unwrap();
            turns.push(turn);
        }
        drop(turns);
        neighbour.turn(actors[0], MOST).await.unwrap().save(&V1, b"other".to_vec()).await.unwrap();
        for (number, of) in all().enumerate() {
            let turn = keeper.turn(of, MOST).await.unwrap();
            assert_eq!(turn.saved().unwrap().bytes, [number as u8]);
        }
        keeper.forget().await.unwrap();
        for of in all() {
            assert_eq!(keeper.turn(of, MOST).await.unwrap().saved(), None);
        }
        assert_eq!(store.records().keys("state/").unwrap().len(), 1, "the neighbour's");
    }

    #[tokio::test]
    async fn what_is_seen_of_a_key_goes_with_its_last_call() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        let keeper = KeptState::new(store, &"a".parse().unwrap());
        for number in 0..1_000_u32 {
            keeper.turn(Some(ActorKey::of(&number.to_le_bytes()).unwrap()), MOST).await.unwrap();
        }
        assert!(keeper.seen_of.lock().unwrap().keys.len() <= SWEPT_AT_LEAST);
    }

    fn key_of(number: u32) -> Option<ActorKey> {
        ActorKey::of(&number.to_le_bytes()).ok()
    }

    async fn save(keeper: &KeptState, of: Option<ActorKey>, most: u32, bytes: Vec<u8>) -> bool {
        keeper.turn(of, most).await.unwrap().save(&V1, bytes).await.is_ok()
    }

    #[tokio::test]
    async fn a_new_key_takes_one_of_so_many_places_and_gives_it_back_where_nothing_is_saved() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path()).unwrap());
        let keeper = KeptState::new(Arc::clone(&store), &"a".parse().unwrap());
        let neighbour = KeptState::new(Arc::clone(&store), &"a-b".parse().unwrap());
        assert!(save(&neighbour, key_of(9), 1, vec![1]).await);
        let is_full = async |keeper: &KeptState, of, most| {
            matches!(keeper.turn(of, most).await.err(), Some(TurnError::Full))
        };
        drop(keeper.turn(key_of(0), 2).await.unwrap());
        let too_large = vec![0; 17 << 20];
        assert!(!save(&keeper, key_of(0), 2, too_large).await);
        assert_eq!(keeper.actors(), Some(0));
        for number in [0, 0, 1] {
            assert!(save(&keeper, key_of(number), 2, vec![2]).await, "{number}");
        }
        assert!(is_full(&keeper, key_of(2), 2).await);
        // Its first call runs: it has no state, and takes a place.
        let under_way = keeper.turn(key_of(2), 3).await.unwrap();
        assert!(is_full(&keeper, key_of(3), 3).await);
        assert_eq!(keeper.actors(), Some(3));
        drop(under_way);
        assert!(save(&keeper, key_of(3), 3, vec![3]).await);
        assert!(save(&keeper, key_of(0), 1, vec![4]).await, "it is there, whatever may be now");
        assert!(save(&keeper, None, 1, vec![5]).await, "one without a key is no other's affair");

        // Whoever comes later counts what there is.
        let later = KeptState::new(Arc::clone(&store), &"a".parse().unwrap());
        assert!(is_full(&later, key_of(4), 3).await);
        assert_eq!(later.actors(), Some(3));
        later.forget().await.unwrap();
        assert!(save(&later, key_of(4), 1, vec![6]).await);
        assert!(is_full(&later, key_of(5), 1).await);
    }
}
