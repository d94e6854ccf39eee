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
use crate::sticky::Sticky;
use crate::table::{Attributes, Picked, Share, Table};

/// Routes the calls of one service to its running revisions.
///
/// `T` is what serves a revision: the node's is a pool of instances.
#[derive(Debug)]
pub struct Switch<T> {
    live: ArcSwap<Live<T>>,
    /// The known targets, for the calls that name theirs; the oldest first.
    standing: ArcSwap<Vec<Target<T>>>,
    /// Guards which targets are known and the order of publications. Never held across an await: a
    /// publication is a few pointer writes. A claim does not take it.
    known: Mutex<Known<T>>,
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
    /// Whether the call named its revision, so that it is no sample of the calls that the table gives to it.
    pub named: bool,
}

/// No revision of the service takes calls.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("no revision of the service takes calls")]
pub struct NoRevision;

/// Why a call does not reach the revision that it names.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum Unclaimed {
    /// It was never there, or has stopped.
    #[error("it does not run")]
    NotRunning,
    /// It ends its last calls.
    #[error("it takes no new calls: it is draining")]
    Draining,
}

/// The table names a revision that is not running.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("revision {0} is not running")]
pub struct NotRunning(pub RevisionNumber);

#[derive(Debug)]
struct Live<T> {
    table: Table,
    /// What its splits stick to: its own word, else the service's.
    sticky: Sticky,
    /// Whether a random draw alone decides, so that nothing need be known of a call.
    by_draw: bool,
    /// The targets of the table's shares, in their order.
    rows: Vec<Target<T>>,
    /// Those of each rule.
    rules: Vec<Vec<Target<T>>>,
}

#[derive(Debug)]
struct Known<T> {
    targets: BTreeMap<RevisionNumber, Target<T>>,
    sticky: Sticky,
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
        let known = Known { targets: BTreeMap::new(), sticky: Sticky::default() };
        Self {
            live: ArcSwap::from_pointee(Live::nowhere()),
            standing: ArcSwap::default(),
            known: Mutex::new(known),
        }
    }

    /// Picks the revision for this call and counts it in, as one step: a drain that begins later waits for
    /// this call, and one that began earlier turned it to the table published before.
    ///
    /// `draw` is a random number, for a call that no key assigns. What the call is, is asked only while the
    /// table has rules or sticks to something.
    ///
    /// # Errors
    /// When the live table gives it to no revision.
    pub fn claim(&self, call: &impl Attributes, draw: u64) -> Result<Claimed<T>, NoRevision> {
        loop {
            let live = self.live.load();
            let target = live.pick(call, draw).ok_or(NoRevision)?;
            // A shut gate means that a newer table without this row is already published: `drain`
            // refuses to shut the gate of a row that is live. So the loop ends.
            if let Some(in_flight) = target.gate.enter() {
                return Ok(target.claimed(in_flight));
            }
        }
    }

    /// Claims the newest running revision that is `wanted`, whether the table gives it calls or not.
    ///
    /// # Errors
    /// When there is none, or when each of them drains.
    pub fn claim_named(
        &self,
        wanted: impl Fn(RevisionNumber, &T) -> bool,
    ) -> Result<Claimed<T>, Unclaimed> {
        let standing = self.standing.load();
        let mut refused = Unclaimed::NotRunning;
        for target in standing.iter().rev().filter(|it| wanted(it.revision, &it.serves)) {
            match target.gate.enter() {
                Some(in_flight) => return Ok(Claimed { named: true, ..target.claimed(in_flight) }),
                None => refused = Unclaimed::Draining,
            }
        }
        Err(refused)
    }

    /// Makes a running target known, without sending it calls. A target known under this number is
    /// kept: what serves a revision never changes under its calls.
    pub fn insert(&self, revision: RevisionNumber, serves: Arc<T>) -> Arc<T> {
        let mut known = self.known();
        let target = known.targets.entry(revision).or_insert_with(|| Target {
            revision,
            serves,
            gate: Gate::open(),
        });
        let serves = Arc::clone(&target.serves);
        self.stand(&known);
        serves
    }

    /// Sends the calls that arrive from now on where the table says.
    ///
    /// # Errors
    /// When it names a revision that is not known. Nothing has changed then.
    pub fn publish(&self, table: &Table) -> Result<(), NotRunning> {
        let known = self.known();
        let live = Live::new(table.clone(), &known)?;
        // Before the table is live, or a claim on it could meet a gate that is still shut.
        live.targets().for_each(|target| target.gate.reopen());
        self.live.store(Arc::new(live));
        Ok(())
    }

    /// Sets what splits stick to, for a table that does not say it, and the seed that they hash with.
    pub fn stick(&self, sticky: Sticky) {
        let mut known = self.known();
        if known.sticky == sticky {
            return;
        }
        known.sticky = sticky;
        // What the live table names is known: nothing of it is ever forgotten.
        if let Ok(live) = Live::new(self.live.load().table.clone(), &known) {
            self.live.store(Arc::new(live));
        }
    }

    /// Waits until the last call of a revision has ended, at most `bound`. No call reaches it any more
    /// once this has been polled, unless a later table names it again.
    ///
    /// A revision that is not known has no calls. One that the live table names is not drained, as its
    /// calls never end: it counts as timed out at once.
    pub async fn drain(&self, revision: RevisionNumber, bound: Duration) -> Drained {
        let gate = {
            let known = self.known();
            let Some(target) = known.targets.get(&revision) else { return Drained::Empty };
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
        let removed = known.targets.remove(&revision).map(|target| target.serves);
        self.stand(&known);
        removed
    }

    /// The target known under this number.
    pub fn get(&self, revision: RevisionNumber) -> Option<Arc<T>> {
        self.known().targets.get(&revision).map(|target| Arc::clone(&target.serves))
    }

    /// Every known target, by its revision.
    pub fn targets(&self) -> Vec<(RevisionNumber, Arc<T>)> {
        let known = self.known();
        known.targets.iter().map(|(&number, target)| (number, Arc::clone(&target.serves))).collect()
    }

    /// The live table.
    pub fn table(&self) -> Table {
        self.live.load().table.clone()
    }

    /// Calls of this revision that have not ended.
    pub fn in_flight(&self, revision: RevisionNumber) -> u64 {
        self.known().targets.get(&revision).map_or(0, |target| target.gate.inside())
    }

    fn stand(&self, known: &Known<T>) {
        self.standing.store(Arc::new(known.targets.values().cloned().collect()));
    }

    fn known(&self) -> MutexGuard<'_, Known<T>> {
        // Nothing panics while it is held, and every state in between is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Live<T> {
    fn nowhere() -> Self {
        let (table, sticky) = (Table::EMPTY, Sticky::default());
        Self { table, sticky, by_draw: true, rows: Vec::new(), rules: Vec::new() }
    }

    fn new(table: Table, known: &Known<T>) -> Result<Self, NotRunning> {
        let target = |share: &Share| {
            let target = known.targets.get(&share.revision).cloned();
            target.ok_or(NotRunning(share.revision))
        };
        let targets = |shares: &[Share]| shares.iter().map(target).collect::<Result<Vec<_>, _>>();
        let rows = targets(table.shares())?;
        let rules = table.rules().iter().map(|rule| targets(rule.shares.shares()));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        let by = table.sticky().or(known.sticky.by.as_ref()).cloned();
        let by_draw = rules.is_empty() && (by.is_none() || rows.len() < 2);
        Ok(Self { sticky: Sticky { by, seed: known.sticky.seed }, by_draw, table, rows, rules })
    }

    fn pick(&self, call: &impl Attributes, draw: u64) -> Option<&Target<T>> {
        if self.by_draw {
            return self.table.draw(draw).map(|row| &self.rows[row]);
        }
        let Sticky { by, seed } = &self.sticky;
        let Picked { rule, row } = self.table.pick(call, by.as_ref(), *seed, draw)?;
        Some(rule.map_or(&self.rows[row], |rule| &self.rules[rule][row]))
    }

    fn targets(&self) -> impl Iterator<Item = &Target<T>> {
        self.rows.iter().chain(self.rules.iter().flatten())
    }
}

impl<T> Target<T> {
    fn claimed(&self, in_flight: InFlight) -> Claimed<T> {
        let target = Arc::clone(&self.serves);
        Claimed { target, revision: self.revision, in_flight, named: false }
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
mod tests;
