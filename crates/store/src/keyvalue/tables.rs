//! The tables under the buckets, and the accounts that are kept with every change.

use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::accounts::{self, Accounts, Ledger};
use crate::quota::Usage;
use crate::records::{CLOCK_KEY, META, RecordError, Stop};

type Entries =
    TableDefinition<'static, (&'static str, &'static str, &'static str), (u64, &'static [u8])>;

/// Service, bucket and key to version and value.
pub(super) const ENTRIES: Entries = TableDefinition::new("entries");

/// A bucket's name and whose it is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) service: String,
    pub(super) bucket: String,
}

/// One transaction's tables, opened once for all writes of a group.
pub(super) struct Batch<'txn> {
    entries: Table<'txn, (&'static str, &'static str, &'static str), (u64, &'static [u8])>,
    pub(super) accounts: Accounts<'txn>,
    meta: Table<'txn, &'static str, u64>,
}

/// An entry to be removed: bucket, key and what it counted for.
type Doomed = (String, String, Usage);

pub(super) fn make(transaction: &WriteTransaction) -> Result<(), Stop<RecordError>> {
    transaction.open_table(ENTRIES)?;
    Accounts::open(transaction)?;
    Ok(())
}

impl<'txn> Batch<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            accounts: Accounts::open(transaction)?,
            meta: transaction.open_table(META)?,
        })
    }

    pub(super) fn get(&self, at: &Place, key: &str) -> Result<Option<(u64, Vec<u8>)>, redb::Error> {
        let found = self.entries.get((at.service.as_str(), at.bucket.as_str(), key))?;
        Ok(found.map(|found| {
            let (version, value) = found.value();
            (version, value.to_vec())
        }))
    }

    /// What an entry counts for; nothing if it is not there.
    pub(super) fn weight(&self, at: &Place, key: &str) -> Result<Usage, redb::Error> {
        let found = self.entries.get((at.service.as_str(), at.bucket.as_str(), key))?;
        Ok(found.map_or_else(Usage::default, |found| Usage::of(key, found.value().1.len() as u64)))
    }

    /// Puts an entry under a new version. The account is the caller's to settle.
    pub(super) fn put(&mut self, at: &Place, key: &str, value: &[u8]) -> Result<u64, redb::Error> {
        let version = self.meta.get(CLOCK_KEY)?.map_or(0, |last| last.value()) + 1;
        self.meta.insert(CLOCK_KEY, version)?;
        self.entries.insert((at.service.as_str(), at.bucket.as_str(), key), (version, value))?;
        Ok(version)
    }

    /// Removes an entry. The account is the caller's to settle.
    pub(super) fn remove(&mut self, at: &Place, key: &str) -> Result<(), redb::Error> {
        self.entries.remove((at.service.as_str(), at.bucket.as_str(), key))?;
        Ok(())
    }

    /// Removes up to `most` entries of a service, of one bucket or of all, and says whether any are left.
    pub(super) fn sweep(
        &mut self,
        service: &str,
        bucket: Option<&str>,
        most: usize,
    ) -> Result<bool, redb::Error> {
        let doomed = self.doomed(service, bucket, most)?;
        let mut usage = self.accounts.of(service)?;
        for (bucket, key, weight) in &doomed {
            self.entries.remove((service, bucket.as_str(), key.as_str()))?;
            usage = usage.minus(*weight);
        }
        self.accounts.settle(service, usage)?;
        Ok(doomed.len() == most)
    }

    fn doomed(
        &self,
        service: &str,
        bucket: Option<&str>,
        most: usize,
    ) -> Result<Vec<Doomed>, redb::Error> {
        let mut doomed = Vec::new();
        for found in self.entries.range((service, bucket.unwrap_or_default(), "")..)? {
            let (place, found) = found?;
            let (of, within, key) = place.value();
            if of != service
                || bucket.is_some_and(|bucket| bucket != within)
                || doomed.len() == most
            {
                break;
            }
            let weight = Usage::of(key, found.value().1.len() as u64);
            doomed.push((within.to_owned(), key.to_owned(), weight));
        }
        Ok(doomed)
    }
}

/// What the accounts should say.
pub(super) fn count(transaction: &ReadTransaction) -> Result<Ledger, redb::Error> {
    let mut ledger = Ledger::new();
    for found in transaction.open_table(ENTRIES)?.range::<(&str, &str, &str)>(..)? {
        let (place, found) = found?;
        let (service, _, key) = place.value();
        accounts::add(&mut ledger, service, Usage::of(key, found.value().1.len() as u64));
    }
    Ok(ledger)
}
