//! Deploys, plans and rollouts.

use airssys_wasm_api::reply::{Deployed, Planned, Point, RolloutReport, StepReport};

use super::evidence::evidence;
use super::traffic::milliseconds;
use crate::ui::harmless_line;

pub(crate) fn deployed(deployed: &Deployed) -> String {
    let Deployed { service, revision, version, state, timings_ms, .. } = deployed;
    let mut out = format!("{service} {revision} ({version}) {state}");
    if state == "planned" {
        out.push('\n');
        out.push_str(&plan(&deployed.plan));
        return out;
    }
    out.push_str(&format!(
        " in {} (compile {}, start {})\n",
        milliseconds(timings_ms.total),
        milliseconds(timings_ms.compile),
        milliseconds(timings_ms.start)
    ));
    for route in &deployed.routes {
        out.push_str(&format!("  {route}\n"));
    }
    out
}

pub(crate) fn planned(planned: &Planned) -> String {
    let Planned { service, from, to, strategy, .. } = planned;
    let from = from.as_ref().map_or("nothing".to_owned(), point);
    format!("{service} {from} -> {} by {strategy}, planned\n{}", point(to), plan(&planned.plan))
}

pub(crate) fn rollout(report: &RolloutReport) -> String {
    [headline(report), reason(&report.reason), steps(&report.steps)].concat()
}

/// From where to where, and how it stands.
pub(super) fn headline(report: &RolloutReport) -> String {
    let RolloutReport { service, from, to, strategy, .. } = report;
    let outcome = report.outcome.map_or("under way".to_owned(), |outcome| outcome.to_string());
    let mut out = format!("{service} {} -> {} by {strategy}: {outcome}", point(from), point(to));
    if report.outcome.is_some() {
        out.push_str(&format!(" after {}", milliseconds(report.timings_ms.total)));
    }
    out.push('\n');
    out
}

/// Why it stands so, if that is said.
pub(super) fn reason(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!("  {}\n", harmless_line(reason)),
    }
}

/// The steps of a rollout, a line each, and below each that watches what it has seen.
fn steps(steps: &[StepReport]) -> String {
    let mut out = String::new();
    for step in steps {
        out.push_str(&format!("  {:<8} {}\n", step.state, step.step));
        for line in step.evidence.iter().flat_map(|found| evidence(found)) {
            out.push_str(&format!("             {line}\n"));
        }
    }
    out
}

fn plan(lines: &[String]) -> String {
    let numbered = lines.iter().enumerate().map(|(at, line)| format!("  {}. {line}\n", at + 1));
    numbered.collect()
}

fn point(point: &Point) -> String {
    format!("{} ({})", point.revision, point.version)
}
