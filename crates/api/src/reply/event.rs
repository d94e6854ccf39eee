//! What happens to a service, told while it happens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EvidenceReport, RolloutReport, StepReport};

/// One event of `GET /v1/services/{service}/events`. Over HTTP a Server-Sent Event whose name is `event` and
/// whose data is this JSON. A reader that is slow is told how things stand, not each way there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ServiceEvent {
    /// A rollout began, or is under way when the stream begins.
    Begun {
        /// As it stands.
        rollout: Box<RolloutReport>,
    },
    /// A step began or ended.
    Step {
        /// Of which rollout.
        rollout: u64,
        /// Which step, counted from 1.
        number: usize,
        /// As it stands.
        #[serde(flatten)]
        step: StepReport,
    },
    /// What the running step has come to, at most twice a second.
    Evidence {
        /// Of which rollout.
        rollout: u64,
        /// Which step, counted from 1.
        number: usize,
        /// So far.
        #[serde(flatten)]
        evidence: EvidenceReport,
    },
    /// A rollout waits, or was decided.
    Outcome {
        /// As it stands.
        rollout: Box<RolloutReport>,
    },
    /// A rollout that waited goes on.
    Resumed {
        /// Which.
        rollout: u64,
    },
    /// The service is no more, and the stream ends.
    Removed {},
}

impl ServiceEvent {
    /// The event's name, as in its JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Begun { .. } => "begun",
            Self::Step { .. } => "step",
            Self::Evidence { .. } => "evidence",
            Self::Outcome { .. } => "outcome",
            Self::Resumed { .. } => "resumed",
            Self::Removed {} => "removed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_name_is_the_one_in_its_json() {
        let evidence = EvidenceReport::default();
        for event in [
            ServiceEvent::Evidence { rollout: 1, number: 2, evidence },
            ServiceEvent::Resumed { rollout: 1 },
            ServiceEvent::Removed {},
        ] {
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["event"], event.name());
            assert_eq!(serde_json::from_value::<ServiceEvent>(json).unwrap(), event);
        }
    }
}
