//! What each revision is doing, counted without a lock on the call path.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use airssys_wasm_api::reply::LatencyMs;
use airssys_wasm_deploy::Seen;
use airssys_wasm_host::PoolStats;

/// The calls of one revision since it was started on this node.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    calls: AtomicU64,
    errors: AtomicU64,
    latency: Latency,
}

impl Traffic {
    /// One call has been answered, well or not, after so long.
    pub(crate) fn record(&self, failed: bool, took: Duration) {
        self.latency.record(took);
        if failed {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        // Last, and released: a reader that sees the call sees whether it failed.
        self.calls.fetch_add(1, Ordering::Release);
    }

    /// An answer that was recorded as good broke off before its end.
    pub(crate) fn broke_off(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// What was answered so far.
    pub(crate) fn seen(&self) -> Seen {
        let calls = self.calls.load(Ordering::Acquire);
        Seen { calls, errors: self.errors.load(Ordering::Relaxed).min(calls) }
    }

    /// How long answers took.
    pub(crate) fn latency(&self) -> LatencyMs {
        self.latency.quantiles()
    }
}

/// Buckets of a power of two, so that a quantile is right to within one part in 16.
const STEPS: usize = 16;

/// Powers of two of microseconds: up to 2^32 µs, more than an hour. Longer calls count as that.
const POWERS: usize = 32;

#[derive(Debug)]
struct Latency {
    buckets: Box<[AtomicU64]>,
    sum_us: AtomicU64,
}

impl Default for Latency {
    fn default() -> Self {
        let buckets = (0..POWERS * STEPS).map(|_| AtomicU64::new(0)).collect();
        Self { buckets, sum_us: AtomicU64::new(0) }
    }
}

impl Latency {
    fn record(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(us)].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    fn quantiles(&self) -> LatencyMs {
        let counts: Vec<u64> =
            self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let quantile = |share: f64| {
            let rank = (total as f64 * share).ceil() as u64;
            let mut seen = 0;
            let at = counts.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            (total > 0).then(|| at.map(middle_ms)).flatten()
        };
        LatencyMs { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99) }
    }
}

/// The bucket of a number of microseconds: below 16 its own, above a sixteenth of its power of two.
fn bucket(us: u64) -> usize {
    let us = us.min((1 << POWERS) - 1) as usize;
    if us < STEPS {
        return us;
    }
    let power = us.ilog2() as usize;
    let step = (us >> (power - 4)) & (STEPS - 1);
    (power - 3) * STEPS + step
}

fn middle_ms(bucket: usize) -> f64 {
    if bucket < STEPS {
        return bucket as f64 / 1000.0;
    }
    let power = bucket / STEPS + 3;
    let width = 1_u64 << (power - 4);
    let low = (1_u64 << power) + (bucket % STEPS) as u64 * width;
    (low as f64 + width as f64 / 2.0) / 1000.0
}

/// One revision's numbers, for `/metrics`.
pub(crate) struct Sample<'a> {
    pub(crate) service: &'a str,
    pub(crate) revision: u32,
    pub(crate) version: String,
    pub(crate) weight_percent: f64,
    pub(crate) traffic: &'a Traffic,
    pub(crate) pool: PoolStats,
}

/// Every revision's numbers in Prometheus' text format, version 0.0.4.
pub(crate) fn render(samples: &[Sample<'_>]) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, about: &str, value: &dyn Fn(&Sample<'_>) -> f64| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "# HELP {name} {about}\n# TYPE {name} {kind}");
        for sample in samples {
            let _ = writeln!(
                text,
                "{name}{{service=\"{}\",revision=\"{}\",version=\"{}\"}} {}",
                sample.service,
                sample.revision,
                sample.version,
                value(sample)
            );
        }
    };
    family("airssys_calls_total", "counter", "Calls answered, well or not.", &|sample| {
        sample.traffic.seen().calls as f64
    });
    family("airssys_call_errors_total", "counter", "Calls that failed.", &|sample| {
        sample.traffic.seen().errors as f64
    });
    family("airssys_call_seconds_sum", "counter", "Time until calls were answered.", &|sample| {
        sample.traffic.latency.sum_us.load(Ordering::Relaxed) as f64 / 1e6
    });
    let quantile = |pick: fn(LatencyMs) -> Option<f64>| {
        move |sample: &Sample<'_>| pick(sample.traffic.latency()).map_or(f64::NAN, |ms| ms / 1e3)
    };
    family(
        "airssys_call_seconds_p50",
        "gauge",
        "Half of the calls were faster.",
        &quantile(|l| l.p50),
    );
    family(
        "airssys_call_seconds_p90",
        "gauge",
        "Nine of ten calls were faster.",
        &quantile(|l| l.p90),
    );
    family(
        "airssys_call_seconds_p99",
        "gauge",
        "99 of 100 calls were faster.",
        &quantile(|l| l.p99),
    );
    family("airssys_weight_percent", "gauge", "The revision's share of the calls.", &|sample| {
        sample.weight_percent
    });
    family("airssys_instances", "gauge", "Instances alive.", &|sample| {
        f64::from(sample.pool.instances)
    });
    family("airssys_queued_calls", "gauge", "Calls that wait for a place.", &|sample| {
        f64::from(sample.pool.queued)
    });
    family("airssys_cpu_seconds_total", "counter", "Time guests spent running.", &|sample| {
        sample.pool.cpu.as_secs_f64()
    });
    family("airssys_memory_bytes", "gauge", "Memories and tables of live instances.", &|sample| {
        sample.pool.memory_bytes as f64
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_its_middle_says_to_a_sixteenth() {
        let mut last = 0;
        for us in [0, 1, 15, 16, 17, 31, 32, 100, 999, 1_000_000, u64::from(u32::MAX), u64::MAX] {
            let at = bucket(us);
            assert!(at >= last && at < POWERS * STEPS, "{us}");
            last = at;
            let us = us.min((1 << POWERS) - 1) as f64;
            assert!((middle_ms(at) * 1000.0 - us).abs() <= us / 16.0, "{us}: {}", middle_ms(at));
        }
    }

    #[test]
    fn quantiles_are_of_what_was_recorded() {
        let traffic = Traffic::default();
        assert_eq!(traffic.latency(), LatencyMs::default());
        for ms in 1..=100 {
            traffic.record(ms == 100, Duration::from_millis(ms));
        }
        let latency = traffic.latency();
        for (found, wanted) in [(latency.p50, 50.0), (latency.p90, 90.0), (latency.p99, 99.0)] {
            assert!((found.unwrap() - wanted).abs() <= wanted / 16.0, "{found:?} for {wanted}");
        }
        assert_eq!(traffic.seen(), Seen { calls: 100, errors: 1 });
    }
}
