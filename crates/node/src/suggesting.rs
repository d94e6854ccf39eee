//! `grants suggest`: the least grants that cover what the audit trail has of a service's uses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use airssys_wasm_api::command::SuggestGrants;
use airssys_wasm_api::reply::{GrantSuggestion, Reply};
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::{Grants, Kind, Use, suggest as least};
use airssys_wasm_store::audit::{Audit, Decision, Order, Query, Recorded, TrailError};

use crate::audit;
use crate::node::Shared;
use crate::releases;

/// Entries that are looked at, the latest: about 100 MB of the trail, read within seconds.
const ENTRIES_MAX: usize = 250_000;

/// Different uses that are kept apart. A service that reads more files than this is better granted their directory.
const USES_MAX: usize = 10_000;

/// What the trail has of one service.
#[derive(Default)]
struct Seen {
    allowed: BTreeMap<(Kind, String, String), u64>,
    denied: BTreeMap<(Kind, String, String), u64>,
    uses: u64,
    denials: u64,
    /// Whether some uses stand for others that are not there.
    sampled: bool,
    /// Whether there was more than is looked at.
    cut: bool,
    /// The earliest entry that was there to look at.
    first_seq: Option<u64>,
}

pub(crate) async fn suggest(
    shared: &Arc<Shared>,
    command: SuggestGrants,
) -> Result<Reply, Failure> {
    let service = shared.service(&command.service)?;
    let record = service.record();
    let active = record.active().or(record.revisions.last());
    let active = active.ok_or_else(|| Failure::new(Code::NotFound, "it has no revision"))?;
    let release = releases::known(shared, service.name(), &active.settings.version).await?;
    let asked = release.map(|release| release.manifest.asked).unwrap_or_default();
    let audit = shared.trail.reading()?;
    audit::freshen(&audit).await;
    let query = Query {
        from: command.since.map(SystemTime::from),
        service: Some(service.name().to_string()),
        order: Order::NewestFirst,
        limit: ENTRIES_MAX + 1,
        ..Query::default()
    };
    let since = query.from;
    let seen = audit::in_turn(move || look(&audit, query)).await?;
    let incomplete = missing(shared, &seen, since);
    // Files are where grants put them, also those that were revoked since.
    let mut granted = active.settings.grants.clone();
    granted.0.extend(record.grants_of(active).0);
    let allowed = least(&asked, &granted, &uses(seen.allowed));
    // What is not asked for is not had by a grant alone.
    let (denied, unasked): (Vec<_>, Vec<_>) =
        uses(seen.denied).into_iter().partition(|tried| asked.asks_for(tried));
    let (denied, unasked) = (least(&asked, &granted, &denied), least(&asked, &granted, &unasked));
    let grants = allowed.grants.iter().filter_map(|text| text.parse().ok());
    let mut uncovered = allowed.uncovered;
    uncovered.extend(denied.uncovered.into_iter().chain(unasked.uncovered));
    Ok(GrantSuggestion {
        service: Some(service.name().clone()),
        since: command.since,
        uses: seen.uses,
        denials: seen.denials,
        grants_toml: Grants(grants.collect()).to_toml(),
        denied: denied.grants.into_iter().filter(|it| !allowed.grants.contains(it)).collect(),
        unasked: unasked.grants,
        grants: allowed.grants,
        unused: allowed.unused,
        uncovered,
        incomplete,
    }
    .into())
}

/// Reads the trail, on a thread that may wait for the disk.
fn look(audit: &Audit, query: Query) -> Result<Seen, TrailError> {
    let mut seen = Seen::default();
    for (at, entry) in audit.query(query)?.enumerate() {
        if at == ENTRIES_MAX {
            seen.cut = true;
            break;
        }
        seen.add(&entry?);
    }
    let first = Query { limit: 1, ..Query::default() };
    seen.first_seq = audit.query(first)?.next().transpose()?.map(|entry| entry.seq);
    Ok(seen)
}

impl Seen {
    fn add(&mut self, entry: &Recorded) {
        let Some(kind) = Kind::named(&entry.kind) else { return };
        let (all, found) = match entry.decision {
            Decision::Denied => {
                self.denials += entry.count;
                (&mut self.denied, tried(kind, entry))
            }
            Decision::Allowed | Decision::WouldBeDenied => {
                self.uses += entry.count * u64::from(entry.one_in.get());
                self.sampled |= entry.one_in.get() > 1;
                (&mut self.allowed, used(kind, entry))
            }
        };
        for (target, access) in found {
            let key = (kind, target, access);
            if all.len() >= USES_MAX && !all.contains_key(&key) {
                self.cut = true;
                continue;
            }
            *all.entry(key).or_default() += entry.count;
        }
    }
}

/// An allowed use: its target as a grant names it, and what was done. Variables are used all at once.
fn used(kind: Kind, entry: &Recorded) -> Vec<(String, String)> {
    let access = entry.detail.clone().unwrap_or_default();
    match kind {
        Kind::Env => entry.target.split(',').map(|name| (name.to_owned(), String::new())).collect(),
        _ => vec![(entry.target.clone(), access)],
    }
}

/// A denied one: its denial has the words.
fn tried(kind: Kind, entry: &Recorded) -> Vec<(String, String)> {
    let detail = entry.detail.as_deref().unwrap_or_default();
    let read = Use::read_tried(kind, &entry.target, detail);
    read.map(|tried| (tried.target, tried.access)).into_iter().collect()
}

fn uses(seen: BTreeMap<(Kind, String, String), u64>) -> Vec<Use> {
    let one = |((kind, target, access), count)| Use { kind, target, access, count };
    seen.into_iter().map(one).collect()
}

/// Why uses may be missing, each for a person to read.
fn missing(shared: &Shared, seen: &Seen, since: Option<SystemTime>) -> Vec<String> {
    let said = |level| {
        format!(
            "the node records uses by the level {level} (`serve --audit-level`): others are not here"
        )
    };
    let mut all: Vec<_> = shared.trail.partly_seen().map(said).collect();
    if seen.sampled && all.is_empty() {
        all.push("some of the uses stand for others that were not recorded".to_owned());
    }
    if since.is_none() && seen.first_seq.is_some_and(|first| first > 1) {
        all.push("the trail's beginning is no longer kept: earlier uses are not here".to_owned());
    }
    if seen.cut {
        all.push(format!(
            "only the latest {ENTRIES_MAX} entries and {USES_MAX} different uses were looked at"
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(kind: &str, target: &str, decision: &str, detail: &str) -> Recorded {
        let zero = "0".repeat(64);
        serde_json::from_value(serde_json::json!({
            "seq": 1, "at": "2026-11-23T07:00:00.000Z", "service": "a", "revision": 1, "instance": 1,
            "kind": kind, "target": target, "decision": decision, "detail": detail, "count": 2,
            "prev": zero, "hash": zero,
        }))
        .unwrap()
    }

    #[test]
    fn a_denial_is_read_back_from_the_grant_that_it_names() {
        let mut seen = Seen::default();
        let denials = [
            ("files", "/data/x", "read; grant `files:HOST_DIRECTORY=/data/x:read`"),
            ("http", "a.org/v1", "send GET to; grant `http:a.org`"),
            ("keyvalue", "b", "write to the bucket; grant `keyvalue:b:write`"),
            ("net", "a.org:25", "reach; ask for it in the manifest, then grant `net:a.org:25`"),
        ];
        for (kind, target, detail) in denials {
            seen.add(&recorded(kind, target, "denied", detail));
        }
        seen.add(&recorded("env", "TZ,LANG", "allowed", "read"));
        seen.add(&recorded("update", "a@2.0.0", "allowed", ""));
        let keys: Vec<_> =
            seen.denied.keys().map(|(_, target, access)| (&**target, &**access)).collect();
        assert_eq!(
            keys,
            [("/data/x", "read"), ("a.org/v1", "GET"), ("a.org:25", ""), ("b", "write")]
        );
        assert_eq!((seen.allowed.len(), seen.denials, seen.uses), (2, 8, 2));
    }
}
