//! What an instance holds of the host, counted now and then for its revision.

use std::sync::Arc;

use wasmtime::AsContextMut;
use wasmtime::component::ResourceTable;

use super::{Level, Meters};
use crate::guest::Guest;
use crate::prepare::Revision;

/// Counts the handles of one instance.
///
/// The runtime's tables say how full they are to nobody who does not go through them. So they are counted when the
/// guest has used the host as often as it held handles at the last count, which costs each use the same few
/// nanoseconds however many there are; when it has run for a tick; and when it is put aside after a call. What it lets
/// go of in between, and what it holds that has hardly done anything yet, is not seen.
pub(crate) struct HandleMeter {
    revision: Arc<Revision>,
    /// Of the host's own, and streams, futures and tasks of WASI 0.3, as they were counted last.
    own: u32,
    tasks: u32,
    /// Uses of the host until the next count.
    until_next: u32,
}

/// The least number of uses between two counts: a call that does less has a handful of handles, and should not make
/// processors take turns at its revision's count of them.
const USES_MIN: u32 = 64;

impl HandleMeter {
    pub(crate) fn new(revision: Arc<Revision>) -> Self {
        Self { revision, own: 0, tasks: 0, until_next: USES_MIN }
    }

    /// The guest uses the host.
    pub(crate) fn uses(&mut self, table: &mut ResourceTable) {
        match self.until_next.checked_sub(1) {
            Some(left) => self.until_next = left,
            None => self.count_own(table),
        }
    }

    fn count_own(&mut self, table: &mut ResourceTable) {
        let now = len(table);
        self.meters().change(Level::Handles, self.own, now);
        self.own = now;
        self.until_next = now.max(USES_MIN);
    }

    fn meters(&self) -> &Meters {
        &self.revision.meters
    }
}

impl Drop for HandleMeter {
    fn drop(&mut self) {
        self.meters().change(Level::Handles, self.own + self.tasks, 0);
    }
}

/// Counts all that this instance holds.
pub(crate) fn count_handles(mut store: impl AsContextMut<Data = Guest>) {
    let mut store = store.as_context_mut();
    let tasks = store.concurrent_resource_table().map_or(0, len);
    let Guest { handles, table, .. } = store.data_mut();
    handles.count_own(table);
    handles.meters().change(Level::Handles, handles.tasks, tasks);
    handles.tasks = tasks;
}

/// No more than the limit on handles, which is a 32-bit number.
fn len(table: &mut ResourceTable) -> u32 {
    u32::try_from(table.iter_mut().count()).unwrap_or(u32::MAX)
}
