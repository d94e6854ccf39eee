//! A folder whose power is cut: names and contents that were not synced are lost, kept or torn.

use std::collections::BTreeMap;
use std::io::{self, Cursor, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

use rand::Rng;
use rand::rngs::SmallRng;
use redb::StorageBackend;

use super::folder::{Folder, Page, Reading};
use crate::records::disk_shadow::{Disk, Loss};

/// A folder in memory. Clones are the same folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Shadow(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    names: BTreeMap<String, Disk>,
    synced_names: BTreeMap<String, Disk>,
    /// What was done to the names since the folder was synced.
    pending: Vec<Naming>,
    steps: u64,
    cut_at: Option<u64>,
    /// Syncs, of files or of the folder, until one fails and the system forgets what it was to sync.
    pub(super) sync_fails_in: Option<u64>,
    /// Every write fails.
    pub(super) fails: bool,
    /// Bytes that all files together may have.
    pub(super) room: Option<u64>,
}

#[derive(Clone, Debug)]
enum Naming {
    Named(String, Disk),
    Unnamed(String),
}

#[derive(Debug)]
struct ShadowPage {
    shadow: Shadow,
    disk: Disk,
}

impl Shadow {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Cuts the power at this step from now (0: the next one). From then on everything fails.
    pub(super) fn cut_in(&self, steps: u64) {
        let mut state = self.state();
        state.cut_at = Some(state.steps + steps);
    }

    pub(super) fn steps(&self) -> u64 {
        self.state().steps
    }

    /// The folder after the power is back.
    pub(super) fn power_on(&self, loss: Loss, rng: &mut SmallRng) -> Shadow {
        let state = self.state();
        let mut names = state.synced_names.clone();
        for naming in &state.pending {
            let kept = match loss {
                Loss::All => false,
                Loss::Nothing => true,
                Loss::Some | Loss::Tail => rng.random_bool(0.5),
            };
            if kept {
                apply(&mut names, naming.clone());
            }
        }
        let names: BTreeMap<String, Disk> =
            names.into_iter().map(|(name, disk)| (name, disk.power_on(loss, rng))).collect();
        let state = State { synced_names: names.clone(), names, ..State::default() };
        Shadow(Arc::new(Mutex::new(state)))
    }

    /// A file's bytes.
    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        self.state().names[name].state().live.clone()
    }

    /// Changes a file behind everybody's back; `None`: deletes it.
    pub(super) fn tamper(&self, name: &str, bytes: Option<Vec<u8>>) {
        let mut state = self.state();
        match bytes {
            Some(bytes) => state.names.insert(name.to_owned(), Disk::holding(bytes)),
            None => state.names.remove(name),
        };
        state.synced_names = state.names.clone();
    }

    /// The same files, apart from these.
    pub(super) fn copy(&self) -> Shadow {
        let copied = |(name, disk): (&String, &Disk)| {
            (name.clone(), Disk::holding(disk.state().live.clone()))
        };
        let names: BTreeMap<String, Disk> = self.state().names.iter().map(copied).collect();
        let state = State { synced_names: names.clone(), names, ..State::default() };
        Shadow(Arc::new(Mutex::new(state)))
    }
}

impl State {
    fn step(&mut self) -> io::Result<()> {
        if self.cut_at.is_some_and(|cut| self.steps >= cut) {
            return Err(io::Error::other("the power is off"));
        }
        self.steps += 1;
        if self.fails { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
    }

    /// Whether this sync fails.
    fn fails_sync(&mut self) -> bool {
        let fails_in = self.sync_fails_in;
        self.sync_fails_in = fails_in.and_then(|syncs| syncs.checked_sub(1));
        fails_in == Some(0)
    }

    fn disk(&self, name: &str) -> io::Result<Disk> {
        Ok(self.names.get(name).ok_or(ErrorKind::NotFound)?.clone())
    }

    fn name(&mut self, naming: Naming) {
        apply(&mut self.names, naming.clone());
        self.pending.push(naming);
    }

    fn used(&self) -> u64 {
        self.names.values().map(|disk| disk.state().live.len() as u64).sum()
    }
}

impl Folder for Shadow {
    fn create(&self, name: &str) -> io::Result<Box<dyn Page>> {
        let mut state = self.state();
        state.step()?;
        assert!(!state.names.contains_key(name), "{name} is there already");
        let disk = Disk::default();
        state.name(Naming::Named(name.to_owned(), disk.clone()));
        Ok(Box::new(ShadowPage { shadow: self.clone(), disk }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Page>> {
        let disk = self.state().disk(name)?;
        Ok(Box::new(ShadowPage { shadow: self.clone(), disk }))
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Reading>> {
        let disk = self.state().disk(name)?;
        let bytes = disk.state().live.clone();
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let disk = state.disk(from)?;
        state.name(Naming::Named(to.to_owned(), disk));
        state.name(Naming::Unnamed(from.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.disk(name)?;
        state.step()?;
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
        if state.fails_sync() {
            // Linux: the names count as written, are still found, and never reach the disk.
            return Err(io::Error::from_raw_os_error(5));
        }
        for naming in pending {
            apply(&mut state.synced_names, naming);
        }
        Ok(())
    }
}

impl Page for ShadowPage {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.shadow.state();
        state.step()?;
        let grows =
            (offset + bytes.len() as u64).saturating_sub(self.disk.state().live.len() as u64);
        let end = offset + bytes.len() as u64;
        let left = state.room.map_or(u64::MAX, |room| room.saturating_sub(state.used()));
        if grows > left {
            // What fits is written, as a disk does it.
            let fits = bytes.len() - (grows - left) as usize;
            self.disk.set_len(end - (grows - left))?;
            self.disk.write(offset, &bytes[..fits])?;
            return Err(ErrorKind::StorageFull.into());
        }
        if grows > 0 {
            // What the disk in memory is told, a file system does by itself.
            self.disk.set_len(end)?;
        }
        self.disk.write(offset, bytes)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.shadow.state().step()?;
        self.disk.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.shadow.state();
        state.step()?;
        if state.fails_sync() {
            self.disk.state().sync_fails_in = Some(0);
        }
        self.disk.sync_data()
    }
}

fn apply(names: &mut BTreeMap<String, Disk>, naming: Naming) {
    match naming {
        Naming::Named(name, disk) => names.insert(name, disk),
        Naming::Unnamed(name) => names.remove(&name),
    };
}
