//! Updates of several services.

use airssys_wasm_api::reply::{Joined, JointPlan, JointReport};
use airssys_wasm_model::Name;

use super::rollout::{planned, reason, rollout};
use super::traffic::milliseconds;

/// How all of them stand, and each below.
pub(crate) fn joint(report: &JointReport) -> String {
    let outcome = report.outcome.map_or("under way".to_owned(), |outcome| outcome.to_string());
    let mut out = format!("joint update {}, {}: {outcome}", report.update, report.order);
    if report.outcome.is_some() {
        out.push_str(&format!(" after {}", milliseconds(report.timings_ms.total)));
    }
    out.push('\n');
    out.push_str(&reason(&report.reason));
    out.extend(report.services.iter().map(rollout));
    out
}

pub(crate) fn joint_plan(plan: &JointPlan) -> String {
    plan.plans.iter().map(planned).collect()
}

/// What a service takes part in, in a line.
pub(crate) fn joined(joined: &Joined) -> String {
    let names =
        |services: &[Name]| services.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let Joined { update, order, services, waits_for } = joined;
    let mut out = format!("joint update {update}, {order}: {}", names(services));
    if !waits_for.is_empty() {
        out.push_str(&format!("; waits for {}", names(waits_for)));
    }
    out.push('\n');
    out
}
