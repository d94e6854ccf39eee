//! What a service is granted, and what it would need.

use airssys_wasm_api::reply::{GrantLine, GrantSuggestion, GrantsReport, RevisionGrants};
use airssys_wasm_model::{AskStanding, UnusedAsk, Use};

use crate::ui::{harmless, harmless_line};

pub(crate) fn grants(report: &GrantsReport) -> String {
    let mut out = format!("{}\n", report.service);
    for revision in &report.revisions {
        of_revision(&mut out, revision);
    }
    out
}

fn of_revision(out: &mut String, revision: &RevisionGrants) {
    let RevisionGrants { revision, version, state, asked, granted } = revision;
    out.push_str(&format!("{revision} ({version}, {state})\n"));
    section(out, "asks for", "nothing", asked.iter().map(ask));
    section(out, "granted", "nothing", granted.iter().map(grant));
}

fn ask(standing: &AskStanding) -> String {
    let AskStanding { kind, asked, reason, granted } = standing;
    let by: Vec<_> = granted.iter().map(ToString::to_string).collect();
    let by = if by.is_empty() { "not granted".to_owned() } else { by.join(", ") };
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    format!("{kind}: {asked}{reason}: {by}")
}

fn grant(line: &GrantLine) -> String {
    let GrantLine { grant, at, by, revoked, is_idle } = line;
    match revoked {
        None if *is_idle => {
            format!(
                "{grant}  since {at} by {by}: allows nothing that is asked for, and is worth nothing"
            )
        }
        None => format!("{grant}  since {at} by {by}"),
        Some(end) => format!("{grant}  revoked {} by {}", end.at, end.by),
    }
}

pub(crate) fn grant_suggestion(found: &GrantSuggestion) -> String {
    let mut out = match (found.uses, found.denials) {
        (0, 0) => "no use was seen\n".to_owned(),
        (uses, denials) => format!("{uses} uses and {denials} denials were seen\n"),
    };
    let flag = |grant: &String| format!("--grant {}", quoted(grant));
    section(&mut out, "what was used takes", "no grant", found.grants.iter().map(flag));
    if !found.denied.is_empty() {
        let head = "what was denied would also take (only if it was meant to be allowed)";
        section(&mut out, head, "", found.denied.iter().map(flag));
    }
    if !found.unasked.is_empty() {
        let head = "what was denied and is not asked for: the manifest has to ask before it can be granted";
        section(&mut out, head, "", found.unasked.iter().cloned());
    }
    if !found.unused.is_empty() {
        section(&mut out, "asked for and never used", "", found.unused.iter().map(unused));
    }
    if !found.uncovered.is_empty() {
        let head = "no grant can be written for";
        section(&mut out, head, "", found.uncovered.iter().map(uncovered));
    }
    if !found.grants_toml.is_empty() {
        out.push_str(&format!("grants.toml:\n{}", harmless(&found.grants_toml)));
    }
    out
}

fn unused(ask: &UnusedAsk) -> String {
    format!("{}: {} ({})", ask.kind, ask.asked, ask.reason)
}

fn uncovered(one: &Use) -> String {
    let Use { kind, target, access, count } = one;
    format!("{kind}: {target} {access} ({count} times)")
}

fn section(out: &mut String, head: &str, none: &str, lines: impl ExactSizeIterator<Item = String>) {
    if lines.len() == 0 {
        out.push_str(&format!("  {head}: {none}\n"));
        return;
    }
    out.push_str(&format!("  {head}:\n"));
    for line in lines {
        out.push_str(&format!("    {}\n", harmless_line(&line)));
    }
}

/// As a shell takes it as one word.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "=:/.,_-@%+".contains(letter);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_with_a_pattern_is_one_word_to_a_shell() {
        assert_eq!(quoted("http:api.example.com/v1"), "http:api.example.com/v1");
        assert_eq!(quoted("http:*.a.org"), "'http:*.a.org'");
        assert_eq!(quoted("env:A=it's"), r"'env:A=it'\''s'");
    }
}
