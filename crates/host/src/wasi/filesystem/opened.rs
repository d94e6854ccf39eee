//! An open file: by what right it is open, asked again on a use after the rights have changed.

use std::sync::Arc;

use airssys_wasm_model::FileAccess;

use super::mount::Place;
use crate::rights::{Hold, Needs};
use crate::watch::Teller;

/// What is done with an open handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Read,
    Write,
    /// To set its times, which takes the right to change it and no opening for that.
    Touch,
    /// To ask about it, which either right allows.
    Ask,
}

/// What it takes to use a file that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Right {
    pub(super) read: FileAccess,
    pub(super) write: FileAccess,
    /// What it was opened for.
    pub(super) reads: bool,
    pub(super) writes: bool,
}

/// A file that a guest holds. What it was not opened for, the runtime refuses.
pub(super) struct OpenFile {
    read: Option<Arc<Hold>>,
    write: Option<Arc<Hold>>,
    touch: Arc<Hold>,
}

impl OpenFile {
    pub(super) fn new(teller: Teller, place: &Place, right: Right) -> Self {
        let hold = |teller, access| {
            let (mount, path) = (Arc::clone(&place.mount), place.path.clone());
            Hold::new(teller, Needs::File { mount, path, access })
        };
        let touch = hold(teller.clone(), right.write);
        Self {
            write: right.writes.then(|| Arc::clone(&touch)),
            read: right.reads.then(|| hold(teller, right.read)),
            touch,
        }
    }

    /// Whether the rights still allow it; tells of a denial.
    pub(super) fn may(&self, act: Act) -> bool {
        let is = |hold: &Option<Arc<Hold>>| hold.as_ref().is_none_or(|hold| hold.check());
        match act {
            Act::Read => is(&self.read),
            Act::Write => is(&self.write),
            Act::Touch => self.touch.check(),
            Act::Ask => {
                let reads = self.read.as_ref().is_some_and(|hold| hold.is_allowed());
                reads || self.write.as_ref().or(self.read.as_ref()).is_none_or(|hold| hold.check())
            }
        }
    }

    /// What a stream of it needs.
    pub(super) fn hold(&self, act: Act) -> Option<Arc<Hold>> {
        match act {
            Act::Read => self.read.clone(),
            Act::Write => self.write.clone(),
            Act::Touch | Act::Ask => None,
        }
    }
}
