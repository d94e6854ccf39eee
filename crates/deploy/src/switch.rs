//! The live routing table of one service over its running targets.
//!
//! This is on the path of every call, so a claim takes no lock, allocates nothing and awaits nothing.
//! What starts and stops targets is elsewhere: a switch only routes to them and counts their calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use airssys_wasm_model::RevisionNumber;
use arc_swap::ArcSwap;

use crate::gate::{Drained, Gate, InFlight};
use crate::table::Table;

/// Routes the calls of one service to its running revisions.
///
/// `T` is what serves a revision: the node's is a pool of instances.
#[derive(Debug)]
pub struct Switch<T> {
    live: ArcSwap<Live<T>>,
    /// Guards which targets are known and the order of publications. Never held across an await: a
    /// publication is a few pointer writes. A claim does not take it.
    known: Mutex<BTreeMap<RevisionNumber, Target<T>>>,
}

/// A call's place on a revision, counted until [`Claimed::in_flight`] is dropped.
#[derive(Debug)]
pub struct Claimed<T> {
    /// What serves the call.
    pub target: Arc<T>,
    /// Which revision it is of.
    pub revision: RevisionNumber,
    /// Keep it until the last byte of the answer has been sent.
    pub in_flight: InFlight,
}

/// No revision of the service takes calls.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("no revision of the service takes calls")]
pub struct NoRevision;

/// The table names a revision that is not running.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("revision {0} is not running")]
pub struct NotRunning(pub RevisionNumber);

#[derive(Debug)]
struct Live<T> {
    table: Table,
    /// The targets of the table's rows, in their order.
    rows: Vec<Target<T>>,
}

#[derive(Debug)]
struct Target<T> {
    revision: RevisionNumber,
    serves: Arc<T>,
    gate: Arc<Gate>,
}

impl<T> Switch<T> {
    /// A switch that knows no target and routes nowhere.
    pub fn new() -> Self {
        let live = Live { table: Table::EMPTY, rows: Vec::new() };
        Self { live: ArcSwap::from_pointee(live), known: Mutex::default() }
    }

    /// Picks the revision for this draw and counts the call in, as one step: a drain that begins
    /// later waits for this call, and one that began earlier turned it to the table published before.
    ///
    /// `draw` is a random number, or the hash of a key that is to stick to its revision.
    ///
    /// # Errors
    /// When the live table is empty.
    pub fn claim(&self, draw: u64) -> Result<Claimed<T>, NoRevision> {
        loop {
            let live = self.live.load();
            let row = live.table.pick(draw).ok_or(NoRevision)?;
            let target = &live.rows[row];
            // A shut gate means that a newer table without this row is already published: `drain`
            // refuses to shut the gate of a row that is live. So the loop ends.
            if let Some(in_flight) = target.gate.enter() {
                let (target, revision) = (Arc::clone(&target.serves), target.revision);
                return Ok(Claimed { target, revision, in_flight });
            }
        }
    }

    /// Makes a running target known, without sending it calls. A target known under this number is
    /// kept: what serves a revision never changes under its calls.
    pub fn insert(&self, revision: RevisionNumber, serves: Arc<T>) -> Arc<T> {
        let mut known = self.known();
        let target = known.entry(revision).or_insert_with(|| Target {
            revision,
            serves,
            gate: Gate::open(),
        });
        Arc::clone(&target.serves)
    }

    /// Sends the calls that arrive from now on where the table says.
    ///
    /// # Errors
    /// When a row's revision is not known. Nothing has changed then.
    pub fn publish(&self, table: &Table) -> Result<(), NotRunning> {
        let known = self.known();
        let row = |revision| known.get(&revision).cloned().ok_or(NotRunning(revision));
        let rows: Vec<_> = table
            .shares()
            .iter()
            .map(|share| row(share.revision))
            .collect::<Result<_, NotRunning>>()?;
        // Before the table is live, or a claim on it could meet a gate that is still shut.
        rows.iter().for_each(|target| target.gate.reopen());
        self.live.store(Arc::new(Live { table: table.clone(), rows }));
        Ok(())
    }

    /// Waits until the last call of a revision has ended, at most `bound`. No call reaches it any more
    /// once this has been polled, unless a later table names it again.
    ///
    /// A revision that is not known has no calls. One that the live table names is not drained, as its
    /// calls never end: it counts as timed out at once.
    pub async fn drain(&self, revision: RevisionNumber, bound: Duration) -> Drained {
        let gate = {
            let known = self.known();
            let Some(target) = known.get(&revision) else { return Drained::Empty };
            if self.live.load().table.weight(revision).is_some() {
                return Drained::TimedOut { left: target.gate.inside() };
            }
            target.gate.shut();
            Arc::clone(&target.gate)
        };
        gate.drain(bound).await
    }

    /// Forgets a target and hands it back, unless the live table names it.
    pub fn remove(&self, revision: RevisionNumber) -> Option<Arc<T>> {
        let mut known = self.known();
        if self.live.load().table.weight(revision).is_some() {
            return None;
        }
        known.remove(&revision).map(|target| target.serves)
    }

    /// The target known under this number.
    pub fn get(&self, revision: RevisionNumber) -> Option<Arc<T>> {
        self.known().get(&revision).map(|target| Arc::clone(&target.serves))
    }

    /// Every known target, by its revision.
    pub fn targets(&self) -> Vec<(RevisionNumber, Arc<T>)> {
        let known = self.known();
        known.iter().map(|(&number, target)| (number, Arc::clone(&target.serves))).collect()
    }

    /// The live table.
    pub fn table(&self) -> Table {
        self.live.load().table.clone()
    }

    /// Calls of this revision that have not ended.
    pub fn in_flight(&self, revision: RevisionNumber) -> u64 {
        self.known().get(&revision).map_or(0, |target| target.gate.inside())
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<RevisionNumber, Target<T>>> {
        // Nothing panics while it is held, and every state in between is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Switch<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Target<T> {
    fn clone(&self) -> Self {
        let (serves, gate) = (Arc::clone(&self.serves), Arc::clone(&self.gate));
        Self { revision: self.revision, serves, gate }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

    use super::*;
    use crate::table::Weight;

    const OLD: RevisionNumber = RevisionNumber(1);
    const NEW: RevisionNumber = RevisionNumber(2);
    const BOUND: Duration = Duration::from_secs(60);

    fn switch() -> Switch<&'static str> {
        let switch = Switch::new();
        switch.insert(OLD, Arc::new("old"));
        switch.insert(NEW, Arc::new("new"));
        switch
    }

    #[test]
    fn nothing_is_claimed_without_a_revision() {
        let switch = switch();
        assert_eq!(switch.claim(0).unwrap_err(), NoRevision);
        switch.publish(&Table::all(OLD)).unwrap();
        assert_eq!(*switch.claim(0).unwrap().target, "old");
        switch.publish(&Table::EMPTY).unwrap();
        assert_eq!(switch.claim(0).unwrap_err(), NoRevision);
    }

    #[test]
    fn a_table_with_a_revision_that_is_not_running_changes_nothing() {
        let switch = switch();
        switch.publish(&Table::all(OLD)).unwrap();
        let missing = RevisionNumber(9);
        let table = Table::split(missing, Weight::from_percent(5.0).unwrap(), OLD);
        assert_eq!(switch.publish(&table), Err(NotRunning(missing)));
        assert_eq!(switch.table(), Table::all(OLD));
    }

    #[tokio::test]
    async fn a_live_revision_is_neither_drained_nor_forgotten() {
        let switch = switch();
        switch.publish(&Table::all(OLD)).unwrap();
        let call = switch.claim(0).unwrap();
        assert_eq!(switch.drain(OLD, BOUND).await, Drained::TimedOut { left: 1 });
        assert!(switch.remove(OLD).is_none());
        assert!(switch.claim(0).is_ok());
        drop(call);
    }

    #[tokio::test(start_paused = true)]
    async fn a_revision_that_comes_back_while_it_drains_takes_calls() {
        let switch = switch();
        switch.publish(&Table::all(OLD)).unwrap();
        let call = switch.claim(0).unwrap();
        switch.publish(&Table::all(NEW)).unwrap();
        assert_eq!(switch.drain(OLD, BOUND).await, Drained::TimedOut { left: 1 });
        switch.publish(&Table::all(OLD)).unwrap();
        assert_eq!(switch.claim(0).unwrap().revision, OLD);
        drop(call);
    }

    /// What the threads of the stress test claim: it knows whether it has been stopped.
    #[derive(Default)]
    struct Stoppable(AtomicBool);

    /// Threads claim without pause while revisions replace one another, are drained and stopped. A call
    /// that meets a stopped target was missed by the drain; one that meets a number below what was
    /// published before it arrived came from a table already left.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_call_meets_a_stopped_revision_or_a_table_already_left() {
        const CALLS: u64 = 50_000;
        let switch = Arc::new(Switch::<Stoppable>::new());
        switch.insert(RevisionNumber(1), Arc::default());
        switch.publish(&Table::all(RevisionNumber(1))).unwrap();
        let published = Arc::new(AtomicU32::new(1));
        let calls = Arc::new(AtomicU64::new(0));
        let callers: Vec<_> = (0..4)
            .map(|_| {
                let (switch, published) = (Arc::clone(&switch), Arc::clone(&published));
                let calls = Arc::clone(&calls);
                std::thread::spawn(move || {
                    while calls.fetch_add(1, Ordering::Relaxed) < CALLS {
                        let floor = published.load(Ordering::Acquire);
                        let call = switch.claim(0).unwrap();
                        assert!(call.revision.0 >= floor, "{} after r{floor}", call.revision);
                        std::hint::spin_loop();
                        assert!(!call.target.0.load(Ordering::Acquire), "a drain missed a call");
                        drop(call.in_flight);
                    }
                })
            })
            .collect();
        let mut number = 1;
        while calls.load(Ordering::Relaxed) < CALLS {
            let (old, new) = (RevisionNumber(number), RevisionNumber(number + 1));
            switch.insert(new, Arc::default());
            switch.publish(&Table::all(new)).unwrap();
            published.store(new.0, Ordering::Release);
            assert_eq!(switch.drain(old, BOUND).await, Drained::Empty);
            switch.remove(old).unwrap().0.store(true, Ordering::Release);
            number += 1;
        }
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        assert_eq!(switch.in_flight(RevisionNumber(number)), 0);
    }
}
