//! The trail as the rest of the node has it: entries are handed in, and what is recorded is read.

use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::entry::{Decision, Entry, Kind};
use super::error::{AuditError, TrailError};
use super::folder::{DiskFolder, Folder};
use super::follow::Follow;
use super::inbox::{Inbox, Refused};
use super::keeper::{Item, Keeper};
use super::key::{NodeKey, PublicKey};
use super::ledger::{Ledger, Position};
use super::levels::{Level, Levels};
use super::query::{Entries, Query};
use super::settings::AuditSettings;
use super::standing::Standing;
use super::verify::{Report, Witness, examine_steady};
use super::writer::{Clock, Writer};
use crate::disk::create_private_folder;
use crate::lock::DirectoryLock;
use crate::store::StoreError;

/// A node's audit trail. Cheap to clone; when the last clone is gone, what was handed in is written and
/// the trail is released.
#[derive(Clone)]
pub struct Audit {
    desk: Arc<Desk>,
}

struct Desk {
    inbox: Arc<Inbox>,
    levels: Levels,
    standing: Arc<Standing>,
    position: watch::Receiver<Position>,
    folder: Arc<dyn Folder>,
    dir: PathBuf,
    /// Held to be copied or replaced.
    key: RwLock<PublicKey>,
    /// Taken by the drop, which waits for the thread.
    thread: Mutex<Option<JoinHandle<()>>>,
    _lock: DirectoryLock,
}

impl Audit {
    /// Opens the trail in a folder of its own, or begins one there. What a stopped node had not
    /// acknowledged is cut off, and the trail says so; what was acknowledged and is not there any more is an
    /// error.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// use std::{sync::Arc, time::SystemTime};
    /// use airssys_wasm_store::audit::{Audit, AuditSettings, Decision, Entry, Kind, NodeKey, Query};
    ///
    /// const DEPLOY: Kind = Kind::control("deploy");
    ///
    /// let key = NodeKey::from_seed([7; 32]);
    /// let clock = Arc::new(SystemTime::now);
    /// let audit = Audit::open(&dir.path().join("audit"), AuditSettings::default(), key, clock)?;
    /// let act = Entry::new(SystemTime::now(), DEPLOY, "greeter@1.0.0", Decision::Allowed);
    /// let seq = audit.record_blocking(act)?;
    /// let recorded = audit.query(Query::default())?.next().expect("it was recorded")?;
    /// assert_eq!((recorded.seq, &*recorded.target), (seq, "greeter@1.0.0"));
    /// assert!(audit.verify(None)?.finding.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(
        dir: &Path,
        settings: AuditSettings,
        key: NodeKey,
        clock: Clock,
    ) -> Result<Self, TrailError> {
        Self::open_after(dir, settings, key, None, clock)
    }

    /// The same, where it is not known whether the former key's succession was finished: what that one signed of the
    /// trail's end is believed once more, and signed anew. To be called only when [`has_succeeded`](super::has_succeeded)
    /// says that this key follows that one.
    pub fn open_after(
        dir: &Path,
        settings: AuditSettings,
        key: NodeKey,
        former: Option<PublicKey>,
        clock: Clock,
    ) -> Result<Self, TrailError> {
        let io = |doing, source| TrailError::Io { doing, dir: dir.to_owned(), source };
        create_private_folder(dir).map_err(|error| io("make a folder for", error))?;
        let lock = DirectoryLock::take(dir).map_err(|error| match error {
            StoreError::Full { source, .. } | StoreError::Io { source, .. } => io("lock", source),
            _ => TrailError::Locked { dir: dir.to_owned() },
        })?;
        let folder = Arc::new(DiskFolder(dir.to_owned()));
        Self::on(folder, dir, lock, settings, (key, former), clock)
    }

    fn on(
        folder: Arc<dyn Folder>,
        dir: &Path,
        lock: DirectoryLock,
        settings: AuditSettings,
        (key, former): (NodeKey, Option<PublicKey>),
        clock: Clock,
    ) -> Result<Self, TrailError> {
        let settings = settings.bounded();
        let public = key.public();
        let now = clock();
        let (ledger, remarks) = Ledger::open(folder.clone(), key, former, settings.clone(), now)
            .map_err(|error| error.of(dir.to_owned()))?;
        let keeper = Keeper::new(ledger, remarks, now);
        let (standing, position) = (keeper.standing(), keeper.position());
        let inbox = Arc::new(Inbox::new(settings.queue_entries));
        let writer = Writer { keeper, inbox: inbox.clone(), settings, clock };
        let thread = writer.start().map_err(|source| TrailError::Io {
            doing: "start the writer of",
            dir: dir.to_owned(),
            source,
        })?;
        let desk = Desk {
            inbox,
            levels: Levels::new(),
            standing,
            position,
            folder,
            dir: dir.to_owned(),
            key: RwLock::new(public),
            thread: Mutex::new(Some(thread)),
            _lock: lock,
        };
        Ok(Self { desk: Arc::new(desk) })
    }

    /// Whether such an act is recorded, and then one in how many: for the entry's
    /// [`one_in`](Entry::one_in). Asked before the entry is made; takes no lock and no memory.
    pub fn wants(&self, kind: Kind, decision: Decision) -> Option<NonZeroU32> {
        self.desk.levels.wants(kind, decision)
    }

    /// Sets how many of the allowed uses of a kind are recorded. That this was set is the caller's to record.
    pub fn set_level(&self, kind: Kind, level: Level) {
        self.desk.levels.set(kind, level);
    }

    /// Records an act, and returns its number when it is durable: for control acts before they are
    /// acknowledged, and for uses whose policy demands it. After an error the act must not be done.
    ///
    /// Records are never coalesced. A denial that a guest can repeat is a [`note`](Self::note): nothing
    /// happens that would have to wait for it.
    pub async fn record(&self, entry: Entry) -> Result<u64, AuditError> {
        let (reply, answer) = oneshot::channel();
        self.desk.inbox.put(Item::Record(entry, reply)).await?;
        answer.await.map_err(|_| AuditError::Closed)?
    }

    /// As [`record`](Self::record), blocking this thread.
    pub fn record_blocking(&self, entry: Entry) -> Result<u64, AuditError> {
        wait(self.record(entry))
    }

    /// Hands an act in that is recorded within the window of the settings. Waits while the queue is full;
    /// nothing is dropped. An error while the disk refuses: then it is not recorded, and the trail will say
    /// how many were not.
    pub async fn note(&self, entry: Entry) -> Result<(), AuditError> {
        match self.hand_in(entry)? {
            None => Ok(()),
            Some(item) => self.desk.inbox.put(item).await,
        }
    }

    /// As [`note`](Self::note), blocking this thread while the queue is full. May be called on an async
    /// executor, where it holds up a worker for as long as the disk is behind.
    pub fn note_blocking(&self, entry: Entry) -> Result<(), AuditError> {
        match self.hand_in(entry)? {
            None => Ok(()),
            Some(item) => wait(self.desk.inbox.put(item)),
        }
    }

    /// As [`note_blocking`](Self::note_blocking), but for a caller who holds up others: while the queue is
    /// full, it waits so long at most. After that the act is not recorded, and the trail says how many were not.
    pub fn note_within(&self, entry: Entry, at_most: Duration) -> Result<(), AuditError> {
        let Some(item) = self.hand_in(entry)? else { return Ok(()) };
        wait_until(self.desk.inbox.put(item), Instant::now() + at_most).unwrap_or_else(|| {
            self.desk.standing.refused_notes.fetch_add(1, Ordering::Relaxed);
            Err(AuditError::Behind { waited: at_most })
        })
    }

    /// Waits until everything handed in before is durable, the open counts of denials apart.
    pub async fn flush(&self) -> Result<(), AuditError> {
        let (reply, answer) = oneshot::channel();
        self.desk.inbox.put(Item::Flush(reply)).await?;
        answer.await.map_err(|_| AuditError::Closed)?
    }

    /// Lets another key sign from now on, and returns when the trail says durably which. The former one goes on being
    /// good for what it has signed. After an error, [`has_succeeded`](super::has_succeeded) tells which key signs.
    pub async fn succeed(&self, key: NodeKey) -> Result<(), AuditError> {
        let public = key.public();
        let (reply, answer) = oneshot::channel();
        self.desk.inbox.put(Item::Succeed(Box::new(key), reply)).await?;
        answer.await.map_err(|_| AuditError::Closed)??;
        *self.desk.key.write().unwrap_or_else(PoisonError::into_inner) = public;
        Ok(())
    }

    /// Writes everything handed in before, counts and all, and ends the trail for all clones.
    pub async fn close(&self) -> Result<(), AuditError> {
        let (reply, answer) = oneshot::channel();
        self.desk.inbox.put(Item::Close(reply)).await?;
        answer.await.map_err(|_| AuditError::Closed)?
    }

    /// Entries that wait for the writer.
    pub fn queued(&self) -> usize {
        self.desk.inbox.len()
    }

    /// Why the disk refuses, while it does: for a node's health.
    pub fn refusal(&self) -> Option<AuditError> {
        self.desk.standing.refusal()
    }

    /// What the trail is verified with.
    pub fn public_key(&self) -> PublicKey {
        *self.desk.key.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The durable entries that a query asks for. Blocks on the disk, also while it is iterated.
    pub fn query(&self, query: Query) -> Result<Entries, TrailError> {
        let position = *self.desk.position.borrow();
        Entries::new(self.desk.folder.clone(), self.desk.dir.clone(), position, query)
    }

    /// Entries from now on, as they become durable.
    pub fn follow(&self) -> Follow {
        let (folder, dir) = (self.desk.folder.clone(), self.desk.dir.clone());
        Follow::new(folder, dir, self.desk.position.clone())
    }

    /// Checks the whole trail. Blocks on the disk.
    pub fn verify(&self, witness: Option<&Witness>) -> Result<Report, TrailError> {
        examine_steady(&*self.desk.folder, &[self.public_key()], witness).map_err(|source| {
            TrailError::Io { doing: "verify", dir: self.desk.dir.clone(), source }
        })
    }

    /// The item back, if the queue is full.
    fn hand_in(&self, entry: Entry) -> Result<Option<Item>, AuditError> {
        if let Some(refusal) = self.desk.standing.refusal() {
            self.desk.standing.refused_notes.fetch_add(1, Ordering::Relaxed);
            return Err(refusal);
        }
        match self.desk.inbox.try_put(Item::Note(entry)) {
            Ok(()) => Ok(None),
            Err(Refused::Full(item)) => Ok(Some(*item)),
            Err(Refused::Shut) => Err(AuditError::Closed),
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.inbox.close();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the writer was printed where it happened.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("dir", &self.desk.dir).finish_non_exhaustive()
    }
}

/// Blocks this thread until the future is done. Tokio's own blocking calls panic on an executor's thread,
/// and a synchronous host function runs on one.
fn wait<F: Future>(future: F) -> F::Output {
    poll_parked(future, || {
        thread::park();
        true
    })
    .expect("it is waited for without an end")
}

/// The same, and `None` if it is not done by then.
fn wait_until<F: Future>(future: F, end: Instant) -> Option<F::Output> {
    poll_parked(future, || {
        let left = end.saturating_duration_since(Instant::now());
        thread::park_timeout(left);
        !left.is_zero()
    })
}

/// Polls a future on this thread, parked in between for as long as `park` is for going on.
fn poll_parked<F: Future>(future: F, mut park: impl FnMut() -> bool) -> Option<F::Output> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    // A task's budget is not renewed while it blocks: counted against it, this would never end.
    let mut future = pin!(tokio::task::unconstrained(future));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending if park() => {}
            Poll::Pending => return None,
        }
    }
}
