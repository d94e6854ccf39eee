//! What a rollout decides without being told to: by its plan, its analysis, a gate or a timer.
//!
//! It is in the service's record before it is here, and with all its evidence; what is here says in the order of
//! everything else when it happened, and on what.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use airssys_wasm_api::reply::EvidenceReport;
use airssys_wasm_deploy::{
    BatchRecord, Decision as BatchDecision, Outcome, Rollout, RolloutNumber, ServiceRecord,
};
use airssys_wasm_model::Name;
use airssys_wasm_store::audit::{self, Decision, Entry};

use super::levels::{ROLLOUT, UPDATE};
use super::trail::Trail;
use crate::evidence;

/// Where the rollout of a service stood before its walk changed the record.
pub(crate) struct Standing {
    number: RolloutNumber,
    step: Option<usize>,
    paused: bool,
    taken_back: bool,
    outcome: Option<Outcome>,
}

impl Standing {
    pub(crate) fn of(record: &ServiceRecord) -> Option<Self> {
        record.rollout.as_ref().map(|rollout| Self {
            number: rollout.number,
            step: rollout.running_step(),
            paused: rollout.paused.is_some(),
            taken_back: rollout.taken_back.is_some(),
            outcome: rollout.outcome,
        })
    }

    /// What the change decided, if it decided anything.
    pub(crate) fn decided(&self, record: &ServiceRecord) -> Option<Entry> {
        let rollout = record.rollout(self.number)?;
        let decided = match rollout.outcome {
            Some(outcome) if self.outcome.is_none() => outcome.to_string(),
            _ if rollout.taken_back.is_some() && !self.taken_back => "taken back".to_owned(),
            _ if rollout.paused.is_some() && !self.paused => "paused".to_owned(),
            _ => return None,
        };
        let version = record.revision(rollout.to).map(|to| to.settings.version.to_string());
        let target = format!(
            "rollout {} to {} ({})",
            rollout.number,
            rollout.to,
            version.as_deref().unwrap_or("gone")
        );
        let mut entry = entry(ROLLOUT, target, self.words(rollout, &decided));
        entry.service = Some(record.name.as_str().into());
        entry.revision = Some(u64::from(rollout.to.0));
        // Where an operator decided it, this is what came of his word.
        entry.principal = rollout.decided_by.as_deref().map(Into::into);
        Some(entry)
    }

    fn words(&self, rollout: &Rollout, decided: &str) -> String {
        let mut words = decided.to_owned();
        if let Some(reason) = rollout.reason() {
            let _ = write!(words, ": {reason}");
        }
        if let Some(step) = self.step.and_then(|at| rollout.steps.get(at).zip(Some(at + 1))) {
            let _ = write!(words, "; at step {}, {}", step.1, step.0.step);
        }
        let _ = write!(words, "; asked for by {}", rollout.by);
        if let Some(evidence) = evidence::of_rollout(rollout) {
            tell(&mut words, &evidence);
        }
        words
    }
}

impl Trail {
    /// Records what was decided, if anything was. What decides waits for nothing: a candidate that goes wrong is
    /// taken back whether the disk answers or not.
    pub(crate) fn decided(self: &Arc<Self>, entry: Option<Entry>) {
        let Some(entry) = entry else { return };
        if self.note(entry.clone()) {
            return;
        }
        // A disk that is full has room for this, but only for those who wait until it is found.
        let trail = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(failure) = trail.record(entry).await {
                tracing::error!("a decision of a rollout is not recorded: {failure}");
            }
        });
    }
}

/// What was decided about an update of several services, if it was just now.
pub(crate) fn joint(before: Option<&BatchDecision>, record: &BatchRecord) -> Option<Entry> {
    let decision = record.decision.as_ref().filter(|_| before.is_none())?;
    let decided = match decision {
        BatchDecision::Go { .. } => "all are promoted".to_owned(),
        BatchDecision::Abort { reason, .. } => format!("all are taken back: {reason}"),
    };
    let names: Vec<&Name> = record.members.iter().map(|member| &member.service).collect();
    let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    let target = format!("{} of {}", record.id, names.join(", "));
    Some(entry(UPDATE, target, format!("{decided}; asked for by {}", record.by)))
}

fn entry(kind: audit::Kind, target: String, detail: String) -> Entry {
    let mut entry = Entry::new(SystemTime::now(), kind, target, Decision::Allowed);
    entry.detail = Some(detail.into());
    entry
}

/// The evidence in a line.
fn tell(words: &mut String, evidence: &EvidenceReport) {
    let EvidenceReport { calls, errors, .. } = evidence;
    let _ = write!(words, "; evidence: {calls} calls, {errors} failed");
    for test in &evidence.tests {
        let [low, high] = test.interval;
        let _ = write!(
            words,
            ", {} {}/{} against {}/{}, difference {:.4} in [{low:.4}, {high:.4}], log10 e {:.1}",
            test.metric,
            test.candidate.counted,
            test.candidate.calls,
            test.active.counted,
            test.active.calls,
            test.difference,
            test.log10_e
        );
    }
    for reading in &evidence.metrics {
        let value = reading.value.map_or("missing".to_owned(), |value| value.to_string());
        let _ = write!(words, ", {} {value}", reading.name);
    }
    if let Some(compared) = &evidence.compared {
        let _ = write!(words, ", {} of {} copies differ", compared.different, compared.calls);
    }
    if let Some(experiment) = &evidence.experiment {
        let [low, high] = experiment.interval;
        let _ = write!(words, ", successes {:+.4} in [{low:.4}, {high:.4}]", experiment.difference);
    }
}
