//! Splits as values: their weights, parts and texts.

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
    let proportions = points.into_iter().map(|point| point - std::mem::replace(&mut before, point));
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
