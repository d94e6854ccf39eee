//! Who gets which share of the calls.
//!
//! Without a key a call is drawn by the weights. With one it is asked of each row in turn, by a hash of its own
//! of the key, whether the call is for it: the row takes a certain part of what the rows before it leave.
//! So a row whose part grows takes keys from the rows after it, in their proportion, and none of those changes
//! hands among them; when it shrinks, exactly those go back. A running sum of weights, for comparison, moves
//! every border behind the row that grows, and with it keys that the change is none of.

use std::fmt;
use std::hash::Hasher as _;

use airssys_wasm_model::RevisionNumber;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::weight::Weight;

/// Shares of calls over live revisions. They make up the whole, or there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Share>", into = "Vec<Share>")]
#[schemars(with = "Vec<Share>")]
pub struct Split(Vec<Share>);

/// One row of a [`Split`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// Who gets the calls.
    pub revision: RevisionNumber,
    /// How many of them.
    pub weight: Weight,
    /// Which part it takes of what the rows before it leave, where the rounded weights no longer say it
    /// exactly: a row that was there before a candidate came above it. Left out in what people write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
}

/// A part of what is left: a fraction, above none and at most all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "(u16, u16)", into = "(u16, u16)")]
#[schemars(with = "(u16, u16)")]
pub struct Part {
    take: u16,
    of: u16,
}

/// Why shares make no [`Split`].
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum SplitError {
    /// The weights add up to something else than the whole.
    #[error("the shares add up to {0} hundredths of a per cent instead of 10000")]
    NotTheWhole(u32),
    /// A revision with two rows.
    #[error("revision {0} has two shares")]
    Twice(RevisionNumber),
    /// More rows than [`Split::SHARES_MAX`].
    #[error("the calls are shared by at most {max} revisions, not {0}", max = Split::SHARES_MAX)]
    TooMany(usize),
    /// A part that contradicts its row's weight.
    #[error("the part of revision {0} is not the one that its share of all calls comes to")]
    Part(RevisionNumber),
}

impl Share {
    /// A row as people write it.
    pub const fn new(revision: RevisionNumber, weight: Weight) -> Self {
        Self { revision, weight, part: None }
    }
}

impl Split {
    /// Nobody gets calls.
    pub const EMPTY: Self = Self(Vec::new());

    /// Rows at most. Each call passes half of them on average, and each names a revision that runs.
    pub const SHARES_MAX: usize = 64;

    /// Every call goes to one revision.
    pub fn all(revision: RevisionNumber) -> Self {
        Self(vec![Share::new(revision, Weight::ALL)])
    }

    /// `candidate` gets its share, and the others what is left, in their proportion; each of them keeps a
    /// hundredth of a per cent at least.
    ///
    /// With sticky keys the candidate takes its share from each of the others, and no key moves among those. A
    /// candidate that has a share already is given the new one. When that is larger, it keeps its keys if it
    /// stands first, as it does since it was raised first, or if the new share is at least the part that it
    /// takes now.
    #[must_use]
    pub fn raised(&self, candidate: RevisionNumber, weight: Weight) -> Self {
        let others: Vec<Share> = self.parts().filter(|it| it.revision != candidate).collect();
        let Some(rest) = weight.rest().filter(|_| !others.is_empty()) else {
            return Self::all(candidate);
        };
        let rest = Weight(rest.0.max(others.len() as u16));
        // Of the parts, which are exact, and not of the weights: those were rounded before.
        let mut left = 1.0;
        let last = others.len() - 1;
        let proportions = others.iter().enumerate().map(|(at, other)| {
            let taken = if at == last { left } else { left * other.part.map_or(1.0, Part::get) };
            left -= taken;
            taken
        });
        let weights = allot(rest, &proportions.collect::<Vec<_>>());
        let mut rows = vec![Share::new(candidate, Weight(Weight::ALL.0 - rest.0))];
        rows.extend(others.iter().zip(weights).map(|(other, weight)| Share { weight, ..*other }));
        // Where a part is what the weights say anyway, there is nothing to keep of it.
        let mut left = Weight::ALL.0;
        for row in &mut rows {
            row.part = row.part.filter(|part| !part.is(Part { take: row.weight.0, of: left }));
            left -= row.weight.0;
        }
        if let Some(last) = rows.last_mut() {
            last.part = None;
        }
        Self(rows)
    }

    /// The rows.
    pub fn shares(&self) -> &[Share] {
        &self.0
    }

    /// Whether nobody gets calls.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The share of this revision, if it has one.
    pub fn weight(&self, revision: RevisionNumber) -> Option<Weight> {
        self.0.iter().find(|share| share.revision == revision).map(|share| share.weight)
    }

    /// The row for this draw, a random number. `None` when there is none at all.
    pub fn pick(&self, draw: u64) -> Option<usize> {
        // The high half of the product spreads the draw evenly over 0..10,000 without a division.
        let point = (u128::from(draw) * u128::from(Weight::ALL.0)) >> 64;
        let mut sum = 0;
        self.0.iter().position(|share| {
            sum += u128::from(share.weight.0);
            point < sum
        })
    }

    /// The row for this key, the same each time. `None` when there is none at all.
    pub fn stick(&self, seed: u64, key: &[u8]) -> Option<usize> {
        let last = self.0.len().checked_sub(1)?;
        let mut rows = self.parts().take(last);
        let takes = |share: Share| share.part.is_some_and(|it| it.takes(share.revision, seed, key));
        Some(rows.position(takes).unwrap_or(last))
    }

    /// This split without a revision that cannot serve: the others take its calls, in their proportion.
    #[must_use]
    pub fn without(&self, revision: RevisionNumber) -> Self {
        let mut left: Vec<Share> = self.0.clone();
        left.retain(|share| share.revision != revision);
        if left.len() == self.0.len() {
            return Self(left);
        }
        let whole: f64 = left.iter().map(|share| share.weight.percent()).sum();
        let proportions = left.iter().map(|share| share.weight.percent() / whole);
        let weights = allot(Weight::ALL, &proportions.collect::<Vec<_>>());
        Self(left.iter().zip(weights).map(|(it, weight)| Share::new(it.revision, weight)).collect())
    }

    /// Parts say what the weights say, but for their rounding: of each row, and of the rows before it.
    fn check_parts(&self) -> Result<(), SplitError> {
        let mut left = 1.0;
        for share in self.parts() {
            let weight = left * share.part.map_or(1.0, Part::get);
            if (weight - f64::from(share.weight.0) / 1e4).abs() > self.0.len() as f64 / 1e4 {
                return Err(SplitError::Part(share.revision));
            }
            left -= weight;
        }
        Ok(())
    }

    /// The rows, each with the part that it takes.
    fn parts(&self) -> impl Iterator<Item = Share> {
        let mut left = Weight::ALL.0;
        self.0.iter().map(move |share| {
            let part = share.part.unwrap_or(Part { take: share.weight.0, of: left });
            left -= share.weight.0;
            Share { part: Some(part), ..*share }
        })
    }
}

/// A whole in these proportions, which add up to one, in hundredths: at least one each.
fn allot(whole: Weight, proportions: &[f64]) -> Vec<Weight> {
    let (mut sum, mut given) = (0.0, 0);
    let mut weights: Vec<u16> = Vec::with_capacity(proportions.len());
    for proportion in proportions {
        sum += proportion;
        // Rounded as a running sum, so that nothing of the whole is lost.
        let upto = ((sum * f64::from(whole.0)).round() as u16).clamp(given, whole.0);
        weights.push(upto - given);
        given = upto;
    }
    if let Some(last) = weights.last_mut() {
        *last += whole.0 - given;
    }
    // There are at least as many hundredths as rows, so while a row has none another has two.
    while let Some(none) = weights.iter().position(|weight| *weight == 0) {
        let largest = weights.iter_mut().max();
        largest.into_iter().for_each(|largest| *largest -= 1);
        weights[none] = 1;
    }
    weights.into_iter().map(Weight).collect()
}

impl Part {
    /// Whether this row's own hash of the key falls into its part.
    ///
    /// Keyed with the seed and the row's revision: what one row makes of a key says nothing of what another
    /// does, nor of what the same one does in another service.
    fn takes(self, revision: RevisionNumber, seed: u64, key: &[u8]) -> bool {
        #[expect(
            deprecated,
            reason = "SipHash-2-4, which is to be the same in every version: that of the successor, \
                      DefaultHasher, may change"
        )]
        let mut hasher = std::hash::SipHasher::new_with_keys(seed, u64::from(revision.0));
        hasher.write(key);
        u128::from(hasher.finish()) * u128::from(self.of) < u128::from(self.take) << 64
    }

    /// Whether both are the same part.
    fn is(self, other: Self) -> bool {
        u32::from(self.take) * u32::from(other.of) == u32::from(other.take) * u32::from(self.of)
    }

    fn get(self) -> f64 {
        f64::from(self.take) / f64::from(self.of)
    }
}

impl TryFrom<(u16, u16)> for Part {
    type Error = &'static str;

    fn try_from((take, of): (u16, u16)) -> Result<Self, Self::Error> {
        if take == 0 || take > of || of > Weight::ALL.0 {
            return Err("a part is a fraction above 0 and at most 1, of at most 10000");
        }
        Ok(Self { take, of })
    }
}

impl From<Part> for (u16, u16) {
    fn from(part: Part) -> Self {
        (part.take, part.of)
    }
}

impl TryFrom<Vec<Share>> for Split {
    type Error = SplitError;

    fn try_from(shares: Vec<Share>) -> Result<Self, SplitError> {
        if shares.len() > Self::SHARES_MAX {
            return Err(SplitError::TooMany(shares.len()));
        }
        for (at, share) in shares.iter().enumerate() {
            if shares[..at].iter().any(|other| other.revision == share.revision) {
                return Err(SplitError::Twice(share.revision));
            }
        }
        let sum = shares.iter().map(|share| u32::from(share.weight.0)).sum();
        if !shares.is_empty() && sum != u32::from(Weight::ALL.0) {
            return Err(SplitError::NotTheWhole(sum));
        }
        let split = Self(shares);
        split.check_parts()?;
        Ok(split)
    }
}

impl From<Split> for Vec<Share> {
    fn from(split: Split) -> Self {
        split.0
    }
}

impl fmt::Display for Split {
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

    fn two(weight: Weight) -> Split {
        Split::all(OLD).raised(NEW, weight)
    }

    fn random_split(random: &mut StdRng, rows: u32) -> Split {
        let points = (1..rows).map(|_| random.random_range(0.0..1.0));
        let mut points: Vec<f64> = points.chain([1.0]).collect();
        points.sort_by(f64::total_cmp);
        let mut before = 0.0;
        let proportions =
            points.into_iter().map(|point| point - std::mem::replace(&mut before, point));
        let weights = allot(Weight::ALL, &proportions.collect::<Vec<_>>());
        let rows = weights.into_iter().zip(1..);
        let rows = rows.map(|(weight, number)| Share::new(RevisionNumber(number), weight));
        Split::try_from(rows.collect::<Vec<_>>()).unwrap()
    }

    fn of(split: &Split, draw: u64) -> RevisionNumber {
        split.shares()[split.pick(draw).unwrap()].revision
    }

    #[test]
    fn an_even_sweep_of_draws_meets_the_weights_exactly() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..50 {
            let weight = Weight(random.random_range(1..10_000));
            let split = two(weight);
            let step = u64::MAX / 10_000;
            let sweep = (0..10_000_u64).map(|at| at * step + step / 2);
            let met = sweep.filter(|&draw| of(&split, draw) == NEW).count();
            assert_eq!(met, usize::from(weight.0), "{split}");
        }
    }

    #[test]
    fn the_extreme_draws_reach_a_revision() {
        for split in [Split::all(OLD), two(Weight(1))] {
            assert!(split.pick(0).is_some());
            assert!(split.pick(u64::MAX).is_some());
            assert!(split.stick(0, b"").is_some());
        }
        assert_eq!(Split::EMPTY.pick(7), None);
        assert_eq!(Split::EMPTY.stick(7, b"key"), None);
    }

    #[test]
    fn only_the_whole_is_a_split() {
        let half = |revision| Share::new(revision, Weight(5_000));
        let split = |shares: &[Share]| Split::try_from(shares.to_vec());
        assert_eq!(split(&[half(OLD)]), Err(SplitError::NotTheWhole(5_000)));
        assert_eq!(split(&[half(OLD), half(OLD)]), Err(SplitError::Twice(OLD)));
        assert!(split(&[half(OLD), half(NEW)]).is_ok());
        assert!(serde_json::from_str::<Split>(r#"[{"revision":1,"weight":0}]"#).is_err());
        let many = (1..=65).map(|number| Share::new(RevisionNumber(number), Weight(1)));
        assert_eq!(split(&many.collect::<Vec<_>>()), Err(SplitError::TooMany(65)));
    }

    #[test]
    fn a_part_that_contradicts_the_weights_is_refused() {
        let with = |take, of| {
            let part = Some(Part { take, of });
            let first = Share { part, ..Share::new(NEW, Weight(5_000)) };
            Split::try_from(vec![first, Share::new(OLD, Weight(5_000))])
        };
        assert!(with(5_001, 10_000).is_ok());
        assert_eq!(with(1, 3), Err(SplitError::Part(NEW)));
        assert!(Part::try_from((0, 1)).is_err() && Part::try_from((2, 1)).is_err());
    }

    #[test]
    fn the_others_take_what_a_missing_revision_had() {
        let mut random = StdRng::seed_from_u64(3);
        for _ in 0..500 {
            let split = random_split(&mut random, 3);
            let left = split.without(NEW);
            assert_eq!(left.weight(NEW), None);
            assert_eq!(Split::try_from(left.0.clone()), Ok(left), "from {split}");
        }
        assert_eq!(Split::all(OLD).without(OLD), Split::EMPTY);
    }

    #[test]
    fn however_often_a_share_is_raised_the_rows_are_a_whole_and_keep_their_parts() {
        let mut random = StdRng::seed_from_u64(4);
        for _ in 0..500 {
            let rows = random.random_range(1..=10);
            let base = random_split(&mut random, rows);
            let candidate = RevisionNumber(99);
            let mut split = base.clone();
            for _ in 0..20 {
                split = split.raised(candidate, Weight(random.random_range(1..10_000)));
                assert_eq!(Split::try_from(split.0.clone()).as_ref(), Ok(&split), "over {base}");
                let text = serde_json::to_string(&split).unwrap();
                assert_eq!(serde_json::from_str::<Split>(&text).unwrap(), split);
                let kept = split.parts().skip(1).zip(base.parts());
                kept.for_each(|(row, before)| {
                    assert!(row.part.unwrap().is(before.part.unwrap()), "{split} over {base}");
                });
            }
        }
    }

    #[test]
    fn a_split_between_two_is_written_without_parts() {
        for hundredths in 1..10_000 {
            assert!(two(Weight(hundredths)).shares().iter().all(|share| share.part.is_none()));
        }
    }

    /// A changed hash would move the callers of every rollout under way.
    #[test]
    fn the_hash_of_a_key_is_the_same_in_every_version() {
        let half = |key: &[u8]| Part { take: 1, of: 2 }.takes(RevisionNumber(7), 42, key);
        let taken: String = (0..32_u8).map(|byte| if half(&[byte]) { '1' } else { '0' }).collect();
        insta::assert_snapshot!(taken, @"00111101001010000100001010110001");
    }
}
