//! What a walk acts on.
//!
//! Two implementors: the node, and a seeded simulator that crashes at every point.

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_model::RevisionNumber;
use tokio::sync::watch;

use crate::gate::Drained;
use crate::observation::Seen;
use crate::record::ServiceRecord;
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

    /// The calls that a revision has answered. The count may start again from zero with a restart.
    fn seen(&self, revision: RevisionNumber) -> Seen;

    /// Waits until the calls of a revision have ended, at most so long.
    fn drain(
        &self,
        revision: RevisionNumber,
        within: Duration,
    ) -> impl Future<Output = Drained> + Send;

    /// Stops a revision and ends the calls it still has.
    fn stop(&self, revision: RevisionNumber) -> impl Future<Output = ()> + Send;

    /// The wall clock.
    fn now(&self) -> Timestamp;
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
