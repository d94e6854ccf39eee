//! Containers in this process's memory, for as long as the keeper lives.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use super::{
    BlobContainer, BlobId, BlobInfo, BlobNames, BlobReader, BlobStore, BlobStoreError, BlobWriter,
};

/// Keeps containers in memory: for components that run without a node, and for tests.
#[derive(Debug, Clone, Default)]
pub struct MemoryBlobs(Arc<Mutex<Kept>>);

/// All containers together. Locked for a look-up or a change, never across an await.
#[derive(Debug, Default)]
struct Kept {
    containers: BTreeMap<String, Container>,
    /// Of objects, those being written among them, and of what keeps them.
    bytes: usize,
}

#[derive(Debug)]
struct Container {
    created_at: SystemTime,
    objects: BTreeMap<String, Object>,
}

#[derive(Debug, Clone)]
struct Object {
    bytes: Bytes,
    created_at: SystemTime,
}

struct Handle {
    name: String,
    all: MemoryBlobs,
}

struct Reader(Bytes);

/// Its bytes are counted as they arrive, so that writes that are never finished are bounded too.
struct Writer {
    container: String,
    object: String,
    bytes: Vec<u8>,
    all: MemoryBlobs,
}

type Done<T> = Result<T, BlobStoreError>;

impl MemoryBlobs {
    /// Objects together, over all containers: what a try-out needs, and what a machine has to spare.
    pub const BYTES_MAX: usize = 64 << 20;

    /// What a container or an object takes besides its name and its bytes, or nothing would bound empty ones.
    const ENTRY_BYTES: usize = 64;

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, name: &str) -> Arc<dyn BlobContainer> {
        Arc::new(Handle { name: name.to_owned(), all: self.clone() })
    }
}

impl BlobStore for MemoryBlobs {
    fn create(&self, container: &str, now: SystemTime) -> Done<Arc<dyn BlobContainer>> {
        let mut kept = self.kept();
        if kept.containers.contains_key(container) {
            let why = format!("there is a container `{container}` already");
            return Err(BlobStoreError::Name(why));
        }
        kept.reserve(entry(container))?;
        let empty = Container { created_at: now, objects: BTreeMap::new() };
        kept.containers.insert(container.to_owned(), empty);
        Ok(self.handle(container))
    }

    fn container(&self, name: &str) -> Done<Arc<dyn BlobContainer>> {
        self.kept().container(name)?;
        Ok(self.handle(name))
    }

    fn exists(&self, container: &str) -> Done<bool> {
        Ok(self.kept().containers.contains_key(container))
    }

    fn delete(&self, container: &str) -> Done<()> {
        let mut kept = self.kept();
        if let Some(removed) = kept.containers.remove(container) {
            kept.bytes -= size(&removed.objects) + entry(container);
        }
        Ok(())
    }

    fn copy(&self, from: &BlobId, to: &BlobId, now: SystemTime) -> Done<()> {
        let mut kept = self.kept();
        let found = kept.object(&from.container, &from.object)?.clone();
        kept.container(&to.container)?;
        if from == to {
            return Ok(());
        }
        let bytes = found.bytes.len();
        kept.reserve(bytes)?;
        let put = kept.put(&to.container, &to.object, Object { created_at: now, ..found });
        put.inspect_err(|_| kept.bytes -= bytes)
    }

    fn rename(&self, from: &BlobId, to: &BlobId) -> Done<()> {
        let mut kept = self.kept();
        let found = kept.object(&from.container, &from.object)?.clone();
        kept.container(&to.container)?;
        if from == to {
            return Ok(());
        }
        kept.put(&to.container, &to.object, found)?;
        kept.container(&from.container)?.objects.remove(&from.object);
        kept.bytes -= entry(&from.object);
        Ok(())
    }
}

impl BlobContainer for Handle {
    fn created_at(&self) -> Done<SystemTime> {
        Ok(self.all.kept().container(&self.name)?.created_at)
    }

    fn read(&self, object: &str, offset: u64, len: u64) -> Done<Box<dyn BlobReader>> {
        let mut kept = self.all.kept();
        let bytes = &kept.object(&self.name, object)?.bytes;
        let clamped = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let begin = clamped(offset).min(bytes.len());
        let end = begin.saturating_add(clamped(len)).min(bytes.len());
        Ok(Box::new(Reader(bytes.slice(begin..end))))
    }

    fn write(&self, object: &str) -> Done<Box<dyn BlobWriter>> {
        self.all.kept().container(&self.name)?;
        let (container, all) = (self.name.clone(), self.all.clone());
        Ok(Box::new(Writer { container, object: object.to_owned(), bytes: Vec::new(), all }))
    }

    fn info(&self, object: &str) -> Done<BlobInfo> {
        let mut kept = self.all.kept();
        let Object { bytes, created_at } = kept.object(&self.name, object)?;
        Ok(BlobInfo { size_bytes: bytes.len() as u64, created_at: *created_at })
    }

    fn has(&self, object: &str) -> Done<bool> {
        Ok(self.all.kept().container(&self.name)?.objects.contains_key(object))
    }

    fn list(&self, after: Option<String>, limit: usize) -> Done<BlobNames> {
        let mut kept = self.all.kept();
        let objects = &kept.container(&self.name)?.objects;
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut names = objects.range((begin, Bound::Unbounded)).map(|(name, _)| name.clone());
        let page: Vec<_> = names.by_ref().take(limit).collect();
        let next = names.next().and(page.last().cloned());
        Ok(BlobNames { names: page, next })
    }

    fn delete_many(&self, objects: &[String]) -> Done<()> {
        let mut kept = self.all.kept();
        let container = kept.container(&self.name)?;
        let removed = objects.iter().filter_map(|name| container.objects.remove_entry(name));
        let bytes: usize = removed.map(|(name, object)| entry(&name) + object.bytes.len()).sum();
        kept.bytes -= bytes;
        Ok(())
    }

    fn clear(&self) -> Done<()> {
        let mut kept = self.all.kept();
        let removed = std::mem::take(&mut kept.container(&self.name)?.objects);
        kept.bytes -= size(&removed);
        Ok(())
    }
}

impl BlobReader for Reader {
    fn remaining_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, buffer: &mut [u8]) -> Done<usize> {
        let piece = self.0.split_to(buffer.len().min(self.0.len()));
        buffer[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

impl BlobWriter for Writer {
    fn append(&mut self, bytes: &[u8]) -> Done<()> {
        self.all.kept().reserve(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(mut self: Box<Self>, now: SystemTime) -> Done<()> {
        let mut kept = self.all.kept();
        kept.container(&self.container)?;
        // From here on they count as the object's.
        let object = Object { bytes: std::mem::take(&mut self.bytes).into(), created_at: now };
        let bytes = object.bytes.len();
        let put = kept.put(&self.container, &self.object, object);
        put.inspect_err(|_| kept.bytes -= bytes)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.all.kept().bytes -= self.bytes.len();
        }
    }
}

impl Kept {
    fn container(&mut self, name: &str) -> Done<&mut Container> {
        let none = || BlobStoreError::Name(format!("there is no container `{name}`"));
        self.containers.get_mut(name).ok_or_else(none)
    }

    fn object(&mut self, container: &str, name: &str) -> Done<&Object> {
        let found = self.container(container)?.objects.get(name);
        found.ok_or_else(|| {
            let why = format!("there is no object `{name}` in container `{container}`");
            BlobStoreError::Name(why)
        })
    }

    fn reserve(&mut self, more: usize) -> Done<()> {
        let max = MemoryBlobs::BYTES_MAX;
        if more > max - self.bytes {
            let why = format!("{max} bytes are kept in memory at most");
            return Err(BlobStoreError::Refused(why));
        }
        self.bytes += more;
        Ok(())
    }

    /// Puts an object whose bytes are counted already.
    fn put(&mut self, container: &str, name: &str, object: Object) -> Done<()> {
        if !self.container(container)?.objects.contains_key(name) {
            self.reserve(entry(name))?;
        }
        let before = self.container(container)?.objects.insert(name.to_owned(), object);
        self.bytes -= before.map_or(0, |before| before.bytes.len());
        Ok(())
    }
}

fn size(objects: &BTreeMap<String, Object>) -> usize {
    objects.iter().map(|(name, object)| entry(name) + object.bytes.len()).sum()
}

fn entry(name: &str) -> usize {
    name.len() + MemoryBlobs::ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn empty_objects_are_bounded_and_all_room_comes_back() {
        let all = MemoryBlobs::default();
        let container = all.create("c", NOW).unwrap();
        let name = |number: usize| format!("{number:0>1000}");
        let put = |number| container.write(&name(number)).unwrap().finish(NOW);
        let full = (0..).find(|&number| put(number).is_err()).unwrap();
        assert!(full < MemoryBlobs::BYTES_MAX / 1000, "{full}");
        assert!(put(0).is_ok(), "what is there may be written anew");
        let id = |object: String| BlobId { container: "c".into(), object };
        all.rename(&id(name(0)), &id("short".into())).unwrap();
        container.delete_many(&["short".to_owned(), name(1)]).unwrap();
        assert!(put(0).is_ok());
        container.clear().unwrap();
        assert_eq!(all.kept().bytes, entry("c"));
        all.delete("c").unwrap();
        assert_eq!(all.kept().bytes, 0);
    }
}
