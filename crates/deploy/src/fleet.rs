//! What a walk acts on.
//!
//! Two implementors: the node, and a seeded simulator that crashes at every point.

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_model::{Endpoint, MetricSettings, RevisionNumber, Success};
use tokio::sync::watch;

use crate::analysis::{Counts, Tally};
use crate::evidence::{Compared, StepEvidence};
use crate::gate::Drained;
use crate::observation::Thresholds;
use crate::record::ServiceRecord;
use crate::rollout::RolloutNumber;
use crate::step::{Mirror, Warmth};
use crate::table::Table;
use crate::timestamp::Timestamp;

/// One service's record and its running revisions.
///
/// Every act can be repeated: starting what runs, publishing what is live, draining and stopping what
/// does not run succeed and change nothing. A future that is dropped has acted wholly or not at all.
pub trait Fleet: Sync {
    /// The record as it was saved last, and its changes.
    fn record(&self) -> watch::Receiver<Arc<ServiceRecord>>;

    /// Changes the record durably. `change` is called again, on the newer record, when somebody else was
    /// faster, so it has to be a function of the record alone.
    fn save(
        &self,
        change: impl Fn(&mut ServiceRecord) + Send + Sync,
    ) -> impl Future<Output = Result<(), NotSaved>> + Send;

    /// Compiles, links and checks a revision. It gets no calls by it.
    fn start(&self, revision: RevisionNumber) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Waits until a started revision has its first instance.
    fn await_ready(
        &self,
        revision: RevisionNumber,
        within: Duration,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Sends the calls that arrive from now on where the table says. A revision that it names and that does
    /// not run is a fault; the others, if there are any, take its calls then.
    fn publish(&self, table: &Table) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Waits until a running revision has so many instances ready, and keeps them for as long as it runs or
    /// until told otherwise. What its `max` does not allow is not asked for, and is no fault.
    fn warm(
        &self,
        revision: RevisionNumber,
        to: Warmth,
        within: Duration,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Copies calls from now on as told, each when its caller has the answer; `None` ends it. A copy never
    /// holds up a call, and where there are more than the revision can take they are dropped. A fault is a
    /// revision that does not run.
    fn mirror(&self, mirror: Option<&Mirror>) -> impl Future<Output = Result<(), Fault>> + Send;

    /// What the copies that a revision got came to, with the latest differences. The count may start again
    /// from zero with a restart.
    fn compared(&self, revision: RevisionNumber) -> Compared;

    /// Asks a gate once whether the rollout under way may go on. A fault is no answer, and it is asked again.
    /// May be dropped before it has answered.
    fn ask(&self, gate: &Endpoint) -> impl Future<Output = Result<Answer, Fault>> + Send;

    /// Asks for a metric once. A fault is a metric that has no value. May be dropped before it has answered.
    fn measure(&self, metric: &MetricSettings) -> impl Future<Output = Result<f64, Fault>> + Send;

    /// The 99th percentiles of the calls that a revision answered lately; none of what is not measured, or of
    /// which there are too few calls to say. Each is a bound between two counters, so that calls above it
    /// can be counted exactly.
    fn thresholds(&self, revision: RevisionNumber) -> Thresholds;

    /// The calls that a revision has answered: all and those that failed, and for each threshold that is
    /// given, all and those above it. Read many times a second. The counts may start again from zero with a
    /// restart, and rise otherwise.
    fn counts(&self, revision: RevisionNumber, above: &Thresholds) -> Counts;

    /// The calls that a revision has answered, and as `bad` those that were a success in this sense. Counts
    /// as [`Fleet::counts`] does. Calls that came before anybody asked for this sense may be left out of both.
    fn successes(&self, revision: RevisionNumber, success: &Success) -> Tally;

    /// What a step has come to so far, for whoever looks on. Called several times a second; it neither waits
    /// nor fails.
    fn show(&self, rollout: RolloutNumber, step: usize, evidence: &StepEvidence);

    /// Waits until the calls of a revision have ended, at most so long.
    fn drain(
        &self,
        revision: RevisionNumber,
        within: Duration,
    ) -> impl Future<Output = Drained> + Send;

    /// Stops a revision and ends the calls it still has, and copies to it.
    fn stop(&self, revision: RevisionNumber) -> impl Future<Output = ()> + Send;

    /// The wall clock.
    fn now(&self) -> Timestamp;
}

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The rollout may go on.
    Passed,
    /// It may not.
    Refused {
        /// In the gate's words, or the status of its answer.
        reason: String,
    },
}

/// The record could not be saved, so that the walk cannot go on. Nothing was acknowledged.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("the service's record cannot be saved: {0}")]
pub struct NotSaved(pub String);

/// Why an act on a revision failed, in words for its operator, at most [`Fault::MAX_BYTES`] of them.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Fault(String);

impl Fault {
    /// What of the words is kept. They may be a guest's own, as long as its memory, and a record holds
    /// them for each revision and each step that failed.
    pub const MAX_BYTES: usize = 4 << 10;

    /// A fault in these words, cut where they are too many.
    pub fn new(words: impl Into<String>) -> Self {
        let mut words = words.into();
        if words.len() > Self::MAX_BYTES {
            words.truncate(words.floor_char_boundary(Self::MAX_BYTES - CUT.len()));
            words.push_str(CUT);
        }
        Self(words)
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands where words were cut.
const CUT: &str = " …";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_fault_are_cut_between_characters() {
        assert_eq!(Fault::new("it trapped").as_str(), "it trapped");
        for character in ["x", "ä", "€", "🦀"] {
            let fault = Fault::new(character.repeat(1 << 20));
            assert!(fault.as_str().len() <= Fault::MAX_BYTES);
            assert!(fault.as_str().len() > Fault::MAX_BYTES - 8 && fault.as_str().ends_with(CUT));
        }
    }
}
