//! What each service uses, kept in the same transaction as what it uses.

use std::collections::BTreeMap;

use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::quota::Usage;
use crate::records::{Engine, RecordError, Stop};

/// Service to bytes and entries. A service that uses nothing has no row.
const USAGE: TableDefinition<'static, &str, (u64, u64)> = TableDefinition::new("usage");

/// Each service that uses something, and what.
pub(crate) type Ledger = BTreeMap<String, Usage>;

/// The accounts in one transaction.
pub(crate) struct Accounts<'txn>(Table<'txn, &'static str, (u64, u64)>);

impl<'txn> Accounts<'txn> {
    /// Opens them, and makes them in a new file.
    pub(crate) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self(transaction.open_table(USAGE)?))
    }

    pub(crate) fn of(&self, service: &str) -> Result<Usage, redb::Error> {
        Ok(self.0.get(service)?.map_or_else(Usage::default, |found| usage(found.value())))
    }

    pub(crate) fn settle(&mut self, service: &str, usage: Usage) -> Result<(), redb::Error> {
        if usage == Usage::default() {
            self.0.remove(service)?;
        } else {
            self.0.insert(service, (usage.bytes, usage.entries))?;
        }
        Ok(())
    }
}

/// What one service uses.
pub(crate) fn of(engine: &Engine, service: &str) -> Result<Usage, RecordError> {
    engine.read(|transaction| {
        let found = transaction.open_table(USAGE)?.get(service)?;
        Ok(found.map_or_else(Usage::default, |found| usage(found.value())))
    })
}

/// The accounts as they are kept.
pub(crate) fn kept(engine: &Engine) -> Result<Ledger, RecordError> {
    engine.read(|transaction| {
        let mut ledger = Ledger::new();
        for found in transaction.open_table(USAGE)?.range::<&str>(..)? {
            let (service, found) = found?;
            ledger.insert(service.value().to_owned(), usage(found.value()));
        }
        Ok(ledger)
    })
}

/// Adds an entry to what was counted.
pub(crate) fn add(ledger: &mut Ledger, service: &str, weight: Usage) {
    match ledger.get_mut(service) {
        Some(usage) => *usage = usage.plus(weight),
        None => {
            ledger.insert(service.to_owned(), weight);
        }
    }
}

/// Counts every entry and compares: an account that is wrong would hold a service to a quota that it has not
/// used, or let it past. Opening reads all pages anyway, to check them.
pub(crate) fn audit(
    engine: &Engine,
    count: fn(&ReadTransaction) -> Result<Ledger, redb::Error>,
) -> Result<(), RecordError> {
    let (kept, counted) = (kept(engine)?, engine.read(count)?);
    if kept == counted {
        return Ok(());
    }
    tracing::error!(
        ?kept,
        ?counted,
        "the accounts of what services keep were wrong and are corrected"
    );
    let body = |transaction: &WriteTransaction| {
        let mut accounts = Accounts::open(transaction)?;
        for service in kept.keys() {
            accounts.settle(service, Usage::default())?;
        }
        for (service, usage) in &counted {
            accounts.settle(service, *usage)?;
        }
        Ok::<_, Stop<RecordError>>(())
    };
    engine.write(body, |_| {})
}

fn usage((bytes, entries): (u64, u64)) -> Usage {
    Usage { bytes, entries }
}
