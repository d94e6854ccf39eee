//! The shelf of secrets: set, get, list, remove.
//!
//! A secret is one record with its last versions, each sealed on its own, so setting one and dropping the
//! oldest is a single change. What a set or a rotation replaced stays readable on the disk, under its old
//! key, until the engine uses those pages again: a key that has leaked calls for new values, not only for
//! a new key.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use tokio::sync::watch;

use super::error::SecretError;
use super::held::{HeldSecret, SecretChanges};
use super::key::{KeyId, KeyRing};
use super::key_file;
use super::name::SecretName;
use super::record::{Kept, Sealed, SecretVersion};
use super::seal::Secret;
use crate::records::{Records, Versioned};

/// The largest value: a private key with its chain of certificates has some 10 KiB.
pub const MAX_SECRET_BYTES: usize = 64 << 10;

/// The versions kept of each secret: the current one, the one that callers under way still use, and a few to
/// go back to. An older one is a liability that nobody asks for.
pub const KEPT_VERSIONS: usize = 5;

/// The most secrets of a node. At their largest they take some 450 MB, and a rotation of the key, which
/// seals each anew in a transaction of its own, about a second.
pub const MAX_SECRETS: usize = 1024;

/// Under this, a record for each secret.
const BY_NAME: &str = "secrets/by-name/";

/// The highest version that a removed secret had. New names begin above it, so that a version never means two
/// values, and no removed name has to be remembered.
const FLOOR: &str = "secrets/floor";

/// Where the key comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A file, made with a new key if it is not there and nothing is sealed yet. It belongs outside of the
    /// data directory: whoever copies that one should not have the key too.
    File(PathBuf),
    /// The caller has it, from the environment for instance.
    Given(KeyRing),
}

/// The secrets of one store. Cheap to clone. Like the records they lie in, they block on the disk.
#[derive(Clone, Debug)]
pub struct Secrets {
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    records: Records,
    /// The key's file, if it has one.
    file: Option<PathBuf>,
    /// The keys in use. Held to seal or open one value, or to be replaced.
    ring: RwLock<KeyRing>,
    /// Makes reading a record and putting its successor one step; held across those, which is file work,
    /// and never across an await.
    changing: Mutex<()>,
    /// Counts changes, so that a holder sees with one load whether to read again.
    generation: watch::Sender<u64>,
}

/// A secret in a listing: everything but its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSummary {
    /// Its name.
    pub name: SecretName,
    /// What is kept of it, the oldest first; the last is the current one.
    pub versions: Vec<SecretVersion>,
}

impl Secrets {
    /// The secrets in these records, with the key that seals them. What is sealed with a former key is
    /// sealed anew, which also ends a rotation that was cut short.
    ///
    /// Fails with [`SecretError::WrongKey`] or [`SecretError::KeyMissing`], which name the key that is
    /// needed, and then has changed nothing.
    pub fn open(records: &Records, source: KeySource) -> Result<Self, SecretError> {
        let needed = keys_needed(records)?;
        let (ring, file) = match source {
            KeySource::Given(ring) => (ring, None),
            KeySource::File(path) => {
                let ring = match (key_file::read(&path)?, needed.keys().next()) {
                    (Some(ring), _) => ring,
                    (None, None) => key_file::create(&path)?,
                    (None, Some(expected)) => {
                        return Err(SecretError::KeyMissing { path, expected: expected.clone() });
                    }
                };
                (ring, Some(key_file::place(&path)?))
            }
        };
        for (expected, name) in needed {
            if ring.find(&expected).is_none() {
                let given = ring.current.id().clone();
                return Err(SecretError::WrongKey { name, expected, given });
            }
        }
        let shelf = Shelf {
            records: records.clone(),
            file,
            ring: RwLock::new(ring),
            changing: Mutex::new(()),
            generation: watch::Sender::new(0),
        };
        let secrets = Self { shelf: Arc::new(shelf) };
        secrets.resume_rotation()?;
        secrets.key_file().into_iter().for_each(|path| key_file::sweep(path));
        Ok(secrets)
    }

    /// Sets a secret and returns the number of its new version. Durable when it returns. The oldest version
    /// above [`KEPT_VERSIONS`] is dropped.
    pub fn set(
        &self,
        name: &SecretName,
        value: &[u8],
        now: SystemTime,
    ) -> Result<u64, SecretError> {
        match value.len() {
            0 => return Err(SecretError::Empty),
            bytes if bytes > MAX_SECRET_BYTES => return Err(SecretError::TooLarge { bytes }),
            _ => {}
        }
        let _turn = self.changing();
        let (expected, mut kept) = match self.kept(name)? {
            Some(found) => (Some(found.version), found.value),
            None if self.names()?.len() >= MAX_SECRETS => return Err(SecretError::TooMany),
            None => (None, Kept { versions: Vec::new() }),
        };
        let last = match kept.versions.last() {
            Some(last) => last.version,
            None => self.floor()?.map_or(0, |floor| floor.value),
        };
        let key = self.ring().current;
        kept.versions.push(Sealed::new(&key, name, last + 1, value, now)?);
        let surplus = kept.versions.len().saturating_sub(KEPT_VERSIONS);
        kept.versions.drain(..surplus);
        let put = self.shelf.records.put_json(&record_of(name), expected, &kept);
        // Also after a failure, which may have left the new version there.
        self.tell();
        put?;
        Ok(last + 1)
    }

    /// The current version.
    pub fn get(&self, name: &SecretName) -> Result<Secret, SecretError> {
        let kept = self.require(name)?.value;
        let sealed = kept.versions.last().ok_or_else(|| not_found(name))?;
        self.unseal(name, sealed)
    }

    /// One version, if it is still kept.
    pub fn get_version(&self, name: &SecretName, version: u64) -> Result<Secret, SecretError> {
        let versions = self.require(name)?.value.versions;
        if let Some(sealed) = versions.iter().find(|sealed| sealed.version == version) {
            return self.unseal(name, sealed);
        }
        let (oldest, newest) = (versions.first(), versions.last());
        let (oldest, newest) = oldest.zip(newest).ok_or_else(|| not_found(name))?;
        let (oldest, newest) = (oldest.version, newest.version);
        Err(SecretError::NoSuchVersion { name: name.clone(), version, oldest, newest })
    }

    /// Removes a secret with all its versions, and says whether it was there. Durable when it returns.
    pub fn remove(&self, name: &SecretName) -> Result<bool, SecretError> {
        let _turn = self.changing();
        let Some(found) = self.kept(name)? else { return Ok(false) };
        let last = found.value.versions.last().map_or(0, |last| last.version);
        let floor = self.floor()?;
        if floor.as_ref().is_none_or(|floor| floor.value < last) {
            let expected = floor.map(|floor| floor.version);
            self.shelf.records.put_json(FLOOR, expected, &last)?;
        }
        let deleted = self.shelf.records.delete_if(&record_of(name), found.version);
        self.tell();
        deleted?;
        Ok(true)
    }

    /// All secrets in the order of their names, without their values.
    pub fn list(&self) -> Result<Vec<SecretSummary>, SecretError> {
        let mut summaries = Vec::new();
        for name in self.names()? {
            // One that was removed since is none.
            if let Some(found) = self.kept(&name)? {
                let versions = found.value.versions.iter().map(Sealed::summary).collect();
                summaries.push(SecretSummary { name, versions });
            }
        }
        Ok(summaries)
    }

    /// The key that seals from now on.
    pub fn key(&self) -> KeyId {
        self.ring().current.id().clone()
    }

    /// A number that grows with every change: whoever keeps a value reads it again when this has grown.
    pub fn generation(&self) -> u64 {
        *self.shelf.generation.borrow()
    }

    /// Waits for changes from now on.
    pub fn changes(&self) -> SecretChanges {
        SecretChanges::new(self.shelf.generation.subscribe())
    }

    /// A secret to be used again and again: it follows what is set without being opened each time.
    pub fn hold(&self, name: SecretName) -> HeldSecret {
        HeldSecret::new(self.clone(), name)
    }

    pub(super) fn records(&self) -> &Records {
        &self.shelf.records
    }

    pub(super) fn key_file(&self) -> Option<&PathBuf> {
        self.shelf.file.as_ref()
    }

    /// A copy of the keys; each is wiped when dropped.
    pub(super) fn ring(&self) -> KeyRing {
        self.shelf.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn replace_ring(&self, ring: KeyRing) {
        *self.shelf.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    pub(super) fn changing(&self) -> MutexGuard<'_, ()> {
        self.shelf.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn names(&self) -> Result<Vec<SecretName>, SecretError> {
        Ok(names(&self.shelf.records)?)
    }

    pub(super) fn kept(&self, name: &SecretName) -> Result<Option<Versioned<Kept>>, SecretError> {
        Ok(self.shelf.records.get_json(&record_of(name))?)
    }

    pub(super) fn unseal(&self, name: &SecretName, sealed: &Sealed) -> Result<Secret, SecretError> {
        let ring = self.ring();
        let key = ring.find(&sealed.key).ok_or_else(|| SecretError::WrongKey {
            name: name.clone(),
            expected: sealed.key.clone(),
            given: ring.current.id().clone(),
        })?;
        sealed.open(key, name)
    }

    fn require(&self, name: &SecretName) -> Result<Versioned<Kept>, SecretError> {
        self.kept(name)?.ok_or_else(|| not_found(name))
    }

    fn floor(&self) -> Result<Option<Versioned<u64>>, SecretError> {
        Ok(self.shelf.records.get_json(FLOOR)?)
    }

    fn tell(&self) {
        self.shelf.generation.send_modify(|generation| *generation += 1);
    }
}

pub(super) fn record_of(name: &SecretName) -> String {
    format!("{BY_NAME}{name}")
}

/// Each key that something is sealed with, and one secret that is.
fn keys_needed(records: &Records) -> Result<BTreeMap<KeyId, SecretName>, SecretError> {
    let mut needed = BTreeMap::new();
    for name in names(records)? {
        let found: Option<Versioned<Kept>> = records.get_json(&record_of(&name))?;
        for sealed in found.into_iter().flat_map(|found| found.value.versions) {
            needed.entry(sealed.key).or_insert_with(|| name.clone());
        }
    }
    Ok(needed)
}

fn names(records: &Records) -> Result<Vec<SecretName>, crate::records::RecordError> {
    let keys = records.keys(BY_NAME)?;
    Ok(keys.iter().filter_map(|(key, _)| key.strip_prefix(BY_NAME)?.parse().ok()).collect())
}

fn not_found(name: &SecretName) -> SecretError {
    SecretError::NotFound { name: name.clone() }
}
