//! Time and randomness. Every guest has both; a revision may be given fixed ones, so that its calls can be
//! repeated.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::unit::Span;

/// What of a revision's surroundings is fixed. By default nothing is: the clocks are the machine's, and the
/// randomness is fresh and fit for keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Determinism {
    /// The clock that its guests read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<FixedClock>,
    /// What their random numbers follow from. They are the same for every instance, and no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A clock that begins at the same time in every instance and moves only when it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedClock {
    /// When it begins: `2026-01-01T00:00:00Z`.
    pub at: FixedTime,
    /// How far each reading moves it. With nothing a guest that waits for time to pass waits until its call is
    /// ended.
    #[serde(default = "one_millisecond")]
    pub step: Span,
}

/// A point in time, written as RFC 3339 has it, in UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct FixedTime(SystemTime);

impl FixedClock {
    /// How far each reading moves it unless said otherwise.
    pub const STEP: Span = Span(Duration::from_millis(1));
}

fn one_millisecond() -> Span {
    FixedClock::STEP
}

impl FixedTime {
    /// The point in time.
    pub fn time(self) -> SystemTime {
        self.0
    }
}

impl TryFrom<String> for FixedTime {
    type Error = humantime::TimestampError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for FixedTime {
    type Err = humantime::TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_rfc3339(text).map(Self)
    }
}

impl From<FixedTime> for String {
    fn from(time: FixedTime) -> Self {
        humantime::format_rfc3339(time.0).to_string()
    }
}

impl Determinism {
    /// What is said here, and where nothing is, what is said there.
    pub fn over(self, other: &Self) -> Self {
        Self { clock: self.clock.or_else(|| other.clock.clone()), seed: self.seed.or(other.seed) }
    }

    /// Whether nothing is fixed.
    pub fn is_none(&self) -> bool {
        self.clock.is_none() && self.seed.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_fixed_unless_said() {
        let fixed: Determinism =
            toml::from_str("seed = 7\nclock = { at = \"2026-01-01T00:00:00Z\" }").unwrap();
        let clock = fixed.clock.clone().unwrap();
        let since = clock.at.time().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!((since.as_secs(), clock.step), (1_767_225_600, one_millisecond()));
        let json = serde_json::to_string(&fixed).unwrap();
        assert_eq!(serde_json::from_str::<Determinism>(&json).unwrap(), fixed);
        assert_eq!(serde_json::from_str::<Determinism>("{}").unwrap(), Determinism::default());
        assert!(toml::from_str::<Determinism>("clock = { at = \"soon\" }").is_err());
    }
}
