//! What happens to a service, a line or a few each.

use airssys_wasm_api::reply::{RolloutReport, ServiceEvent};

use super::evidence::evidence;
use super::rollout::{headline, reason};
use crate::ui::harmless_line;

pub(crate) fn event(event: &ServiceEvent) -> String {
    match event {
        ServiceEvent::Begun { rollout } | ServiceEvent::Outcome { rollout } => decided(rollout),
        ServiceEvent::Step { number, step, .. } => {
            let mut out =
                format!("  {number:>2}. {:<8} {}\n", step.state, harmless_line(&step.step));
            for line in step.evidence.iter().flat_map(|found| evidence(found)) {
                out.push_str(&format!("               {line}\n"));
            }
            out
        }
        ServiceEvent::Evidence { number, evidence: found, .. } => {
            format!("  {number:>2}. {}\n", evidence(found).join("; "))
        }
        ServiceEvent::Resumed { rollout } => format!("rollout {rollout}: goes on\n"),
        ServiceEvent::Removed {} => "the service was removed\n".to_owned(),
    }
}

fn decided(report: &RolloutReport) -> String {
    format!("rollout {}: {}{}", report.rollout, headline(report), reason(&report.reason))
}
