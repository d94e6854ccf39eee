//! A simulated process with several services and one update of all of them; it crashes as a whole.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use airssys_wasm_model::{Name, RevisionNumber, RolloutSettings, StrategyName};
use futures::future::join_all;
use tokio::sync::watch;

use crate::batch::{
    BatchFleet, BatchId, BatchMember, BatchOrder, BatchRecord, Decision, supervise, tell_decided,
};
use crate::fleet::{Fleet, NotSaved};
use crate::record::ServiceRecord;
use crate::recover::recover;
use crate::rollout::{Outcome, RolloutKind};
use crate::sim::revision;
use crate::sim::scenario::Behaviour;
use crate::sim::tests::settings;
use crate::sim::world::{Crash, EPOCH, Node, TRACE, trace};
use crate::timestamp::Timestamp;
use crate::transition::Asked;
use crate::walk::walk;

pub(super) const BATCH: BatchId = BatchId(1);

thread_local! {
    /// How many crashes there were before this life.
    pub(super) static LIFE: Cell<usize> = const { Cell::new(0) };
}

/// A member that is simulated: how its revisions behave, and how it is updated.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) behaviour: fn(RevisionNumber) -> Behaviour,
    pub(super) settings: RolloutSettings,
}

/// An update of several services, and who interferes.
pub(super) struct Joint {
    pub(super) seed: u64,
    pub(super) order: BatchOrder,
    pub(super) members: Vec<Member>,
    pub(super) script: Vec<Interference>,
}

/// What an operator does so many milliseconds after what he did before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interference {
    pub(super) after_ms: u64,
    pub(super) member: usize,
    pub(super) act: Word,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    Promote,
    Abort,
    Pause,
    Resume,
    Remove,
    Update,
    Rollback,
}

/// What is left on the disk.
#[derive(Clone)]
pub(super) struct Disk {
    pub(super) services: Vec<Arc<ServiceRecord>>,
    pub(super) batch: Option<Arc<BatchRecord>>,
}

pub(super) struct Process<'a> {
    joint: &'a Joint,
    crash: Arc<Crash>,
    nodes: Vec<Arc<Node>>,
    batch: OnceLock<watch::Sender<Arc<BatchRecord>>>,
    begun: watch::Sender<bool>,
}

const LIVES: usize = 64;

/// Simulated time after which an update that has not ended never will.
const PATIENCE: Duration = Duration::from_secs(3_600);

impl Joint {
    /// Runs to the end, crashing at each life's point. Returns what the disk says then, and the points that the
    /// last life passed.
    pub(super) fn run(&self, crashes: &[u64]) -> (Disk, u64) {
        TRACE.with_borrow_mut(Vec::clear);
        EPOCH.set(None);
        LIFE.set(0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(self.lives(crashes))
    }

    async fn lives(&self, crashes: &[u64]) -> (Disk, u64) {
        let names = (0..self.members.len()).map(|at| format!("s{at}").parse().unwrap());
        let mut disk = Disk { services: join_all(names.map(deployed)).await, batch: None };
        let done = Cell::new(0);
        for life in 0..LIVES {
            LIFE.set(life);
            let crash = Arc::new(Crash::at(crashes.get(life).copied().unwrap_or(u64::MAX)));
            trace(|| format!("life {life}"));
            let process = Process::boot(self, disk, &crash, self.seed.wrapping_add(life as u64));
            tokio::select! {
                biased;
                () = crash.crashed() => disk = process.disk(),
                () = process.live(&done) => {
                    process.nodes.iter().for_each(|node| node.check_rest());
                    return (process.disk(), crash.points());
                }
            }
        }
        panic!("{LIVES} lives were not enough");
    }
}

/// A service with one revision, at rest.
async fn deployed(name: Name) -> Arc<ServiceRecord> {
    let node =
        Node::boot(Arc::new(ServiceRecord::new(name)), |_| Behaviour::default(), 7, u64::MAX);
    let now = node.now();
    node.save(|record| {
        let asked = asked(record, settings(StrategyName::AllAtOnce), RolloutKind::Deploy, now);
        record.begin(asked, now).unwrap();
    })
    .await
    .unwrap();
    walk(&node).await.unwrap();
    node.disk()
}

fn asked(
    record: &mut ServiceRecord,
    settings: RolloutSettings,
    kind: RolloutKind,
    at: Timestamp,
) -> Asked {
    let to = record.add_revision(revision(), "operator", "a script", at);
    Asked { kind, settings, to, by: "operator".into(), why: "a script".into() }
}

impl<'a> Process<'a> {
    fn boot(joint: &'a Joint, disk: Disk, crash: &Arc<Crash>, seed: u64) -> Self {
        let services = disk.services.into_iter().zip(&joint.members).zip(0..);
        let nodes = services.map(|((record, member), at)| {
            Arc::new(Node::boot_in(crash, record, member.behaviour, seed.wrapping_add(at * 1_000)))
        });
        let batch = OnceLock::new();
        if let Some(record) = disk.batch {
            batch.set(watch::Sender::new(record)).unwrap();
        }
        let (crash, begun) = (Arc::clone(crash), watch::Sender::new(false));
        Self { joint, crash, nodes: nodes.collect(), batch, begun }
    }

    fn disk(&self) -> Disk {
        Disk {
            services: self.nodes.iter().map(|node| node.disk()).collect(),
            batch: self.batch.get().map(|batch| Arc::clone(&batch.borrow())),
        }
    }

    async fn live(&self, done: &Cell<usize>) {
        if self.batch.get().is_some() {
            tell_decided(self).await.unwrap();
        }
        for node in &self.nodes {
            recover(&**node).await.unwrap();
            node.set_recovered();
        }
        let work = async {
            self.begin().await;
            while let Some(next) = self.joint.script.get(done.get()) {
                tokio::time::sleep(Duration::from_millis(next.after_ms)).await;
                self.interfere(*next).await;
                done.set(done.get() + 1);
            }
            self.rest().await;
        };
        tokio::select! {
            _ = join_all(self.nodes.iter().map(|node| walk_on(node))) => unreachable!("it crashes before"),
            _ = join_all(self.nodes.iter().map(|node| node.call_on())) => unreachable!("it never rests"),
            () = self.supervise() => unreachable!("it pends then"),
            () = work => {}
        }
    }

    async fn supervise(&self) {
        self.begun.subscribe().wait_for(|begun| *begun).await.unwrap();
        supervise(self).await.unwrap();
        std::future::pending().await
    }

    /// The record of the update first, then its members' rollouts. What a crash cuts short is not begun again.
    async fn begin(&self) {
        if self.batch.get().is_none() {
            let at = self.now();
            let member = |node: &Arc<Node>| {
                let record = node.disk();
                let (rollout, revision) = (record.next_rollout, record.next_revision);
                BatchMember { service: record.name.clone(), rollout, revision }
            };
            let batch = BatchRecord {
                id: BATCH,
                order: self.joint.order,
                members: self.nodes.iter().map(member).collect(),
                at,
                by: "operator".to_owned(),
                why: "a script".to_owned(),
                decision: None,
                kept: Vec::new(),
                ended: None,
            };
            self.crash.point(|| "before the batch".to_owned()).await;
            self.batch.set(watch::Sender::new(Arc::new(batch.clone()))).unwrap();
            self.crash.point(|| "after the batch".to_owned()).await;
            self.begin_members(&batch, at).await;
        }
        self.begun.send_replace(true);
    }

    /// One that is refused aborts all, as on the node.
    async fn begin_members(&self, batch: &BatchRecord, at: Timestamp) {
        for (member, node) in self.nodes.iter().enumerate() {
            let settings = &self.joint.members[member].settings;
            let refused = AtomicBool::new(false);
            node.save(|record| {
                let before = record.clone();
                let asked = asked(record, settings.clone(), RolloutKind::Update, at);
                if record.begin_member(asked, batch, &batch.members[member], at).is_err() {
                    refused.store(true, Ordering::Relaxed);
                    *record = before;
                }
            })
            .await
            .unwrap();
            if refused.into_inner() {
                let abort = |batch: &mut BatchRecord| {
                    batch.abort("it was refused", at);
                };
                return BatchFleet::save(self, abort).await.unwrap();
            }
        }
    }

    /// As the node does it: what is about all of them goes to the batch.
    async fn interfere(&self, Interference { member, act, .. }: Interference) {
        trace(|| format!("{act:?} s{member}"));
        let (node, now) = (&self.nodes[member], self.now());
        if matches!(act, Word::Abort | Word::Remove) && node.disk().batch() == Some(BATCH) {
            let abort = |batch: &mut BatchRecord| {
                batch.abort("the operator wished it", now);
            };
            BatchFleet::save(self, abort).await.unwrap();
            if matches!(act, Word::Abort) {
                return;
            }
        }
        node.save(|record| {
            let before = record.clone();
            let refused = match act {
                Word::Promote => record.promote(now).is_err(),
                Word::Abort => record.abort("the operator wished it", now).is_err(),
                Word::Pause => record.pause("the operator wished it", now).is_err(),
                Word::Resume => record.resume(now).is_err(),
                Word::Remove => {
                    record.begin_removal("operator".into(), "a script".into(), now);
                    false
                }
                Word::Update => {
                    let asked = asked(record, RolloutSettings::default(), RolloutKind::Update, now);
                    record.begin(asked, now).is_err()
                }
                Word::Rollback => {
                    let (kind, settings) = (RolloutKind::Rollback, RolloutSettings::default());
                    let (by, why) = ("operator".into(), "a script".into());
                    let to = RevisionNumber(1);
                    record.begin(Asked { kind, settings, to, by, why }, now).is_err()
                }
            };
            if refused {
                *record = before;
            }
        })
        .await
        .unwrap();
    }

    /// Waits for the end of all. What waits for its operator is aborted.
    async fn rest(&self) {
        let begun = tokio::time::Instant::now();
        loop {
            let ended = self.batch.get().is_some_and(|batch| !batch.borrow().is_open());
            let records: Vec<_> = self.nodes.iter().map(|node| node.disk()).collect();
            let rests = |it: &Arc<ServiceRecord>| it.rollout.is_none() && it.unrevived().is_none();
            if ended && records.iter().all(rests) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "it never ends: {records:#?}");
            for (member, record) in records.iter().enumerate() {
                let paused = |it: &&crate::rollout::Rollout| it.paused.is_some();
                if record.rollout.as_ref().filter(paused).is_some() {
                    self.interfere(Interference { after_ms: 0, member, act: Word::Abort }).await;
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn walk_on(node: &Node) {
    let mut record = node.record();
    loop {
        walk(node).await.unwrap();
        record.changed().await.unwrap();
    }
}

impl BatchFleet for Process<'_> {
    type Member = Node;

    fn record(&self) -> watch::Receiver<Arc<BatchRecord>> {
        self.batch.get().expect("it has begun").subscribe()
    }

    async fn save(&self, change: impl Fn(&mut BatchRecord) + Send + Sync) -> Result<(), NotSaved> {
        self.crash.point(|| "before a save of the batch".to_owned()).await;
        let nodes = &self.nodes;
        self.batch.get().expect("it has begun").send_modify(|record| {
            let mut next = BatchRecord::clone(record);
            change(&mut next);
            check_save(record, &next, nodes);
            *record = Arc::new(next);
        });
        self.crash.point(|| "after a save of the batch".to_owned()).await;
        Ok(())
    }

    fn member(&self, service: &Name) -> Option<Arc<Node>> {
        self.nodes.iter().find(|node| node.disk().name == *service).map(Arc::clone)
    }

    fn now(&self) -> Timestamp {
        self.nodes[0].now()
    }
}

/// What no save of the batch may do.
fn check_save(old: &BatchRecord, new: &BatchRecord, nodes: &[Arc<Node>]) {
    assert!(old.decision.is_none() || old.decision == new.decision, "it was decided twice");
    if old.decision.is_none() && old.order == BatchOrder::Together {
        let promoted = |node: &Arc<Node>, member: &BatchMember| {
            let record = node.disk();
            let rollout = record.rollout(member.rollout);
            rollout.is_some_and(|it| it.outcome == Some(Outcome::Promoted) || it.is_committed())
        };
        let any = nodes.iter().zip(&old.members).any(|(node, member)| promoted(node, member));
        assert!(!any, "a member was promoted before it was decided");
    }
    if let Some(Decision::Go { .. }) = &new.decision {
        assert!(new.kept.is_empty());
    }
    let text = serde_json::to_string(new).unwrap();
    assert_eq!(*new, serde_json::from_str::<BatchRecord>(&text).unwrap());
}
