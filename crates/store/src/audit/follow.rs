//! Following the trail: entries as they become durable.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::entry::Recorded;
use super::error::TrailError;
use super::folder::{Folder, length, read_part};
use super::ledger::Position;
use super::query::read_entry;
use super::segment;

/// What is read at once: a follower that fell behind reads on in such pieces. More than the longest line.
const PIECE_BYTES: u64 = 1 << 20;

/// A reader of what is recorded from some moment on. It holds nothing up and misses nothing: it reads the
/// files, so a slow one is only late, unless retention is faster.
pub struct Follow {
    folder: Arc<dyn Folder>,
    dir: PathBuf,
    position: watch::Receiver<Position>,
    segment: u64,
    offset: u64,
}

impl Follow {
    pub(super) fn new(
        folder: Arc<dyn Folder>,
        dir: PathBuf,
        mut position: watch::Receiver<Position>,
    ) -> Self {
        let Position { segment, bytes, .. } = *position.borrow_and_update();
        Self { folder, dir, position, segment, offset: bytes }
    }

    /// Waits until there may be more to read; false when the trail is closed.
    pub async fn changed(&mut self) -> bool {
        self.position.changed().await.is_ok()
    }

    /// The next entries; none if there are no more yet. Blocks on the disk.
    pub fn read(&mut self) -> Result<Vec<Recorded>, TrailError> {
        loop {
            let end = *self.position.borrow_and_update();
            let (from, to) = (self.segment, self.offset);
            let text = self.piece(&end).map_err(|source| TrailError::Io {
                doing: "read",
                dir: self.dir.clone(),
                source,
            })?;
            let entries = read_entries(&text)
                .map_err(|detail| TrailError::Damaged { dir: self.dir.clone(), detail })?;
            if !entries.is_empty() || (from, to) == (self.segment, self.offset) {
                return Ok(entries);
            }
        }
    }

    /// Whole lines from where it stands, and goes on behind them.
    fn piece(&mut self, end: &Position) -> io::Result<Vec<u8>> {
        if self.segment < end.oldest.min(end.segment) {
            (self.segment, self.offset) = (end.oldest, 0);
        }
        let name = segment::name(self.segment);
        let to = if self.segment == end.segment {
            end.bytes
        } else {
            match length(&*self.folder, &name) {
                // The beginning of a trail has no segment, and retention may have been quicker.
                Err(error) if error.kind() == ErrorKind::NotFound => 0,
                found => found?,
            }
        };
        if self.offset >= to {
            if self.segment < end.segment {
                (self.segment, self.offset) = (self.segment + 1, 0);
            }
            return Ok(Vec::new());
        }
        let most = PIECE_BYTES.min(to - self.offset);
        let mut text = read_part(&*self.folder, &name, self.offset, most)?;
        text.truncate(text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1));
        self.offset += text.len() as u64;
        Ok(text)
    }
}

fn read_entries(text: &[u8]) -> Result<Vec<Recorded>, String> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .filter_map(|line| read_entry(line).transpose())
        .collect()
}
