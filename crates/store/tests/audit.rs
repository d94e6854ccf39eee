//! The trail on a real disk, with its writer's thread.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use airssys_wasm_store::audit::{
    Audit, AuditError, AuditSettings, Decision, Entry, Kind, Level, NodeKey, Order, Query,
    TrailError, verify,
};

const FILES: Kind = Kind::usage(0, "files");
const HTTP: Kind = Kind::usage(1, "http");
const DEPLOY: Kind = Kind::control("deploy");

fn open(dir: &Path, settings: AuditSettings) -> Result<Audit, TrailError> {
    Audit::open(dir, settings, NodeKey::from_seed([7; 32]), Arc::new(SystemTime::now))
}

fn entry(kind: Kind, target: &str, decision: Decision) -> Entry {
    let mut entry = Entry::new(SystemTime::now(), kind, target, decision);
    entry.service = Some("greeter".into());
    entry
}

fn all(audit: &Audit, query: Query) -> Vec<String> {
    audit.query(query).unwrap().map(|entry| entry.unwrap().target).collect()
}

#[tokio::test]
async fn what_many_callers_recorded_at_once_is_there_once_and_in_one_chain() {
    const CALLERS: usize = 16;
    const ACTS: usize = 40;
    let dir = tempfile::tempdir().unwrap();
    let settings = AuditSettings { segment_bytes: 30_000, queue_entries: 8, ..Default::default() };
    let audit = open(dir.path(), settings).unwrap();
    let caller = |caller: usize| {
        let audit = audit.clone();
        tokio::spawn(async move {
            let mut seqs = Vec::new();
            for act in 0..ACTS {
                let target = format!("{caller}/{act}");
                audit.note(entry(FILES, &target, Decision::Allowed)).await.unwrap();
                let act = entry(DEPLOY, &target, Decision::Allowed);
                seqs.push(audit.record(act).await.unwrap());
            }
            assert!(seqs.is_sorted());
            seqs
        })
    };
    let mut seqs = Vec::new();
    for task in (0..CALLERS).map(caller).collect::<Vec<_>>() {
        seqs.extend(task.await.unwrap());
    }
    audit.flush().await.unwrap();
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), CALLERS * ACTS, "each record has a number of its own");
    let report = audit.verify(None).unwrap();
    assert_eq!(report.finding, None);
    assert_eq!(report.entries as usize, 2 * CALLERS * ACTS);
    assert!(report.segments > 2);
    let key = audit.public_key();
    drop(audit);
    assert_eq!(verify(dir.path(), &[key], None).unwrap().entries, report.entries);
}

#[test]
fn a_trail_goes_on_where_it_ended_and_belongs_to_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path(), AuditSettings::default()).unwrap();
    assert_eq!(audit.record_blocking(entry(DEPLOY, "one", Decision::Allowed)).unwrap(), 1);
    assert!(matches!(open(dir.path(), AuditSettings::default()), Err(TrailError::Locked { .. })));
    audit.note_blocking(entry(FILES, "two", Decision::Allowed)).unwrap();
    drop(audit);
    let audit = open(dir.path(), AuditSettings::default()).unwrap();
    assert_eq!(audit.record_blocking(entry(DEPLOY, "three", Decision::Allowed)).unwrap(), 3);
    assert_eq!(all(&audit, Query::default()), ["one", "two", "three"]);
    assert_eq!(audit.verify(None).unwrap().finding, None);
}

#[tokio::test]
async fn queries_go_by_time_service_kind_decision_order_and_limit() {
    let dir = tempfile::tempdir().unwrap();
    let settings = AuditSettings { segment_bytes: 1_000, ..Default::default() };
    let audit = open(dir.path(), settings).unwrap();
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    for number in 0..20_u64 {
        let kind = if number % 2 == 0 { FILES } else { HTTP };
        let decision = if number % 5 == 0 { Decision::Denied } else { Decision::Allowed };
        let mut entry = entry(kind, &number.to_string(), decision);
        entry.at = start + Duration::from_secs(number);
        entry.service = Some(if number < 10 { "a" } else { "b" }.into());
        audit.record(entry).await.unwrap();
    }
    let after = |seconds| Some(start + Duration::from_secs(seconds));
    let asked = |query| all(&audit, query).join(" ");
    assert_eq!(asked(Query { from: after(3), until: after(6), ..Query::default() }), "3 4 5");
    let denied = Some(Decision::Denied);
    assert_eq!(asked(Query { decision: denied, ..Query::default() }), "0 5 10 15");
    let http = Query { kind: Some("http".into()), service: Some("b".into()), ..Query::default() };
    assert_eq!(asked(http.clone()), "11 13 15 17 19");
    let newest = Query { order: Order::NewestFirst, limit: 3, ..http };
    assert_eq!(asked(newest.clone()), "19 17 15");
    assert_eq!(asked(Query { after_seq: Some(18), ..Query::default() }), "18 19");
    let last = audit.query(newest).unwrap().next().unwrap().unwrap();
    let line: serde_json::Value = serde_json::from_str(&last.line).unwrap();
    assert_eq!((&line["kind"], &line["target"]), (&"http".into(), &"19".into()));
    assert_eq!(line["at"], "2026-09-21T14:13:39.000Z");
    assert_eq!(line["hash"], last.hash.to_string());
}

#[tokio::test]
async fn a_follower_gets_each_entry_once_over_the_ends_of_segments() {
    const ACTS: usize = 200;
    let dir = tempfile::tempdir().unwrap();
    let settings = AuditSettings { segment_bytes: 2_000, ..Default::default() };
    let audit = open(dir.path(), settings).unwrap();
    audit.record(entry(DEPLOY, "before", Decision::Allowed)).await.unwrap();
    let mut follow = audit.follow();
    let following = tokio::spawn(async move {
        let mut targets = Vec::new();
        while targets.len() < ACTS && follow.changed().await {
            loop {
                let entries = follow.read().unwrap();
                if entries.is_empty() {
                    break;
                }
                targets.extend(entries.into_iter().map(|entry| entry.target));
            }
        }
        targets
    });
    for act in 0..ACTS {
        audit.record(entry(DEPLOY, &act.to_string(), Decision::Allowed)).await.unwrap();
    }
    let expected: Vec<String> = (0..ACTS).map(|act| act.to_string()).collect();
    assert_eq!(following.await.unwrap(), expected);
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait_on_an_executors_thread_too() {
    let dir = tempfile::tempdir().unwrap();
    let settings = AuditSettings { queue_entries: 2, ..Default::default() };
    let audit = open(dir.path(), settings).unwrap();
    for number in 0..300 {
        audit.note_blocking(entry(FILES, &number.to_string(), Decision::Allowed)).unwrap();
    }
    audit.flush().await.unwrap();
    assert_eq!(all(&audit, Query::default()).len(), 300);
}

#[tokio::test]
async fn a_closed_trail_takes_nothing_and_levels_say_what_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path(), AuditSettings::default()).unwrap();
    audit.set_level(FILES, Level::Nothing);
    assert_eq!(audit.wants(FILES, Decision::Allowed), None);
    assert_eq!(audit.wants(FILES, Decision::Denied), Some(NonZeroU32::MIN));
    for _ in 0..3 {
        audit.note(entry(FILES, "/etc/passwd", Decision::Denied)).await.unwrap();
    }
    audit.close().await.unwrap();
    let late = audit.record(entry(DEPLOY, "late", Decision::Allowed)).await;
    assert!(matches!(late, Err(AuditError::Closed)));
    let late = audit.note(entry(FILES, "late", Decision::Allowed)).await;
    assert!(matches!(late, Err(AuditError::Closed)));
    let counts = audit.query(Query::default()).unwrap().map(|entry| entry.unwrap().count);
    assert_eq!(counts.collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_caller_who_cannot_wait_for_a_stuck_writer_is_refused_and_the_trail_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let stuck = Arc::new(Mutex::new(()));
    // The writer asks for the time before it writes: there it stands as before a disk that doesn't answer.
    let clock = {
        let stuck = stuck.clone();
        move || {
            drop(stuck.lock().unwrap());
            SystemTime::now()
        }
    };
    let settings = AuditSettings { queue_entries: 1, ..AuditSettings::default() };
    let key = NodeKey::from_seed([7; 32]);
    let audit = Audit::open(dir.path(), settings, key, Arc::new(clock)).unwrap();
    let note = || {
        let used = entry(FILES, "/data/x", Decision::Allowed);
        audit.note_within(used, Duration::from_millis(20))
    };
    let held = stuck.lock().unwrap();
    let taken = (0..10).take_while(|_| note().is_ok()).count();
    assert!(taken < 10, "a queue of one took {taken}");
    assert!(matches!(note(), Err(AuditError::Behind { .. })));
    drop(held);
    audit.record_blocking(entry(DEPLOY, "after", Decision::Allowed)).unwrap();
    let of_itself = Query { kind: Some("audit".into()), ..Query::default() };
    let gap = audit.query(of_itself).unwrap().last().unwrap().unwrap();
    assert!(gap.detail.unwrap().contains("2 notes found the queue full"));
    assert_eq!(all(&audit, Query::default()).iter().filter(|it| *it == "/data/x").count(), taken);
}
