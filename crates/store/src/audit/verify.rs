//! Verification: reads the whole trail as a stranger would, and says where it first is not what was written.
//!
//! It finds every change to what was acknowledged, as long as the key was not taken: an edit, a cut, at the
//! end too, lines or segments deleted, exchanged, repeated or forged. What stands after the anchor was never
//! acknowledged (a node that was killed leaves such a rest) and is counted, not found fault with. That the
//! whole folder was put back to an earlier day shows in nothing inside it: keep a line elsewhere, and give it
//! as a [`Witness`].

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::anchor::{self, Anchor, Slots};
use super::chain::{Chain, Wrong};
use super::error::TrailError;
use super::folder::{DiskFolder, Folder, length, read_part};
use super::key::PublicKey;
use super::line::Hash;
use super::segment;
use super::succession::Keys;

/// An entry that was kept elsewhere: its `seq` and `hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// What was read, and the first fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Segments read.
    pub segments: u64,
    /// Entries read.
    pub entries: u64,
    /// The first entry that retention left, or 0.
    pub first_seq: u64,
    /// The last entry read, or 0.
    pub last_seq: u64,
    /// Bytes after the acknowledged end: of a batch that was under way, or added since. No part of the
    /// trail; the next opening cuts them off.
    pub unacknowledged_bytes: u64,
    /// Whether the witness is of an entry that retention has taken, so that nothing could be compared with it.
    pub is_witness_gone: bool,
    /// The first thing that is wrong.
    pub finding: Option<Finding>,
}

/// Where a trail is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The segment, or 0 for the trail as a whole.
    pub segment: u64,
    /// The line in its file, from 1, or 0 for the segment as a whole.
    pub line: u64,
    /// The entry that belongs there, or is spoken of.
    pub seq: u64,
    /// What is wrong.
    pub wrong: Wrong,
}

/// Verifies the trail in a folder, with the keys its nodes sign with, and those that followed and preceded them. The
/// node may be running.
pub fn verify(
    dir: &Path,
    trusted: &[PublicKey],
    witness: Option<&Witness>,
) -> Result<Report, TrailError> {
    examine_steady(&DiskFolder(dir.to_owned()), trusted, witness).map_err(|source| TrailError::Io {
        doing: "verify",
        dir: dir.to_owned(),
        source,
    })
}

/// Examines, and again if a fault may be the doing of the node that writes on meanwhile: it was in the
/// middle of a half of the anchor, or a retention deleted a segment.
pub(super) fn examine_steady(
    folder: &dyn Folder,
    trusted: &[PublicKey],
    witness: Option<&Witness>,
) -> io::Result<Report> {
    const TRIES: usize = 5;
    let mut ends = ends(folder, trusted)?;
    for _ in 1..TRIES {
        let report = examine(folder, witness, &ends)?;
        let now = self::ends(folder, trusted)?;
        let same = |(keys, slots): &Ends| {
            (keys.clone(), slots.as_ref().map(|slots| (slots.latest, slots.intact)))
        };
        if report.finding.is_none() || same(&now) == same(&ends) {
            return Ok(report);
        }
        ends = now;
    }
    examine(folder, witness, &ends)
}

/// Who signs the trail, and where it ends.
type Ends = (Keys, Option<Slots>);

fn ends(folder: &dyn Folder, trusted: &[PublicKey]) -> io::Result<Ends> {
    let keys = Keys::read(folder, trusted)?;
    let slots = read_anchor(folder, &keys)?;
    Ok((keys, slots))
}

fn read_anchor(folder: &dyn Folder, keys: &Keys) -> io::Result<Option<Slots>> {
    match anchor::read(folder, &keys.anchoring()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        slots => slots.map(Some),
    }
}

fn examine(
    folder: &dyn Folder,
    witness: Option<&Witness>,
    (keys, slots): &Ends,
) -> io::Result<Report> {
    let anchor = slots.as_ref().and_then(|slots| slots.latest);
    let mut reading = Reading::new(keys, witness, anchor);
    reading.segments(folder)?;
    if reading.report.finding.is_none() {
        let whole = |wrong| Some(Finding { segment: 0, line: 0, seq: 0, wrong });
        reading.report.finding = match slots {
            None => whole(Wrong::AnchorMissing),
            Some(slots) if slots.foreign && slots.latest.is_none() => whole(Wrong::AnchorForged),
            Some(slots) if !slots.intact => whole(Wrong::AnchorDamaged),
            Some(_) => reading.missing_witness(),
        };
        reading.report.is_witness_gone =
            reading.report.finding.is_none() && reading.is_witness_gone();
    }
    Ok(reading.report)
}

/// One reading of a trail.
struct Reading<'a> {
    chain: Chain<'a>,
    witness: Option<&'a Witness>,
    anchor: Option<Anchor>,
    report: Report,
}

impl<'a> Reading<'a> {
    fn new(keys: &'a Keys, witness: Option<&'a Witness>, anchor: Option<Anchor>) -> Self {
        Self { chain: Chain::from_start(keys), witness, anchor, report: Report::default() }
    }

    /// Reads up to the anchor; without one, all there is.
    fn segments(&mut self, folder: &dyn Folder) -> io::Result<()> {
        let present = segment::numbers(folder)?;
        let first = present.first().copied().unwrap_or(1);
        let (oldest, last) = match &self.anchor {
            Some(anchor) => (anchor.oldest, anchor.segment),
            None => (first, present.last().copied().unwrap_or(0)),
        };
        if oldest > 1 {
            self.chain.forget_start();
        }
        for number in oldest..=last {
            self.chain.enter(number);
            let bytes = match read_part(folder, &segment::name(number), 0, u64::MAX) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.find(0, Wrong::MissingSegment);
                    return Ok(());
                }
                bytes => bytes?,
            };
            self.report.segments += 1;
            self.segment(&bytes, number, number == last);
            if self.report.finding.is_some() {
                return Ok(());
            }
        }
        for number in present.into_iter().filter(|number| *number > last) {
            self.report.unacknowledged_bytes += length(folder, &segment::name(number))?;
        }
        Ok(())
    }

    fn segment(&mut self, bytes: &[u8], number: u64, is_last: bool) {
        let end = match &self.anchor {
            Some(anchor) if anchor.segment == number => anchor.bytes as usize,
            _ => bytes.len(),
        };
        let covered = &bytes[..end.min(bytes.len())];
        let is_cut = bytes.len() < end;
        for (line, text) in (1..).zip(covered.split_inclusive(|byte| *byte == b'\n')) {
            let Some(text) = text.strip_suffix(b"\n") else {
                // A line without its end: where the file was cut, or its end was edited.
                return self.find(line, self.unfinished(is_cut, is_last));
            };
            if let Err(wrong) = self.line(text) {
                return self.find(line, wrong);
            }
        }
        let Some(anchor) = self.anchor.filter(|_| is_last) else {
            let sealed = self.chain.stretch().sealed;
            if !is_last && !sealed {
                self.find(0, Wrong::Unsealed);
            }
            return;
        };
        if is_cut {
            self.find(0, Wrong::Cut { acknowledged: anchor.seq });
        } else if self.chain.last() != Some(anchor.hash) || self.chain.seq() != anchor.seq {
            self.find(0, Wrong::Replaced);
        }
        self.report.unacknowledged_bytes += (bytes.len() - covered.len()) as u64;
    }

    fn unfinished(&self, is_cut: bool, is_last: bool) -> Wrong {
        match &self.anchor {
            Some(anchor) if is_cut => Wrong::Cut { acknowledged: anchor.seq },
            _ if is_last => Wrong::Edited,
            _ => Wrong::Unsealed,
        }
    }

    fn line(&mut self, text: &[u8]) -> Result<(), Wrong> {
        let Some(entry) = self.chain.read(text)? else { return Ok(()) };
        let report = &mut self.report;
        report.entries += 1;
        report.last_seq = entry.seq;
        if report.first_seq == 0 {
            report.first_seq = entry.seq;
        }
        match self.witness {
            Some(witness) if witness.seq == entry.seq && witness.hash != entry.hash => {
                Err(Wrong::WitnessDiffers)
            }
            _ => Ok(()),
        }
    }

    fn missing_witness(&self) -> Option<Finding> {
        let witness = self.witness.filter(|witness| witness.seq > self.chain.seq())?;
        let segment = self.chain.stretch().number;
        Some(Finding { segment, line: 0, seq: witness.seq, wrong: Wrong::WitnessMissing })
    }

    /// What was deleted by retention can't be told from what never was.
    fn is_witness_gone(&self) -> bool {
        let first = self.report.first_seq;
        self.witness.is_some_and(|witness| first == 0 || witness.seq < first)
    }

    fn find(&mut self, line: u64, wrong: Wrong) {
        let segment = self.chain.stretch().number;
        // Only what a witness says otherwise was read as an entry.
        let seq = self.chain.seq() + u64::from(wrong != Wrong::WitnessDiffers);
        self.report.finding = Some(Finding { segment, line, seq, wrong });
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.segment, self.line) {
            (0, _) => {}
            (segment, 0) => write!(f, "segment {segment}, entry {}: ", self.seq)?,
            (segment, line) => write!(f, "segment {segment}, line {line}, entry {}: ", self.seq)?,
        }
        fmt::Display::fmt(&self.wrong, f)
    }
}
