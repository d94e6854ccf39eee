//! The one place that names redb: opening it, transactions, and recovery after a failure.
//!
//! It uses redb's plainest path on purpose (one table type, durable commits, no savepoints, no
//! multimaps): see `docs/adr/0001-embedded-store.md`.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, StorageBackend, TableDefinition,
    WriteTransaction,
};

use super::error::RecordError;
use super::medium::{Access, Medium};

/// Key to version and bytes.
pub(super) const RECORDS: TableDefinition<'static, &str, (u64, &[u8])> =
    TableDefinition::new("records");
/// Lease name to fencing token and owner.
pub(super) const LEASES: TableDefinition<'static, &str, (u64, &str)> =
    TableDefinition::new("leases");
/// Counters of the store itself: [`SCHEMA_KEY`] and [`CLOCK_KEY`].
pub(crate) const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
pub(super) const SCHEMA_KEY: &str = "schema";
/// The last number given out as a version or a fencing token.
pub(crate) const CLOCK_KEY: &str = "clock";

/// Pages kept in memory. Records are few and small, and the page cache of the system stands behind
/// this one; redb's own default of 1 GiB would let an idle node grow past its promise.
const CACHE_BYTES: usize = 8 << 20;

/// The database, opened again by the first operation after a failure.
#[derive(Debug)]
pub(crate) struct Engine {
    medium: Arc<Medium>,
    /// `None` after a failure, until it is opened again. Operations hold it for reading while their
    /// transaction lives, so that a failed engine is never closed under another's hands; nothing
    /// here is async, so it is never held across an await.
    database: RwLock<Option<Database>>,
    /// Serializes writers, so that what follows a commit (telling watchers) follows it in order.
    writing: Mutex<()>,
}

impl Engine {
    /// Opens the database, rolling back what an interrupted predecessor left unfinished.
    pub(super) fn open(backend: impl StorageBackend) -> Result<Self, RecordError> {
        let engine = Self {
            medium: Medium::new(backend),
            database: RwLock::new(None),
            writing: Mutex::new(()),
        };
        drop(engine.ready()?);
        Ok(engine)
    }

    /// Runs `body` on a snapshot.
    pub(crate) fn read<T>(
        &self,
        body: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, RecordError> {
        let ready = self.ready()?;
        let result = match ready.as_ref() {
            Some(database) => database
                .begin_read()
                .map_err(redb::Error::from)
                .and_then(|transaction| body(&transaction)),
            None => Err(redb::Error::DatabaseClosed),
        };
        drop(ready);
        result.map_err(|error| self.fail(error))
    }

    /// Runs `body` in a transaction, makes it durable and then runs `after`, or rolls everything back.
    ///
    /// An error of the engine leaves open whether the change was made: it is either wholly there or
    /// not at all, and the next read tells. A refusal by `body` certainly changed nothing.
    pub(crate) fn write<T, E: From<RecordError>>(
        &self,
        body: impl FnOnce(&WriteTransaction) -> Result<T, Stop<E>>,
        after: impl FnOnce(Option<&T>),
    ) -> Result<T, E> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = self.ready().map_err(E::from)?;
        let result = match ready.as_ref() {
            Some(database) => commit(database, body),
            None => Err(Stop::Failed(redb::Error::DatabaseClosed)),
        };
        drop(ready);
        match result {
            Ok(value) => {
                after(Some(&value));
                Ok(value)
            }
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Failed(error)) => {
                let error = self.fail(error);
                after(None);
                Err(error.into())
            }
        }
    }

    /// The open database, opened again if it has failed.
    fn ready(&self) -> Result<RwLockReadGuard<'_, Option<Database>>, RecordError> {
        loop {
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            if database.is_some() {
                return Ok(database);
            }
            drop(database);
            let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
            if database.is_none() {
                *database = Some(self.reopen()?);
            }
        }
    }

    fn reopen(&self) -> Result<Database, RecordError> {
        self.medium.revive().map_err(RecordError::from_io)?;
        Builder::new()
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(true)
            .create_with_backend(Access(self.medium.clone()))
            .map_err(|error| self.explain(error.into()))
    }

    /// Closes the engine, whatever the failure was: opening it again is cheap and checks everything,
    /// and guessing which failures are harmless is not safe.
    fn fail(&self, error: redb::Error) -> RecordError {
        let error = self.explain(error);
        tracing::warn!(%error, "the record store failed and will be opened again");
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
        error
    }

    /// redb may report only that something failed before; the medium knows what.
    fn explain(&self, error: redb::Error) -> RecordError {
        match (error, self.medium.take_fault()) {
            (redb::Error::Io(_) | redb::Error::PreviousIo, Some(fault)) => {
                RecordError::from_io(fault)
            }
            (error, _) => RecordError::from_engine(error),
        }
    }
}

/// Why a transaction's body ended early.
pub(crate) enum Stop<E> {
    /// The body said no: nothing has changed.
    Refused(E),
    /// The engine failed.
    Failed(redb::Error),
}

impl<E, R: Into<redb::Error>> From<R> for Stop<E> {
    fn from(error: R) -> Self {
        Self::Failed(error.into())
    }
}

/// Two syncs a commit (data, then the pointer to it) instead of redb's default of one with checksums:
/// it costs 60 to 130 µs where that was measured, and it is the path that redb's own recovery bugs
/// spared. Guests can choose bytes that end up in records, so a weak checksum is not relied upon.
fn commit<T, E>(
    database: &Database,
    body: impl FnOnce(&WriteTransaction) -> Result<T, Stop<E>>,
) -> Result<T, Stop<E>> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    let value = body(&transaction)?;
    transaction.commit()?;
    Ok(value)
}
