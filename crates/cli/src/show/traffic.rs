//! Traffic of revisions, and the units that other answers use too.

use airssys_wasm_api::reply::{RevisionTraffic, ShadowTraffic, Traffic};
use airssys_wasm_model::RevisionNumber;

use super::rollout::rollout;
use super::table::table;

/// A snapshot: the numbers of the traffic, and with `all` those of the machine too.
pub(crate) fn traffic(traffic: &Traffic, all: bool) -> String {
    let mut out = format!("{}  {}  at {}\n", traffic.service, traffic.state, traffic.at);
    let numbers = |one: &RevisionTraffic| {
        [
            one.revision.to_string(),
            one.version.to_string(),
            one.state.clone(),
            percent(one.weight),
            one.calls.to_string(),
            one.errors.to_string(),
            quantile(one.latency_ms.p50),
            quantile(one.latency_ms.p90),
            quantile(one.latency_ms.p99),
            instances(one),
        ]
    };
    let head = [
        "REVISION",
        "VERSION",
        "STATE",
        "WEIGHT",
        "CALLS",
        "ERRORS",
        "P50",
        "P90",
        "P99",
        "INSTANCES",
    ];
    let rows: Vec<_> = traffic.revisions.iter().map(numbers).collect();
    out.push_str(&table(head, &rows));
    if all {
        let rows: Vec<_> = traffic
            .revisions
            .iter()
            .map(|one| {
                [
                    one.revision.to_string(),
                    milliseconds(one.cpu_ms),
                    bytes(one.memory_bytes),
                    one.queued.to_string(),
                ]
            })
            .collect();
        out.push_str(&table(["REVISION", "CPU", "MEMORY", "QUEUED"], &rows));
    }
    for one in traffic.revisions.iter().filter(|one| !one.limits_hit.is_empty()) {
        let hit = one.limits_hit.iter().map(|(limit, times)| format!("{limit} {times}"));
        let hit = hit.collect::<Vec<_>>().join(", ");
        out.push_str(&format!("{} reached its limits, times: {hit}\n", one.revision));
    }
    for one in &traffic.revisions {
        out.extend(one.shadow.as_ref().map(|shadow| copies(one.revision, shadow)));
    }
    if let Some(report) = &traffic.rollout {
        out.push_str(&format!("rollout {}: {}", report.rollout, rollout(report)));
    }
    out
}

/// Instances of its callers, and those for copies of calls.
pub(crate) fn instances(one: &RevisionTraffic) -> String {
    match &one.shadow {
        Some(shadow) => format!("{}+{}", one.instances, shadow.instances),
        None => one.instances.to_string(),
    }
}

fn copies(revision: RevisionNumber, shadow: &ShadowTraffic) -> String {
    let ShadowTraffic { calls, refused, cpu_ms, memory_bytes, instances } = shadow;
    format!(
        "{revision} gets copies of calls: {calls} compared, {refused} requests refused, {instances} more instances \
         with {}, {} of CPU time\n",
        bytes(*memory_bytes),
        milliseconds(*cpu_ms)
    )
}

/// A share, with a fraction only where it has one.
pub(crate) fn percent(share: f64) -> String {
    format!("{}%", (share * 100.0).round() / 100.0)
}

/// A quantile, or a dash before the first call.
pub(crate) fn quantile(ms: Option<f64>) -> String {
    ms.map_or("-".to_owned(), milliseconds)
}

/// A span in the unit that suits it.
pub(crate) fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms >= 10_000.0 => format!("{:.1}s", ms / 1000.0),
        ms if ms >= 100.0 => format!("{ms:.0}ms"),
        ms if ms >= 1.0 => format!("{ms:.1}ms"),
        ms if ms > 0.0 => format!("{:.0}us", ms * 1000.0),
        _ => "0ms".to_owned(),
    }
}

/// A size in the unit that suits it.
pub(crate) fn bytes(count: u64) -> String {
    airssys_wasm_model::ByteSize(count).to_string()
}
