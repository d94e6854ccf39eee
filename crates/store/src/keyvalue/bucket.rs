//! One bucket: get, set, delete, list, increment, swap, and batches of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::KeyValueError;
use super::shelf::KeyValue;
use super::tables::{Batch, ENTRIES, Place};
use crate::page::{Page, Paging, names_after};
use crate::quota::{Quota, QuotaExceeded, QuotaPart, Usage};
use crate::records::{Stop, Versioned};

/// The most entries of a batch: what a caller has at hand, not a whole bucket.
pub const MAX_BATCH_ENTRIES: usize = 1000;

/// The most bytes of a batch, keys and values together, both ways: it is one transaction, and is held in
/// memory whole.
pub const MAX_BATCH_BYTES: usize = 16 << 20;

/// The longest key, whatever the quota says: keys are compared all the way down the tree.
const MAX_KEY_BYTES: u64 = 1024;

/// The longest bucket's name.
const MAX_BUCKET_NAME_BYTES: u64 = 256;

/// What a write costs while it waits, besides its bytes.
const OVERHEAD_BYTES: usize = 256;

/// A bucket of a service. Cheap to clone. All handles of one bucket see the same entries at once.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: KeyValue,
    place: Arc<Place>,
    quota: Quota,
}

type Acted<T> = Result<T, Stop<KeyValueError>>;

impl Bucket {
    pub(super) fn new(store: KeyValue, place: Place, quota: Quota) -> Self {
        let value_bytes = quota.value_bytes.min(MAX_BATCH_BYTES as u64 / 2);
        let quota = Quota { value_bytes, name_bytes: quota.name_bytes.min(MAX_KEY_BYTES), ..quota };
        Self { store, place: Arc::new(place), quota }
    }

    /// An entry's value.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        Ok(self.get_versioned(key)?.map(|found| found.value))
    }

    /// An entry's value with the version that a [`swap`](Self::swap) builds on.
    pub fn get_versioned(&self, key: &str) -> Result<Option<Versioned<Vec<u8>>>, KeyValueError> {
        Ok(self.store.engine().read(|transaction| {
            let found = transaction.open_table(ENTRIES)?.get(self.row(key))?;
            Ok(found.map(|found| {
                let (version, value) = found.value();
                Versioned { version, value: value.to_vec() }
            }))
        })?)
    }

    /// Whether there is an entry under this key.
    pub fn exists(&self, key: &str) -> Result<bool, KeyValueError> {
        Ok(self.store.engine().read(|transaction| {
            Ok(transaction.open_table(ENTRIES)?.get(self.row(key))?.is_some())
        })?)
    }

    /// The values under these keys, in their order, as of one instant; `None` where there is none.
    pub fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, KeyValueError> {
        bounded("entries", keys.len(), MAX_BATCH_ENTRIES)?;
        let mut bytes = 0;
        let values = self.store.engine().read(|transaction| {
            let table = transaction.open_table(ENTRIES)?;
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                let found = table.get(self.row(key))?.map(|found| {
                    let value = found.value().1;
                    bytes += value.len();
                    // What is over the bound is counted, and no longer copied.
                    if bytes <= MAX_BATCH_BYTES { value.to_vec() } else { Vec::new() }
                });
                values.push(found);
            }
            Ok(values)
        })?;
        bounded("bytes", bytes, MAX_BATCH_BYTES)?;
        Ok(values)
    }

    /// A page of the keys, in their order.
    pub fn list_keys(&self, paging: &Paging) -> Result<Page<String>, KeyValueError> {
        Ok(self.store.engine().read(|transaction| {
            let table = transaction.open_table(ENTRIES)?;
            let range = table.range(names_after(
                &self.place.service,
                &self.place.bucket,
                paging.after.as_deref(),
            ))?;
            let keys = range.map_while(|found| match found {
                Err(error) => Some(Err(redb::Error::from(error))),
                Ok((row, _)) => {
                    let (service, bucket, key) = row.value();
                    let ours = service == self.place.service && bucket == self.place.bucket;
                    ours.then(|| Ok((key.to_owned(), key.to_owned())))
                }
            });
            paging.fill(keys)
        })?)
    }

    /// Sets an entry. Durable when it returns.
    pub async fn set(&self, key: String, value: Vec<u8>) -> Result<(), KeyValueError> {
        self.set_many(vec![(key, value)]).await
    }

    /// Sets entries, all or none. Of several under one key the last counts. Durable when it returns.
    pub async fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Result<(), KeyValueError> {
        let bytes = entries.iter().map(|(key, value)| key.len() + value.len()).sum();
        self.admit_batch(entries.len(), bytes)?;
        for (key, value) in &entries {
            self.admit_entry(key, value.len())?;
        }
        let entries: BTreeMap<String, Vec<u8>> = entries.into_iter().collect();
        let (place, quota) = (self.place.clone(), self.quota);
        self.write(bytes, move |batch| set_all(batch, &place, &quota, &entries)).await
    }

    /// Deletes an entry, if it is there. Durable when it returns.
    pub async fn delete(&self, key: String) -> Result<(), KeyValueError> {
        self.delete_many(vec![key]).await
    }

    /// Deletes those of these entries that are there, together. Durable when it returns.
    pub async fn delete_many(&self, keys: Vec<String>) -> Result<(), KeyValueError> {
        let bytes = keys.iter().map(String::len).sum();
        self.admit_batch(keys.len(), bytes)?;
        let place = self.place.clone();
        self.write(bytes, move |batch| delete_all(batch, &place, keys)).await
    }

    /// Adds to the number under this key, which counts from 0 if it is not there, and returns the sum. The
    /// value is the number in decimal, so that it can be set and read like any other. Durable when it returns.
    pub async fn increment(&self, key: String, delta: i64) -> Result<i64, KeyValueError> {
        self.admit_entry(&key, 0)?;
        let (place, quota) = (self.place.clone(), self.quota);
        self.write(key.len(), move |batch| increment(batch, &place, &quota, key, delta)).await
    }

    /// Sets an entry if it still stands at the version that [`get_versioned`](Self::get_versioned) gave
    /// (`None`: if there still is none), and returns its new version; otherwise
    /// [`KeyValueError::Changed`] says what is there. Versions are never used twice, so an entry that was
    /// deleted and set again has changed. That an absent one was there in between is not noticed. Durable
    /// when it returns.
    pub async fn swap(
        &self,
        key: String,
        expected: Option<u64>,
        value: Vec<u8>,
    ) -> Result<u64, KeyValueError> {
        self.admit_entry(&key, value.len())?;
        let (place, quota) = (self.place.clone(), self.quota);
        let bytes = key.len() + value.len();
        self.write(bytes, move |batch| {
            let found = batch.get(&place, &key)?;
            if found.as_ref().map(|(version, _)| *version) != expected {
                let found = found.map(|(version, value)| Versioned { version, value });
                return Err(Stop::Refused(KeyValueError::Changed { found }));
            }
            set_one(batch, &place, &quota, &key, &value)
        })
        .await
    }

    /// Deletes all entries, in steps: what is set meanwhile may stay. After an error some may be left.
    pub async fn clear(&self) -> Result<(), KeyValueError> {
        self.store.sweep(&self.place.service, Some(&self.place.bucket)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        body: impl FnOnce(&mut Batch<'_>) -> Acted<T> + Send + 'static,
    ) -> Result<T, KeyValueError> {
        self.store.writer().write(bytes + OVERHEAD_BYTES, body).await
    }

    fn row<'a>(&'a self, key: &'a str) -> (&'a str, &'a str, &'a str) {
        (self.place.service.as_str(), self.place.bucket.as_str(), key)
    }

    fn admit_entry(&self, key: &str, value_bytes: usize) -> Result<(), QuotaExceeded> {
        let asked = self.place.bucket.len() as u64;
        if asked > MAX_BUCKET_NAME_BYTES {
            let (part, limit) = (QuotaPart::NameBytes, MAX_BUCKET_NAME_BYTES);
            return Err(QuotaExceeded { part, limit, asked });
        }
        self.quota.admit_entry(key, value_bytes as u64)
    }

    fn admit_batch(&self, entries: usize, bytes: usize) -> Result<(), KeyValueError> {
        bounded("entries", entries, MAX_BATCH_ENTRIES)?;
        bounded("bytes", bytes, MAX_BATCH_BYTES)
    }
}

fn bounded(what: &'static str, found: usize, limit: usize) -> Result<(), KeyValueError> {
    if found <= limit { Ok(()) } else { Err(KeyValueError::BatchTooLarge { what, found, limit }) }
}

/// Checks the quota against all of it before the first change.
fn set_all(
    batch: &mut Batch<'_>,
    place: &Place,
    quota: &Quota,
    entries: &BTreeMap<String, Vec<u8>>,
) -> Acted<()> {
    let before = batch.accounts.of(&place.service)?;
    let mut after = before;
    for (key, value) in entries {
        let weight = Usage::of(key, value.len() as u64);
        after = after.plus(weight).minus(batch.weight(place, key)?);
    }
    let after = quota.admit(before, after).map_err(refused)?;
    for (key, value) in entries {
        batch.put(place, key, value)?;
    }
    Ok(batch.accounts.settle(&place.service, after)?)
}

fn set_one(
    batch: &mut Batch<'_>,
    place: &Place,
    quota: &Quota,
    key: &str,
    value: &[u8],
) -> Acted<u64> {
    let before = batch.accounts.of(&place.service)?;
    let weight = Usage::of(key, value.len() as u64);
    let after = before.plus(weight).minus(batch.weight(place, key)?);
    let after = quota.admit(before, after).map_err(refused)?;
    let version = batch.put(place, key, value)?;
    batch.accounts.settle(&place.service, after)?;
    Ok(version)
}

fn delete_all(batch: &mut Batch<'_>, place: &Place, keys: Vec<String>) -> Acted<()> {
    let mut usage = batch.accounts.of(&place.service)?;
    for key in keys {
        // A key named twice weighs nothing the second time.
        usage = usage.minus(batch.weight(place, &key)?);
        batch.remove(place, &key)?;
    }
    Ok(batch.accounts.settle(&place.service, usage)?)
}

fn increment(
    batch: &mut Batch<'_>,
    place: &Place,
    quota: &Quota,
    key: String,
    delta: i64,
) -> Acted<i64> {
    let number = match batch.get(place, &key)? {
        None => 0,
        Some((_, value)) => {
            let number = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
            number.ok_or(Stop::Refused(KeyValueError::NotANumber))?
        }
    };
    let sum = i64::checked_add(number, delta).ok_or(Stop::Refused(KeyValueError::Overflow))?;
    let value = sum.to_string();
    quota.admit_entry(&key, value.len() as u64).map_err(refused)?;
    set_one(batch, place, quota, &key, value.as_bytes())?;
    Ok(sum)
}

fn refused(exceeded: QuotaExceeded) -> Stop<KeyValueError> {
    Stop::Refused(exceeded.into())
}
