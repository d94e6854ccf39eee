//! Buckets of the host, for what is to be there at the next call: `Bucket::open("sessions")?`.
//!
//! The manifest asks for a bucket by name (`keyvalue = [{ bucket = "sessions", access = ["read", "write"], reason =
//! "logins" }]`). A bucket is its service's own, whichever revision answers; a write is durable when it returns.
//! Natively, in tests, buckets are in memory, and each thread has its own: one test never sees another's entries.

#[cfg(target_arch = "wasm32")]
mod hosted;
#[cfg(not(target_arch = "wasm32"))]
mod in_memory;

use std::fmt;

#[cfg(target_arch = "wasm32")]
use self::hosted::Opened;
#[cfg(not(target_arch = "wasm32"))]
use self::in_memory::Opened;
use crate::ComponentError;

/// A bucket that is open.
///
/// ```
/// use airssys_wasm_sdk::keyvalue::{Bucket, Error};
///
/// let words = Bucket::open("words")?;
/// words.set("ada", "lovelace")?;
/// assert_eq!(words.get("ada")?.as_deref(), Some(b"lovelace".as_slice()));
/// assert_eq!(words.increment("seen", 2)?, 2);
/// assert_eq!(words.keys().collect::<Result<Vec<_>, _>>()?, ["ada", "seen"]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Bucket(Opened);

/// Why a bucket is not to be had, or did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// There can be no bucket of this name.
    NoSuchStore,
    /// The component has no right to it, or none to this use of it.
    AccessDenied,
    /// Anything else, such as a quota that is reached or a disk that failed.
    Other(String),
}

impl Bucket {
    /// Opens the bucket of this name, which is there once something was written to it.
    ///
    /// # Errors
    /// When the component has no right to it.
    pub fn open(name: &str) -> Result<Self, Error> {
        Opened::open(name).map(Self)
    }

    /// The value under this key, if there is one.
    ///
    /// # Errors
    /// When it may not be read, or the store failed.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.0.get(key)
    }

    /// Sets the value under this key, whether there was one or not.
    ///
    /// # Errors
    /// When it may not be written, a quota is reached, or the store failed. What was there stays.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.0.set(key, value.as_ref())
    }

    /// Deletes the entry under this key, if there is one.
    ///
    /// # Errors
    /// When it may not be written, or the store failed.
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        self.0.delete(key)
    }

    /// Whether there is an entry under this key.
    ///
    /// # Errors
    /// When it may not be read, or the store failed.
    pub fn exists(&self, key: &str) -> Result<bool, Error> {
        self.0.exists(key)
    }

    /// All keys, asked for by the page: as many as the host gives at once are held at a time.
    pub fn keys(&self) -> Keys<'_> {
        Keys { bucket: self, page: Vec::new().into_iter(), next: Next::Page(None) }
    }

    /// Adds to the number under this key, which is 0 if there is none, and returns the sum. Nothing comes between: of
    /// two calls that add 1 at once, one gets the other's sum and 1.
    ///
    /// # Errors
    /// When it may not be read and written, what is there is no number, or the sum is none.
    pub fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        self.0.increment(key, delta)
    }
}

/// The keys of a bucket. It ends after an error.
#[derive(Debug)]
pub struct Keys<'a> {
    bucket: &'a Bucket,
    page: std::vec::IntoIter<String>,
    next: Next,
}

/// What follows the keys that are held.
#[derive(Debug)]
enum Next {
    /// The page at this cursor; the first one without.
    Page(Option<String>),
    Nothing,
}

/// Some keys, and the cursor of the next ones.
type Page = (Vec<String>, Option<String>);

impl Iterator for Keys<'_> {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(key) = self.page.next() {
                return Some(Ok(key));
            }
            let Next::Page(cursor) = std::mem::replace(&mut self.next, Next::Nothing) else {
                return None;
            };
            match self.bucket.0.page(cursor.as_deref()) {
                Ok((keys, cursor)) => {
                    self.page = keys.into_iter();
                    self.next = cursor.map_or(Next::Nothing, |at| Next::Page(Some(at)));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// What a component says that fails because its bucket did: whoever may grant it is told so, and a store that is full or
/// failed may not be so later.
impl From<Error> for ComponentError {
    fn from(error: Error) -> Self {
        match error {
            Error::AccessDenied => Self::denied(error.to_string()),
            Error::NoSuchStore => Self::failed(error.to_string()),
            Error::Other(why) => Self::unavailable(why),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchStore => "there is no bucket of this name",
            Self::AccessDenied => "the bucket is not granted",
            Self::Other(why) => why,
        })
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use crate::keyvalue::{Bucket, Error};
    use crate::{ComponentError, ErrorKind};

    #[test]
    fn keys_come_from_every_page_and_each_once() {
        let bucket = Bucket::open("many").unwrap();
        let written: Vec<String> = (0..250).map(|number| format!("key-{number:03}")).collect();
        written.iter().for_each(|key| bucket.set(key, "").unwrap());
        assert_eq!(bucket.keys().collect::<Result<Vec<_>, _>>().unwrap(), written);
    }

    #[test]
    fn an_entry_is_there_until_it_is_deleted_and_through_any_handle() {
        let (one, other) = (Bucket::open("a").unwrap(), Bucket::open("a").unwrap());
        one.set("key", [0, 255]).unwrap();
        assert_eq!(other.get("key").unwrap(), Some(vec![0, 255]));
        assert!(!Bucket::open("b").unwrap().exists("key").unwrap());
        other.delete("key").unwrap();
        other.delete("key").unwrap();
        assert_eq!(one.get("key").unwrap(), None);
        assert!(one.keys().next().is_none());
    }

    #[test]
    fn only_a_number_is_incremented() {
        let bucket = Bucket::open("numbers").unwrap();
        assert_eq!(bucket.increment("n", i64::MAX).unwrap(), i64::MAX);
        assert!(matches!(bucket.increment("n", 1), Err(Error::Other(_))));
        bucket.set("n", "many").unwrap();
        assert!(matches!(bucket.increment("n", 1), Err(Error::Other(_))));
        assert_eq!(bucket.get("n").unwrap(), Some(b"many".to_vec()));
    }

    #[test]
    fn a_denial_stays_one_for_the_caller() {
        assert_eq!(ComponentError::from(Error::AccessDenied).kind(), ErrorKind::Denied);
        let full = ComponentError::from(Error::Other("the bucket is full".into()));
        assert_eq!((full.kind(), full.message()), (ErrorKind::Unavailable, "the bucket is full"));
    }
}
