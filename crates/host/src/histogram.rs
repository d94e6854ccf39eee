//! How a measure of calls is spread, counted without a lock.
//!
//! Counts only ever rise. What the latest calls came to is told by two marks, which are taken now and then by
//! whoever records: there is no task for it, and a revision without calls has nothing to count.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Buckets of a power of two, so that a quantile is right to within one part in 16.
const STEPS: u64 = 16;

/// Powers of two: what is recorded is below 2^32 or counts as that. Of microseconds that is more than an hour, of
/// kilobytes four terabytes.
const POWERS: usize = 32;

/// Numbers below [`STEPS`] have a bucket of their own; above, each power has `STEPS` of them.
const BUCKETS: usize = (POWERS - 3) * STEPS as usize;

/// How long the calls that count as the latest go back: so long at least, and twice that at most.
const MARK_EVERY: Duration = Duration::from_secs(30);

/// Counts of numbers by their size, in steps of a sixteenth.
#[derive(Debug, Default)]
pub struct Histogram(OnceLock<Box<Counters>>);

#[derive(Debug)]
struct Counters {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
    begun: Instant,
    /// When the younger mark was taken, in milliseconds.
    marked_ms: AtomicU64,
    /// The buckets at the last two marks, the older first. They wrap around, and so do differences to them.
    marks: [[AtomicU32; BUCKETS]; 2],
}

impl Histogram {
    /// Counts a number that became known now.
    pub fn record(&self, number: u64, now: Instant) {
        let counters = self.0.get_or_init(|| Box::new(Counters::new(now)));
        counters.buckets[bucket(number)].fetch_add(1, Ordering::Relaxed);
        counters.sum.fetch_add(number, Ordering::Relaxed);
        counters.mark(now);
    }

    /// All that was recorded, added up.
    pub fn sum(&self) -> u64 {
        self.0.get().map_or(0, |counters| counters.sum.load(Ordering::Relaxed))
    }

    /// How many numbers were recorded, and how many of them were above this one. Exact where `bound` is one
    /// that [`Histogram::latest`] gave; else to within a step.
    pub fn above(&self, bound: u64) -> (u64, u64) {
        let Some(counters) = self.0.get() else { return (0, 0) };
        let first = bucket(bound) + 1;
        let count = |buckets: &[AtomicU64]| -> u64 {
            buckets.iter().map(|count| count.load(Ordering::Relaxed)).sum()
        };
        let above = count(&counters.buckets[first..]);
        (count(&counters.buckets[..first]) + above, above)
    }

    /// The numbers below which these shares of all lie, in the middle of their steps; `None` without numbers.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [Option<f64>; N] {
        Self::quantiles_of([self], shares)
    }

    /// The same of what several recorded, all together.
    pub fn quantiles_of<const M: usize, const N: usize>(
        histograms: [&Self; M],
        shares: [f64; N],
    ) -> [Option<f64>; N] {
        let mut counts = [0; BUCKETS];
        for counters in histograms.into_iter().filter_map(|histogram| histogram.0.get()) {
            for (sum, count) in counts.iter_mut().zip(&counters.buckets) {
                *sum += count.load(Ordering::Relaxed);
            }
        }
        shares.map(|share| position(&counts, share).map(middle))
    }

    /// The greatest number of the step in which the latest numbers reach this share; `None` where there are fewer
    /// than `min`.
    pub fn latest(&self, share: f64, min: u64) -> Option<u64> {
        let counters = self.0.get()?;
        let since = |(now, then): (&AtomicU64, &AtomicU32)| {
            let now = now.load(Ordering::Relaxed) as u32;
            u64::from(now.wrapping_sub(then.load(Ordering::Relaxed)))
        };
        let counts: Vec<u64> = counters.buckets.iter().zip(&counters.marks[0]).map(since).collect();
        if counts.iter().sum::<u64>() < min {
            return None;
        }
        position(&counts, share).map(greatest)
    }
}

impl Counters {
    fn new(now: Instant) -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            sum: AtomicU64::new(0),
            begun: now,
            marked_ms: AtomicU64::new(0),
            marks: [const { [const { AtomicU32::new(0) }; BUCKETS] }; 2],
        }
    }

    /// Takes a mark if it is time, by whoever is first to find so.
    fn mark(&self, now: Instant) {
        let now = now.saturating_duration_since(self.begun).as_millis() as u64;
        let marked = self.marked_ms.load(Ordering::Relaxed);
        if now.saturating_sub(marked) < MARK_EVERY.as_millis() as u64 {
            return;
        }
        let taken =
            self.marked_ms.compare_exchange(marked, now, Ordering::Relaxed, Ordering::Relaxed);
        if taken.is_err() {
            return;
        }
        let [older, younger] = &self.marks;
        for ((older, younger), count) in older.iter().zip(younger).zip(&self.buckets) {
            let count = count.load(Ordering::Relaxed) as u32;
            older.store(younger.swap(count, Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

/// Where this share of what was counted ends; `None` where nothing was.
fn position(counts: &[u64], share: f64) -> Option<usize> {
    let rank = (counts.iter().sum::<u64>() as f64 * share).ceil() as u64;
    let mut seen = 0;
    counts.iter().position(|count| {
        seen += count;
        seen >= rank.max(1)
    })
}

fn bucket(number: u64) -> usize {
    let number = number.min((1 << POWERS) - 1);
    if number < STEPS {
        return number as usize;
    }
    let power = number.ilog2();
    let step = (number >> (power - 4)) & (STEPS - 1);
    (u64::from(power - 3) * STEPS + step) as usize
}

/// The least number of a bucket, and how many numbers it holds.
fn range(bucket: usize) -> (u64, u64) {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return (bucket, 1);
    }
    let power = bucket / STEPS + 3;
    let width = 1 << (power - 4);
    ((1 << power) + bucket % STEPS * width, width)
}

fn middle(bucket: usize) -> f64 {
    let (least, width) = range(bucket);
    least as f64 + (width - 1) as f64 / 2.0
}

fn greatest(bucket: usize) -> u64 {
    let (least, width) = range(bucket);
    least + width - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_its_middle_says_to_a_sixteenth() {
        let mut last = 0;
        for number in [0, 1, 15, 16, 17, 31, 32, 100, 999, 1_000_000, u64::from(u32::MAX), u64::MAX]
        {
            let at = bucket(number);
            assert!(at >= last && at < BUCKETS, "{number}");
            last = at;
            let number = number.min((1 << POWERS) - 1);
            assert!((middle(at) - number as f64).abs() <= number as f64 / 16.0, "{number}");
            assert!(greatest(at) >= number && bucket(greatest(at)) == at, "{number}");
        }
    }

    #[test]
    fn a_bound_that_was_given_parts_the_numbers_exactly() {
        let (histogram, now) = (Histogram::default(), Instant::now());
        assert_eq!((histogram.above(5), histogram.latest(0.99, 1)), ((0, 0), None));
        (1..=1_000).for_each(|number| histogram.record(number, now));
        let bound = histogram.latest(0.99, 1_000).unwrap();
        assert!((990..=1_050).contains(&bound), "{bound}");
        let above = (1..=1_000).filter(|number| *number > bound).count() as u64;
        assert_eq!(histogram.above(bound), (1_000, above));
        assert_eq!(histogram.latest(0.99, 1_001), None);
        assert_eq!(histogram.sum(), 500_500);
        let (none, other) = (Histogram::default(), Histogram::default());
        (0..1_000).for_each(|_| other.record(1_000_000, now));
        let [median, three_quarters] = Histogram::quantiles_of([&histogram, &other], [0.5, 0.75]);
        assert!(median.unwrap() < 1_050.0 && three_quarters.unwrap() > 900_000.0);
        assert_eq!(Histogram::quantiles_of([&none, &none], [0.5]), [None]);
    }

    #[test]
    fn the_latest_numbers_forget_those_before_them() {
        let (histogram, begun) = (Histogram::default(), Instant::now());
        let after = |marks: u32| begun + MARK_EVERY * marks;
        (0..500).for_each(|_| histogram.record(1_000_000, begun));
        (0..500).for_each(|_| histogram.record(10, after(1)));
        assert!(histogram.latest(0.99, 1).unwrap() >= 1_000_000, "one mark does not forget");
        (0..500).for_each(|_| histogram.record(10, after(2)));
        (0..500).for_each(|_| histogram.record(10, after(3)));
        assert_eq!(histogram.latest(0.99, 1), Some(10));
        assert!(histogram.quantiles([0.99])[0].unwrap() > 900_000.0, "all of them still count");
    }
}
