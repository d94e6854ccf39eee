//! A trail in a folder in memory, driven by hand.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use super::entry::{Decision, Entry, Kind, Recorded};
use super::error::{AuditError, OpenError};
use super::keeper::{Item, Keeper};
use super::key::NodeKey;
use super::ledger::Ledger;
use super::query::{Entries, Query};
use super::settings::AuditSettings;
use super::shadow::Shadow;
use super::verify::{Report, examine_steady};

pub(super) const FILES: Kind = Kind::usage(0, "files");
pub(super) const DEPLOY: Kind = Kind::control("deploy");

pub(super) fn key() -> NodeKey {
    NodeKey::from_seed([7; 32])
}

/// Seconds after some morning.
pub(super) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000 + seconds)
}

/// Segments of a few entries, and no reserve.
pub(super) fn small() -> AuditSettings {
    AuditSettings { segment_bytes: 2_000, reserve_bytes: 0, ..AuditSettings::default() }
}

pub(super) fn open(shadow: &Shadow, settings: &AuditSettings) -> Result<Keeper, OpenError> {
    let folder = Arc::new(shadow.clone());
    let (ledger, remarks) = Ledger::open(folder, key(), None, settings.clone().bounded(), at(0))?;
    Ok(Keeper::new(ledger, remarks, at(0)))
}

pub(super) fn entry(kind: Kind, target: &str, decision: Decision, now: SystemTime) -> Entry {
    let mut entry = Entry::new(now, kind, target, decision);
    entry.service = Some("greeter".into());
    entry.revision = Some(1);
    entry.instance = Some(4);
    entry
}

pub(super) fn control(target: &str) -> Entry {
    entry(DEPLOY, target, Decision::Allowed, at(0))
}

/// Records entries as one batch.
pub(super) fn record_all(
    keeper: &mut Keeper,
    entries: impl IntoIterator<Item = Entry>,
    now: SystemTime,
) -> Vec<Result<u64, AuditError>> {
    let (items, answers): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .map(|entry| {
            let (reply, answer) = oneshot::channel();
            (Item::Record(entry, reply), answer)
        })
        .unzip();
    keeper.commit(items, now);
    answers.into_iter().map(|mut answer| answer.try_recv().expect("each is answered")).collect()
}

pub(super) fn record(
    keeper: &mut Keeper,
    entry: Entry,
    now: SystemTime,
) -> Result<u64, AuditError> {
    record_all(keeper, [entry], now).pop().expect("there was one")
}

pub(super) fn note(keeper: &mut Keeper, entry: Entry, now: SystemTime) {
    keeper.commit(vec![Item::Note(entry)], now);
}

pub(super) fn close(keeper: &mut Keeper, now: SystemTime) -> Result<(), AuditError> {
    let (reply, mut answer) = oneshot::channel();
    keeper.commit(vec![Item::Close(reply)], now);
    answer.try_recv().expect("it is answered")
}

pub(super) fn recorded(shadow: &Shadow, keeper: &Keeper) -> Vec<Recorded> {
    let end = *keeper.position().borrow();
    Entries::new(Arc::new(shadow.clone()), "trail".into(), end, Query::default())
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

pub(super) fn examined(shadow: &Shadow) -> Report {
    examine_steady(shadow, &[key().public()], None).unwrap()
}
