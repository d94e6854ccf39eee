//! One thread that writes for all buckets, and commits what has gathered while it was committing.
//!
//! A commit costs two syncs whatever is in it, so concurrent writes share one. A single write waits for
//! nobody: there is no timer, only the commit under way.

use std::sync::Arc;
use std::thread::JoinHandle;

use redb::WriteTransaction;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::error::KeyValueError;
use super::tables::Batch;
use crate::lock::DirectoryLock;
use crate::records::{Engine, RecordError, Stop};

/// Writes of one commit. Past some hundreds the syncs are no longer what it costs, and who came first
/// waits for who came last.
const GROUP_WRITES: usize = 256;

/// Bytes that begin a new commit: what the engine and its medium hold in memory for one.
const GROUP_BYTES: usize = 16 << 20;

/// Bytes of writes that wait, over all services; the next one waits before it is taken. Two commits' worth
/// keeps the thread busy. A batch has half of it at most.
const WAITING_BYTES: usize = 32 << 20;

/// Writes that wait: four commits' worth.
const WAITING_WRITES: usize = 4 * GROUP_WRITES;

/// The sending side, and the thread. Dropping it ends the thread after what it has been given, so that the
/// directory is free when the last handle is gone; that blocks for a commit at most.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

/// A write that waits for its commit.
trait Job: Send {
    /// Acts in the transaction. An error of the engine ends the whole group.
    fn act(&mut self, batch: &mut Batch<'_>) -> Result<(), redb::Error>;
    /// Answers, once the transaction has ended this way.
    fn answer(self: Box<Self>, failure: Option<&KeyValueError>);
    fn bytes(&self) -> usize;
}

struct Write<T, F> {
    body: Option<F>,
    result: Option<Result<T, KeyValueError>>,
    reply: oneshot::Sender<Result<T, KeyValueError>>,
    bytes: usize,
    _room: OwnedSemaphorePermit,
}

impl Writer {
    pub(super) fn start(engine: Arc<Engine>, lock: Option<Arc<DirectoryLock>>) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING_WRITES);
        let serve = move || {
            serve(&engine, waiting);
            // In this order: the directory is released after the engine has closed.
            drop(engine);
            drop(lock);
        };
        let thread = std::thread::Builder::new().name("key-value".to_owned()).spawn(serve);
        // Without its thread every write is answered with `Closed`.
        let thread = thread
            .inspect_err(|error| tracing::error!(%error, "no thread for the key-value store"))
            .ok();
        Self { jobs: Some(jobs), room: Arc::new(Semaphore::new(WAITING_BYTES)), thread }
    }

    /// Runs `body` in the next commit, and returns when that is durable. A refusal by `body` must come
    /// before its first change, because the others in the commit go on.
    ///
    /// Dropping the future gives up a write that has not been taken; one that has is made regardless.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        body: impl FnOnce(&mut Batch<'_>) -> Result<T, Stop<KeyValueError>> + Send + 'static,
    ) -> Result<T, KeyValueError> {
        let jobs = self.jobs.as_ref().ok_or(KeyValueError::Closed)?;
        let permits = u32::try_from(bytes.clamp(1, WAITING_BYTES)).unwrap_or(1);
        let room = self.room.clone().acquire_many_owned(permits).await;
        let room = room.map_err(|_| KeyValueError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job = Write { body: Some(body), result: None, reply, bytes, _room: room };
        jobs.send(Box::new(job)).await.map_err(|_| KeyValueError::Closed)?;
        answer.await.map_err(|_| KeyValueError::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<T, F> Job for Write<T, F>
where
    T: Send,
    F: FnOnce(&mut Batch<'_>) -> Result<T, Stop<KeyValueError>> + Send,
{
    fn act(&mut self, batch: &mut Batch<'_>) -> Result<(), redb::Error> {
        let Some(body) = self.body.take() else { return Ok(()) };
        self.result = Some(match body(batch) {
            Ok(value) => Ok(value),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Failed(error)) => return Err(error),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<&KeyValueError>) {
        let result = match (failure, self.result) {
            // A refusal too: it may rest on a write of the same commit that was never made.
            (Some(failure), _) => Err(failure.clone()),
            (None, Some(result)) => result,
            (None, None) => Err(KeyValueError::Closed),
        };
        // Who has gone needs no answer.
        let _ = self.reply.send(result);
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

fn serve(engine: &Engine, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut group = gather(first, &mut waiting);
        let failure = commit(engine, &mut group).err().map(KeyValueError::from);
        for job in group {
            job.answer(failure.as_ref());
        }
    }
}

fn gather(first: Box<dyn Job>, waiting: &mut mpsc::Receiver<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let mut bytes = first.bytes();
    let mut group = vec![first];
    while group.len() < GROUP_WRITES && bytes < GROUP_BYTES {
        let Ok(next) = waiting.try_recv() else { break };
        bytes += next.bytes();
        group.push(next);
    }
    group
}

fn commit(engine: &Engine, group: &mut [Box<dyn Job>]) -> Result<(), RecordError> {
    let body = |transaction: &WriteTransaction| {
        let mut batch = Batch::open(transaction)?;
        for job in group {
            job.act(&mut batch)?;
        }
        Ok::<_, Stop<RecordError>>(())
    };
    engine.write(body, |_| {})
}
