//! Blobs in a folder whose power is cut: names and contents that were not synced are lost, kept or
//! half kept, at seeded random steps.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use airssys_wasm_model::Digest;
use rand::rngs::SmallRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};

use super::folder::{Folder, NewFile};
use super::{BlobError, Blobs};

/// A folder in memory. Clones are the same folder.
#[derive(Clone, Debug, Default)]
struct Shadow(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    /// What was done to the names since the folder was synced.
    pending: Vec<Naming>,
    steps: u64,
    cut_at: Option<u64>,
    /// The next sync of the folder fails.
    sync_fails: bool,
    /// Bytes that still fit.
    room: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
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
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The folder after a power cut: of the names' changes any were kept, and of each unsynced content
    /// nothing, a part, its length in zeros, or all.
    fn power_on(&self, rng: &mut SmallRng) -> Shadow {
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

    fn file(&self, name: &str) -> io::Result<usize> {
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

    fn open(&self, name: &str) -> io::Result<(Box<dyn Read + Send>, u64)> {
        let state = self.state();
        let bytes = state.files[state.file(name)?].bytes.clone();
        let len = bytes.len() as u64;
        Ok((Box::new(Cursor::new(bytes)), len))
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

#[test]
fn no_acknowledged_blob_is_lost_or_torn_by_power_cuts() {
    const CUTS: usize = 600;
    let mut rng = SmallRng::seed_from_u64(crate::seed::seed());
    let mut shadow = Shadow::default();
    let mut known: BTreeSet<Digest> = BTreeSet::new();
    let (mut puts, mut unanswered_puts) = (0, 0);
    for _ in 0..CUTS {
        shadow.state().cut_at = Some(rng.random_range(0..40));
        let mut unanswered = None;
        if let Ok(blobs) = Blobs::on(shadow.clone(), None) {
            loop {
                let remove = !known.is_empty() && rng.random_bool(0.2);
                let (digest, result) = if remove {
                    let digest = *known.iter().choose(&mut rng).unwrap();
                    (digest, blobs.remove(&digest).map(|there| assert!(there)))
                } else {
                    let bytes = vec![rng.random_range(0..30); rng.random_range(0..3) * 6_000];
                    (Digest::of(&bytes), put(&blobs, &bytes, rng.random_bool(0.5)))
                };
                if result.is_err() {
                    unanswered = Some(digest);
                    unanswered_puts += usize::from(!remove);
                    break;
                }
                if remove {
                    known.remove(&digest);
                } else {
                    known.insert(digest);
                    puts += 1;
                }
            }
        }
        shadow = shadow.power_on(&mut rng);
        let blobs = Blobs::on(shadow.clone(), None).unwrap();
        let found: BTreeSet<Digest> = blobs.list().unwrap().into_iter().collect();
        for digest in &found {
            blobs.get(digest).expect("a blob that has its name is whole");
        }
        let differing: Vec<&Digest> = found.symmetric_difference(&known).collect();
        assert!(differing.iter().all(|digest| Some(**digest) == unanswered), "{differing:?}");
        let unfinished = shadow.names().unwrap().len() - found.len();
        assert_eq!(unfinished, 0, "remains of unfinished blobs were left");
        known = found;
    }
    assert!(puts > CUTS && unanswered_puts > CUTS / 2, "{puts} puts, {unanswered_puts} cut");
}

#[test]
fn a_failed_sync_of_a_blobs_name_is_not_papered_over_by_the_next_one() {
    let mut rng = SmallRng::seed_from_u64(1);
    for (streamed, restarted) in [(false, false), (true, false), (false, true), (true, true)] {
        let shadow = Shadow::default();
        let mut blobs = Blobs::on(shadow.clone(), None).unwrap();
        let other = blobs.put(b"acknowledged before").unwrap();
        shadow.state().sync_fails = true;
        assert!(put(&blobs, b"bytes", streamed).is_err());
        if restarted {
            blobs = Blobs::on(shadow.clone(), None).unwrap();
        }
        put(&blobs, b"bytes", streamed).unwrap();
        let blobs = Blobs::on(shadow.power_on(&mut rng), None).unwrap();
        assert_eq!(blobs.get(&Digest::of(b"bytes")).unwrap(), b"bytes");
        assert_eq!(blobs.get(&other).unwrap(), b"acknowledged before");
    }
}

#[test]
fn a_blob_whose_repair_failed_to_sync_is_written_again() {
    let mut rng = SmallRng::seed_from_u64(1);
    let shadow = Shadow::default();
    let blobs = Blobs::on(shadow.clone(), None).unwrap();
    let digest = blobs.put(b"bytes").unwrap();
    let file = shadow.state().file(&digest.hex()).unwrap();
    shadow.state().files[file].bytes = b"damage".to_vec();
    shadow.state().sync_fails = true;
    assert!(put(&blobs, b"bytes", false).is_err());
    assert!(!blobs.contains(&digest).unwrap() && !blobs.touch(&digest).unwrap());
    put(&blobs, b"bytes", false).unwrap();
    let blobs = Blobs::on(shadow.power_on(&mut rng), None).unwrap();
    assert_eq!(blobs.get(&digest).unwrap(), b"bytes");
}

#[test]
fn a_name_that_a_killed_predecessor_did_not_sync_is_synced_at_opening() {
    let mut rng = SmallRng::seed_from_u64(1);
    let shadow = Shadow::default();
    let blobs = Blobs::on(shadow.clone(), None).unwrap();
    let steps = shadow.state().steps;
    // Killed after the rename: create, write, sync, rename; not the sync of the folder.
    shadow.state().cut_at = Some(steps + 4);
    assert!(blobs.put(b"bytes").is_err());
    shadow.state().cut_at = None;
    std::mem::forget(blobs);
    let blobs = Blobs::on(shadow.clone(), None).unwrap();
    assert!(blobs.contains(&Digest::of(b"bytes")).unwrap(), "the rename was done");
    blobs.put(b"bytes").unwrap();
    for _ in 0..20 {
        let blobs = Blobs::on(shadow.power_on(&mut rng), None).unwrap();
        assert_eq!(blobs.get(&Digest::of(b"bytes")).unwrap(), b"bytes");
    }
}

#[test]
fn a_full_disk_leaves_nothing_behind_and_is_overcome() {
    let shadow = Shadow::default();
    let blobs = Blobs::on(shadow.clone(), None).unwrap();
    let kept = blobs.put(b"kept").unwrap();
    shadow.state().room = Some(10_000);
    assert!(matches!(blobs.put(&[1; 20_000]), Err(BlobError::Full { .. })));
    assert_eq!(shadow.names().unwrap(), [kept.hex()]);

    // A writer that met the full disk must not name what it has written by what it has hashed.
    shadow.state().room = Some(100);
    let mut writer = blobs.writer(1 << 20).unwrap();
    assert!(matches!(writer.append(&[2; 200]), Err(BlobError::Full { .. })));
    shadow.state().room = None;
    assert!(writer.append(b"more").is_err());
    assert!(writer.finish().is_err());
    assert_eq!(shadow.names().unwrap(), [kept.hex()]);

    let digest = blobs.put(&[1; 20_000]).unwrap();
    assert_eq!(blobs.get(&digest).unwrap(), [1; 20_000]);
}

fn put(blobs: &Blobs, bytes: &[u8], streamed: bool) -> Result<(), BlobError> {
    let digest = if streamed {
        let mut writer = blobs.writer(1 << 20)?;
        for piece in bytes.chunks(5_000) {
            writer.append(piece)?;
        }
        writer.finish()?
    } else {
        blobs.put(bytes)?
    };
    assert_eq!(digest, Digest::of(bytes));
    Ok(())
}
