//! Buckets in this process's memory, for as long as the keeper lives.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use super::{Bucket, Entry, KeyPage, KeyValueError, KeyValueStore, Swap};

/// Keeps buckets in memory: for components that run without a node, and for tests.
#[derive(Debug, Clone, Default)]
pub struct MemoryBuckets(Arc<Mutex<Kept>>);

/// All buckets together. Locked for a look-up or a change, never across an await.
#[derive(Debug, Default)]
struct Kept {
    /// By bucket and key.
    entries: BTreeMap<(String, String), Entry>,
    bytes: usize,
    version: u64,
}

struct MemoryBucket {
    name: String,
    bytes_max: usize,
    all: MemoryBuckets,
}

type Done<T> = Result<T, KeyValueError>;

/// Keys of a page.
const PAGE: usize = 1000;

impl MemoryBuckets {
    /// Keys and values together, over all buckets: what a try-out needs, and what a machine has to spare.
    pub const BYTES_MAX: usize = 64 << 20;

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyValueStore for MemoryBuckets {
    fn bucket<'a>(&'a self, name: &'a str, bytes_max: u64) -> BoxFuture<'a, Done<Arc<dyn Bucket>>> {
        let bytes_max =
            usize::try_from(bytes_max).map_or(Self::BYTES_MAX, |it| it.min(Self::BYTES_MAX));
        let bucket = MemoryBucket { name: name.to_owned(), bytes_max, all: self.clone() };
        ready(Ok(Arc::new(bucket) as Arc<dyn Bucket>)).boxed()
    }
}

impl MemoryBucket {
    fn at(&self, key: &str) -> (String, String) {
        (self.name.clone(), key.to_owned())
    }

    fn set_all(&self, entries: Vec<(String, Vec<u8>)>) -> Done<()> {
        let mut kept = self.all.kept();
        let more: usize = entries.iter().map(|(key, value)| key.len() + value.len()).sum();
        let max = self.bytes_max;
        if kept.bytes + more > max {
            return Err(KeyValueError::Full(format!("the buckets may hold {max} bytes")));
        }
        for (key, value) in entries {
            kept.put(self.at(&key), value);
        }
        Ok(())
    }

    fn add(&self, key: &str, delta: i64) -> Done<i64> {
        let refused = |why: &str| KeyValueError::Refused(why.to_owned());
        let mut kept = self.all.kept();
        let number = match kept.entries.get(&self.at(key)) {
            None => 0,
            Some(entry) => std::str::from_utf8(&entry.value)
                .ok()
                .and_then(|text| text.parse::<i64>().ok())
                .ok_or_else(|| refused("the value is no decimal number of 64 bits with a sign"))?,
        };
        let sum = number.checked_add(delta);
        let sum = sum.ok_or_else(|| refused("the increment would overflow"))?;
        kept.put(self.at(key), sum.to_string().into());
        Ok(sum)
    }

    fn swap_one(&self, key: &str, expected: Option<u64>, value: Vec<u8>) -> Swap {
        let mut kept = self.all.kept();
        let found = kept.entries.get(&self.at(key)).map(|entry| entry.version);
        if found != expected {
            return Swap::Changed(found);
        }
        kept.put(self.at(key), value);
        Swap::Done
    }
}

impl Kept {
    fn put(&mut self, at: (String, String), value: Vec<u8>) {
        self.remove(&at);
        self.version += 1;
        self.bytes += at.1.len() + value.len();
        self.entries.insert(at, Entry { version: self.version, value });
    }

    fn remove(&mut self, at: &(String, String)) {
        if let Some(entry) = self.entries.remove(at) {
            self.bytes -= at.1.len() + entry.value.len();
        }
    }
}

impl Bucket for MemoryBucket {
    fn get(&self, key: &str) -> Done<Option<Entry>> {
        Ok(self.all.kept().entries.get(&self.at(key)).cloned())
    }

    fn exists(&self, key: &str) -> Done<bool> {
        Ok(self.all.kept().entries.contains_key(&self.at(key)))
    }

    fn get_many(&self, keys: &[String]) -> Done<Vec<Option<Vec<u8>>>> {
        let kept = self.all.kept();
        let value = |key: &String| kept.entries.get(&self.at(key)).map(|it| it.value.clone());
        Ok(keys.iter().map(value).collect())
    }

    fn list_keys(&self, after: Option<String>) -> Done<KeyPage> {
        let begin = match after {
            Some(after) => Bound::Excluded((self.name.clone(), after)),
            None => Bound::Included((self.name.clone(), String::new())),
        };
        let kept = self.all.kept();
        let ours = kept.entries.range((begin, Bound::Unbounded));
        let ours = ours.map(|(at, _)| at).take_while(|(bucket, _)| *bucket == self.name);
        let mut keys: Vec<_> = ours.map(|(_, key)| key.clone()).take(PAGE + 1).collect();
        let is_last = keys.len() <= PAGE;
        keys.truncate(PAGE);
        let next = if is_last { None } else { keys.last().cloned() };
        Ok(KeyPage { keys, next })
    }

    fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> BoxFuture<'_, Done<()>> {
        ready(self.set_all(entries)).boxed()
    }

    fn delete_many(&self, keys: Vec<String>) -> BoxFuture<'_, Done<()>> {
        let mut kept = self.all.kept();
        for key in keys {
            kept.remove(&self.at(&key));
        }
        ready(Ok(())).boxed()
    }

    fn increment(&self, key: String, delta: i64) -> BoxFuture<'_, Done<i64>> {
        ready(self.add(&key, delta)).boxed()
    }

    fn swap(
        &self,
        key: String,
        expected: Option<u64>,
        value: Vec<u8>,
    ) -> BoxFuture<'_, Done<Swap>> {
        ready(Ok(self.swap_one(&key, expected, value))).boxed()
    }
}
