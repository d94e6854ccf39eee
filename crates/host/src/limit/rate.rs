//! So much in a second, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const SECOND_NS: u64 = 1_000_000_000;

/// A rate, which a second's worth may be taken of at once.
///
/// The moment is kept at which all that was taken will have been earned (the generic cell rate algorithm of ATM
/// networks): one number, that callers move on by compare-and-swap.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: u64,
    begun: Instant,
    /// In nanoseconds since it began.
    earned_at: AtomicU64,
}

impl Rate {
    pub(crate) fn new(per_second: u64, now: Instant) -> Self {
        Self { per_second, begun: now, earned_at: AtomicU64::new(0) }
    }

    /// Takes so much, all or nothing.
    pub(crate) fn take(&self, count: u64, now: Instant) -> bool {
        if count > self.per_second {
            return false;
        }
        let worth = u128::from(count) * u128::from(SECOND_NS);
        let Some(worth) = worth.checked_div(u128::from(self.per_second)) else { return true };
        let worth = worth as u64;
        let now = now.saturating_duration_since(self.begun).as_nanos();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let taken = self.earned_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |at| {
            let at = at.max(now).saturating_add(worth);
            (at <= now.saturating_add(SECOND_NS)).then_some(at)
        });
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_seconds_worth_is_there_at_once_and_the_rest_as_it_is_earned() {
        let begun = Instant::now();
        let after = |ms| begun + Duration::from_millis(ms);
        let rate = Rate::new(1_000, begun);
        assert!(rate.take(600, begun));
        assert!(!rate.take(401, begun), "more than a second's worth");
        assert!(rate.take(400, begun));
        assert!(!rate.take(1, begun));
        assert!(!rate.take(2, after(1)));
        assert!(rate.take(1, after(1)));
        assert!(rate.take(1_000, after(5_000)), "what was not taken is kept for a second");
        assert!(!rate.take(1, after(5_000)), "and no longer");
    }

    #[test]
    fn no_more_passes_than_was_earned_whatever_is_asked_when() {
        let begun = Instant::now();
        for (per_second, step) in [(1, 7_u64), (100, 13), (4 << 20, 8_000), (1_000_000, 999)] {
            let rate = Rate::new(per_second, begun);
            let (mut passed, mut now) = (0, begun);
            for at in 0..20_000_u64 {
                now += Duration::from_micros((at * 7_919) % 500);
                let count = (at * step) % (per_second / 3 + 2);
                if rate.take(count, now) {
                    passed += count;
                }
            }
            let earned = per_second as f64 * (1.0 + (now - begun).as_secs_f64());
            assert!(passed as f64 <= earned + 1.0, "{passed} of {earned} at {per_second} a second");
            assert!(passed > 0);
        }
    }

    #[test]
    fn a_rate_of_nothing_gives_nothing_and_many_takers_get_no_more_than_one() {
        let begun = Instant::now();
        let none = Rate::new(0, begun);
        assert!(!none.take(1, begun + Duration::from_secs(9)));
        assert!(none.take(0, begun));
        let rate = Rate::new(1_000, begun);
        let taken: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1_000).filter(|_| rate.take(1, begun)).count()))
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        assert_eq!(taken, 1_000);
    }
}
