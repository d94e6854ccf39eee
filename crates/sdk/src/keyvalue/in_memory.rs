//! Buckets of a native test: in memory, of the test's own thread, gone with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Error, Page};

/// Keys of one page: few, so that a test with some hundred keys sees several.
const PAGE: usize = 100;

type Entries = BTreeMap<String, Vec<u8>>;

thread_local! {
    static BUCKETS: RefCell<BTreeMap<String, Entries>> = const { RefCell::new(BTreeMap::new()) };
}

#[derive(Debug)]
pub(super) struct Opened(String);

impl Opened {
    #[allow(clippy::unnecessary_wraps, reason = "the host's bucket may be refused")]
    pub(super) fn open(name: &str) -> Result<Self, Error> {
        Ok(Self(name.to_owned()))
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.entries(|entries| entries.get(key).cloned()))
    }

    pub(super) fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.entries(|entries| entries.insert(key.to_owned(), value.to_owned()));
        Ok(())
    }

    pub(super) fn delete(&self, key: &str) -> Result<(), Error> {
        self.entries(|entries| entries.remove(key));
        Ok(())
    }

    pub(super) fn exists(&self, key: &str) -> Result<bool, Error> {
        Ok(self.entries(|entries| entries.contains_key(key)))
    }

    /// The cursor is the last key of the page before.
    pub(super) fn page(&self, cursor: Option<&str>) -> Result<Page, Error> {
        Ok(self.entries(|entries| {
            let after = cursor.map_or(Bound::Unbounded, Bound::Excluded);
            let mut rest = entries.range::<str, _>((after, Bound::Unbounded));
            let keys: Vec<String> = rest.by_ref().take(PAGE).map(|(key, _)| key.clone()).collect();
            let next = rest.next().and_then(|_| keys.last().cloned());
            (keys, next)
        }))
    }

    /// A number is kept as the text of its decimal digits, as the host keeps it.
    pub(super) fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.entries(|entries| {
            let held = match entries.get(key) {
                None => 0,
                Some(value) => str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse::<i64>().ok())
                    .ok_or_else(|| Error::Other(format!("what is under `{key}` is no number")))?,
            };
            let sum = held
                .checked_add(delta)
                .ok_or_else(|| Error::Other("the increment would overflow".to_owned()))?;
            entries.insert(key.to_owned(), sum.to_string().into_bytes());
            Ok(sum)
        })
    }

    fn entries<T>(&self, act: impl FnOnce(&mut Entries) -> T) -> T {
        BUCKETS.with_borrow_mut(|buckets| act(buckets.entry(self.0.clone()).or_default()))
    }
}
