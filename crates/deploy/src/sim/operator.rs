//! The simulated operator: does its script, and repeats what was not acknowledged.

use std::sync::atomic::{AtomicUsize, Ordering};

use airssys_wasm_model::{Digest, HttpSettings, RevisionNumber, RolloutSettings, Version};

use crate::fleet::Fleet;
use crate::record::ServiceRecord;
use crate::revision::RevisionSettings;
use crate::rollout::{Rollout, RolloutKind, RolloutNumber, StepState};
use crate::sim::world::Node;
use crate::step::Step;
use crate::timestamp::Timestamp;
use crate::transition::Asked;

/// Asks for things, in their order. It remembers across crashes what was acknowledged.
pub(super) struct Operator {
    script: Vec<Task>,
    acknowledged: AtomicUsize,
}

/// One thing to do to one rollout.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) rollout: RolloutNumber,
    pub(super) when: When,
    pub(super) act: Act,
}

/// The moment for it, unless the rollout is decided before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Nothing else is under way.
    Decided,
    /// The rollout before it has ended with its tail.
    Rest,
    /// Its candidate is watched.
    Observing,
    /// It waits.
    Paused,
    /// So many milliseconds after the task before it.
    After(u64),
}

#[derive(Debug, Clone)]
pub(super) enum Act {
    New(RolloutKind, Box<RolloutSettings>),
    Back(RevisionNumber),
    Remove,
    Promote,
    Abort,
    Pause,
    Resume,
}

impl Operator {
    pub(super) fn new(script: Vec<Task>) -> Self {
        Self { script, acknowledged: AtomicUsize::new(0) }
    }

    pub(super) async fn work(&self, node: &Node) {
        while let Some(task) = self.script.get(self.acknowledged.load(Ordering::Relaxed)) {
            let mut record = node.record();
            if let When::After(ms) = task.when {
                tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
            }
            record.wait_for(|record| task.is_done(record) || task.is_time(record)).await.unwrap();
            let now = node.now();
            node.save(|record| {
                if !task.is_done(record) {
                    task.act.on(record, now);
                }
            })
            .await
            .unwrap();
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Task {
    /// Saved already, though perhaps not acknowledged; or too late.
    fn is_done(&self, record: &ServiceRecord) -> bool {
        let rollout = record.rollout(self.rollout);
        match self.act {
            Act::New(..) | Act::Back(_) | Act::Remove => record.next_rollout > self.rollout,
            // After a restart nothing is watched while it waits.
            Act::Pause => rollout.is_some_and(|it| !it.is_under_way() || it.paused.is_some()),
            _ => rollout.is_some_and(|rollout| !rollout.is_under_way()),
        }
    }

    fn is_time(&self, record: &ServiceRecord) -> bool {
        let rollout = record.rollout.as_ref();
        match self.when {
            When::Decided => record.under_way().is_none(),
            When::Rest => rollout.is_none(),
            When::Observing => rollout.is_some_and(is_observing),
            When::Paused => rollout.is_some_and(|rollout| rollout.paused.is_some()),
            When::After(_) => true,
        }
    }
}

fn is_observing(rollout: &Rollout) -> bool {
    let observes =
        |step: &Step| matches!(step, Step::Observe(_) | Step::Experiment(_) | Step::Compare(_));
    rollout.steps.iter().any(|it| it.state == StepState::Running && observes(&it.step))
}

impl Act {
    /// What is refused changes nothing, as it would for a client.
    pub(super) fn on(&self, record: &mut ServiceRecord, at: Timestamp) {
        let before = record.clone();
        let refused = match self.clone() {
            Self::New(kind, settings) => {
                let to = record.add_revision(revision(), "operator", "a script", at);
                record.begin(asked(kind, *settings, to), at).is_err()
            }
            Self::Back(to) => {
                let settings = RolloutSettings::default();
                record.begin(asked(RolloutKind::Rollback, settings, to), at).is_err()
            }
            Self::Remove => {
                record.begin_removal("operator".into(), "a script".into(), at);
                false
            }
            Self::Promote => record.promote(at).is_err(),
            Self::Abort => record.abort("the operator wished it", at).is_err(),
            Self::Pause => record.pause("the operator wished it", at).is_err(),
            Self::Resume => record.resume(at).is_err(),
        };
        if refused {
            *record = before;
        }
    }
}

fn asked(kind: RolloutKind, settings: RolloutSettings, to: RevisionNumber) -> Asked {
    Asked { kind, settings, to, by: "operator".into(), why: "a script".into() }
}

pub(crate) fn revision() -> RevisionSettings {
    RevisionSettings {
        version: Version::new(1, 0, 0),
        digest: Digest::of(b"component"),
        config: serde_json::Map::new(),
        config_set: Default::default(),
        grants: Default::default(),
        limits: Default::default(),
        instances: Default::default(),
        determinism: Default::default(),
        http: HttpSettings::default(),
        routing: Default::default(),
        signers: Vec::new(),
    }
}
