//! Reading the trail for those who ask over the control port.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use airssys_wasm_api::command;
use airssys_wasm_api::reply::{AuditDecision, AuditEntries, AuditEntry, AuditStanding, Reply};
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::Name;
use airssys_wasm_store::audit::{Audit, Decision, Follow, Order, Query, Recorded, TrailError};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::calls::CallRecorder;
use super::levels::kinds;
use crate::node::{Shared, blocking};
use crate::service::Service;

/// Queries that read at once: each holds a segment in memory and keeps a disk busy.
static READERS: Semaphore = Semaphore::const_new(2);

/// How long a query waits for what was handed in just before it: a disk that is busy may take its time for a sync. After
/// that it shows what is on the disk.
const FRESH_WITHIN: Duration = Duration::from_secs(5);

pub(crate) async fn audit(shared: &Shared, command: command::Audit) -> Result<Reply, Failure> {
    let audit = shared.trail.reading()?;
    let wait = command.wait_ms.map(|wait| wait.min(command::Audit::MAX_WAIT_MS));
    let query = query(&command)?;
    // Before the trail is read, so that nothing is missed in between.
    let follow = wait.map(|wait| (audit.follow(), Duration::from_millis(wait)));
    freshen(&audit).await;
    let mut found = read(audit, query.clone()).await?;
    if let (true, Some((follow, wait))) = (found.is_empty(), follow) {
        found = shared.unless_stopping(next(follow, query, Instant::now() + wait)).await??;
    } else if command.after_seq.is_none() {
        found.reverse();
    }
    let last = found.last().map(|entry| entry.seq);
    let next = last.or(command.after_seq).unwrap_or(0);
    let entries = found.iter().map(entry).collect::<Result<_, _>>()?;
    Ok(AuditEntries { entries, next }.into())
}

pub(crate) fn standing(shared: &Shared) -> Reply {
    let trail = &shared.trail;
    let is_required =
        |service: &Arc<Service>| service.live.recorder().is_some_and(CallRecorder::is_required);
    let required = shared.all().into_iter().filter(is_required).map(|it| it.name().clone());
    let required: BTreeSet<Name> = required.chain(trail.required().cloned()).collect();
    let why = trail.refusal();
    let levels = trail.levels().iter();
    AuditStanding {
        writable: why.is_none(),
        why,
        public_key: trail.public_key().to_string(),
        levels: levels.map(|it| (it.kind().name().to_owned(), it.share())).collect(),
        required: required.into_iter().collect(),
    }
    .into()
}

/// What is asked for, if there is such a thing.
pub(super) fn query(command: &command::Audit) -> Result<Query, Failure> {
    let limit = command.limit.unwrap_or(command::Audit::LIMIT).clamp(1, command::Audit::MAX_LIMIT);
    if let Some(unknown) = command.kind.as_deref().filter(|kind| !kinds().any(|it| it == *kind)) {
        let mut known: Vec<_> = kinds().collect();
        known.sort_unstable();
        return Err(Failure::new(Code::Usage, format!("no entry is of the kind `{unknown}`"))
            .help(format!("a kind is one of {}", known.join(", "))));
    }
    Ok(Query {
        from: command.from.map(SystemTime::from),
        until: command.until.map(SystemTime::from),
        service: command.service.as_ref().map(ToString::to_string),
        kind: command.kind.clone(),
        decision: command.decision.map(|decision| match decision {
            AuditDecision::Allowed => Decision::Allowed,
            AuditDecision::Denied => Decision::Denied,
            AuditDecision::WouldBeDenied => Decision::WouldBeDenied,
        }),
        after_seq: command.after_seq,
        order: if command.after_seq.is_some() { Order::OldestFirst } else { Order::NewestFirst },
        limit: limit as usize,
    })
}

pub(super) async fn read(audit: Arc<Audit>, query: Query) -> Result<Vec<Recorded>, Failure> {
    in_turn(move || audit.query(query)?.collect()).await
}

/// Waits until what was handed in just before is on the disk, but not for ever.
pub(crate) async fn freshen(audit: &Audit) {
    let _ = timeout(FRESH_WITHIN, audit.flush()).await;
}

/// Reads the trail in turns with all others who do.
pub(crate) async fn in_turn<T: Send + 'static>(
    reading: impl FnOnce() -> Result<T, TrailError> + Send + 'static,
) -> Result<T, Failure> {
    // Never closed.
    let _turn = READERS.acquire().await.ok();
    blocking(reading).await?.map_err(|error| unreadable(&error))
}

/// The next entries that are asked for; none if there are none by then, or the trail is closed.
async fn next(mut follow: Follow, query: Query, by: Instant) -> Result<Vec<Recorded>, Failure> {
    loop {
        let (followed, read) = blocking(move || {
            let read = follow.read();
            (follow, read)
        })
        .await?;
        follow = followed;
        let mut found = read.map_err(|error| unreadable(&error))?;
        found.retain(|entry| query.matches(entry));
        found.truncate(query.limit);
        if !found.is_empty() || !timeout_at(by, follow.changed()).await.unwrap_or(false) {
            return Ok(found);
        }
    }
}

/// The entry as its line says it.
fn entry(recorded: &Recorded) -> Result<AuditEntry, Failure> {
    serde_json::from_str(&recorded.line).map_err(|error| Failure::from_error(Code::Failed, &error))
}

pub(super) fn unreadable(error: &TrailError) -> Failure {
    Failure::from_error(Code::Failed, error).help("`airssys-wasm audit --verify` says where")
}
