//! Asking the trail: by time, service, kind and decision, a segment at a time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::entry::{Decision, Recorded};
use super::error::TrailError;
use super::folder::{Folder, read_part};
use super::ledger::Position;
use super::segment::{self, Line};

/// What is asked for. The default is everything, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Not before this.
    pub from: Option<SystemTime>,
    /// Before this.
    pub until: Option<SystemTime>,
    /// Of this service.
    pub service: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// With this decision.
    pub decision: Option<Decision>,
    /// After the entry with this number.
    pub after_seq: Option<u64>,
    /// In which order.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
}

/// In which order entries are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they were recorded.
    #[default]
    OldestFirst,
    /// The last one first.
    NewestFirst,
}

/// The entries of a query. Holds one segment in memory; one that retention deletes meanwhile is left out.
pub struct Entries {
    folder: Arc<dyn Folder>,
    dir: PathBuf,
    query: Query,
    /// Only what is durable is shown.
    end: Position,
    segments: VecDeque<u64>,
    bytes: Vec<u8>,
    /// What of the bytes was not yet looked at.
    rest: Range<usize>,
    left: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            from: None,
            until: None,
            service: None,
            kind: None,
            decision: None,
            after_seq: None,
            order: Order::OldestFirst,
            limit: usize::MAX,
        }
    }
}

impl Query {
    /// Whether an entry is asked for; for one of [`Follow`](super::Follow) too.
    pub fn matches(&self, entry: &Recorded) -> bool {
        let is = |asked: &Option<String>, found: Option<&str>| {
            asked.as_deref().is_none_or(|asked| Some(asked) == found)
        };
        self.from.is_none_or(|from| entry.at >= from)
            && self.until.is_none_or(|until| entry.at < until)
            && self.after_seq.is_none_or(|seq| entry.seq > seq)
            && self.decision.is_none_or(|decision| entry.decision == decision)
            && is(&self.service, entry.service.as_deref())
            && is(&self.kind, Some(&entry.kind))
    }
}

impl Entries {
    pub(super) fn new(
        folder: Arc<dyn Folder>,
        dir: PathBuf,
        end: Position,
        query: Query,
    ) -> Result<Self, TrailError> {
        let mut segments: VecDeque<u64> = segment::numbers(&*folder)
            .map_err(|source| TrailError::Io { doing: "read", dir: dir.clone(), source })?
            .into_iter()
            .filter(|number| (end.oldest..=end.segment).contains(number))
            .collect();
        if query.order == Order::NewestFirst {
            segments.make_contiguous().reverse();
        }
        let left = query.limit;
        Ok(Self { folder, dir, query, end, segments, bytes: Vec::new(), rest: 0..0, left })
    }

    /// Goes on to the next segment that may have what is asked for; false after the last.
    fn turn(&mut self) -> io::Result<bool> {
        while let Some(number) = self.segments.pop_front() {
            match self.load(number) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Ok(false) => {}
                loaded => return loaded,
            }
        }
        Ok(false)
    }

    fn load(&mut self, number: u64) -> io::Result<bool> {
        if number < self.end.segment
            && let Some(seal) = segment::peek_seal(&*self.folder, number)?
        {
            let too_old = self.query.from.is_some_and(|from| seal.latest < from)
                || self.query.after_seq.is_some_and(|seq| seal.last_seq <= seq);
            if too_old || self.query.until.is_some_and(|until| seal.earliest >= until) {
                return Ok(false);
            }
        }
        let most = if number == self.end.segment { self.end.bytes } else { u64::MAX };
        self.bytes = read_part(&*self.folder, &segment::name(number), 0, most)?;
        self.rest = 0..self.bytes.len();
        Ok(true)
    }

    fn next_line(&mut self) -> Option<Range<usize>> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = &self.bytes[self.rest.clone()];
        let start = self.rest.start;
        let line = match self.query.order {
            Order::OldestFirst => {
                let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                self.rest.start = (start + end + 1).min(self.rest.end);
                start..start + end
            }
            Order::NewestFirst => {
                let rest = rest.strip_suffix(b"\n").unwrap_or(rest);
                let from = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                self.rest.end = start + from;
                start + from..start + rest.len()
            }
        };
        Some(line)
    }
}

impl Iterator for Entries {
    type Item = Result<Recorded, TrailError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            let Some(line) = self.next_line() else {
                match self.turn() {
                    Ok(true) => continue,
                    Ok(false) => return None,
                    Err(source) => {
                        return Some(Err(TrailError::Io {
                            doing: "read",
                            dir: self.dir.clone(),
                            source,
                        }));
                    }
                }
            };
            match read_entry(&self.bytes[line]) {
                Ok(Some(entry)) if self.query.matches(&entry) => {
                    self.left -= 1;
                    return Some(Ok(entry));
                }
                Ok(_) => {}
                Err(detail) => {
                    // The rest of a damaged segment is still worth showing.
                    return Some(Err(TrailError::Damaged { dir: self.dir.clone(), detail }));
                }
            }
        }
        None
    }
}

/// The entry of a line, if it is one. That it was not edited is verification's to say.
pub(super) fn read_entry(text: &[u8]) -> Result<Option<Recorded>, String> {
    match Line::parse(text) {
        Some(Line::Entry(mut entry)) => {
            entry.line = String::from_utf8_lossy(text).into_owned();
            Ok(Some(*entry))
        }
        Some(_) => Ok(None),
        None => Err("a line can't be read".to_owned()),
    }
}
