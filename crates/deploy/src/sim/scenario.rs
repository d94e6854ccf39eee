//! What is simulated: how the revisions behave, what the operator does, and where the node crashes.

use std::sync::Arc;

use airssys_wasm_model::RevisionNumber;

use crate::fleet::Fleet;
use crate::record::{ServiceRecord, ServiceState};
use crate::recover::recover;
use crate::revision::RevisionState;
use crate::rollout::Outcome;
use crate::sim::operator::{Operator, Task};
use crate::sim::world::{EPOCH, Node, TRACE};
use crate::table::Table;
use crate::walk::walk;

/// How a revision behaves, in every life.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Behaviour {
    pub(super) start_fails: bool,
    pub(super) never_ready: bool,
    pub(super) error_percent: u64,
    pub(super) slow_percent: u64,
    /// The share of the copies whose answer differs.
    pub(super) differs_percent: u64,
    /// The share of the calls that are a success in the sense of an experiment.
    pub(super) success_percent: u64,
    pub(super) warming_fails: bool,
    /// Starts that fail in each life before one succeeds.
    pub(super) failing_starts: u64,
}

/// A history to run.
pub(super) struct Scenario {
    pub(super) seed: u64,
    pub(super) behaviour: fn(RevisionNumber) -> Behaviour,
    pub(super) script: Vec<Task>,
}

/// What a history comes to: all of the record that does not depend on where the node crashed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) table: Table,
    pub(super) active: Option<RevisionNumber>,
    pub(super) state: ServiceState,
    pub(super) revisions: Vec<(RevisionNumber, RevisionState)>,
    pub(super) outcomes: Vec<Option<Outcome>>,
}

/// Crashes in a row before the scenario gives up: more mean that it crashes without advancing.
const LIVES: usize = 64;

impl Scenario {
    /// Runs to the end, crashing at each life's point; later lives do not crash. Returns the end and the
    /// points that the last life passed.
    pub(super) fn run(&self, crashes: &[u64]) -> (End, u64) {
        TRACE.with_borrow_mut(Vec::clear);
        EPOCH.set(None);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(self.lives(crashes))
    }

    async fn lives(&self, crashes: &[u64]) -> (End, u64) {
        let mut disk = Arc::new(ServiceRecord::new("simulated".parse().unwrap()));
        let operator = Operator::new(self.script.clone());
        for life in 0..LIVES {
            let crash_at = crashes.get(life).copied().unwrap_or(u64::MAX);
            let seed = self.seed.wrapping_add(life as u64);
            let node = Node::boot(Arc::clone(&disk), self.behaviour, seed, crash_at);
            tokio::select! {
                biased;
                () = node.crashed() => disk = node.disk(),
                () = live(&node, &operator) => {
                    node.check_rest();
                    return (End::of(&node.disk()), node.points());
                }
            }
        }
        panic!("{LIVES} lives were not enough");
    }
}

async fn live(node: &Node, operator: &Operator) {
    let before = node.disk();
    recover(node).await.unwrap();
    assert_eq!(node.disk().active, before.active, "a restart undoes no promotion");
    node.set_recovered();
    let callers = async { tokio::join!(node.call_on(), node.call_on(), node.call_on()) };
    tokio::select! {
        _ = callers => unreachable!("a caller never rests"),
        () = walk_on(node) => unreachable!("a node walks until it crashes"),
        () = operator.work(node) => {}
    }
    // The script is done; what it began is walked to its end.
    let callers = async { tokio::join!(node.call_on(), node.call_on(), node.call_on()) };
    tokio::select! {
        _ = callers => unreachable!("a caller never rests"),
        () = walk_on(node) => unreachable!("a node walks until it crashes"),
        _ = rest(node) => {}
    }
}

async fn walk_on(node: &Node) {
    let mut record = node.record();
    loop {
        walk(node).await.unwrap();
        record.changed().await.unwrap();
    }
}

/// Waits for the end of the last rollout. One that waits for its operator is taken back.
async fn rest(node: &Node) {
    let mut record = node.record();
    let waits =
        |record: &ServiceRecord| record.rollout.as_ref().is_some_and(|it| it.paused.is_some());
    loop {
        let found = record.wait_for(|it| it.rollout.is_none() || waits(it)).await.unwrap().clone();
        if !waits(&found) {
            return;
        }
        let now = node.now();
        let abort = |record: &mut ServiceRecord| {
            // Refused only when it has been decided meanwhile.
            let _ = record.abort("nobody promotes it", now);
        };
        node.save(abort).await.unwrap();
    }
}

impl End {
    fn of(record: &ServiceRecord) -> Self {
        Self {
            table: record.table.clone(),
            active: record.active,
            state: record.state(),
            revisions: record.revisions.iter().map(|it| (it.number, it.state)).collect(),
            outcomes: record.past.iter().map(|it| it.outcome).collect(),
        }
    }
}
