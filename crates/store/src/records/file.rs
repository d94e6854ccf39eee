//! A file of an engine: made whole or not at all, and read only by a build that knows its schema.

use std::fs::{self, File};
use std::path::Path;

use redb::backends::FileBackend;
use redb::{StorageBackend, WriteTransaction};

use super::engine::{Engine, META, SCHEMA_KEY, Stop};
use super::error::RecordError;
use crate::disk::sync_folder;
use crate::private::private_file;
use crate::store::{SCHEMA, StoreError};

/// Creates the empty tables of a new file.
pub(crate) type MakeTables = fn(&WriteTransaction) -> Result<(), Stop<RecordError>>;

/// Why a file could not be opened, before its name is put to it.
#[derive(Debug)]
pub(crate) enum OpenError {
    Newer { found: u64 },
    Record(RecordError),
}

impl From<RecordError> for OpenError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl OpenError {
    pub(crate) fn of(self, dir: &Path, path: &Path) -> StoreError {
        match self {
            Self::Newer { found } => {
                StoreError::NewerSchema { dir: dir.to_owned(), found, supported: SCHEMA }
            }
            Self::Record(error) => StoreError::from_record(path, error),
        }
    }
}

/// The engine on a file of the data directory, which is made if it is not there.
pub(crate) fn open_file(dir: &Path, name: &str, tables: MakeTables) -> Result<Engine, StoreError> {
    let path = dir.join(name);
    let io = |doing, source| StoreError::from_io(doing, &path, source);
    if !path.try_exists().map_err(|error| io("look for", error))? {
        create(dir, name, tables)?;
    }
    let file = private_file().open(&path).map_err(|error| io("open", error))?;
    in_file(file, tables).map_err(|error| error.of(dir, &path))
}

/// The engine on any backend, so that a test can cut its power.
pub(crate) fn open_on(
    backend: impl StorageBackend,
    tables: MakeTables,
) -> Result<Engine, OpenError> {
    let engine = Engine::open(backend)?;
    settle_schema(&engine, tables)?;
    Ok(engine)
}

fn in_file(file: File, tables: MakeTables) -> Result<Engine, OpenError> {
    let backend = FileBackend::new(file).map_err(|error| RecordError::from_engine(error.into()))?;
    open_on(backend, tables)
}

/// Makes the file under a passing name and renames it when it is whole: redb refuses a file whose
/// making was cut short, and such a file must not keep the node from ever starting.
fn create(dir: &Path, name: &str, tables: MakeTables) -> Result<(), StoreError> {
    let path = dir.join(name);
    let unfinished = dir.join(format!("{name}.unfinished"));
    let io = |source| StoreError::from_io("create", &path, source);
    let file = private_file().create(true).truncate(true).open(&unfinished).map_err(io)?;
    let made = file.try_clone().map_err(io)?;
    drop(in_file(made, tables).map_err(|error| error.of(dir, &path))?);
    file.sync_all().map_err(io)?;
    fs::rename(&unfinished, &path).map_err(io)?;
    sync_folder(dir).map_err(io)
}

/// Reads the schema, or writes it with the empty tables if the file is new.
fn settle_schema(engine: &Engine, tables: MakeTables) -> Result<(), OpenError> {
    let found = engine.read(|transaction| match transaction.open_table(META) {
        Ok(meta) => Ok(meta.get(SCHEMA_KEY)?.map(|found| found.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    })?;
    match found {
        Some(found) if found > SCHEMA => Err(OpenError::Newer { found }),
        Some(_) => Ok(()),
        None => {
            let make = |transaction: &WriteTransaction| {
                tables(transaction)?;
                transaction.open_table(META)?.insert(SCHEMA_KEY, SCHEMA)?;
                Ok::<_, Stop<RecordError>>(())
            };
            Ok(engine.write(make, |_| {})?)
        }
    }
}
