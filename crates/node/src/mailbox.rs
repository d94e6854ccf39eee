//! The mailboxes of actors: whose turn it is, and what says which actor a call is for.
//!
//! A call waits in its actor's mailbox *before* it is given a revision. So when a table moves an actor, the calls
//! that wait go to the new revision with it: none is left behind on the old one, where it would meet a state that
//! a newer version has saved. A key lives on one revision because nothing but the key is looked at to pick it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_deploy::Attributes;
use airssys_wasm_host::{ActorKey, ClaimError, KeyTooLong};
use airssys_wasm_model::{Attribute, InstanceModel, Instances, KEY_HEADER, Name, StickyBy};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::rings::Looped;

/// The mailboxes of one service, one for each actor that has a call now.
#[derive(Default)]
pub(crate) struct Mailboxes {
    /// Guards a look-up, never across an await.
    open: Mutex<Open>,
    /// Calls that wait in all of them.
    waiting: AtomicU32,
}

/// A mailbox is alive for as long as a call is in it. Those that are not are swept out when the map has doubled,
/// so that it is never larger than twice the calls there are at once, or [`SWEPT_AT_LEAST`].
struct Open {
    of: HashMap<Option<ActorKey>, Weak<Mailbox>>,
    sweep_at: usize,
}

const SWEPT_AT_LEAST: usize = 64;

struct Mailbox {
    /// One place: whoever has it is served. Others wait in their order.
    turn: Arc<Semaphore>,
    waiting: AtomicU32,
}

/// The turn of a call, given back by dropping it.
pub(crate) struct Opened {
    _turn: OwnedSemaphorePermit,
    _mailbox: Arc<Mailbox>,
}

/// Why a call did not get its actor's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTurn {
    /// It was turned away, or waited for too long.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// Its turn would never have come.
    #[error(transparent)]
    Loop(#[from] Looped),
}

/// Which part of a service's queue the calls of one key may fill: half, so that a key with many callers does not
/// turn away those of the others.
const QUEUE_PER_KEY: u32 = 2;

impl Mailboxes {
    /// Waits for an actor's turn. At most `queue` calls wait over all actors, and `waits` stands for as long as this one
    /// does.
    ///
    /// # Errors
    /// When too many wait already, it would wait for itself, or it is not its turn until then.
    pub(crate) async fn turn<W>(
        &self,
        of: Option<ActorKey>,
        queue: u32,
        until: Instant,
        waits: impl FnOnce() -> Result<W, Looped>,
    ) -> Result<Opened, NoTurn> {
        let mailbox = self.mailbox(of);
        let turn = match Arc::clone(&mailbox.turn).try_acquire_owned() {
            Ok(turn) => turn,
            Err(_taken) => {
                let _of_all = Waiting::enter(&self.waiting, queue)?;
                let own = of.map_or(queue, |_| queue.div_ceil(QUEUE_PER_KEY));
                let _of_key = Waiting::enter(&mailbox.waiting, own)?;
                let _waits = waits()?;
                let turn = Arc::clone(&mailbox.turn).acquire_owned();
                let turn = tokio::time::timeout_at(until.into(), turn).await;
                let turn = turn.map_err(|_elapsed| ClaimError::TimedOut)?;
                turn.expect("the semaphore of a mailbox is never closed")
            }
        };
        Ok(Opened { _turn: turn, _mailbox: mailbox })
    }

    /// Calls that wait for their actor's turn.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    fn mailbox(&self, of: Option<ActorKey>) -> Arc<Mailbox> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mailbox) = open.of.get(&of).and_then(Weak::upgrade) {
            return mailbox;
        }
        if open.of.len() >= open.sweep_at {
            open.of.retain(|_, mailbox| mailbox.strong_count() > 0);
            open.sweep_at = SWEPT_AT_LEAST.max(open.of.len() * 2);
        }
        let turn = Arc::new(Semaphore::new(1));
        let mailbox = Arc::new(Mailbox { turn, waiting: AtomicU32::new(0) });
        open.of.insert(of, Arc::downgrade(&mailbox));
        mailbox
    }
}

impl Default for Open {
    fn default() -> Self {
        Self { of: HashMap::new(), sweep_at: SWEPT_AT_LEAST }
    }
}

/// A call that waits, counted until it is dropped.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicU32, bound: u32) -> Result<Self, ClaimError> {
        let enter = |waiting: u32| (waiting < bound).then_some(waiting + 1);
        match count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enter) {
            Ok(_) => Ok(Self(count)),
            Err(_) => Err(ClaimError::Saturated),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The actor that a call is for: all that routing sees of it.
pub(crate) struct Recipient(Option<Key>);

/// Which one, of a service that has one for each key.
struct Key {
    by: StickyBy,
    actor: ActorKey,
    bytes: Box<[u8]>,
}

/// Why a call reaches no actor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    /// It has no key.
    #[error("the call has no `{0}`, which says which actor it is for")]
    Missing(StickyBy),
    /// Its key is too long.
    #[error("`{by}`: {error}")]
    TooLong { by: StickyBy, error: KeyTooLong },
    /// Its service goes by another key since it came.
    #[error("its actors have another key since the call came")]
    Changed,
}

impl Recipient {
    /// The one that this call is for, if these instances are actors. An empty key is none.
    pub(crate) fn of(
        instances: &Instances,
        call: &impl Attributes,
    ) -> Result<Option<Self>, KeyError> {
        match &instances.key {
            _ if instances.model != InstanceModel::Actor => Ok(None),
            None => Ok(Some(Self(None))),
            Some(by) => call.key(by, |bytes| Key::new(by, bytes)).map(|key| Some(Self(Some(key)))),
        }
    }

    /// Its name, where there are several.
    pub(crate) fn actor(&self) -> Option<ActorKey> {
        self.0.as_ref().map(|key| key.actor)
    }

    /// Whether it is one of these instances' actors.
    pub(crate) fn is_of(&self, instances: &Instances) -> bool {
        instances.key.as_ref() == self.0.as_ref().map(|key| &key.by)
    }
}

impl Key {
    fn new(by: &StickyBy, bytes: Option<&[u8]>) -> Result<Self, KeyError> {
        let bytes = bytes.filter(|bytes| !bytes.is_empty());
        let bytes = bytes.ok_or_else(|| KeyError::Missing(by.clone()))?;
        let actor = ActorKey::of(bytes);
        let actor = actor.map_err(|error| KeyError::TooLong { by: by.clone(), error })?;
        Ok(Self { by: by.clone(), actor, bytes: bytes.into() })
    }
}

impl Attributes for Recipient {
    fn value<R>(&self, of: &Attribute, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        let key = self.0.as_ref().filter(|key| key.by.decides(of));
        see(key.map(|key| &*key.bytes))
    }

    fn key<R>(&self, by: &StickyBy, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        let key = self.0.as_ref().filter(|key| key.by == *by);
        see(key.map(|key| &*key.bytes))
    }
}

impl KeyError {
    /// The code and the words for a caller.
    pub(crate) fn failure(&self, service: &Name) -> Failure {
        let failure = |code| Failure::new(code, format!("service `{service}`: {self}"));
        match self {
            Self::Missing(by) => failure(Code::Usage).help(how_to_say(by)),
            Self::TooLong { .. } => failure(Code::Usage).help("use a name or an id as its key"),
            Self::Changed => failure(Code::Unavailable).help("try again"),
        }
    }
}

fn how_to_say(by: &StickyBy) -> String {
    let header = |name: &str| {
        format!(
            "send the header `{name}`, or call it with `airssys-wasm invoke --metadata {name}=KEY`"
        )
    };
    match by {
        StickyBy::Header(name) => header(name.as_str()),
        StickyBy::Key => header(KEY_HEADER),
        StickyBy::Cookie(name) => format!("send the cookie `{name}` over HTTP"),
        StickyBy::Address => "call it over HTTP: the client's address is the key".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn actor(number: u32) -> Option<ActorKey> {
        ActorKey::of(&number.to_le_bytes()).ok()
    }

    /// A call from outside, which closes no ring.
    fn from_outside() -> Result<(), Looped> {
        Ok(())
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[tokio::test]
    async fn the_calls_of_a_key_take_turns_and_those_of_others_do_not_wait() {
        let mailboxes = Arc::new(Mailboxes::default());
        let first = mailboxes.turn(actor(1), 10, soon(), from_outside).await.unwrap();
        let waiting = Arc::clone(&mailboxes);
        let second = tokio::spawn(async move {
            waiting.turn(actor(1), 10, soon(), from_outside).await.map(drop)
        });
        let waits = async {
            while mailboxes.waiting() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout_at(soon().into(), waits).await.expect("the second call waits");
        mailboxes.turn(actor(2), 0, soon(), from_outside).await.expect("another key has its own");
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap().unwrap();
        assert_eq!(mailboxes.waiting(), 0);
    }

    #[tokio::test]
    async fn one_key_fills_half_of_the_queue_and_all_keys_the_whole() {
        let mailboxes = Mailboxes::default();
        let mut turns = Vec::new();
        for number in 0..4 {
            turns.push(mailboxes.turn(actor(number), 4, soon(), from_outside).await.unwrap());
        }
        let wait = |number| Box::pin(mailboxes.turn(actor(number), 4, soon(), from_outside));
        let mut waiting: Vec<_> = [0, 0, 1, 2].map(wait).into();
        for call in &mut waiting {
            assert!(futures::poll!(call).is_pending());
        }
        for number in [0, 3] {
            let refused = mailboxes.turn(actor(number), 4, soon(), from_outside).await.err();
            assert_eq!(refused, Some(ClaimError::Saturated.into()), "key {number}");
        }
        drop(waiting.pop());
        let hot = mailboxes.turn(actor(0), 4, soon(), from_outside).await.err();
        assert_eq!(hot, Some(ClaimError::Saturated.into()), "it has its half");
        let late = mailboxes.turn(actor(3), 4, Instant::now(), from_outside).await.err();
        assert_eq!(late, Some(ClaimError::TimedOut.into()));
    }

    #[tokio::test]
    async fn the_one_actor_of_a_service_has_the_whole_queue() {
        let mailboxes = Mailboxes::default();
        let _turn = mailboxes.turn(None, 2, soon(), from_outside).await.unwrap();
        let mut waiting = [(); 2].map(|()| Box::pin(mailboxes.turn(None, 2, soon(), from_outside)));
        for call in &mut waiting {
            assert!(futures::poll!(call).is_pending());
        }
        assert_eq!(
            mailboxes.turn(None, 2, soon(), from_outside).await.err(),
            Some(ClaimError::Saturated.into())
        );
    }

    #[tokio::test]
    async fn a_mailbox_goes_with_its_last_call() {
        let mailboxes = Mailboxes::default();
        for number in 0..10_000 {
            mailboxes.turn(actor(number), 1, soon(), from_outside).await.unwrap();
        }
        assert!(mailboxes.open.lock().unwrap().of.len() <= SWEPT_AT_LEAST);
    }
}
