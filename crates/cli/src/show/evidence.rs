//! What a rollout is decided on, as far as it is known.

use airssys_wasm_api::reply::{
    ComparedReport, EvidenceReport, ExperimentReport, ReadingReport, TallyReport, TestReport,
};

use super::traffic::{milliseconds, percent};
use crate::ui::harmless_line;

/// The evidence of a step, a line each.
pub(crate) fn evidence(found: &EvidenceReport) -> Vec<String> {
    let mut lines = Vec::new();
    if found.compared.is_none() {
        lines.push(format!("{}, {} failed", calls(found.calls), found.errors));
    }
    lines.extend(found.tests.iter().map(test));
    lines.extend(found.metrics.iter().map(reading));
    lines.extend(found.experiment.iter().map(experiment));
    lines.extend(found.compared.iter().flat_map(compared));
    lines.extend(found.pending.iter().map(|pending| format!("decision pending: {pending}")));
    lines.iter().map(|line| harmless_line(line)).collect()
}

/// The same in a few words, for a table.
pub(crate) fn in_short(found: &EvidenceReport) -> String {
    if let Some(ComparedReport { calls, different, .. }) = &found.compared {
        return format!("{different} of {calls} answers differed");
    }
    let mut parts = vec![format!("{}, {} failed", calls(found.calls), found.errors)];
    let strongest = found.tests.iter().max_by(|a, b| a.log10_e.total_cmp(&b.log10_e));
    parts
        .extend(strongest.map(|test| format!("{} e-value {}", test.metric, e_value(test.log10_e))));
    parts.extend(found.metrics.iter().map(reading));
    parts.extend(found.experiment.as_ref().map(experiment));
    parts.join(", ")
}

fn calls(count: u64) -> String {
    if count == 1 { "1 call".to_owned() } else { format!("{count} calls") }
}

fn test(test: &TestReport) -> String {
    let TestReport { metric, candidate, active, difference, interval, log10_e } = test;
    format!(
        "{metric}: {} against {}; {}, e-value {}",
        share(candidate),
        share(active),
        difference_of(*difference, interval),
        e_value(*log10_e)
    )
}

fn experiment(found: &ExperimentReport) -> String {
    let ExperimentReport { candidate, control, difference, interval } = found;
    format!(
        "successes: {} against {}; {}",
        share(candidate),
        share(control),
        difference_of(*difference, interval)
    )
}

fn share(tally: &TallyReport) -> String {
    let share = tally.counted as f64 / tally.calls.max(1) as f64;
    format!("{} of {}", percent(share * 100.0), tally.calls)
}

/// A difference and where the true one lies with 95 % confidence, in per cent of the calls.
fn difference_of(difference: f64, [low, high]: &[f64; 2]) -> String {
    let signed = |share: f64| {
        let rounded = (share * 10_000.0).round() / 100.0;
        format!("{rounded:+}%")
    };
    format!("difference {} ({} to {})", signed(difference), signed(*low), signed(*high))
}

/// From its logarithm: as a number where that can be read, else as a power of ten.
fn e_value(log10: f64) -> String {
    match log10 {
        _ if (-2.0..4.0).contains(&log10) => format!("{:.2}", 10_f64.powf(log10)),
        _ => format!("10^{log10:.0}"),
    }
}

fn reading(reading: &ReadingReport) -> String {
    match (reading.value, &reading.fault) {
        (Some(value), _) => format!("`{}` is {value}", reading.name),
        (None, Some(fault)) => format!("`{}` is missing: {fault}", reading.name),
        (None, None) => format!("`{}` was not asked for yet", reading.name),
    }
}

fn compared(found: &ComparedReport) -> Vec<String> {
    let ComparedReport { calls, different, refused, examples, active_ms, candidate_ms } = found;
    let share = percent(*different as f64 / (*calls).max(1) as f64 * 100.0);
    let mut lines = vec![format!("{different} of {calls} answers differed ({share})")];
    if let (Some(active), Some(candidate)) = (active_ms, candidate_ms) {
        let (active, candidate) = (milliseconds(*active), milliseconds(*candidate));
        lines.push(format!("the callers' took {active} on average, the candidate's {candidate}"));
    }
    if *refused > 0 {
        lines.push(format!("{refused} requests of the copies were refused"));
    }
    lines.extend(examples.iter().map(|it| {
        format!("{}: {} is `{}`, the candidate's `{}`", it.call, it.what, it.active, it.candidate)
    }));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn evidence_reads_well() {
        let found: EvidenceReport = serde_json::from_value(json!({
            "calls": 130, "errors": 12, "elapsed": 4200,
            "pending": "4s of 10s watched",
            "tests": [{
                "metric": "failures",
                "candidate": { "calls": 130, "counted": 12 },
                "active": { "calls": 1170, "counted": 0 },
                "difference": 0.0923, "interval": [0.031, 0.1698], "log10_e": 4.018,
            }],
            "metrics": [
                { "name": "queue", "value": 0.3, "fault": null },
                { "name": "orders", "value": null, "fault": "the query found\nnothing" },
            ],
            "experiment": {
                "candidate": { "calls": 500, "counted": 60 },
                "control": { "calls": 480, "counted": 48 },
                "difference": 0.02, "interval": [-0.01, 0.05],
            },
        }))
        .unwrap();
        insta::assert_snapshot!(evidence(&found).join("\n"));
        insta::assert_snapshot!("evidence_in_short", in_short(&found));
        let copies: EvidenceReport = serde_json::from_value(json!({
            "calls": 0, "errors": 0, "elapsed": null,
            "compared": { "calls": 300, "different": 12, "refused": 3,
                "active_ms": 1.2, "candidate_ms": 150.0, "examples": [
                { "call": "GET /prices", "what": "$.total", "active": "3", "candidate": "4" },
            ] },
        }))
        .unwrap();
        insta::assert_snapshot!("answers_compared", evidence(&copies).join("\n"));
    }
}
