//! Denials that a guest repeats: the first is written, the rest are counted.
//!
//! A guest in a loop could otherwise fill the disk with its denials, or hide one among millions. Like ones
//! are counted for a window and written as one entry with their number; a guest that varies what it asks
//! for meets a budget for each second, and what is over it is counted by kind. None is lost while the
//! process lives; a kill loses the counts of the open window, and the first of each is on the disk by then.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::entry::{Decision, Entry, Kind};
use super::settings::DenialBudget;

/// The counters. One thread has them, the writer's.
#[derive(Debug)]
pub(super) struct Coalescer {
    budget: DenialBudget,
    tallies: HashMap<Key, Tally>,
    /// Windows have one length, so they end in the order they began in.
    order: VecDeque<Key>,
    meters: HashMap<Scope, Meter>,
}

/// What makes two denials alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    scope: Scope,
    kind: Kind,
    decision: Decision,
    /// None: whatever is over the budget.
    target: Option<Arc<str>>,
}

/// Whose denials share a budget: an instance's, and all of a revision's; or, where no guest acted, a principal's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Scope {
    /// None where a guest acted: there it is who called it, and the guest has the budget.
    principal: Option<Arc<str>>,
    service: Option<Arc<str>>,
    revision: Option<u64>,
    instance: Option<u64>,
}

#[derive(Debug)]
struct Tally {
    began: SystemTime,
    /// Since what was written of it.
    count: u64,
    /// The last of them stands for all.
    last: Entry,
}

/// What was written of a scope's denials in one second.
#[derive(Debug)]
struct Meter {
    second: u64,
    written: u32,
}

impl Coalescer {
    pub(super) fn new(budget: DenialBudget) -> Self {
        Self { budget, tallies: HashMap::new(), order: VecDeque::new(), meters: HashMap::new() }
    }

    /// Takes an entry, and gives out what is to be written now.
    pub(super) fn admit(&mut self, entry: Entry, now: SystemTime, out: &mut Vec<Entry>) {
        if entry.decision == Decision::Allowed || entry.kind.is_control() {
            out.push(entry);
            return;
        }
        let scope = Scope::of(&entry);
        let key = Key {
            scope: scope.clone(),
            kind: entry.kind,
            decision: entry.decision,
            target: Some(entry.target.clone()),
        };
        if let Some(tally) = self.tallies.get_mut(&key) {
            tally.add(entry);
            return;
        }
        match self.over_budget(&scope, now) {
            Some(scope) => self.count_over(Key { scope, target: None, ..key }, entry, now, out),
            None => {
                self.open(key, Tally { began: now, count: 0, last: entry.clone() }, out);
                out.push(entry);
            }
        }
    }

    /// Gives out the counts whose window has ended. A clock that was set back ends them all.
    pub(super) fn due(&mut self, now: SystemTime, out: &mut Vec<Entry>) {
        while let Some(key) = self.order.front() {
            let began = self.tallies[key].began;
            if now.duration_since(began).is_ok_and(|age| age < self.budget.window) {
                break;
            }
            self.end_oldest(out);
        }
    }

    /// Gives out all counts.
    pub(super) fn flush(&mut self, out: &mut Vec<Entry>) {
        while !self.order.is_empty() {
            self.end_oldest(out);
        }
    }

    fn count_over(&mut self, key: Key, mut entry: Entry, now: SystemTime, out: &mut Vec<Entry>) {
        entry.target = "(various)".into();
        entry.detail = Some(self.explain(&key.scope).into());
        entry.call = None;
        // A revision's rest is of many instances, and a principal's of many services.
        entry.instance = key.scope.instance;
        entry.service = key.scope.service.clone();
        match self.tallies.get_mut(&key) {
            Some(tally) => tally.add(entry),
            None => {
                let count = entry.count;
                self.open(key, Tally { began: now, count, last: entry }, out);
            }
        }
    }

    fn explain(&self, scope: &Scope) -> String {
        let (whose, budget) = match scope {
            Scope { instance: Some(_), .. } => ("an instance", self.budget.per_instance_per_second),
            Scope { revision: Some(_), .. } => ("a revision", self.budget.per_revision_per_second),
            _ => ("whoever asks", self.budget.per_principal_per_second),
        };
        format!("denials over the {budget} a second that are written one by one for {whose}")
    }

    fn open(&mut self, key: Key, tally: Tally, out: &mut Vec<Entry>) {
        if self.order.len() >= self.budget.open_tallies {
            self.end_oldest(out);
        }
        self.order.push_back(key.clone());
        self.tallies.insert(key, tally);
    }

    fn end_oldest(&mut self, out: &mut Vec<Entry>) {
        let ended = self.order.pop_front().and_then(|key| self.tallies.remove(&key));
        if let Some(Tally { count, last, .. }) = ended.filter(|tally| tally.count > 0) {
            out.push(Entry { count, ..last });
        }
    }

    /// Takes one from the budgets, or says which is used up.
    fn over_budget(&mut self, scope: &Scope, now: SystemTime) -> Option<Scope> {
        let second = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if scope.revision.is_none() && scope.instance.is_none() {
            let most = self.budget.per_principal_per_second;
            return (!self.meter(scope, second, most)).then(|| scope.clone());
        }
        let all = Scope { instance: None, ..scope.clone() };
        let (one, every) =
            (self.budget.per_instance_per_second, self.budget.per_revision_per_second);
        if scope.instance.is_some() && !self.meter(scope, second, one) {
            return Some(scope.clone());
        }
        (!self.meter(&all, second, every)).then_some(all)
    }

    /// Counts one into this second, if there is room.
    fn meter(&mut self, scope: &Scope, second: u64, most: u32) -> bool {
        if self.meters.len() >= self.budget.open_tallies && !self.meters.contains_key(scope) {
            self.meters.retain(|_, meter| meter.second == second);
            if self.meters.len() >= self.budget.open_tallies {
                return false;
            }
        }
        let meter = self.meters.entry(scope.clone()).or_insert(Meter { second, written: 0 });
        if meter.second != second {
            *meter = Meter { second, written: 0 };
        }
        let room = meter.written < most;
        meter.written += u32::from(room);
        room
    }
}

impl Scope {
    fn of(entry: &Entry) -> Self {
        let Entry { revision, instance, .. } = *entry;
        if revision.is_none() && instance.is_none() {
            // Whoever asks chooses the service, too.
            return Self { principal: entry.principal.clone(), service: None, revision, instance };
        }
        Self { principal: None, service: entry.service.clone(), revision, instance }
    }
}

impl Tally {
    fn add(&mut self, entry: Entry) {
        self.count = self.count.saturating_add(entry.count);
        self.last = entry;
    }
}
