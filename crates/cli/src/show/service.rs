//! Services, their history, releases and log lines.

use airssys_wasm_api::reply::{
    LogLine, Releases, RuleLine, RuleShare, ServiceHistory, ServiceStatus, Services,
};

use airssys_wasm_model::Signer;

use super::evidence::in_short;
use super::rollout::rollout;
use super::table::table;
use super::traffic::{bytes, percent};
use crate::ui::harmless_line;

pub(crate) fn status(status: &ServiceStatus) -> String {
    let mut out = format!("{}  {}", status.service, status.state);
    if let Some(active) = &status.active {
        out.push_str(&format!("  active {} ({})", active.revision, active.version));
    }
    out.push('\n');
    if let Some(problem) = &status.problem {
        out.push_str(&format!("problem: {}\n", harmless_line(problem)));
    }
    let rows: Vec<_> = status
        .revisions
        .iter()
        .map(|line| {
            [
                line.revision.to_string(),
                line.version.to_string(),
                line.state.clone(),
                percent(line.weight),
                line.instances.to_string(),
            ]
        })
        .collect();
    out.push_str(&table(["REVISION", "VERSION", "STATE", "WEIGHT", "INSTANCES"], &rows));
    for route in &status.routes {
        out.push_str(&format!("{route}\n"));
    }
    for line in &status.revisions {
        if let Some(address) = &line.address {
            out.push_str(&format!("{address}\n"));
        }
    }
    for line in &status.revisions {
        for signer in &line.signers {
            out.push_str(&format!("{} is signed by {signer}\n", line.revision));
        }
    }
    for rule in &status.rules {
        out.push_str(&format!("{}\n", harmless_line(&self::rule(rule))));
    }
    if let Some(by) = &status.sticky {
        out.push_str(&format!("a split sticks by {by}\n"));
    }
    if let Some(joined) = &status.joined {
        out.push_str(&super::joined(joined));
    }
    if let Some(report) = &status.rollout {
        out.push_str(&format!("rollout {}: {}", report.rollout, rollout(report)));
    }
    out
}

fn rule(rule: &RuleLine) -> String {
    let share = |share: &RuleShare| format!("{} {}", share.revision, percent(share.weight));
    let shares: Vec<_> = rule.shares.iter().map(share).collect();
    format!("{}: {}", rule.when, shares.join(", "))
}

pub(crate) fn services(Services(services): &Services) -> String {
    if services.is_empty() {
        return "no service is deployed\n".to_owned();
    }
    let rows: Vec<_> = services
        .iter()
        .map(|line| {
            [
                line.service.to_string(),
                line.version.as_ref().map_or("-".to_owned(), ToString::to_string),
                line.revision.map_or("-".to_owned(), |revision| revision.to_string()),
                line.state.clone(),
            ]
        })
        .collect();
    table(["SERVICE", "VERSION", "REVISION", "STATE"], &rows)
}

pub(crate) fn history(ServiceHistory(lines): &ServiceHistory) -> String {
    let rows: Vec<_> = lines
        .iter()
        .map(|line| {
            [
                line.at.to_string(),
                line.revision.to_string(),
                line.version.to_string(),
                line.state.clone(),
                match &line.decided_by {
                    Some(who) => format!("{}, {} by {who}", line.by, line.state),
                    None => line.by.clone(),
                },
                line.why.clone(),
                signed(&line.signers),
                line.evidence.as_deref().map(in_short).unwrap_or_default(),
            ]
        })
        .collect();
    table(["AT", "REVISION", "VERSION", "STATE", "BY", "WHY", "SIGNED BY", "EVIDENCE"], &rows)
}

pub(crate) fn releases(Releases(releases): &Releases) -> String {
    let rows: Vec<_> = releases
        .iter()
        .map(|line| {
            [
                line.version.to_string(),
                bytes(line.size_bytes),
                line.at.to_string(),
                line.digest.to_string(),
                signed(&line.signers),
            ]
        })
        .collect();
    table(["VERSION", "SIZE", "STORED", "DIGEST", "SIGNED BY"], &rows)
}

fn signed(signers: &[Signer]) -> String {
    signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

pub(crate) fn log_line(line: &LogLine) -> String {
    let LogLine { at, revision, stream, level, text, .. } = line;
    // What a guest prints has no level of its own worth a column.
    let from = if stream == "log" { level } else { stream };
    format!("{at} {revision} {from:<6} {}", harmless_line(text))
}
