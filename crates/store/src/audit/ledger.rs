//! The trail on the disk: batches on the open segment, each confirmed by the anchor; seals; retention.
//!
//! A batch is acknowledged when its lines and then the anchor are synced. A batch that failed is written
//! again from its first byte, over whatever the failure left: Linux may count a page as clean although
//! writing it failed, so a sync that succeeds later says nothing about it.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use super::anchor::{Anchor, AnchorFile};
use super::chain::{Span, Stretch};
use super::entry::{Decision, Entry, Kind};
use super::folder::{Folder, Page, remove_if_there};
use super::key::NodeKey;
use super::line;
use super::segment::{self, FORMAT, Head, HeadLine, Seal, SealLine};
use super::settings::AuditSettings;
use super::sheet::Sheet;
use super::succession;

/// The kind of what the trail records of itself.
pub(super) const TRAIL: Kind = Kind::control("audit");

/// What a line has beside its entry at most: its number, two hashes and their names.
const LINE_BYTES: usize = 200;

/// The trail as its one writer sees it.
pub(super) struct Ledger {
    pub(super) folder: Arc<dyn Folder>,
    pub(super) key: NodeKey,
    pub(super) settings: AuditSettings,
    pub(super) anchor: AnchorFile,
    /// None before the first entry, and from a seal to the next entry.
    pub(super) open: Option<Open>,
    /// The sealed ones that are left, oldest first.
    pub(super) sealed: VecDeque<Sealed>,
}

/// The segment being written.
pub(super) struct Open {
    pub(super) page: Box<dyn Page>,
    pub(super) stretch: Stretch,
    /// There may be bytes of a failed batch after the anchored ones.
    pub(super) soiled: bool,
}

/// A sealed segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed {
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) at: SystemTime,
}

/// How far the trail is durable: what readers may show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) oldest: u64,
    pub(super) segment: u64,
    pub(super) bytes: u64,
}

impl Ledger {
    /// Writes entries, and returns the number of the first. Durable when it returns; after an error none
    /// of them is in the trail, unless the process dies before it writes again.
    pub(super) fn append(
        &mut self,
        sheets: &[impl Borrow<Sheet>],
        now: SystemTime,
    ) -> io::Result<u64> {
        let oldest = self.anchor.current().oldest;
        self.append_and_keep(sheets, oldest, now)
    }

    /// Whether the open segment is to be sealed, or a sealed one is too old.
    pub(super) fn is_due(&self, now: SystemTime) -> bool {
        let age = |since: SystemTime| now.duration_since(since).unwrap_or_default();
        let is_full = self.open.as_ref().is_some_and(|open| {
            self.anchor.current().bytes >= self.settings.segment_bytes
                || (open.stretch.entries > 0
                    && age(open.stretch.began) >= self.settings.segment_age)
        });
        is_full
            || self.sealed.front().is_some_and(|oldest| age(oldest.at) >= self.settings.retain_age)
    }

    /// Closes the open segment with a signed seal. The next entry begins another.
    pub(super) fn seal(&mut self, now: SystemTime) -> io::Result<()> {
        self.anchor.settle(&self.key)?;
        let Some(open) = &self.open else { return Ok(()) };
        let Stretch { number, entries, began, span, .. } = open.stretch;
        let anchor = *self.anchor.current();
        let Span { earliest, latest } = span.unwrap_or(Span::at(began));
        let seal =
            Seal { segment: number, last_seq: anchor.seq, entries, earliest, latest, at: now };
        let seal = SealLine::sign(seal, anchor.hash, &self.key);
        let mut lines = Vec::new();
        let hash = line::write(&mut lines, &seal);
        self.put(&lines, Anchor { hash, ..anchor })?;
        self.open = None;
        let bytes = self.anchor.current().bytes;
        self.sealed.push_back(Sealed { number, bytes, at: now });
        Ok(())
    }

    /// Lets another key sign from here on. After an error the former one does, and nothing has changed; but for one
    /// that comes after the succession is recorded, of which the anchor's next writing makes good.
    pub(super) fn succeed(&mut self, key: NodeKey, now: SystemTime) -> io::Result<()> {
        self.seal(now)?;
        let current = *self.anchor.current();
        succession::record(&*self.folder, &self.key, &key, current.segment + 1, now)?;
        self.key = key;
        // Both slots: the former key says nothing more of where the trail ends.
        self.anchor.advance(current, &self.key)?;
        self.anchor.advance(*self.anchor.current(), &self.key)
    }

    /// Deletes the oldest sealed segments that are over the bounds, after it is recorded which.
    pub(super) fn retain(&mut self, now: SystemTime) -> io::Result<()> {
        let over = self.over_bounds(now);
        let Some(last) = over.checked_sub(1).and_then(|last| self.sealed.get(last)).copied() else {
            return Ok(());
        };
        let first = self.sealed[0].number;
        let bytes: u64 = self.sealed.iter().take(over).map(|sealed| sealed.bytes).sum();
        let target = format!("segments {first} to {}", last.number);
        let mut entry = Entry::new(now, TRAIL, target, Decision::Allowed);
        entry.detail = Some(format!("{bytes} bytes deleted by the bounds on size and age").into());
        self.append_and_keep(&[Sheet::of(&entry)], last.number + 1, now)?;
        self.sealed.drain(..over);
        self.remove_below_oldest()
    }

    /// Removes what a retention has named and may not have come to remove.
    pub(super) fn remove_below_oldest(&self) -> io::Result<()> {
        let oldest = self.anchor.current().oldest;
        let named = segment::numbers(&*self.folder)?;
        // The oldest first, so that what is left after a failure has no hole.
        let gone: Vec<u64> = named.into_iter().filter(|number| *number < oldest).collect();
        for number in &gone {
            remove_if_there(&*self.folder, &segment::name(*number))?;
        }
        if gone.is_empty() { Ok(()) } else { self.folder.sync() }
    }

    pub(super) fn position(&self) -> Position {
        let Anchor { oldest, segment, bytes, .. } = *self.anchor.current();
        Position { oldest, segment, bytes }
    }

    fn append_and_keep(
        &mut self,
        sheets: &[impl Borrow<Sheet>],
        oldest: u64,
        now: SystemTime,
    ) -> io::Result<u64> {
        self.anchor.settle(&self.key)?;
        if self.open.is_none() {
            self.begin(now)?;
        }
        let sheets = || sheets.iter().map(Borrow::borrow);
        let bytes: usize = sheets().map(|sheet| sheet.bytes() + sheet.len() * LINE_BYTES).sum();
        let mut lines = Vec::with_capacity(bytes);
        let mut next = Anchor { oldest, ..*self.anchor.current() };
        let first = next.seq + 1;
        for entry in sheets().flat_map(Sheet::entries) {
            next.seq += 1;
            next.hash = line::write_entry(&mut lines, next.seq, entry, next.hash);
        }
        self.put(&lines, next)?;
        let open = self.open.as_mut().expect("it was begun");
        for sheet in sheets() {
            if let Some(span) = sheet.span() {
                open.stretch.note(sheet.len() as u64, span);
            }
        }
        Ok(first)
    }

    /// Begins the next segment. What a failure left of one is removed, its name with it: a name whose sync
    /// failed would not be synced again.
    fn begin(&mut self, now: SystemTime) -> io::Result<()> {
        let anchor = *self.anchor.current();
        let number = anchor.segment + 1;
        let name = segment::name(number);
        remove_if_there(&*self.folder, &name)?;
        let mut page = self.folder.create(&name)?;
        let node = self.key.public();
        let head =
            Head { format: FORMAT, segment: number, first_seq: anchor.seq + 1, at: now, node };
        let mut lines = Vec::new();
        let hash = line::write(&mut lines, &HeadLine { head, prev: anchor.hash });
        page.write_at(0, &lines)?;
        page.sync()?;
        self.folder.sync()?;
        let next = Anchor { segment: number, bytes: lines.len() as u64, hash, ..anchor };
        self.anchor.advance(next, &self.key)?;
        let stretch = Stretch { lines: 1, began: now, ..Stretch::of(number) };
        self.open = Some(Open { page, stretch, soiled: false });
        Ok(())
    }

    /// Lines after the anchored ones, then the anchor after the lines.
    fn put(&mut self, lines: &[u8], next: Anchor) -> io::Result<()> {
        let open = self.open.as_mut().expect("a segment is open");
        let from = self.anchor.current().bytes;
        if open.soiled {
            open.page.set_len(from)?;
        }
        open.soiled = true;
        open.page.write_at(from, lines)?;
        open.page.sync()?;
        let bytes = from + lines.len() as u64;
        self.anchor.advance(Anchor { bytes, ..next }, &self.key)?;
        open.soiled = false;
        Ok(())
    }

    /// How many of the sealed segments, from the oldest on, are too many or too old.
    fn over_bounds(&self, now: SystemTime) -> usize {
        let open = if self.open.is_some() { self.anchor.current().bytes } else { 0 };
        let mut total: u64 = self.sealed.iter().map(|sealed| sealed.bytes).sum::<u64>() + open;
        let mut over = 0;
        for sealed in &self.sealed {
            let age = now.duration_since(sealed.at).unwrap_or_default();
            if total <= self.settings.retain_bytes && age < self.settings.retain_age {
                break;
            }
            total -= sealed.bytes;
            over += 1;
        }
        over
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("anchor", &self.anchor).finish_non_exhaustive()
    }
}
