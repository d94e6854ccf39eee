//! How far a long command is: told while it runs, never waited for.

use airssys_wasm_model::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::reply::StepReport;

/// Something that happened while a command runs. Over HTTP one line of NDJSON each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A part of the work has begun: `storing`, `compiling`, `starting`, `routing`.
    Phase {
        /// Which part.
        phase: String,
    },
    /// What will happen, each step a line.
    Plan {
        /// Of which service, where several are updated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<Name>,
        /// The steps.
        plan: Vec<String>,
    },
    /// A step of a rollout changed its state.
    Step {
        /// Of which service, where several are updated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<Name>,
        /// The step.
        #[serde(flatten)]
        step: StepReport,
    },
}

/// Where a command tells how far it is.
///
/// Telling never waits and never fails: the work goes on whether anybody reads or not, and what a slow
/// reader misses stands in the reply.
#[derive(Debug, Clone)]
pub struct Progress(Option<mpsc::Sender<Event>>);

/// The other end of a [`Progress`].
pub type Watcher = mpsc::Receiver<Event>;

/// Events kept for a watcher that is behind: several whole rollouts of a dozen steps.
const KEPT_EVENTS: usize = 128;

impl Progress {
    /// Nobody watches.
    pub const fn unwatched() -> Self {
        Self(None)
    }

    /// Somebody watches.
    pub fn watched() -> (Self, Watcher) {
        let (sender, watcher) = mpsc::channel(KEPT_EVENTS);
        (Self(Some(sender)), watcher)
    }

    /// Tells.
    pub fn tell(&self, event: Event) {
        if let Some(sender) = &self.0 {
            // Full or gone: see the type's doc.
            let _ = sender.try_send(event);
        }
    }

    /// Tells that a part of the work has begun.
    pub fn phase(&self, phase: &str) {
        self.tell(Event::Phase { phase: phase.to_owned() });
    }
}
