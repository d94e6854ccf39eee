//! Moments of the wall clock, as records and answers write them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment in UTC, to the millisecond. Reads and prints as RFC 3339: `2026-01-31T12:00:00.000Z`.
///
/// It orders what a person reads. Nothing is ever timed with it: a wall clock may be set back.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Timestamp {
    unix_ms: u64,
}

/// Why a text is no [`Timestamp`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a moment such as 2026-01-31T12:00:00.000Z")]
pub struct TimestampError(String);

impl Timestamp {
    /// The last moment of the year 9999, which is the last that RFC 3339 can write.
    const LAST_UNIX_MS: u64 = 253_402_300_799_999;

    /// Now, by this machine's clock.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// So many milliseconds after 1970, clamped to the year 9999.
    pub const fn from_unix_ms(unix_ms: u64) -> Self {
        let unix_ms = if unix_ms > Self::LAST_UNIX_MS { Self::LAST_UNIX_MS } else { unix_ms };
        Self { unix_ms }
    }

    /// Milliseconds since 1970.
    pub const fn unix_ms(self) -> u64 {
        self.unix_ms
    }

    /// The time from `earlier` to this, or zero if the clock went back in between.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.unix_ms.saturating_sub(earlier.unix_ms))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let unix = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_unix_ms(unix.as_millis().try_into().unwrap_or(u64::MAX))
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let time = humantime::parse_rfc3339(text).map_err(|_| TimestampError(text.to_owned()))?;
        Ok(time.into())
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> Self {
        at.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = UNIX_EPOCH + Duration::from_millis(self.unix_ms);
        fmt::Display::fmt(&humantime::format_rfc3339_millis(time), f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_its_text() {
        for unix_ms in [0, 1, 1_767_225_600_123, Timestamp::LAST_UNIX_MS, u64::MAX] {
            let at = Timestamp::from_unix_ms(unix_ms);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
        assert_eq!(Timestamp::default().to_string(), "1970-01-01T00:00:00.000Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
    }
}
