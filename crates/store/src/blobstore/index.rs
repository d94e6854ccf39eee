//! The index of objects: which containers there are, which file has an object's bytes, and how many objects
//! share that file.
//!
//! Guests' names live here alone. A file is named by a number, so no name a guest chose ever meets the file
//! system.

use std::collections::BTreeSet;

use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::accounts::{self, Accounts, Ledger};
use crate::page::names_after;
use crate::quota::{Quota, Usage};
use crate::records::{Engine, RecordError, Stop};

use super::error::BlobstoreError;

type Row = (u64, u64, u64);
type Objects = TableDefinition<'static, (&'static str, &'static str, &'static str), Row>;

/// Service and container to when it was made, in milliseconds since 1970.
pub(super) const CONTAINERS: TableDefinition<'static, (&str, &str), u64> =
    TableDefinition::new("containers");
/// Service, container and object to file, size and time.
pub(super) const OBJECTS: Objects = TableDefinition::new("objects");
/// File to the number of objects that share it.
pub(super) const FILES: TableDefinition<'static, u64, u64> = TableDefinition::new("files");

/// Objects removed in one transaction: with the longest names a megabyte of them in memory.
const SWEEP_OBJECTS: usize = 1000;

/// A container's name and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) service: String,
    pub(super) container: String,
}

/// Where an object's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) file: u64,
    pub(super) size_bytes: u64,
    pub(super) created_ms: u64,
}

/// One transaction's tables, and the files that no object has any more once it is committed.
pub(super) struct Index<'txn> {
    containers: Table<'txn, (&'static str, &'static str), u64>,
    objects: Table<'txn, (&'static str, &'static str, &'static str), Row>,
    files: Table<'txn, u64, u64>,
    accounts: Accounts<'txn>,
    freed: Vec<u64>,
}

pub(super) type Acted<T> = Result<T, Stop<BlobstoreError>>;

pub(super) fn make(transaction: &WriteTransaction) -> Result<(), Stop<RecordError>> {
    Ok(Index::open(transaction).map(drop)?)
}

/// Changes the index in one transaction, and returns the files to be removed with what `body` returned.
pub(super) fn change<T>(
    engine: &Engine,
    body: impl FnOnce(&mut Index<'_>) -> Acted<T>,
) -> Result<(T, Vec<u64>), BlobstoreError> {
    let body = |transaction: &WriteTransaction| {
        let mut index = Index::open(transaction)?;
        let value = body(&mut index)?;
        Ok::<_, Stop<BlobstoreError>>((value, index.freed))
    };
    engine.write(body, |_| {})
}

impl<'txn> Index<'txn> {
    fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            containers: transaction.open_table(CONTAINERS)?,
            objects: transaction.open_table(OBJECTS)?,
            files: transaction.open_table(FILES)?,
            accounts: Accounts::open(transaction)?,
            freed: Vec::new(),
        })
    }

    /// Makes a container unless it is there or there are `most` already.
    pub(super) fn create(&mut self, at: &Place, created_ms: u64, most: usize) -> Acted<()> {
        if self.containers.get((at.service.as_str(), at.container.as_str()))?.is_some() {
            let container = at.container.clone();
            return Err(Stop::Refused(BlobstoreError::ContainerExists { container }));
        }
        let mut others = 0;
        for found in self.containers.range((at.service.as_str(), "")..)?.take(most) {
            others += usize::from(found?.0.value().0 == at.service);
        }
        if others >= most {
            let (what, limit) = ("containers", most);
            return Err(Stop::Refused(BlobstoreError::TooMany { what, limit }));
        }
        self.containers.insert((at.service.as_str(), at.container.as_str()), created_ms)?;
        Ok(())
    }

    pub(super) fn require(&self, at: &Place) -> Acted<()> {
        match self.containers.get((at.service.as_str(), at.container.as_str()))? {
            Some(_) => Ok(()),
            None => Err(Stop::Refused(no_container(at))),
        }
    }

    /// Removes a container that has no objects.
    pub(super) fn remove_container(&mut self, at: &Place) -> Acted<bool> {
        Ok(self.containers.remove((at.service.as_str(), at.container.as_str()))?.is_some())
    }

    pub(super) fn get(&self, at: &Place, name: &str) -> Acted<Option<Object>> {
        let found = self.objects.get((at.service.as_str(), at.container.as_str(), name))?;
        Ok(found.map(|found| object(found.value())))
    }

    /// Puts an object in the place of what has its name, if the quota allows.
    pub(super) fn put(&mut self, at: &Place, name: &str, new: Object, quota: &Quota) -> Acted<()> {
        self.require(at)?;
        let before = self.accounts.of(&at.service)?;
        let old = self.get(at, name)?;
        let weight = |object: &Object| Usage::of(name, object.size_bytes);
        let after =
            before.plus(weight(&new)).minus(old.as_ref().map_or_else(Usage::default, weight));
        let after = quota.admit(before, after).map_err(|e| Stop::Refused(e.into()))?;
        let row = (new.file, new.size_bytes, new.created_ms);
        self.objects.insert((at.service.as_str(), at.container.as_str(), name), row)?;
        self.accounts.settle(&at.service, after)?;
        // First one more, then one less: it may be the same file.
        let shared = self.files.get(new.file)?.map_or(0, |found| found.value());
        self.files.insert(new.file, shared + 1)?;
        if let Some(old) = old {
            self.release(old.file)?;
        }
        Ok(())
    }

    /// Removes an object and says whether it was there.
    pub(super) fn remove(&mut self, at: &Place, name: &str) -> Acted<bool> {
        let Some(old) = self.get(at, name)? else { return Ok(false) };
        self.objects.remove((at.service.as_str(), at.container.as_str(), name))?;
        let usage = self.accounts.of(&at.service)?.minus(Usage::of(name, old.size_bytes));
        self.accounts.settle(&at.service, usage)?;
        self.release(old.file)?;
        Ok(true)
    }

    /// Gives an object another name and place. Its bytes count once, so the quota is asked about the sum.
    pub(super) fn rename(
        &mut self,
        from: (&Place, &str),
        to: (&Place, &str),
        object: Object,
        quota: &Quota,
    ) -> Acted<()> {
        let before = self.accounts.of(&to.0.service)?;
        let replaced = self.get(to.0, to.1)?;
        let replaced = replaced.map_or_else(Usage::default, |old| Usage::of(to.1, old.size_bytes));
        let after = before.plus(Usage::of(to.1, object.size_bytes));
        let after = after.minus(Usage::of(from.1, object.size_bytes)).minus(replaced);
        quota.admit(before, after).map_err(|e| Stop::Refused(e.into()))?;
        // First in, then out, so that the file is never without an object.
        let unbounded = Quota { bytes: u64::MAX, entries: u64::MAX, ..*quota };
        self.put(to.0, to.1, object, &unbounded)?;
        self.remove(from.0, from.1)?;
        Ok(())
    }

    /// Removes some of a container's objects and says whether any are left.
    pub(super) fn sweep(&mut self, at: &Place) -> Acted<bool> {
        let mut names = Vec::new();
        for found in self.objects.range(names_after(&at.service, &at.container, None))? {
            let (row, _) = found?;
            let (service, container, name) = row.value();
            if service != at.service || container != at.container || names.len() == SWEEP_OBJECTS {
                break;
            }
            names.push(name.to_owned());
        }
        for name in &names {
            self.remove(at, name)?;
        }
        Ok(names.len() == SWEEP_OBJECTS)
    }

    fn release(&mut self, file: u64) -> Result<(), redb::Error> {
        let shared = self.files.get(file)?.map_or(0, |found| found.value());
        if shared > 1 {
            self.files.insert(file, shared - 1)?;
        } else {
            self.files.remove(file)?;
            self.freed.push(file);
        }
        Ok(())
    }
}

pub(super) fn object((file, size_bytes, created_ms): Row) -> Object {
    Object { file, size_bytes, created_ms }
}

pub(super) fn no_container(at: &Place) -> BlobstoreError {
    BlobstoreError::NoSuchContainer { container: at.container.clone() }
}

/// The files that objects have.
pub(super) fn files(engine: &Engine) -> Result<BTreeSet<u64>, RecordError> {
    engine.read(|transaction| {
        let files = transaction.open_table(FILES)?;
        files.range::<u64>(..)?.map(|found| Ok(found?.0.value())).collect()
    })
}

/// What the accounts should say.
pub(super) fn count(transaction: &ReadTransaction) -> Result<Ledger, redb::Error> {
    let mut ledger = Ledger::new();
    for found in transaction.open_table(OBJECTS)?.range::<(&str, &str, &str)>(..)? {
        let (place, found) = found?;
        let (service, _, name) = place.value();
        accounts::add(&mut ledger, service, Usage::of(name, found.value().1));
    }
    Ok(ledger)
}
