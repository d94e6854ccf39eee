//! Where an experiment with several variants stands: whether one is known to be the best.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::interval::Sample;

/// Where an experiment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    /// More outcomes may tell.
    Undecided,
    /// One has a greater mean than each of the others.
    Best {
        /// Its place among the variants.
        variant: usize,
    },
    /// No two differ by more than was said to matter.
    Alike,
}

/// Where the variants stand, the control among them, with a chance of at most `alpha` that what is said at any
/// time of the experiment is wrong. `matters` is the least difference of means that matters; 0 never ends
/// an experiment as alike. Each pair has an equal part of `alpha`.
pub fn standing(variants: &[Sample], alpha: f64, matters: f64) -> Standing {
    let count = variants.len();
    if count < 2 {
        return Standing::Undecided;
    }
    let alpha = alpha / (count * (count - 1) / 2) as f64;
    let against = |one: usize, other: usize| variants[one].against(variants[other], alpha).interval;
    let others = |one: usize| (0..count).filter(move |other| *other != one);
    let Some(leading) =
        (0..count).max_by(|one, other| variants[*one].mean().total_cmp(&variants[*other].mean()))
    else {
        return Standing::Undecided;
    };
    if others(leading).all(|other| against(leading, other).is_above(0.0)) {
        return Standing::Best { variant: leading };
    }
    let alike = |one: usize| (0..one).all(|other| against(one, other).is_within(matters));
    if matters > 0.0 && (0..count).all(alike) {
        return Standing::Alike;
    }
    Standing::Undecided
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(counts: &[(u64, u64)]) -> Vec<Sample> {
        counts.iter().map(|(count, yes)| Sample { count: *count, sum: *yes as f64 }).collect()
    }

    #[test]
    fn one_that_is_better_than_each_other_is_best() {
        let variants = of(&[(10_000, 1_000), (10_000, 1_300), (10_000, 900)]);
        assert_eq!(standing(&variants, 0.05, 0.0), Standing::Best { variant: 1 });
        // The control may be it.
        let variants = of(&[(10_000, 1_300), (1_000, 60)]);
        assert_eq!(standing(&variants, 0.05, 0.0), Standing::Best { variant: 0 });
    }

    #[test]
    fn two_that_share_the_lead_are_undecided() {
        let variants = of(&[(10_000, 500), (10_000, 1_000), (10_000, 1_010)]);
        assert_eq!(standing(&variants, 0.05, 0.0), Standing::Undecided);
        assert_eq!(standing(&variants, 0.05, 0.5), Standing::Alike);
    }

    #[test]
    fn nothing_is_decided_by_nothing() {
        assert_eq!(standing(&[], 0.05, 0.1), Standing::Undecided);
        assert_eq!(standing(&of(&[(9, 9)]), 0.05, 0.1), Standing::Undecided);
        assert_eq!(standing(&of(&[(0, 0), (0, 0)]), 0.05, 0.1), Standing::Undecided);
    }

    #[test]
    fn alike_is_said_once_the_intervals_are_narrow_enough() {
        assert_eq!(standing(&of(&[(100, 10), (100, 10)]), 0.05, 0.02), Standing::Undecided);
        assert_eq!(standing(&of(&[(50_000, 5_000), (50_000, 5_000)]), 0.05, 0.02), Standing::Alike);
    }
}
