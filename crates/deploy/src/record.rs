//! The record of one service: everything that must survive a crash, as one aggregate.
//!
//! One acknowledged act is one change of this record. It is a value: it starts nothing and writes
//! nothing. Its transitions are in `transition.rs`.

use std::collections::BTreeSet;
use std::fmt;

use airssys_wasm_model::{Limits, Name, RevisionNumber, RolloutSettings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::grants::GrantChange;
use crate::plan::{Plan, PlanError, Retiring, Situation};
use crate::revision::{RevisionRecord, RevisionSettings, RevisionState};
use crate::rollout::{Outcome, Rollout, RolloutKind, RolloutNumber};
use crate::table::Table;
use crate::timestamp::Timestamp;

/// Revisions kept in a record. The record is written as a whole at every step, so it has to stay small;
/// two hundred are years of weekly updates.
pub const REVISIONS_KEPT: usize = 200;

/// What the revisions kept in a record come to, beyond those in use. A configuration has up to 64 KiB, so that a
/// service with a large one keeps fewer revisions; every save of a step writes them all.
pub const REVISIONS_KEPT_BYTES: usize = 1 << 20;

/// Decided rollouts kept in a record with all their steps, for the same reason.
pub const ROLLOUTS_KEPT: usize = 20;

/// A service: its revisions, who gets its calls, and the rollout that changes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceRecord {
    /// The service's name.
    pub name: Name,
    /// Its revisions, the oldest first: the newest [`REVISIONS_KEPT`] and those in use.
    pub revisions: Vec<RevisionRecord>,
    /// The number of the next revision. Numbers are never used again.
    pub next_revision: RevisionNumber,
    /// The revision promoted last.
    pub active: Option<RevisionNumber>,
    /// Who is to get the calls. A restart publishes it before it does anything else.
    pub table: Table,
    /// What its sticky splits hash keys with, drawn when it is made.
    #[serde(default)]
    pub seed: u64,
    /// The operator's word over what the manifests say of instances.
    pub scale: Scale,
    /// The operator's word over what revisions were granted, since they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant_changes: Vec<GrantChange>,
    /// How often there was such a word: what was planned before one is not begun after it.
    #[serde(default)]
    pub grants_said: u64,
    /// The rollout under way or in its tail.
    pub rollout: Option<Rollout>,
    /// The number of the next rollout.
    pub next_rollout: RolloutNumber,
    /// Rollouts that are over, the oldest first, at most [`ROLLOUTS_KEPT`].
    pub past: Vec<Rollout>,
}

/// What `scale` set. `None` leaves it to the revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Scale {
    /// Instances kept warm.
    pub min: Option<u32>,
    /// Instances at most.
    pub max: Option<u32>,
}

/// What a service does. One word a state, in every place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    /// Its first revision starts.
    Starting,
    /// It takes calls, and nothing is being changed.
    Active,
    /// It takes calls while a rollout is under way.
    Updating,
    /// It takes calls while a rollout waits.
    Paused,
    /// It ends its calls and goes.
    Removing,
    /// No revision of it can take calls.
    Failed,
}

impl ServiceRecord {
    /// A service without revisions.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            revisions: Vec::new(),
            next_revision: RevisionNumber(1),
            active: None,
            table: Table::EMPTY,
            seed: 0,
            scale: Scale::default(),
            grant_changes: Vec::new(),
            grants_said: 0,
            rollout: None,
            next_rollout: RolloutNumber(1),
            past: Vec::new(),
        }
    }

    /// The revision with this number.
    pub fn revision(&self, number: RevisionNumber) -> Option<&RevisionRecord> {
        self.revisions.iter().find(|revision| revision.number == number)
    }

    /// The active revision.
    pub fn active(&self) -> Option<&RevisionRecord> {
        self.active.and_then(|number| self.revision(number))
    }

    /// The rollout with this number, under way or past.
    pub fn rollout(&self, number: RolloutNumber) -> Option<&Rollout> {
        self.rollout.iter().chain(&self.past).find(|rollout| rollout.number == number)
    }

    /// The rollout that is not decided yet.
    pub fn under_way(&self) -> Option<&Rollout> {
        self.rollout.as_ref().filter(|rollout| rollout.is_under_way())
    }

    /// The revision that the active one replaced: where `rollback` goes unless told otherwise.
    pub fn former(&self) -> Option<&RevisionRecord> {
        let active = self.active?;
        let promotion =
            self.rollout.iter().chain(self.past.iter().rev()).find(|rollout| {
                rollout.outcome == Some(Outcome::Promoted) && rollout.to == active
            })?;
        promotion.from.and_then(|number| self.revision(number))
    }

    /// The active revision, if a restart of the node could not start it and nothing replaces it: it is to
    /// be tried again.
    pub(crate) fn unrevived(&self) -> Option<RevisionNumber> {
        let down = |active: &&RevisionRecord| {
            matches!(active.state, RevisionState::Failed | RevisionState::Starting)
                && self.table.weight(active.number).is_some()
        };
        let active = self.active().filter(down)?;
        self.under_way().is_none().then_some(active.number)
    }

    /// What the service does.
    pub fn state(&self) -> ServiceState {
        let serves = self.active().is_some_and(|active| active.state == RevisionState::Active);
        match &self.rollout {
            Some(rollout) if rollout.kind == RolloutKind::Remove => ServiceState::Removing,
            Some(rollout) if rollout.is_under_way() && rollout.paused.is_some() => {
                ServiceState::Paused
            }
            Some(rollout) if rollout.is_under_way() && serves => ServiceState::Updating,
            Some(rollout) if rollout.is_under_way() && self.active.is_none() => {
                ServiceState::Starting
            }
            _ if serves => ServiceState::Active,
            _ => ServiceState::Failed,
        }
    }

    /// Whether its removal is complete, so that the record can go.
    pub fn is_removed(&self) -> bool {
        let last = self.past.last().filter(|_| self.rollout.is_none());
        last.is_some_and(|rollout| rollout.outcome == Some(Outcome::Removed))
    }

    /// The plan that would bring `to` the calls. It may be a revision that is not recorded yet.
    ///
    /// # Errors
    /// When the settings make no sense.
    pub fn plan(&self, settings: &RolloutSettings, to: RevisionNumber) -> Result<Plan, PlanError> {
        let warm = self.revision(to).is_some_and(|revision| {
            // One that starts is not warm yet, and one that drains is not started anew either: its
            // instances are there, and the table that names it opens its gate again.
            matches!(revision.state, RevisionState::Ready | RevisionState::Draining)
        });
        // One that could not be started again, or is being tried again, takes no calls, so there is nothing to split with it.
        let serves = |active: &RevisionNumber| {
            let runs =
                |state: RevisionState| state.is_running() && state != RevisionState::Starting;
            let runs = self.revision(*active).is_some_and(|active| runs(active.state));
            runs && self.table.weight(*active).is_some()
        };
        let active = self.active.filter(serves);
        // One that is not recorded yet is only planned for, and its limits are not known.
        let limits = self.revision(to).map_or(Limits::DEFAULT, |it| it.settings.limits);
        let (drain, retiring) = (Retiring::bound(&limits), self.retiring(&Table::all(to)));
        Plan::forward(settings, &Situation { active, to, drain, warm, retiring })
    }

    /// Adds a revision, to be rolled out, and forgets the oldest beyond [`REVISIONS_KEPT`] and
    /// [`REVISIONS_KEPT_BYTES`] that nothing needs.
    pub fn add_revision(
        &mut self,
        settings: RevisionSettings,
        by: &str,
        why: &str,
        at: Timestamp,
    ) -> RevisionNumber {
        let number = self.next_revision;
        self.next_revision = number.next();
        let (by, why) = (by.to_owned(), why.to_owned());
        let state = RevisionState::Stopped;
        self.revisions.push(RevisionRecord {
            number,
            settings,
            state,
            fault: None,
            promoted: None,
            at,
            by,
            why,
        });
        self.prune();
        number
    }

    /// Forgets the oldest revisions that nothing needs until the rest fits. The newest is needed: it is
    /// about to be rolled out.
    fn prune(&mut self) {
        let former = self.former().map(|former| former.number);
        let newest = self.revisions.last().map(|newest| newest.number);
        let mut bytes = 0;
        let mut count = 0;
        // From the newest back: what no longer fits there is the oldest.
        let forgotten: BTreeSet<_> = self
            .revisions
            .iter()
            .rev()
            .filter(|revision| {
                bytes += revision.size_bytes();
                count += 1;
                let number = Some(revision.number);
                let needed = number == self.active
                    || number == former
                    || number == newest
                    || revision.state.is_running()
                    || self.table.weight(revision.number).is_some();
                !needed && (count > REVISIONS_KEPT || bytes > REVISIONS_KEPT_BYTES)
            })
            .map(|revision| revision.number)
            .collect();
        self.revisions.retain(|revision| !forgotten.contains(&revision.number));
    }

    /// The running revisions that this table does not name, the oldest first.
    pub(crate) fn retiring(&self, table: &Table) -> Vec<Retiring> {
        let retiring = self.revisions.iter().filter(|revision| {
            revision.state.is_running() && table.weight(revision.number).is_none()
        });
        retiring.map(|it| Retiring::under(it.number, &it.settings.limits)).collect()
    }

    pub(crate) fn revision_mut(&mut self, number: RevisionNumber) -> Option<&mut RevisionRecord> {
        self.revisions.iter_mut().find(|revision| revision.number == number)
    }
}

impl ServiceState {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Active => "active",
            Self::Updating => "updating",
            Self::Paused => "paused",
            Self::Removing => "removing",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(config_bytes: usize) -> RevisionSettings {
        let mut config = serde_json::Map::new();
        config.insert("data".to_owned(), "x".repeat(config_bytes).into());
        RevisionSettings { config, ..crate::sim::revision() }
    }

    #[test]
    fn a_history_of_large_configurations_stays_small() {
        let mut record = ServiceRecord::new("a".parse().unwrap());
        for _ in 0..100 {
            record.add_revision(settings(60 << 10), "tester", "an update", Timestamp::default());
        }
        let bytes = serde_json::to_vec(&record).unwrap().len();
        assert!(bytes <= REVISIONS_KEPT_BYTES + (1 << 10), "{bytes} bytes");
        assert_eq!(record.revisions.last().unwrap().number, RevisionNumber(100));
        assert!(record.revisions.len() > 10);
    }

    #[test]
    fn a_history_of_many_revisions_keeps_the_newest_and_the_active() {
        let mut record = ServiceRecord::new("a".parse().unwrap());
        record.active = Some(RevisionNumber(1));
        for _ in 0..1_000 {
            record.add_revision(settings(10), "tester", "an update", Timestamp::default());
        }
        assert_eq!(record.revisions.len(), REVISIONS_KEPT + 1);
        assert_eq!(record.revisions[0].number, RevisionNumber(1));
        assert_eq!(record.revisions[1].number, RevisionNumber(801));
    }
}
