//! The switch under rules, keys, drains and many callers at once.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use airssys_wasm_model::{Attribute, StickyBy};

use super::*;
use crate::table::{Rule, Weight};

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
    assert_eq!(switch.claim(&(), 0).unwrap_err(), NoRevision);
    switch.publish(&Table::all(OLD)).unwrap();
    assert_eq!(*switch.claim(&(), 0).unwrap().target, "old");
    switch.publish(&Table::EMPTY).unwrap();
    assert_eq!(switch.claim(&(), 0).unwrap_err(), NoRevision);
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
    let call = switch.claim(&(), 0).unwrap();
    assert_eq!(switch.drain(OLD, BOUND).await, Drained::TimedOut { left: 1 });
    assert!(switch.remove(OLD).is_none());
    assert!(switch.claim(&(), 0).is_ok());
    drop(call);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_comes_back_while_it_drains_takes_calls() {
    let switch = switch();
    switch.publish(&Table::all(OLD)).unwrap();
    let call = switch.claim(&(), 0).unwrap();
    switch.publish(&Table::all(NEW)).unwrap();
    assert_eq!(switch.drain(OLD, BOUND).await, Drained::TimedOut { left: 1 });
    switch.publish(&Table::all(OLD)).unwrap();
    assert_eq!(switch.claim(&(), 0).unwrap().revision, OLD);
    drop(call);
}

/// A call by its headers and its key, which says what was asked of it.
#[derive(Default)]
struct Call {
    header: Option<(&'static str, &'static str)>,
    key: Option<&'static str>,
    asked: std::cell::Cell<u32>,
}

impl Attributes for Call {
    fn value<R>(&self, of: &Attribute, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        self.asked.set(self.asked.get() + 1);
        let Attribute::Header(wanted) = of else { return see(None) };
        let found = self.header.filter(|(name, _)| *name == wanted.as_str());
        see(found.map(|(_, value)| value.as_bytes()))
    }

    fn key<R>(&self, _: &StickyBy, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        self.asked.set(self.asked.get() + 1);
        see(self.key.map(str::as_bytes))
    }
}

fn half() -> Table {
    Table::split(NEW, Weight::from_percent(50.0).unwrap(), OLD)
}

#[test]
fn a_table_without_rules_and_keys_asks_nothing_of_a_call() {
    let (switch, call) = (switch(), Call { key: Some("k"), ..Call::default() });
    for table in [half(), Table::all(OLD)] {
        switch.publish(&table).unwrap();
        switch.claim(&call, 0).unwrap();
    }
    // One revision takes every key.
    switch.stick(Sticky { by: Some(StickyBy::Key), seed: 1 });
    switch.claim(&call, 0).unwrap();
    assert_eq!(call.asked.get(), 0);
    switch.publish(&half()).unwrap();
    switch.claim(&call, 0).unwrap();
    assert_eq!(call.asked.get(), 1);
}

#[test]
fn the_first_rule_that_matches_decides_and_the_shares_take_the_rest() {
    let switch = switch();
    let to = |when: &str, revision| Rule::to(when.parse().unwrap(), revision);
    let rules = vec![to("header:beta=no", OLD), to("header:beta", NEW)];
    switch.publish(&Table::all(OLD).with_rules(rules).unwrap()).unwrap();
    let claim = |header| {
        let call = Call { header, ..Call::default() };
        *switch.claim(&call, 0).unwrap().target
    };
    assert_eq!(claim(Some(("beta", "yes"))), "new");
    assert_eq!(claim(Some(("beta", "no"))), "old");
    assert_eq!(claim(Some(("other", "yes"))), "old");
    assert_eq!(claim(None), "old");
}

#[tokio::test]
async fn a_revision_that_only_a_rule_names_is_live() {
    let switch = switch();
    let rules = vec![Rule::to("header:beta".parse().unwrap(), NEW)];
    switch.publish(&Table::all(OLD).with_rules(rules).unwrap()).unwrap();
    assert_eq!(switch.drain(NEW, BOUND).await, Drained::TimedOut { left: 0 });
    assert!(switch.remove(NEW).is_none());
}

#[test]
fn a_key_sticks_whatever_is_drawn_and_a_call_without_one_is_drawn() {
    let switch = switch();
    switch.publish(&half()).unwrap();
    switch.stick(Sticky { by: Some(StickyBy::Key), seed: 1 });
    let claim = |key, draw| {
        let call = Call { key, ..Call::default() };
        switch.claim(&call, draw).unwrap().revision
    };
    let mut met = std::collections::BTreeSet::new();
    for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let revision = claim(Some(key), 0);
        assert!((0..20).all(|at| claim(Some(key), at << 59) == revision), "{key}");
        met.insert(revision);
    }
    assert_eq!(met.len(), 2, "eight keys and one revision");
    for nothing in [None, Some("")] {
        assert_eq!((claim(nothing, 0), claim(nothing, u64::MAX)), (NEW, OLD));
    }
}

#[test]
fn a_table_sticks_by_its_own_word_before_its_services() {
    let switch = switch();
    switch.stick(Sticky { by: Some(StickyBy::Key), seed: 1 });
    let address = Some(StickyBy::Address);
    switch.publish(&half().sticking_by(address.clone())).unwrap();
    assert_eq!(switch.live.load().sticky, Sticky { by: address, seed: 1 });
    switch.publish(&half()).unwrap();
    assert_eq!(switch.live.load().sticky.by, Some(StickyBy::Key));
}

#[tokio::test]
async fn a_named_revision_is_claimed_without_a_share_until_it_drains() {
    let switch = switch();
    switch.publish(&Table::all(OLD)).unwrap();
    let named = |revision| switch.claim_named(move |number, _| number == revision);
    let call = named(NEW).unwrap();
    assert_eq!((*call.target, switch.in_flight(NEW)), ("new", 1));
    drop(call);
    assert_eq!(named(RevisionNumber(9)).unwrap_err(), Unclaimed::NotRunning);
    assert_eq!(switch.drain(NEW, BOUND).await, Drained::Empty);
    assert_eq!(named(NEW).unwrap_err(), Unclaimed::Draining);
    switch.remove(NEW).unwrap();
    assert_eq!(named(NEW).unwrap_err(), Unclaimed::NotRunning);
    // Of several that would do, the newest that takes calls.
    assert_eq!(switch.claim_named(|_, _| true).unwrap().revision, OLD);
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
                    let call = switch.claim(&(), 0).unwrap();
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
