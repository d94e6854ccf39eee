//! Reading the chain: each line must follow from the one before it.

use std::fmt;
use std::time::SystemTime;

use super::entry::Recorded;
use super::key::PublicKey;
use super::line::{Hash, hash_of};
use super::segment::{FORMAT, HeadLine, Line, SealLine};
use super::succession::Keys;

/// Where a reader of the chain stands.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    keys: &'a Keys,
    /// The hash of the last line; before the first one of the oldest segment that is left, whatever that
    /// segment says, unless it is the first of all.
    last: Option<Hash>,
    seq: u64,
    stretch: Stretch,
}

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) earliest: SystemTime,
    pub(super) latest: SystemTime,
}

/// What was read of one segment.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) number: u64,
    pub(super) lines: u64,
    pub(super) entries: u64,
    pub(super) sealed: bool,
    pub(super) began: SystemTime,
    /// The earliest and the latest entry.
    pub(super) span: Option<Span>,
}

/// What is wrong with a trail, at its first bad place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The bytes of a line are not those that were hashed.
    Edited,
    /// A line whose hash is right and which says nothing that a trail says.
    Foreign,
    /// A line that does not follow from the one before it.
    OutOfPlace {
        /// The entry that belongs here.
        expected: u64,
        /// The entry that is here, if it is one.
        found: Option<u64>,
    },
    /// A file that holds another segment than its name says.
    OtherSegment {
        /// The segment it holds.
        found: u64,
    },
    /// A segment that is not there.
    MissingSegment,
    /// A segment without its seal, though another follows.
    Unsealed,
    /// A seal whose signature or numbers are wrong.
    ForgedSeal,
    /// A segment of a node whose key is not trusted.
    UnknownNode {
        /// The key it names.
        node: Box<PublicKey>,
    },
    /// A format that this build can't read.
    UnknownFormat {
        /// The format.
        found: u32,
    },
    /// The trail ends before something that was acknowledged.
    Cut {
        /// The last entry that was acknowledged.
        acknowledged: u64,
    },
    /// The last line that was acknowledged is another one now.
    Replaced,
    /// The file that says where the trail ends is not there.
    AnchorMissing,
    /// A part of that file is damaged.
    AnchorDamaged,
    /// That file is signed by somebody else.
    AnchorForged,
    /// An entry that was kept elsewhere is another one here.
    WitnessDiffers,
    /// An entry that was kept elsewhere is not here: an earlier state of the whole folder was put back.
    WitnessMissing,
}

impl<'a> Chain<'a> {
    /// From the beginning of the trail.
    pub(super) fn from_start(keys: &'a Keys) -> Self {
        Self { keys, last: Some(Hash::NONE), seq: 0, stretch: Stretch::of(0) }
    }

    /// From the beginning of a segment, believing what it says of those before it.
    pub(super) fn from_segment(keys: &'a Keys) -> Self {
        let mut chain = Self::from_start(keys);
        chain.forget_start();
        chain
    }

    /// The next segment is not the first one: retention deleted those before it.
    pub(super) fn forget_start(&mut self) {
        self.last = None;
    }

    /// Goes on with a segment's file.
    pub(super) fn enter(&mut self, number: u64) {
        self.stretch = Stretch::of(number);
    }

    pub(super) fn last(&self) -> Option<Hash> {
        self.last
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn stretch(&self) -> &Stretch {
        &self.stretch
    }

    /// Takes the next line, without its end of line; the entry, if it is one.
    pub(super) fn read(&mut self, text: &[u8]) -> Result<Option<Box<Recorded>>, Wrong> {
        let hash = hash_of(text).ok_or(Wrong::Edited)?;
        let line = Line::parse(text).ok_or(Wrong::Foreign)?;
        // A file under another's name is said to be that, not to be out of place.
        if let Line::Head(HeadLine { head, .. }) = &line
            && self.stretch.lines == 0
            && head.segment != self.stretch.number
        {
            return Err(Wrong::OtherSegment { found: head.segment });
        }
        let found = if let Line::Entry(entry) = &line { Some(entry.seq) } else { None };
        let out_of_place = Wrong::OutOfPlace { expected: self.seq + 1, found };
        let begins = matches!(line, Line::Head(_));
        if self.last.is_some_and(|last| last != line.prev())
            || begins != (self.stretch.lines == 0)
            || self.stretch.sealed
        {
            return Err(out_of_place);
        }
        let prev = line.prev();
        let entry = match line {
            Line::Head(line) => self.head(&line, prev).map(|()| None)?,
            Line::Entry(entry) if entry.seq == self.seq + 1 => Some(self.entry(entry)),
            Line::Entry(_) => return Err(out_of_place),
            Line::Seal(line) => self.seal(&line).map(|()| None)?,
        };
        self.last = Some(hash);
        self.stretch.lines += 1;
        Ok(entry)
    }

    fn head(&mut self, HeadLine { head, .. }: &HeadLine, prev: Hash) -> Result<(), Wrong> {
        if head.format != FORMAT {
            return Err(Wrong::UnknownFormat { found: head.format });
        }
        if !self.keys.includes(head.segment, &head.node) {
            return Err(Wrong::UnknownNode { node: Box::new(head.node) });
        }
        if self.last.is_none() {
            self.seq = head.first_seq.saturating_sub(1);
            self.last = Some(prev);
        }
        if head.first_seq != self.seq + 1 {
            return Err(Wrong::OutOfPlace { expected: self.seq + 1, found: Some(head.first_seq) });
        }
        self.stretch.began = head.at;
        Ok(())
    }

    fn entry(&mut self, entry: Box<Recorded>) -> Box<Recorded> {
        self.seq = entry.seq;
        self.stretch.note(1, Span::at(entry.at));
        entry
    }

    fn seal(&mut self, line: &SealLine) -> Result<(), Wrong> {
        let Stretch { number, entries, .. } = self.stretch;
        let seal = &line.seal;
        let fits = (seal.segment, seal.last_seq, seal.entries) == (number, self.seq, entries);
        if !fits || !self.keys.of(number).any(|key| line.is_signed_by(key)) {
            return Err(Wrong::ForgedSeal);
        }
        self.stretch.sealed = true;
        Ok(())
    }
}

impl Stretch {
    pub(super) fn of(number: u64) -> Self {
        let began = SystemTime::UNIX_EPOCH;
        Self { number, lines: 0, entries: 0, sealed: false, began, span: None }
    }

    /// Counts entries of a span.
    pub(super) fn note(&mut self, entries: u64, span: Span) {
        self.entries += entries;
        self.span = Some(span.with(self.span));
    }
}

impl Span {
    /// Of one moment.
    pub(super) fn at(at: SystemTime) -> Self {
        Self { earliest: at, latest: at }
    }

    /// It with another, if there is one.
    pub(super) fn with(self, other: Option<Self>) -> Self {
        let other = other.unwrap_or(self);
        Self { earliest: self.earliest.min(other.earliest), latest: self.latest.max(other.latest) }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited => f.write_str("the line was edited: it does not have the hash it names"),
            Self::Foreign => f.write_str("the line is none that a node writes"),
            Self::OutOfPlace { expected, found: Some(found) } if found < expected => {
                write!(f, "entry {found} stands again or out of its place; {expected} belongs here")
            }
            Self::OutOfPlace { expected, found: Some(found) } if found > expected => {
                write!(f, "entries {expected} to {} were taken out", found - 1)
            }
            Self::OutOfPlace { expected, .. } => {
                write!(
                    f,
                    "the line does not follow from the one before it; entry {expected} belongs here"
                )
            }
            Self::OtherSegment { found } => write!(f, "the file holds segment {found}"),
            Self::MissingSegment => f.write_str("the segment was deleted"),
            Self::Unsealed => f.write_str("the end of the segment, with its seal, was cut off"),
            Self::ForgedSeal => f.write_str("the seal is not one of this node's for these entries"),
            Self::UnknownNode { node } => write!(f, "the segment is of a node with the key {node}"),
            Self::UnknownFormat { found } => {
                write!(f, "the segment has format {found}: verify it with a newer airssys-wasm")
            }
            Self::Cut { acknowledged } => {
                write!(f, "the trail was cut: it goes up to entry {acknowledged}")
            }
            Self::Replaced => {
                f.write_str("the last line is another than the one that was signed for")
            }
            Self::AnchorMissing => {
                f.write_str("the file `anchor`, which says where the trail ends, was deleted")
            }
            Self::AnchorDamaged => {
                f.write_str("the file `anchor`, which says where the trail ends, was edited")
            }
            Self::AnchorForged => {
                f.write_str("the file `anchor` is not signed with this node's key")
            }
            Self::WitnessDiffers => f.write_str("the entry is another than the one kept elsewhere"),
            Self::WitnessMissing => {
                f.write_str("the entry kept elsewhere is not here: an earlier state was put back")
            }
        }
    }
}
