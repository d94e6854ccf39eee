//! Space on the disk that is kept for control acts.
//!
//! A file with blocks of its own, deleted when the disk is full: what was in the way is then removed by
//! acts that are recorded. It is written, not only lengthened, since a length alone takes no blocks; and
//! with bytes that don't compress, since some file systems would. On one that copies before it writes,
//! deleting may free nothing at once, and the reserve is worth less.

use std::io;
use std::sync::Arc;

use tracing::warn;

use super::folder::{Folder, length, remove_if_there};

pub(super) const RESERVE_FILE: &str = "reserve";

const UNFINISHED: &str = "reserve.unfinished";
const PIECE_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Reserve {
    folder: Arc<dyn Folder>,
    bytes: u64,
    held: bool,
}

impl Reserve {
    /// Finds the reserve. One of another size is none.
    pub(super) fn open(folder: Arc<dyn Folder>, bytes: u64) -> Self {
        let held = bytes == 0 || length(&*folder, RESERVE_FILE).is_ok_and(|found| found == bytes);
        Self { folder, bytes, held }
    }

    /// Whether it is there, or none is asked for.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Makes it, if it isn't there. It has its name when it has its blocks.
    pub(super) fn restore(&mut self) -> io::Result<()> {
        if self.held {
            return Ok(());
        }
        let made = self.fill().and_then(|()| {
            self.folder.rename(UNFINISHED, RESERVE_FILE)?;
            self.folder.sync()
        });
        if made.is_err() {
            // Half of it would take the space that control acts need now.
            let _ = self.discard(UNFINISHED);
        }
        self.held = made.is_ok();
        made
    }

    /// Gives the space back. False if there was none.
    pub(super) fn release(&mut self) -> bool {
        if !self.held || self.bytes == 0 {
            return false;
        }
        self.held = false;
        self.discard(RESERVE_FILE)
            .inspect_err(|error| warn!(%error, "the audit trail's reserve can't be released"))
            .is_ok()
    }

    /// Emptied before it is removed: a reader that has it open would keep its blocks.
    fn discard(&self, name: &str) -> io::Result<()> {
        if let Ok(mut page) = self.folder.open(name) {
            page.set_len(0)?;
            page.sync()?;
        }
        remove_if_there(&*self.folder, name)
    }

    fn fill(&self) -> io::Result<()> {
        remove_if_there(&*self.folder, UNFINISHED)?;
        let mut page = self.folder.create(UNFINISHED)?;
        let mut written = 0;
        let mut state = 0x9e37_79b9_7f4a_7c15;
        while written < self.bytes {
            let piece: Vec<u8> = std::iter::repeat_with(|| scramble(&mut state))
                .flat_map(u64::to_le_bytes)
                .take(PIECE_BYTES.min((self.bytes - written) as usize))
                .collect();
            page.write_at(written, &piece)?;
            written += piece.len() as u64;
        }
        page.sync()
    }
}

/// Xorshift (Marsaglia, 2003): anything that doesn't compress would do.
fn scramble(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
