//! A folder in memory whose power can be cut: it knows which names and contents were synced, and what a
//! power cut may leave of the rest.

use std::collections::BTreeMap;
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

use super::folder::{Folder, NewFile};

/// A folder in memory. Clones are the same folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shadow(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) files: Vec<Content>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    /// What was done to the names since the folder was synced.
    pending: Vec<Naming>,
    pub(crate) steps: u64,
    pub(crate) cut_at: Option<u64>,
    /// The next sync of the folder fails.
    pub(crate) sync_fails: bool,
    /// Bytes that still fit.
    pub(crate) room: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    synced: bool,
}

#[derive(Clone, Debug)]
enum Naming {
    Named(String, usize),
    Unnamed(String),
}

#[derive(Debug)]
struct ShadowFile {
    shadow: Shadow,
    file: usize,
}

impl Shadow {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The folder after a power cut: of the names' changes any were kept, and of each unsynced content
    /// nothing, a part, its length in zeros, or all.
    pub(crate) fn power_on(&self, rng: &mut SmallRng) -> Shadow {
        let mut state = self.state();
        let kept_share = *[0.0, 0.5, 1.0].choose(rng).unwrap();
        let mut names = state.synced_names.clone();
        for naming in std::mem::take(&mut state.pending) {
            if rng.random_bool(kept_share) {
                apply(&mut names, naming);
            }
        }
        let mut files = state.files.clone();
        for file in files.iter_mut().filter(|file| !file.synced) {
            match rng.random_range(0..4) {
                0 => file.bytes.clear(),
                1 => file.bytes.truncate(rng.random_range(0..=file.bytes.len())),
                2 => file.bytes.fill(0),
                _ => {}
            }
        }
        let state = State { files, synced_names: names.clone(), names, ..State::default() };
        Shadow(Arc::new(Mutex::new(state)))
    }
}

fn apply(names: &mut BTreeMap<String, usize>, naming: Naming) {
    match naming {
        Naming::Named(name, file) => names.insert(name, file),
        Naming::Unnamed(name) => names.remove(&name),
    };
}

impl State {
    fn step(&mut self) -> io::Result<()> {
        if self.cut_at.is_some_and(|cut| self.steps >= cut) {
            return Err(io::Error::other("the power is off"));
        }
        self.steps += 1;
        Ok(())
    }

    fn name(&mut self, naming: Naming) {
        apply(&mut self.names, naming.clone());
        self.pending.push(naming);
    }

    pub(crate) fn file(&self, name: &str) -> io::Result<usize> {
        Ok(*self.names.get(name).ok_or(ErrorKind::NotFound)?)
    }
}

impl Folder for Shadow {
    fn create(&self, name: &str) -> io::Result<Box<dyn NewFile>> {
        let mut state = self.state();
        state.step()?;
        assert!(!state.names.contains_key(name), "{name} is there already");
        let file = state.files.len();
        state.files.push(Content::default());
        state.name(Naming::Named(name.to_owned(), file));
        Ok(Box::new(ShadowFile { shadow: self.clone(), file }))
    }

    fn open_at(&self, name: &str, from: u64) -> io::Result<(Box<dyn Read + Send>, u64)> {
        let state = self.state();
        let bytes = state.files[state.file(name)?].bytes.clone();
        let len = bytes.len() as u64;
        let mut content = Cursor::new(bytes);
        content.set_position(from);
        Ok((Box::new(content), len))
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        Ok(self.state().names.contains_key(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let file = state.file(from)?;
        state.name(Naming::Named(to.to_owned(), file));
        state.name(Naming::Unnamed(from.to_owned()));
        Ok(())
    }

    fn touched(&self, name: &str) -> io::Result<SystemTime> {
        self.state().file(name).map(|_| SystemTime::UNIX_EPOCH)
    }

    fn touch(&self, name: &str) -> io::Result<()> {
        self.state().file(name).map(drop)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.file(name)?;
        state.name(Naming::Unnamed(name.to_owned()));
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let pending = std::mem::take(&mut state.pending);
        if std::mem::take(&mut state.sync_fails) {
            // Linux: the names count as written, are still found, and never reach the disk.
            return Err(io::Error::from_raw_os_error(5));
        }
        for naming in pending {
            apply(&mut state.synced_names, naming);
        }
        Ok(())
    }
}

impl Write for ShadowFile {
    /// At most 4 KiB at once, so that a cut also finds a blob half written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.shadow.state();
        state.step()?;
        let len = bytes.len().min(4096).min(state.room.unwrap_or(usize::MAX));
        if len == 0 && !bytes.is_empty() {
            return Err(ErrorKind::StorageFull.into());
        }
        state.room = state.room.map(|room| room - len);
        state.files[self.file].synced = false;
        state.files[self.file].bytes.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl NewFile for ShadowFile {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.shadow.state();
        state.step()?;
        state.files[self.file].synced = true;
        Ok(())
    }
}
