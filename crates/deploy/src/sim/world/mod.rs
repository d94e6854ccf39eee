//! The simulated node: a disk that survives crashes, running revisions and callers that don't.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use airssys_wasm_model::RevisionNumber;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{Notify, watch};

use crate::fleet::{Fault, Fleet, NotSaved};
use crate::gate::Drained;
use crate::observation::Seen;
use crate::record::ServiceRecord;
use crate::rollout::Outcome;
use crate::sim::scenario::Behaviour;
use crate::switch::Switch;
use crate::table::Table;
use crate::timestamp::Timestamp;

/// A node between two crashes.
pub(super) struct Node {
    record: watch::Sender<Arc<ServiceRecord>>,
    switch: Switch<Pool>,
    seen: Mutex<BTreeMap<RevisionNumber, Seen>>,
    starts: Mutex<BTreeMap<RevisionNumber, u64>>,
    behaviour: fn(RevisionNumber) -> Behaviour,
    random: Mutex<StdRng>,
    /// How many points were passed, and the one to crash at.
    points: AtomicU64,
    crash_at: u64,
    pub(super) crashed: Notify,
    recovered: AtomicBool,
}

/// What serves a simulated revision.
#[derive(Default)]
struct Pool {
    ready: AtomicBool,
    stopped: AtomicBool,
}

thread_local! {
    /// What happened, for the message of a failed assertion.
    pub(super) static TRACE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn trace(line: impl FnOnce() -> String) {
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
        Self {
            record: watch::Sender::new(disk),
            switch: Switch::new(),
            seen: Mutex::default(),
            starts: Mutex::default(),
            behaviour,
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            points: AtomicU64::new(0),
            crash_at,
            crashed: Notify::new(),
            recovered: AtomicBool::new(false),
        }
    }

    pub(super) fn disk(&self) -> Arc<ServiceRecord> {
        Arc::clone(&self.record.borrow())
    }

    pub(super) fn points(&self) -> u64 {
        self.points.load(Ordering::Relaxed)
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
        let point = self.points.fetch_add(1, Ordering::Relaxed) + 1;
        trace(|| format!("{point} {}", name()));
        if point == self.crash_at {
            trace(|| "crash".to_owned());
            self.crashed.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// A caller that never rests. A call may fail by its revision's nature, never by the switch: once
    /// a revision is promoted, somebody always takes the call.
    pub(super) async fn call_on(&self) {
        loop {
            self.dawdle(20).await;
            let claimed = self.switch.claim(&(), self.random.lock().unwrap().random());
            let Ok(call) = claimed else {
                let record = self.disk();
                let served = record.active().is_some_and(|it| it.state.is_running())
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
            let failed = self.random(100) < (self.behaviour)(call.revision).error_percent;
            let mut seen = self.seen.lock().unwrap();
            *seen.entry(call.revision).or_default() += Seen { calls: 1, errors: failed.into() };
        }
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
    assert_eq!(*new, serde_json::from_str(&text).unwrap(), "a record survives its text");
}

impl Fleet for Node {
    fn record(&self) -> watch::Receiver<Arc<ServiceRecord>> {
        self.record.subscribe()
    }

    async fn save(
        &self,
        change: impl Fn(&mut ServiceRecord) + Send + Sync,
    ) -> Result<(), NotSaved> {
        self.point(|| "before a save".to_owned()).await;
        self.record.send_modify(|record| {
            let mut next = ServiceRecord::clone(record);
            change(&mut next);
            check_save(record, &next);
            *record = Arc::new(next);
        });
        self.point(|| "after a save".to_owned()).await;
        Ok(())
    }

    async fn start(&self, revision: RevisionNumber) -> Result<(), Fault> {
        self.point(|| format!("before start {revision}")).await;
        self.dawdle(30).await;
        let behaviour = (self.behaviour)(revision);
        let starts = {
            let mut starts = self.starts.lock().unwrap();
            let starts = starts.entry(revision).or_default();
            *starts += 1;
            *starts
        };
        if behaviour.start_fails || starts <= behaviour.failing_starts {
            return Err(Fault::new("it does not compile"));
        }
        self.switch.insert(revision, Arc::default());
        self.point(|| format!("after start {revision}")).await;
        Ok(())
    }

    async fn await_ready(&self, revision: RevisionNumber, _: Duration) -> Result<(), Fault> {
        self.point(|| format!("before ready {revision}")).await;
        self.dawdle(30).await;
        if (self.behaviour)(revision).never_ready {
            return Err(Fault::new("init refused its config"));
        }
        let pool = self.switch.get(revision).ok_or_else(|| Fault::new("it does not run"))?;
        pool.ready.store(true, Ordering::Relaxed);
        self.point(|| format!("after ready {revision}")).await;
        Ok(())
    }

    async fn publish(&self, table: &Table) -> Result<(), Fault> {
        self.point(|| format!("before publish {table}")).await;
        let mut served = table.clone();
        let mut fault = Ok(());
        for revision in table.revisions() {
            let ready = self.switch.get(revision);
            if !ready.is_some_and(|pool| pool.ready.load(Ordering::Relaxed)) {
                served = served.without(revision);
                fault = Err(Fault::new(format!("{revision} does not run")));
            }
        }
        self.switch.publish(&served).unwrap();
        self.point(|| format!("after publish {table}")).await;
        fault
    }

    fn seen(&self, revision: RevisionNumber) -> Seen {
        self.seen.lock().unwrap().get(&revision).copied().unwrap_or_default()
    }

    async fn drain(&self, revision: RevisionNumber, within: Duration) -> Drained {
        self.point(|| format!("before drain {revision}")).await;
        assert_eq!(self.switch.table().weight(revision), None, "{revision} drains while live");
        let drained = self.switch.drain(revision, within).await;
        assert_eq!(drained, Drained::Empty);
        self.point(|| format!("after drain {revision}")).await;
        drained
    }

    async fn stop(&self, revision: RevisionNumber) {
        self.point(|| format!("before stop {revision}")).await;
        assert_eq!(self.switch.table().weight(revision), None, "{revision} stops while live");
        if let Some(pool) = self.switch.remove(revision) {
            self.dawdle(10).await;
            pool.stopped.store(true, Ordering::Relaxed);
        }
        self.point(|| format!("after stop {revision}")).await;
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(1_767_225_600_000 + self.points())
    }
}
