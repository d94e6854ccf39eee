//! The anchor: how far the trail goes, signed, written after each batch.
//!
//! A chain alone doesn't tell that its end was cut off. The anchor names the last line that was
//! acknowledged; what is missing before it was cut, what stands after it was never acknowledged. Because
//! only the node's key signs one, lines that somebody chains on are not taken for the node's.
//!
//! Two slots, each one sector of a disk, are written in turn: a disk writes a sector wholly or not at all,
//! and if one doesn't, the other slot is whole. What no anchor can tell is that the whole folder was put
//! back to an earlier day; for that a line kept elsewhere is a witness ([`Witness`](super::Witness)).

use std::io;

use serde::{Deserialize, Serialize};

use super::folder::{Folder, Page, read_part, remove_if_there};
use super::key::{NodeKey, PublicKey, Signed};
use super::line::Hash;

pub(super) const ANCHOR_FILE: &str = "anchor";

const UNFINISHED: &str = "anchor.unfinished";
const SLOT_BYTES: usize = 512;
const CONTEXT: &[u8] = b"airssys-wasm audit anchor 1\n";

/// Where the trail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Anchor {
    /// One more at each writing.
    pub(super) turn: u64,
    /// The last segment; 0 if there is none yet.
    pub(super) segment: u64,
    /// Its length.
    pub(super) bytes: u64,
    /// The number of the last entry.
    pub(super) seq: u64,
    /// The first segment that retention has left.
    pub(super) oldest: u64,
    /// The hash of the last line.
    pub(super) hash: Hash,
}

#[derive(Serialize, Deserialize)]
struct Slot {
    anchor: Anchor,
    signature: Signed,
}

/// The anchor's file, and what it says durably.
#[derive(Debug)]
pub(super) struct AnchorFile {
    page: Box<dyn Page>,
    current: Anchor,
    /// A writing failed: the disk may have it all the same.
    uncertain: bool,
}

/// What the two slots of a file say.
#[derive(Debug)]
pub(super) struct Slots {
    /// The later one of those that are whole and signed with a trusted key.
    pub(super) latest: Option<Anchor>,
    /// Whether both are, and follow each other.
    pub(super) intact: bool,
    /// Whether one is whole and signed with another key.
    pub(super) foreign: bool,
}

impl AnchorFile {
    /// The anchor of a trail without a line. It has its name when it is whole.
    pub(super) fn create(folder: &dyn Folder, key: &NodeKey) -> io::Result<Self> {
        remove_if_there(folder, UNFINISHED)?;
        let mut page = folder.create(UNFINISHED)?;
        let start = Anchor { turn: 0, segment: 0, bytes: 0, seq: 0, oldest: 1, hash: Hash::NONE };
        let current = Anchor { turn: 1, ..start };
        page.write_at(0, &[slot(&start, key), slot(&current, key)].concat())?;
        page.sync()?;
        folder.rename(UNFINISHED, ANCHOR_FILE)?;
        if let Err(error) = folder.sync() {
            // A failed sync is not repeated by the system; the next opening makes the name anew.
            let _ = folder.remove(ANCHOR_FILE);
            return Err(error);
        }
        Ok(Self { page, current, uncertain: false })
    }

    /// The file that says this.
    pub(super) fn open(folder: &dyn Folder, current: Anchor) -> io::Result<Self> {
        Ok(Self { page: folder.open(ANCHOR_FILE)?, current, uncertain: false })
    }

    pub(super) fn current(&self) -> &Anchor {
        &self.current
    }

    /// To be called before lines that a failed writing may have named are changed: takes it back, if the
    /// disk has it. Otherwise a power cut would leave an anchor for lines that are no longer there.
    pub(super) fn settle(&mut self, key: &NodeKey) -> io::Result<()> {
        if self.uncertain { self.advance(self.current, key) } else { Ok(()) }
    }

    /// Moves the anchor on. Durable when it returns; after an error the former one stands, or this one.
    pub(super) fn advance(&mut self, next: Anchor, key: &NodeKey) -> io::Result<()> {
        // The turn only moves with a success: the other slot, which is known to be whole, is left alone.
        let next = Anchor { turn: self.current.turn + 1, ..next };
        let place = next.turn % 2 * SLOT_BYTES as u64;
        self.uncertain = true;
        self.page.write_at(place, &slot(&next, key))?;
        self.page.sync()?;
        self.current = next;
        self.uncertain = false;
        Ok(())
    }
}

/// Reads the anchor's file; an error of kind `NotFound` if there is none.
pub(super) fn read(folder: &dyn Folder, trusted: &[PublicKey]) -> io::Result<Slots> {
    // One byte more than there should be, to see that there is more.
    let bytes = read_part(folder, ANCHOR_FILE, 0, 2 * SLOT_BYTES as u64 + 1)?;
    let whole: Vec<Option<Slot>> = bytes.chunks(SLOT_BYTES).map(parse).collect();
    let mut found: Vec<Anchor> = Vec::new();
    for Slot { anchor, signature } in whole.iter().flatten() {
        if trusted.iter().any(|key| key.verifies(&message(anchor), signature)) {
            found.push(*anchor);
        }
    }
    let in_place = found.iter().zip(0..).all(|(anchor, place)| anchor.turn % 2 == place);
    let intact = bytes.len() == 2 * SLOT_BYTES
        && found.len() == 2
        && in_place
        && found[0].turn.abs_diff(found[1].turn) == 1;
    Ok(Slots {
        latest: found.iter().max_by_key(|anchor| anchor.turn).copied(),
        intact,
        foreign: whole.iter().flatten().count() > found.len(),
    })
}

/// A slot has one form alone, to the last space.
fn parse(bytes: &[u8]) -> Option<Slot> {
    let slot: Slot = serde_json::from_slice(bytes).ok()?;
    (padded(&slot) == bytes).then_some(slot)
}

fn slot(anchor: &Anchor, key: &NodeKey) -> Vec<u8> {
    padded(&Slot { anchor: *anchor, signature: key.sign(&message(anchor)) })
}

fn padded(slot: &Slot) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(slot).expect("plain fields serialize into memory");
    assert!(bytes.len() < SLOT_BYTES, "numbers have twenty digits at most");
    bytes.resize(SLOT_BYTES - 1, b' ');
    bytes.push(b'\n');
    bytes
}

fn message(anchor: &Anchor) -> Vec<u8> {
    let mut message = CONTEXT.to_vec();
    serde_json::to_writer(&mut message, anchor).expect("plain fields serialize into memory");
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_numbers_fit_a_sector() {
        let most = u64::MAX;
        let hash = Hash::NONE;
        let anchor =
            Anchor { turn: most, segment: most, bytes: most, seq: most, oldest: most, hash };
        let bytes = slot(&anchor, &NodeKey::from_seed([1; 32]));
        assert_eq!(bytes.len(), SLOT_BYTES);
        assert_eq!(parse(&bytes).unwrap().anchor, anchor);
    }
}
