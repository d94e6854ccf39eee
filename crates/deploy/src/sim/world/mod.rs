//! The simulated node: a disk that survives crashes, running revisions and callers that don't.

mod fleet;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use airssys_wasm_model::RevisionNumber;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::evidence::Compared;
use crate::record::ServiceRecord;
use crate::revision::RevisionState;
use crate::rollout::{Outcome, StepRecord};
use crate::sim::scenario::Behaviour;
use crate::step::{Mirror, Step};
use crate::switch::Switch;
use crate::table::Table;

/// A node between two crashes.
pub(super) struct Node {
    record: watch::Sender<Arc<ServiceRecord>>,
    switch: Switch<Pool>,
    counted: Mutex<BTreeMap<RevisionNumber, Counted>>,
    mirror: Mutex<Option<Mirror>>,
    copies: Mutex<BTreeMap<RevisionNumber, Compared>>,
    asked: AtomicU64,
    starts: Mutex<BTreeMap<RevisionNumber, u64>>,
    behaviour: fn(RevisionNumber) -> Behaviour,
    random: Mutex<StdRng>,
    crash: Arc<Crash>,
    recovered: AtomicBool,
}

/// When a process crashes, with all that run in it.
#[derive(Default)]
pub(super) struct Crash {
    /// How many points were passed, and the one to crash at.
    points: AtomicU64,
    at: u64,
    crashed: Notify,
}

/// What serves a simulated revision.
#[derive(Default)]
struct Pool {
    ready: AtomicBool,
    stopped: AtomicBool,
    /// The share of the calls that it is warm for, in hundredths of a per cent.
    warm_for: AtomicU64,
}

/// What the calls of a revision came to.
#[derive(Debug, Clone, Default)]
struct Counted {
    calls: u64,
    failed: u64,
    slow: u64,
    succeeded: u64,
}

/// What a gate or a metric does is said by its address.
pub(super) const PASSES: &str = "http://passes";
pub(super) const REFUSES: &str = "http://refuses";
pub(super) const HANGS: &str = "http://hangs";
/// Answers the third question of a life.
pub(super) const STUMBLES: &str = "http://stumbles";
pub(super) const DOWN: &str = "http://down";

thread_local! {
    /// When the clock of this run began.
    pub(super) static EPOCH: Cell<Option<Instant>> = const { Cell::new(None) };
    /// What happened, for the message of a failed assertion.
    pub(super) static TRACE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn trace(line: impl FnOnce() -> String) {
    TRACE.with_borrow_mut(|lines| lines.push(line()));
}

impl Node {
    pub(super) fn boot(
        disk: Arc<ServiceRecord>,
        behaviour: fn(RevisionNumber) -> Behaviour,
        seed: u64,
        crash_at: u64,
    ) -> Self {
        trace(|| format!("boot, to crash at {crash_at}"));
        Self::boot_in(&Arc::new(Crash::at(crash_at)), disk, behaviour, seed)
    }

    /// One service of a process with several.
    pub(super) fn boot_in(
        crash: &Arc<Crash>,
        disk: Arc<ServiceRecord>,
        behaviour: fn(RevisionNumber) -> Behaviour,
        seed: u64,
    ) -> Self {
        Self {
            record: watch::Sender::new(disk),
            switch: Switch::new(),
            counted: Mutex::default(),
            mirror: Mutex::default(),
            copies: Mutex::default(),
            asked: AtomicU64::new(0),
            starts: Mutex::default(),
            behaviour,
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            crash: Arc::clone(crash),
            recovered: AtomicBool::new(false),
        }
    }

    pub(super) fn disk(&self) -> Arc<ServiceRecord> {
        Arc::clone(&self.record.borrow())
    }

    pub(super) fn points(&self) -> u64 {
        self.crash.points()
    }

    pub(super) async fn crashed(&self) {
        self.crash.crashed().await;
    }

    /// Whether a revision is there to take calls at once.
    pub(super) fn is_warm(&self, revision: RevisionNumber) -> bool {
        self.switch.get(revision).is_some_and(|pool| pool.ready.load(Ordering::Relaxed))
    }

    pub(super) fn set_recovered(&self) {
        self.recovered.store(true, Ordering::Relaxed);
    }

    pub(super) fn random(&self, below: u64) -> u64 {
        self.random.lock().unwrap().random_range(0..below)
    }

    pub(super) async fn dawdle(&self, at_most_ms: u64) {
        tokio::time::sleep(Duration::from_millis(self.random(at_most_ms + 1))).await;
    }

    /// A place where the node may crash. Nothing after it happens then.
    async fn point(&self, name: impl FnOnce() -> String) {
        self.crash.point(name).await;
    }

    /// A caller that never rests. A call may fail by its revision's nature, never by the switch: once
    /// a revision is promoted, somebody always takes the call.
    pub(super) async fn call_on(&self) {
        loop {
            self.dawdle(20).await;
            let claimed = self.switch.claim(&(), self.random.lock().unwrap().random());
            let Ok(call) = claimed else {
                let record = self.disk();
                // One that is tried again after a restart has no calls yet.
                let serves = |it: RevisionState| it.is_running() && it != RevisionState::Starting;
                let served = record.active().is_some_and(|it| serves(it.state))
                    && record
                        .rollout
                        .as_ref()
                        .is_none_or(|it| it.outcome != Some(Outcome::Removed));
                let empty = record.table.is_empty() || !self.recovered.load(Ordering::Relaxed);
                assert!(!served || empty, "no revision took a call under {}", record.table);
                continue;
            };
            assert!(call.target.ready.load(Ordering::Relaxed), "{} was not ready", call.revision);
            self.dawdle(50).await;
            // A drain is longer than any call here, so that none is ever ended by a stop.
            assert!(!call.target.stopped.load(Ordering::Relaxed), "{} was stopped", call.revision);
            let behaviour = (self.behaviour)(call.revision);
            let shows = |percent: u64| u64::from(self.random(100) < percent);
            let (failed, slow) = (shows(behaviour.error_percent), shows(behaviour.slow_percent));
            let succeeded = shows(behaviour.success_percent);
            let mut counted = self.counted.lock().unwrap();
            let counted = counted.entry(call.revision).or_default();
            counted.calls += 1;
            counted.failed += failed;
            counted.slow += slow;
            counted.succeeded += succeeded;
            self.copy_call();
        }
    }

    /// What became of the caller's call is over; a copy may go to a revision that runs, and to no other.
    fn copy_call(&self) {
        let Some(mirror) = self.mirror.lock().unwrap().clone() else { return };
        if self.random(10_000) >= u64::from(mirror.weight.hundredths()) {
            return;
        }
        let pool = self.switch.get(mirror.revision).expect("copies go to a revision that runs");
        assert!(!pool.stopped.load(Ordering::Relaxed), "{} was stopped", mirror.revision);
        let differs = self.random(100) < (self.behaviour)(mirror.revision).differs_percent;
        let mut copies = self.copies.lock().unwrap();
        let compared = copies.entry(mirror.revision).or_default();
        compared.calls += 1;
        compared.different += u64::from(differs);
    }

    fn counted(&self, revision: RevisionNumber) -> Counted {
        self.counted.lock().unwrap().get(&revision).cloned().unwrap_or_default()
    }

    /// What must be true in the end: nothing is under way, what runs is what the record says, and the
    /// live table is the recorded one.
    pub(super) fn check_rest(&self) {
        let record = self.disk();
        assert_eq!(record.rollout, None);
        assert_eq!(self.switch.table(), record.table);
        let running: Vec<_> = self.switch.targets().into_iter().map(|(number, _)| number).collect();
        let recorded = record.revisions.iter().filter(|it| it.state.is_running());
        assert_eq!(running, recorded.map(|it| it.number).collect::<Vec<_>>());
        let active = record.active.map_or(Table::EMPTY, Table::all);
        assert_eq!(record.table, active);
        assert_eq!(*self.mirror.lock().unwrap(), None, "nothing is tried, so nothing is copied");
    }

    /// Nobody meets a cold start because of an update: a candidate is warm for its share before it gets it.
    fn check_warmth(&self, table: &Table) {
        let record = self.disk();
        let Some(rollout) = record.rollout.as_ref().filter(|it| it.is_open()) else { return };
        let warms =
            |step: &StepRecord| matches!(step.step, Step::AwaitReady { share: Some(_), .. });
        let share = table.weight(rollout.to).map_or(0, |weight| u64::from(weight.hundredths()));
        let before = self.switch.table().weight(rollout.to);
        let rises = share > before.map_or(0, |weight| u64::from(weight.hundredths()));
        let recovered = self.recovered.load(Ordering::Relaxed);
        if recovered && rises && rollout.steps.iter().any(warms) {
            let pool = self.switch.get(rollout.to).expect("it runs");
            let warm = pool.warm_for.load(Ordering::Relaxed);
            assert!(warm >= share, "{} is warm for {warm} of {share}", rollout.to);
        }
    }
}

impl Crash {
    pub(super) fn at(point: u64) -> Self {
        Self { at: point, ..Self::default() }
    }

    pub(super) fn points(&self) -> u64 {
        self.points.load(Ordering::Relaxed)
    }

    pub(super) async fn crashed(&self) {
        self.crashed.notified().await;
    }

    pub(super) async fn point(&self, name: impl FnOnce() -> String) {
        let point = self.points.fetch_add(1, Ordering::Relaxed) + 1;
        trace(|| format!("{point} {}", name()));
        if point == self.at {
            trace(|| "crash".to_owned());
            self.crashed.notify_one();
        }
        if point >= self.at {
            std::future::pending::<()>().await;
        }
    }
}

/// What no save may do, whoever asks for it.
fn check_save(old: &ServiceRecord, new: &ServiceRecord) {
    for rollout in old.rollout.iter().chain(&old.past) {
        let Some(after) = new.rollout(rollout.number) else { continue };
        let kept = rollout.outcome.is_none() || rollout.outcome == after.outcome;
        assert!(kept, "rollout {} was decided twice", rollout.number);
        let aborted = rollout.outcome.is_none() && after.outcome == Some(Outcome::Aborted);
        let removing = new.rollout.as_ref().is_some_and(|it| it.number > rollout.number);
        if aborted && !removing {
            assert_eq!(new.table, rollout.before, "an abort restores the table exactly");
            assert_eq!(new.active, old.active, "an abort leaves the active revision");
        }
    }
    for revision in &old.revisions {
        if let Some(after) = new.revision(revision.number) {
            assert_eq!(after.settings, revision.settings, "a revision is immutable");
        }
    }
    let text = serde_json::to_string(new).unwrap();
    let read: ServiceRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(exact(new.clone()), exact(read), "a record survives its text");
}

/// All but the measures, whose last digit a text may lose.
fn exact(mut record: ServiceRecord) -> ServiceRecord {
    for rollout in record.rollout.iter_mut().chain(&mut record.past) {
        rollout.trial = None;
        rollout.steps.iter_mut().for_each(|step| step.evidence = None);
    }
    record
}
