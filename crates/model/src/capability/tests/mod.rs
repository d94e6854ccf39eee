//! What spans kinds: rights against asks and grants, and checks against an oracle that shares no code with
//! them.

mod below;
mod directories;
mod file_rules;
mod files;
mod hostile;
mod listening;
mod net;
mod rights;
mod scopes;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::{Grant, Grants};

/// Runs a property under many seeds, a fresh row of them each time; a failure names its seed.
fn for_seeds(count: u64, property: impl Fn(&mut SmallRng)) {
    let first: u64 = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| rand::rng().random_range(0..u64::MAX - count));
    for seed in first..first + count {
        println!("SEED={seed}");
        property(&mut SmallRng::seed_from_u64(seed));
    }
}

fn pick<'a, T>(rng: &mut SmallRng, all: &'a [T]) -> &'a T {
    all.choose(rng).expect("a list of choices is not empty")
}

/// Some of all, at least one.
fn some<T: Clone>(rng: &mut SmallRng, all: &[T]) -> Vec<T> {
    let count = rng.random_range(1..=all.len());
    all.choose_multiple(rng, count).cloned().collect()
}

fn grants(all: &[String]) -> Grants {
    Grants(all.iter().map(|text| Grant::read(text).unwrap()).collect())
}
