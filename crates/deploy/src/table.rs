//! The routing table of a service: which share of its calls each revision gets.
//!
//! A table is a value. It holds no pool and counts no call: [`Switch`](crate::Switch) does.

use std::fmt;

use airssys_wasm_model::RevisionNumber;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A share of a service's calls, in hundredths of a per cent: `Weight::ALL` is 10,000. Prints as `5%`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "u16", into = "u16")]
#[schemars(with = "u16")]
pub struct Weight(u16);

/// Why a number is no [`Weight`].
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq)]
#[error("{0} is not a share in per cent: it must be above 0, at most 100")]
pub struct WeightError(f64);

/// Shares of a service's calls over its live revisions. They make up the whole, or there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Share>", into = "Vec<Share>")]
#[schemars(with = "Vec<Share>")]
pub struct Table(Vec<Share>);

/// One row of a [`Table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// Who gets the calls.
    pub revision: RevisionNumber,
    /// How many of them.
    pub weight: Weight,
}

/// Why shares make no [`Table`].
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum TableError {
    /// The weights add up to something else than the whole.
    #[error("the shares add up to {0} hundredths of a per cent instead of 10000")]
    NotTheWhole(u32),
    /// A revision with two rows.
    #[error("revision {0} has two shares")]
    Twice(RevisionNumber),
}

impl Weight {
    /// Every call.
    pub const ALL: Self = Self(10_000);

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

impl Table {
    /// No revision gets calls.
    pub const EMPTY: Self = Self(Vec::new());

    /// Every call goes to one revision.
    pub fn all(revision: RevisionNumber) -> Self {
        Self(vec![Share { revision, weight: Weight::ALL }])
    }

    /// `candidate` gets its share, and `active` what is left.
    ///
    /// The candidate's row stands first. A key is compared with the running sum of the rows, so a key
    /// that reached the candidate reaches it still when its share grows: nobody is sent back and forth.
    pub fn split(candidate: RevisionNumber, weight: Weight, active: RevisionNumber) -> Self {
        let mut shares = vec![Share { revision: candidate, weight }];
        shares.extend(weight.rest().map(|weight| Share { revision: active, weight }));
        Self(shares)
    }

    /// The rows.
    pub fn shares(&self) -> &[Share] {
        &self.0
    }

    /// Whether no revision gets calls.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The share of this revision, if it has one.
    pub fn weight(&self, revision: RevisionNumber) -> Option<Weight> {
        self.0.iter().find(|share| share.revision == revision).map(|share| share.weight)
    }

    /// The row for this draw: a random number, or the hash of a key that is to stick to its revision.
    /// `None` when the table is empty.
    pub fn pick(&self, draw: u64) -> Option<usize> {
        // The high half of the product spreads the draw evenly over 0..10,000 without a division.
        let point = (u128::from(draw) * u128::from(Weight::ALL.0)) >> 64;
        let mut sum = 0;
        self.0.iter().position(|share| {
            sum += u128::from(share.weight.0);
            point < sum
        })
    }

    /// This table without a revision that cannot serve: the others take its calls, in their proportion.
    #[must_use]
    pub fn without(&self, revision: RevisionNumber) -> Self {
        let mut left: Vec<Share> =
            self.0.iter().copied().filter(|share| share.revision != revision).collect();
        let whole: u32 = left.iter().map(|share| u32::from(share.weight.0)).sum();
        for share in &mut left {
            let scaled = u32::from(share.weight.0) * u32::from(Weight::ALL.0) / whole;
            share.weight = Weight(scaled.max(1) as u16);
        }
        // What rounding lost, or a floor of one added, is settled with the largest share.
        let sum: u32 = left.iter().map(|share| u32::from(share.weight.0)).sum();
        if let Some(largest) = left.iter_mut().max_by_key(|share| share.weight) {
            let settled = u32::from(largest.weight.0) + u32::from(Weight::ALL.0) - sum;
            largest.weight = Weight(settled as u16);
        }
        Self(left)
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

impl TryFrom<Vec<Share>> for Table {
    type Error = TableError;

    fn try_from(shares: Vec<Share>) -> Result<Self, TableError> {
        for (at, share) in shares.iter().enumerate() {
            if shares[..at].iter().any(|other| other.revision == share.revision) {
                return Err(TableError::Twice(share.revision));
            }
        }
        let sum = shares.iter().map(|share| u32::from(share.weight.0)).sum();
        if shares.is_empty() || sum == u32::from(Weight::ALL.0) {
            Ok(Self(shares))
        } else {
            Err(TableError::NotTheWhole(sum))
        }
    }
}

impl From<Table> for Vec<Share> {
    fn from(table: Table) -> Self {
        table.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no revision");
        }
        for (at, share) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{} {}", share.revision, share.weight)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    const OLD: RevisionNumber = RevisionNumber(1);
    const NEW: RevisionNumber = RevisionNumber(2);

    fn picked(table: &Table, draw: u64) -> RevisionNumber {
        table.shares()[table.pick(draw).unwrap()].revision
    }

    #[test]
    fn an_even_sweep_of_draws_meets_the_weights_exactly() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..50 {
            let weight = Weight(random.random_range(1..10_000));
            let table = Table::split(NEW, weight, OLD);
            let step = u64::MAX / 10_000;
            let sweep = (0..10_000_u64).map(|at| at * step + step / 2);
            let met = sweep.filter(|&draw| picked(&table, draw) == NEW).count();
            assert_eq!(met, usize::from(weight.0), "{table}");
        }
    }

    #[test]
    fn the_extreme_draws_reach_a_revision() {
        for table in [Table::all(OLD), Table::split(NEW, Weight(1), OLD)] {
            assert!(table.pick(0).is_some());
            assert!(table.pick(u64::MAX).is_some());
        }
        assert_eq!(Table::EMPTY.pick(7), None);
    }

    #[test]
    fn a_growing_share_keeps_the_keys_it_has() {
        let mut random = StdRng::seed_from_u64(2);
        let keys: Vec<u64> = (0..2_000).map(|_| random.random()).collect();
        let mut kept = Vec::new();
        for percent in [1.0, 5.0, 25.0, 50.0, 99.99, 100.0] {
            let table = Table::split(NEW, Weight::from_percent(percent).unwrap(), OLD);
            assert!(kept.iter().all(|&key| picked(&table, key) == NEW), "at {percent}%");
            kept = keys.iter().copied().filter(|&key| picked(&table, key) == NEW).collect();
        }
        assert_eq!(kept.len(), keys.len());
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 0.001, 100.001, 1e300] {
            assert!(Weight::from_percent(bad).is_err(), "{bad} was accepted");
        }
        assert_eq!(Weight::from_percent(0.25).unwrap().to_string(), "0.25%");
        assert_eq!(Weight::from_percent(100.0), Ok(Weight::ALL));
    }

    #[test]
    fn only_the_whole_is_a_table() {
        let half = |revision| Share { revision, weight: Weight(5_000) };
        assert_eq!(Table::try_from(vec![half(OLD)]), Err(TableError::NotTheWhole(5_000)));
        assert_eq!(Table::try_from(vec![half(OLD), half(OLD)]), Err(TableError::Twice(OLD)));
        assert!(Table::try_from(vec![half(OLD), half(NEW)]).is_ok());
        assert!(serde_json::from_str::<Table>(r#"[{"revision":1,"weight":0}]"#).is_err());
    }

    #[test]
    fn the_others_take_what_a_missing_revision_had() {
        let mut random = StdRng::seed_from_u64(3);
        for _ in 0..500 {
            let first = random.random_range(1..9_999);
            let second = random.random_range(1..10_000 - first);
            let shares = [first, second, 10_000 - first - second];
            let rows = shares.iter().zip(1..).map(|(&weight, number)| Share {
                revision: RevisionNumber(number),
                weight: Weight(weight),
            });
            let table = Table::try_from(rows.collect::<Vec<_>>()).unwrap();
            let left = table.without(NEW);
            assert_eq!(left.weight(NEW), None);
            assert_eq!(Table::try_from(left.0.clone()), Ok(left), "from {table}");
        }
        assert_eq!(Table::all(OLD).without(OLD), Table::EMPTY);
    }
}
