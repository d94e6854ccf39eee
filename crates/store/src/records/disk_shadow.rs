//! A disk in memory whose power can be cut: it knows what was written, what was synced, and what a power
//! cut may leave of the difference.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use redb::StorageBackend;

/// What a disk writes in one piece. Anything larger may be torn.
const SECTOR_BYTES: u64 = 512;

/// What a power cut leaves of the writes that no sync had confirmed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loss {
    /// Nothing of them.
    All,
    /// All of them.
    Nothing,
    /// Of each sector any state it had since the last sync; of the length likewise.
    Some,
    /// Everything up to some instant, and half of the write at that instant.
    Tail,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(crate) struct State {
    /// What reads see.
    pub(crate) live: Vec<u8>,
    /// What the last sync confirmed.
    synced: Vec<u8>,
    /// What was done since.
    pending: Vec<Pending>,
    steps: u64,
    cut_at: Option<u64>,
    /// Syncs until one fails, after which the system forgets that the pages were dirty.
    pub(crate) sync_fails_in: Option<u64>,
    /// Bytes the file may hold at most.
    pub(crate) room: Option<u64>,
}

#[derive(Clone, Debug)]
enum Pending {
    Write { offset: u64, data: Vec<u8> },
    Length(u64),
}

impl Disk {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Cuts the power at this step from now (0: the next one). From then on everything fails.
    pub(crate) fn cut_in(&self, steps: u64) {
        let mut state = self.state();
        state.cut_at = Some(state.steps + steps);
    }

    /// The disk after the power is back.
    pub(crate) fn power_on(&self, loss: Loss, rng: &mut SmallRng) -> Disk {
        let state = self.state();
        let kept = match loss {
            Loss::All => state.synced.clone(),
            Loss::Nothing => replay(&state.synced, &state.pending),
            Loss::Some => scattered(&state.synced, &state.pending, rng),
            Loss::Tail => cut_short(&state.synced, &state.pending, rng),
        };
        Disk::holding(kept)
    }

    pub(crate) fn holding(image: Vec<u8>) -> Disk {
        let state = State { live: image.clone(), synced: image, ..State::default() };
        Disk(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn steps(&self) -> u64 {
        self.state().steps
    }
}

impl State {
    fn step(&mut self) -> io::Result<()> {
        if self.cut_at.is_some_and(|cut| self.steps >= cut) {
            return Err(io::Error::other("the power is off"));
        }
        self.steps += 1;
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let from = offset as usize;
        let found = state.live.get(from..from + out.len());
        out.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.live.resize(len as usize, 0);
        state.pending.push(Pending::Length(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        let fails_in = state.sync_fails_in;
        state.sync_fails_in = fails_in.and_then(|syncs| syncs.checked_sub(1));
        if fails_in == Some(0) {
            // Linux: the pages count as clean, are still read from memory, and never reach the disk.
            state.pending.clear();
            return Err(io::Error::from_raw_os_error(5));
        }
        let pending = std::mem::take(&mut state.pending);
        state.synced = replay(&state.synced, &pending);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        if state.room.is_some_and(|room| offset + data.len() as u64 > room) {
            return Err(ErrorKind::StorageFull.into());
        }
        let (from, to) = (offset as usize, offset as usize + data.len());
        if to > state.live.len() {
            state.live.resize(to, 0);
        }
        state.live[from..to].copy_from_slice(data);
        state.pending.push(Pending::Write { offset, data: data.to_vec() });
        Ok(())
    }
}

fn replay(image: &[u8], pending: &[Pending]) -> Vec<u8> {
    let mut image = image.to_vec();
    for done in pending {
        match done {
            Pending::Length(len) => image.resize(*len as usize, 0),
            Pending::Write { offset, data } => overlay(&mut image, *offset, data),
        }
    }
    image
}

/// Writes what fits within the length, as a file system does that lost the extension.
fn overlay(image: &mut [u8], offset: u64, data: &[u8]) {
    let from = (offset as usize).min(image.len());
    let to = (offset as usize + data.len()).min(image.len());
    image[from..to].copy_from_slice(&data[..to - from]);
}

fn scattered(image: &[u8], pending: &[Pending], rng: &mut SmallRng) -> Vec<u8> {
    let mut lengths = vec![image.len() as u64];
    // Of each sector, the pieces written to it, in their order.
    let mut sectors: BTreeMap<u64, Vec<(u64, &[u8])>> = BTreeMap::new();
    for done in pending {
        match done {
            Pending::Length(len) => lengths.push(*len),
            Pending::Write { offset, data } => {
                let (mut at, mut rest) = (*offset, data.as_slice());
                while !rest.is_empty() {
                    let within = (SECTOR_BYTES - at % SECTOR_BYTES) as usize;
                    let (piece, later) = rest.split_at(within.min(rest.len()));
                    sectors.entry(at / SECTOR_BYTES).or_default().push((at, piece));
                    (at, rest) = (at + piece.len() as u64, later);
                }
            }
        }
    }
    let mut image = image.to_vec();
    image.resize(*lengths.choose(rng).unwrap() as usize, 0);
    let kept_share = rng.random_range(0.0..1.0);
    for pieces in sectors.into_values() {
        if rng.random_bool(kept_share) {
            for (offset, piece) in &pieces[..rng.random_range(1..=pieces.len())] {
                overlay(&mut image, *offset, piece);
            }
        }
    }
    image
}

fn cut_short(image: &[u8], pending: &[Pending], rng: &mut SmallRng) -> Vec<u8> {
    let whole = rng.random_range(0..=pending.len());
    let mut image = replay(image, &pending[..whole]);
    if let Some(Pending::Write { offset, data }) = pending.get(whole) {
        let half = data.len() / 2 / SECTOR_BYTES as usize * SECTOR_BYTES as usize;
        overlay(&mut image, *offset, &data[..half]);
    }
    image
}
