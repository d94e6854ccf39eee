//! Why settings make no rollout.

use std::time::Duration;

use super::settings::RolloutSettings;
use crate::instances::Instances;
use crate::unit::Span;

/// The longest window of a step. A rollout that takes longer than a month is a second service.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Why no rollout can be made of what was asked.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
pub enum RolloutError {
    /// A canary without steps.
    #[error("a canary needs at least one step, such as 5")]
    NoSteps,
    /// A canary with too many steps.
    #[error("a canary has at most {max} steps, not {0}", max = RolloutSettings::STEPS_MAX)]
    TooManySteps(usize),
    /// A share that is none.
    #[error("`{key}`: {percent} is not a share in per cent: it must be above 0, at most 100")]
    Share {
        /// Where.
        key: &'static str,
        /// What was asked.
        percent: f64,
    },
    /// A share that is not above the one before it.
    #[error("a canary's steps must rise, and {after}% follows {before}%")]
    NotRising {
        /// The share.
        before: f64,
        /// The one that follows it.
        after: f64,
    },
    /// A step after the whole.
    #[error("after 100% the candidate is promoted: only `hold` can follow")]
    AfterTheWhole,
    /// A step after a hold.
    #[error("a `hold` is the last step: it keeps what was replaced")]
    AfterAHold,
    /// A step that looks at calls which nothing sends.
    #[error("nothing to observe: the candidate needs a `weight`, a `match` or a `mirror` first")]
    NothingToObserve,
    /// A bound in per cent that is none.
    #[error("`{key}`: {percent} is not a bound in per cent: it must be from 0 to 100")]
    Bound {
        /// Where.
        key: &'static str,
        /// What was asked.
        percent: f64,
    },
    /// A window beyond [`LONGEST_WINDOW`].
    #[error("`{key}`: {window} is too long: at most {longest} are allowed", longest = Span(LONGEST_WINDOW))]
    TooLong {
        /// Where.
        key: &'static str,
        /// What was asked.
        window: Span,
    },
    /// A window or a pace of nothing.
    #[error("`{0}` must be above 0s")]
    Zero(&'static str),
    /// Instances that no revision may have.
    #[error("`scale`: from 1 to {max} instances, not {0}", max = Instances::MAX)]
    Instances(u32),
    /// Too many of something.
    #[error("`{key}`: at most {max} are allowed")]
    TooMany {
        /// Of what.
        key: &'static str,
        /// How many are allowed.
        max: usize,
    },
    /// A name that is none, or is taken.
    #[error("`{key}`: each needs a `name` of its own, of 1 to 64 characters")]
    Name {
        /// Of what.
        key: &'static str,
    },
    /// A metric that says too little or contradicts itself.
    #[error("the metric `{name}` {why}")]
    Metric {
        /// Which.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// An operator who is asked when all is decided.
    #[error("a gate at the `end` asks a `url`: what is promoted waits for no operator")]
    ManualAtTheEnd,
    /// A path that is none.
    #[error("`ignore`: `{0}` is no path such as $.time or $.items[*].id")]
    Path(String),
}

impl RolloutError {
    /// The field of `[rollout]` that is at fault.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Share { key, .. }
            | Self::Bound { key, .. }
            | Self::TooLong { key, .. }
            | Self::Zero(key)
            | Self::TooMany { key, .. }
            | Self::Name { key } => key,
            Self::Metric { .. } => "metrics",
            Self::ManualAtTheEnd => "gates",
            Self::Path(_) => "ignore",
            Self::NoSteps
            | Self::TooManySteps(_)
            | Self::NotRising { .. }
            | Self::AfterTheWhole
            | Self::AfterAHold
            | Self::NothingToObserve
            | Self::Instances(_) => "steps",
        }
    }
}
