//! What waits for the writer, in the order in which it came. It never waits for the disk, and drops nothing while there is
//! a writer.

use std::mem;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::entry::{Decision, Entry};
use super::error::AuditError;
use super::keeper::Item;
use super::sheet::Sheet;

/// A bounded queue of many callers for one writer, which takes all of it at a time.
///
/// A note that needs no looking at is written out on the spot, next to the one before it: no message is made of it.
pub(super) struct Inbox {
    /// Held to put one thing in, a few hundred bytes, or to take everything out.
    waiting: Mutex<Waiting>,
    most: usize,
    /// Something came into the empty inbox, or the end.
    begun: Notify,
    /// Somebody waits for the batch, or for room.
    pressed: Notify,
    /// There is room again.
    room: Notify,
}

struct Waiting {
    items: Vec<Item>,
    /// Entries and whatever else was handed in.
    count: usize,
    /// What notes had in the last batch, in bytes: the next has as many.
    usual_bytes: usize,
    /// Whether anything more is taken in.
    open: bool,
}

/// What the writer takes.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) items: Vec<Item>,
    /// Nothing comes after it.
    pub(super) last: bool,
}

/// What was not put in.
pub(super) enum Refused {
    Full(Box<Item>),
    Shut,
}

impl Inbox {
    pub(super) fn new(most: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                items: Vec::new(),
                count: 0,
                usual_bytes: 0,
                open: true,
            }),
            most,
            begun: Notify::new(),
            pressed: Notify::new(),
            room: Notify::new(),
        }
    }

    /// Puts something in, unless there is no room. Unless it is a note, the writer comes at once.
    pub(super) fn try_put(&self, item: Item) -> Result<(), Refused> {
        let mut waiting = self.waiting();
        if !waiting.open {
            return Err(Refused::Shut);
        }
        if waiting.count >= self.most {
            drop(waiting);
            self.pressed.notify_one();
            return Err(Refused::Full(Box::new(item)));
        }
        let presses = !matches!(item, Item::Note(_));
        waiting.count += 1;
        let begins = waiting.count == 1;
        match item {
            Item::Note(entry) if is_plain(&entry) => waiting.sheet().push(&entry),
            other => waiting.items.push(other),
        }
        drop(waiting);
        if begins {
            self.begun.notify_one();
        }
        if presses {
            self.pressed.notify_one();
        }
        Ok(())
    }

    /// The same, waiting while there is no room.
    pub(super) async fn put(&self, mut item: Item) -> Result<(), AuditError> {
        loop {
            let mut room = pin!(self.room.notified());
            // Before the try: room that is made after it wakes this.
            room.as_mut().enable();
            item = match self.try_put(item) {
                Ok(()) => return Ok(()),
                Err(Refused::Full(item)) => *item,
                Err(Refused::Shut) => return Err(AuditError::Closed),
            };
            room.await;
        }
    }

    /// Returns when there is something to take.
    pub(super) async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Returns when it should be taken at once.
    pub(super) async fn pressed(&self) {
        self.pressed.notified().await;
    }

    /// Takes everything. With an end among it, nothing can be put in after it.
    pub(super) fn take(&self) -> Batch {
        let mut waiting = self.waiting();
        let items = mem::take(&mut waiting.items);
        waiting.count = 0;
        waiting.usual_bytes = items.iter().map(note_bytes).max().unwrap_or_default();
        waiting.open &= !items.iter().any(|item| matches!(item, Item::Close(_)));
        let last = !waiting.open;
        drop(waiting);
        self.room.notify_waiters();
        Batch { items, last }
    }

    /// Lets nobody put anything in any more; the writer takes the rest.
    pub(super) fn close(&self) {
        self.waiting().open = false;
        self.begun.notify_one();
        self.pressed.notify_one();
        self.room.notify_waiters();
    }

    /// The writer is gone: whoever waits for an answer learns that.
    pub(super) fn shut(&self) {
        let mut waiting = self.waiting();
        waiting.open = false;
        let unanswered = mem::take(&mut waiting.items);
        drop(waiting);
        drop(unanswered);
        self.room.notify_waiters();
    }

    /// How much waits.
    pub(super) fn len(&self) -> usize {
        self.waiting().count
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Where the next note is written: after the one before it, if nothing came between.
    fn sheet(&mut self) -> &mut Sheet {
        if !matches!(self.items.last(), Some(Item::Notes(_))) {
            self.items.push(Item::Notes(Sheet::with_capacity(self.usual_bytes)));
        }
        match self.items.last_mut() {
            Some(Item::Notes(sheet)) => sheet,
            _ => unreachable!("it was pushed"),
        }
    }
}

/// Whether an entry is written whatever else there is: the writer has nothing to count of it.
fn is_plain(entry: &Entry) -> bool {
    entry.decision == Decision::Allowed && !entry.kind.is_control()
}

fn note_bytes(item: &Item) -> usize {
    match item {
        Item::Notes(sheet) => sheet.bytes(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::super::fixture::{FILES, at, control, entry};
    use super::*;

    fn note(target: &str, decision: Decision) -> Item {
        Item::Note(entry(FILES, target, decision, at(0)))
    }

    #[test]
    fn what_one_caller_hands_in_stands_in_its_order_and_notes_beside_each_other_as_one() {
        let inbox = Inbox::new(6);
        let put = |item| assert!(inbox.try_put(item).is_ok());
        put(note("a", Decision::Allowed));
        put(note("b", Decision::Allowed));
        put(note("c", Decision::Denied));
        put(note("d", Decision::Allowed));
        put(Item::Record(control("e"), oneshot::channel().0));
        put(note("f", Decision::Allowed));
        assert!(matches!(inbox.try_put(note("g", Decision::Allowed)), Err(Refused::Full(_))));
        assert_eq!(inbox.len(), 6);
        let Batch { items, last } = inbox.take();
        let shape = items.iter().map(|item| match item {
            Item::Notes(sheet) => format!("{} notes", sheet.len()),
            Item::Note(entry) => format!("to count: {}", entry.target),
            Item::Record(entry, _) => format!("record: {}", entry.target),
            other => format!("{other:?}"),
        });
        let shape = shape.collect::<Vec<_>>();
        assert_eq!(shape, ["2 notes", "to count: c", "1 notes", "record: e", "1 notes"]);
        assert!(!last && inbox.len() == 0);
    }

    #[test]
    fn what_was_taken_before_the_end_is_written_and_nothing_is_taken_after_it() {
        for end in [Inbox::close as fn(&Inbox), |inbox| {
            assert!(inbox.try_put(Item::Close(oneshot::channel().0)).is_ok());
        }] {
            let inbox = Inbox::new(6);
            assert!(inbox.try_put(note("a", Decision::Allowed)).is_ok());
            end(&inbox);
            let Batch { items, last } = inbox.take();
            assert!(last && matches!(&items[0], Item::Notes(sheet) if sheet.len() == 1));
            let late = inbox.try_put(note("b", Decision::Allowed));
            assert!(matches!(late, Err(Refused::Shut)));
        }
    }
}
