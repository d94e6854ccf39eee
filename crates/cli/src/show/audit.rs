//! The audit trail as text.

use airssys_wasm_api::reply::{AuditEntry, AuditReport, AuditStanding};

use crate::ui::harmless_line;

pub(crate) fn audit_entry(entry: &AuditEntry) -> String {
    let AuditEntry { seq, at, decision, kind, target, .. } = entry;
    let whose = match (&entry.service, entry.revision) {
        (Some(service), Some(revision)) => format!("{service} r{revision}"),
        (Some(service), None) => service.clone(),
        _ => "-".to_owned(),
    };
    let mut out = format!("{at} {seq:>6} {decision:<7} {kind:<9} {whose} {target}");
    if entry.count > 1 {
        out.push_str(&format!(" ({} times)", entry.count));
    }
    if let Some(one_in) = entry.one_in {
        out.push_str(&format!(" (one of {one_in})"));
    }
    // A trail of before has empty ones of uses that there is no more to say of.
    if let Some(detail) = entry.detail.as_deref().filter(|detail| !detail.is_empty()) {
        out.push_str(&format!(": {detail}"));
    }
    if let Some(who) = &entry.principal {
        out.push_str(&format!(" [{who}]"));
    }
    harmless_line(&out)
}

pub(crate) fn audit_report(report: &AuditReport) -> String {
    let AuditReport { segments, first_seq, last_seq, unacknowledged_bytes, .. } = report;
    let read = format!("entries {first_seq} to {last_seq} in {segments} segments");
    let mut out = match &report.finding {
        None => format!("intact: {read}\n"),
        Some(finding) => format!("damaged: {}\nread up to there: {read}\n", finding.wrong),
    };
    if let Some(key) = &report.key {
        out.push_str(&format!(
            "by the key {key} and those that follow one another from and to it\n"
        ));
    }
    if report.is_witness_gone {
        out.push_str(
            "the witness was not compared: its entry is older than what is kept; keep a later one\n",
        );
    }
    if *unacknowledged_bytes > 0 {
        out.push_str(&format!(
            "{unacknowledged_bytes} bytes after the end are no part of it: a batch that was under way\n"
        ));
    }
    out
}

pub(crate) fn audit_standing(standing: &AuditStanding) -> String {
    let mut out = match &standing.why {
        None => "the trail is written\n".to_owned(),
        Some(why) => format!("commands are refused: {why}\n"),
    };
    out.push_str(&format!("key      {}\n", standing.public_key));
    out.push_str("levels   every command and every denial\n");
    for (kind, share) in &standing.levels {
        out.push_str(&format!("         {kind:<10} {share}\n"));
    }
    for service in &standing.required {
        out.push_str(&format!("required {service}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_that_could_not_be_compared_is_spoken_of() {
        let report = AuditReport { intact: true, first_seq: 9, last_seq: 12, ..Default::default() };
        assert!(!audit_report(&report).contains("witness"));
        let report = AuditReport { is_witness_gone: true, ..report };
        assert!(audit_report(&report).contains("the witness was not compared"));
    }

    #[test]
    fn an_entry_ends_where_there_is_no_more_to_say() {
        let said = |detail: serde_json::Value| {
            let entry = serde_json::json!({
                "seq": 7, "at": "2026-01-31T12:00:00Z", "kind": "services", "target": "shop",
                "decision": "allowed", "count": 1, "detail": detail, "prev": "", "hash": "",
            });
            audit_entry(&serde_json::from_value(entry).unwrap())
        };
        assert!(said("read".into()).ends_with("shop: read"));
        for none in [serde_json::Value::Null, "".into()] {
            assert!(said(none).ends_with(" shop"));
        }
    }
}
