//! What each revision is doing, counted without a lock on the call path.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use airssys_wasm_api::reply::LatencyMs;
use airssys_wasm_deploy::Seen;
use airssys_wasm_host::{Histogram, Limit, LimitUse, PoolStats};

use crate::shadow::Usage;
use crate::successes::Successes;

/// The calls of one revision since it was started on this node.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// Those that the table gave to it: a sample of what its callers meet.
    pub(crate) given: Calls,
    /// Those that named it. Whoever sends them chose what they are and when, so no rollout is decided on them.
    pub(crate) named: Calls,
    pub(crate) successes: Successes,
}

/// Calls, counted together.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    calls: AtomicU64,
    errors: AtomicU64,
    /// In microseconds.
    latency: Histogram,
}

impl Traffic {
    /// Where a call counts.
    pub(crate) const fn of(&self, named: bool) -> &Calls {
        if named { &self.named } else { &self.given }
    }

    /// What was answered so far, to whoever asked.
    pub(crate) fn seen(&self) -> Seen {
        let mut seen = self.given.seen();
        seen += self.named.seen();
        seen
    }

    /// How long answers took.
    pub(crate) fn latency(&self) -> LatencyMs {
        let both = [&self.given.latency, &self.named.latency];
        let [p50, p90, p99] =
            Histogram::quantiles_of(both, [0.5, 0.9, 0.99]).map(|us| us.map(|us| us / 1e3));
        LatencyMs { p50, p90, p99 }
    }

    fn seconds(&self) -> f64 {
        (self.given.latency.sum() + self.named.latency.sum()) as f64 / 1e6
    }
}

impl Calls {
    /// A call that began then has been answered now, well or not.
    pub(crate) fn record(&self, failed: bool, since: Instant, now: Instant) {
        let took = now.saturating_duration_since(since);
        self.latency.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), now);
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

    /// How long they took.
    pub(crate) fn latency_us(&self) -> &Histogram {
        &self.latency
    }
}

/// One revision's numbers, for `/metrics`.
pub(crate) struct Sample<'a> {
    pub(crate) service: &'a str,
    pub(crate) revision: u32,
    pub(crate) version: String,
    pub(crate) weight_percent: f64,
    pub(crate) traffic: &'a Traffic,
    pub(crate) pool: PoolStats,
    pub(crate) limits: [LimitUse; Limit::ALL.len()],
    /// What the buckets of its service hold, where that is known.
    pub(crate) kept_bytes: Option<u64>,
    /// How many keys of its service have a state, where they have been counted.
    pub(crate) actors: Option<u64>,
    /// Calls that wait for their actor's turn. They have no revision yet; most will have the active one, which has
    /// them all here.
    pub(crate) in_mailboxes: u32,
    /// While copies of calls are sent to it.
    pub(crate) shadow: Option<Usage>,
}

/// A number of the copies of calls that a revision gets: its name, its kind, what it says, and where it is.
type OfShadow = (&'static str, &'static str, &'static str, fn(Usage) -> f64);

/// Gauges, all of them: a shadow's numbers begin anew with the next one.
const SHADOW: [OfShadow; 5] = [
    ("airssys_shadow_compared_calls", "gauge", "Copies of calls that were compared.", |shadow| {
        shadow.compared as f64
    }),
    (
        "airssys_shadow_refused_requests",
        "gauge",
        "Requests of copies that were refused.",
        |shadow| shadow.pool.refused as f64,
    ),
    ("airssys_shadow_instances", "gauge", "Instances alive for copies of calls.", |shadow| {
        f64::from(shadow.pool.instances)
    }),
    ("airssys_shadow_cpu_seconds", "gauge", "Time copies of calls spent running.", |shadow| {
        shadow.pool.cpu.as_secs_f64()
    }),
    ("airssys_shadow_memory_bytes", "gauge", "Memories and tables of those instances.", |shadow| {
        shadow.pool.memory_bytes as f64
    }),
];

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
        sample.traffic.seconds()
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
        f64::from(sample.pool.queued + sample.in_mailboxes)
    });
    family("airssys_cpu_seconds_total", "counter", "Time guests spent running.", &|sample| {
        sample.pool.cpu.as_secs_f64()
    });
    family("airssys_memory_bytes", "gauge", "Memories and tables of live instances.", &|sample| {
        sample.pool.memory_bytes as f64
    });
    let copies =
        |pick: fn(Usage) -> f64| move |sample: &Sample<'_>| sample.shadow.map_or(0.0, pick);
    for (name, kind, about, pick) in SHADOW {
        family(name, kind, about, &copies(pick));
    }
    let waits = "Times a guest waited, so that a thread is left to other services; the service's, of all revisions.";
    family("airssys_waits_for_thread_total", "counter", waits, &|sample| sample.pool.waited as f64);
    limits(&mut text, samples);
    text
}

/// A number of each limit: its name, its kind, what it says, and where it is, if that limit has one.
type OfLimit = (&'static str, &'static str, &'static str, fn(&Sample<'_>, LimitUse) -> Option<f64>);

const LIMITS: [OfLimit; 3] = [
    (
        "airssys_limit",
        "gauge",
        "What each limit is set to, in bytes, seconds or a count.",
        |_, of| of.setting,
    ),
    (
        "airssys_limit_used",
        "gauge",
        "What is used now of limits that are levels: of all instances together, whose each has the limit.",
        |sample, of| match of.limit {
            Limit::Keyvalue => sample.kept_bytes.map(|bytes| bytes as f64),
            Limit::Actors => sample.actors.map(|actors| actors as f64),
            Limit::Queue => of.used.map(|queued| queued + f64::from(sample.in_mailboxes)),
            _ => of.used,
        },
    ),
    ("airssys_limit_hits_total", "counter", "Times a limit was reached.", |_, of| {
        Some(of.hits as f64)
    }),
];

fn limits(text: &mut String, samples: &[Sample<'_>]) {
    for (name, kind, about, pick) in LIMITS {
        let _ = writeln!(text, "# HELP {name} {about}\n# TYPE {name} {kind}");
        for sample in samples {
            let Sample { service, revision, version, .. } = sample;
            for (limit, value) in
                sample.limits.iter().filter_map(|of| Some((of.limit, pick(sample, *of)?)))
            {
                let _ = writeln!(
                    text,
                    "{name}{{service=\"{service}\",revision=\"{revision}\",version=\"{version}\",limit=\"{limit}\"}} {value}"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn quantiles_are_of_what_was_recorded() {
        let (traffic, begun) = (Traffic::default(), Instant::now());
        assert_eq!(traffic.latency(), LatencyMs::default());
        for ms in 1..=100 {
            // The slowest half named it.
            traffic.of(ms > 50).record(ms == 100, begun, begun + Duration::from_millis(ms));
        }
        let latency = traffic.latency();
        for (found, wanted) in [(latency.p50, 50.0), (latency.p90, 90.0), (latency.p99, 99.0)] {
            assert!((found.unwrap() - wanted).abs() <= wanted / 16.0, "{found:?} for {wanted}");
        }
        assert_eq!(traffic.seen(), Seen { calls: 100, errors: 1 });
        assert_eq!(traffic.given.seen(), Seen { calls: 50, errors: 0 });
    }
}
