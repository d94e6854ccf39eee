//! A share of a service's calls.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A share of a service's calls, in hundredths of a per cent: `Weight::ALL` is 10,000. Prints as `5%`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "u16", into = "u16")]
#[schemars(with = "u16")]
pub struct Weight(pub(super) u16);

/// Why a number is no [`Weight`].
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq)]
#[error("{0} is not a share in per cent: it must be above 0, at most 100")]
pub struct WeightError(f64);

impl Weight {
    /// Every call.
    pub const ALL: Self = Self(10_000);

    /// No call by a share: what a table answers for a revision that only its rules name. No row has it.
    pub(super) const NONE: Self = Self(0);

    /// A share from per cent, rounded to a hundredth.
    ///
    /// # Errors
    /// When it is not a number, rounds to nothing or exceeds the whole.
    pub fn from_percent(percent: f64) -> Result<Self, WeightError> {
        let hundredths = (percent * 100.0).round();
        // Written so that NaN fails too.
        if !(hundredths >= 1.0 && percent <= 100.0) {
            return Err(WeightError(percent));
        }
        Ok(Self(hundredths as u16))
    }

    /// The share in per cent.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// The share in hundredths of a per cent.
    pub const fn hundredths(self) -> u16 {
        self.0
    }

    /// What is left for others, if anything is.
    pub fn rest(self) -> Option<Self> {
        (self < Self::ALL).then_some(Self(Self::ALL.0 - self.0))
    }
}

impl TryFrom<u16> for Weight {
    type Error = WeightError;

    fn try_from(hundredths: u16) -> Result<Self, WeightError> {
        if (1..=Self::ALL.0).contains(&hundredths) {
            Ok(Self(hundredths))
        } else {
            Err(WeightError(f64::from(hundredths) / 100.0))
        }
    }
}

impl From<Weight> for u16 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_share_is_refused() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 0.001, 100.001, 1e300] {
            assert!(Weight::from_percent(bad).is_err(), "{bad} was accepted");
        }
        assert_eq!(Weight::from_percent(0.25).unwrap().to_string(), "0.25%");
        assert_eq!(Weight::from_percent(100.0), Ok(Weight::ALL));
    }
}
