//! Two requests in turns, one call each, so that whatever the machine does meets both alike: for a difference that is
//! smaller than what a machine wanders by within a second.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::load::{Load, Request};

/// Pairs of which one ratio is made, by the median of each side.
const PAIRS: usize = 2_000;

/// Not counted: caches fill.
const WARM_UP: usize = 200;

/// So many ratios of the time that a call of the first takes to that of the second.
pub(crate) fn ratios(first: Request, second: Request, rounds: usize) -> Result<Vec<f64>> {
    let (mut first, mut second) = (Load::open(first, 1)?, Load::open(second, 1)?);
    for _ in 0..WARM_UP {
        first.call()?;
        second.call()?;
    }
    (0..rounds).map(|_| ratio(&mut first, &mut second)).collect()
}

fn ratio(first: &mut Load, second: &mut Load) -> Result<f64> {
    let mut took = [Vec::with_capacity(PAIRS), Vec::with_capacity(PAIRS)];
    for pair in 0..PAIRS {
        // Who goes first changes, so that none always comes after the other.
        if pair % 2 == 0 {
            took[0].push(timed(first)?);
            took[1].push(timed(second)?);
        } else {
            took[1].push(timed(second)?);
            took[0].push(timed(first)?);
        }
    }
    let [first, second] = took.map(median);
    Ok(first.as_secs_f64() / second.as_secs_f64())
}

fn timed(load: &mut Load) -> Result<Duration> {
    let begun = Instant::now();
    load.call()?;
    Ok(begun.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
