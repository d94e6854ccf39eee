//! Copied calls: their answers are compared while they come.

use airssys_wasm_model::Span;
use tokio::time::Instant;

use super::SAMPLE_EVERY;
use super::end::End;
use super::reporting::Reports;
use crate::evidence::{Compared, Findings, StepEvidence};
use crate::fleet::Fleet;
use crate::observation::{Bounds, Thresholds, Verdict};
use crate::step::Compare;
use crate::transition::StepAt;

pub(super) async fn compare<F: Fleet>(fleet: &F, at: StepAt, compare: &Compare) -> End {
    let (begun, deadline) = (Instant::now(), Instant::now() + compare.during.0);
    let start = fleet.compared(compare.revision);
    let mut reports = Reports::of(at);
    loop {
        let window = fleet.compared(compare.revision) - &start;
        let found = |window: &Compared| findings(window, begun);
        if Instant::now() >= deadline {
            let found = found(&window);
            return match judge(compare, &window, true) {
                Verdict::Sound => End::Observed(found, window.to_string()),
                Verdict::Regressed { reason } => End::Regressed(found, reason),
                Verdict::TooFew { reason } => End::Inconclusive(found, reason),
            };
        }
        if let Verdict::Regressed { reason } = judge(compare, &window, false) {
            return End::Regressed(found(&window), reason);
        }
        if reports.are_due() {
            reports.report(fleet, found(&window)).await;
        }
        tokio::time::sleep_until(deadline.min(Instant::now() + SAMPLE_EVERY)).await;
    }
}

/// Differences are judged as failures are.
fn judge(compare: &Compare, window: &Compared, closed: bool) -> Verdict {
    let bounds = Bounds {
        max_error_rate: compare.max_difference,
        min_calls: compare.min_calls,
        p99: Thresholds::default(),
    };
    let seen = window.as_seen();
    match if closed { bounds.judge(seen, seen) } else { bounds.judge_early(seen) } {
        Verdict::Regressed { .. } => {
            let reason = format!("{window}; at most {}% may", compare.max_difference);
            Verdict::Regressed { reason }
        }
        Verdict::TooFew { .. } => Verdict::TooFew { reason: too_few(compare, window) },
        Verdict::Sound => Verdict::Sound,
    }
}

fn too_few(compare: &Compare, window: &Compared) -> String {
    let (calls, least) = (window.calls, compare.min_calls);
    match calls {
        0 => "no answer was compared: no call was copied, or none of the copies was answered"
            .to_owned(),
        _ if calls < least => format!("{calls} answers were compared; {least} are asked for"),
        _ => {
            let most = compare.max_difference;
            format!("{window}; at most {most}% may: too few to tell it from chance")
        }
    }
}

fn findings(window: &Compared, begun: Instant) -> Findings {
    let evidence = StepEvidence {
        elapsed: Some(Span::whole_ms(begun.elapsed())),
        compared: Some(window.clone()),
        ..StepEvidence::default()
    };
    // The copies are nobody's calls, so they are not counted as the candidate's.
    Findings { evidence, ..Findings::default() }
}
