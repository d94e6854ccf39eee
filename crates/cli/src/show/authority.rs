//! Tokens and the policy.

use airssys_wasm_api::reply::{PolicyReport, Tokens};

use super::table::table;
use crate::ui::harmless_line;

pub(crate) fn tokens(Tokens(tokens): &Tokens) -> String {
    if tokens.is_empty() {
        return "no token was made: the node's own is in the file `token` of its data directory\n"
            .to_owned();
    }
    let rows: Vec<_> = tokens
        .iter()
        .map(|line| {
            let roles: Vec<_> = line.roles.iter().map(ToString::to_string).collect();
            [
                line.name.to_string(),
                line.id.clone(),
                roles.join(","),
                line.created.to_string(),
                line.expires.as_ref().map_or("never".to_owned(), ToString::to_string),
            ]
        })
        .collect();
    table(["NAME", "ID", "ROLES", "CREATED", "EXPIRES"], &rows)
}

pub(crate) fn policy(report: &PolicyReport) -> String {
    let mut out = report.policy.clone();
    if report.enforcement == "dry-run" {
        out.push_str("\n// In a dry run: nothing is denied by it.\n");
    }
    out
}

/// What was found in a policy that can be used.
pub(crate) fn policy_checked(report: &PolicyReport) -> String {
    let rules = match report.rules.len() {
        1 => "1 rule".to_owned(),
        count => format!("{count} rules"),
    };
    let mut out = match report.enforcement.as_str() {
        "enforce" => format!("in force: {rules}\n"),
        "dry-run" => format!("in a dry run: {rules}, and nothing is denied by them\n"),
        _ => format!("can be used: {rules}\n"),
    };
    for warning in &report.warnings {
        out.push_str(&format!("{}\n", harmless_line(warning)));
    }
    out
}
