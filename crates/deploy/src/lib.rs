//! Revisions, strategies, plans, the walk and the routing table.
//!
//! What changes a running service without dropping a call: a strategy is a pure function to a list of
//! steps, a walk takes the steps and records each, and a switch routes the calls meanwhile. This crate names
//! neither wasm, HTTP nor a disk; what it acts on is a [`Fleet`].

#![forbid(unsafe_code)]

mod analysis;
mod batch;
mod evidence;
mod fleet;
mod gate;
mod grants;
mod observation;
mod plan;
mod record;
mod recover;
mod revision;
mod rollout;
#[cfg(test)]
mod sim;
mod step;
mod sticky;
mod switch;
mod table;
mod timestamp;
mod transition;
mod walk;
mod wording;

#[doc(hidden)]
pub use analysis::simulation;
pub use analysis::{
    Analysis, AnalysisSettings, Conclusion, Counts, Effect, Evidence, FALSE_ABORTS, Interval,
    Judgement, Metric, Sample, Standing, Tally, Tolerance, standing,
};
pub use batch::{
    BATCHES_KEPT, BatchFleet, BatchId, BatchMember, BatchOrder, BatchRecord, Decision, MEMBERS_MAX,
    MemberState, supervise, tell_decided,
};
pub use evidence::{Compared, Difference, Outcomes, Reading, StepEvidence, Trial};
pub use fleet::{Answer, Fault, Fleet, NotSaved};
pub use gate::{Drained, InFlight};
pub use grants::{GRANT_CHANGES_MAX, GrantAct, GrantChange, GrantChangeError, GrantStanding};
pub use observation::{Bounds, Seen, Thresholds, Verdict};
pub use plan::{DRAIN_GRACE, MAX_WINDOW, Plan, PlanError, READY_WITHIN, Retiring, Situation};
pub use record::{
    REVISIONS_KEPT, REVISIONS_KEPT_BYTES, ROLLOUTS_KEPT, Scale, ServiceRecord, ServiceState,
};
pub use recover::recover;
pub use revision::{RevisionRecord, RevisionSettings, RevisionState};
pub use rollout::{
    Outcome, Pause, Rollout, RolloutKind, RolloutNumber, StepRecord, StepState, TakenBack,
};
pub use step::{Compare, Experiment, Mirror, Observe, Step, Warmth};
pub use sticky::Sticky;
pub use switch::{Claimed, NoRevision, NotRunning, Switch, Unclaimed};
pub use table::{
    Attributes, Part, Rule, Share, Split, SplitError, Table, TableError, Weight, WeightError,
};
pub use timestamp::{Timestamp, TimestampError};
pub use transition::{Asked, BeginError, SteerError};
pub use walk::{SAMPLE_EVERY, walk};
