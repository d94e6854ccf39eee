//! From records to answers.

use std::time::{Duration, Instant};

use airssys_wasm_api::Timestamp;
use airssys_wasm_api::reply::{
    HistoryLine, Outcome, Point, RevisionLine, RolloutReport, RuleLine, RuleShare, ServiceHistory,
    ServiceStatus, StepReport, StepState, Timings,
};
use airssys_wasm_deploy::{self as deploy, RevisionRecord, Rollout, RolloutKind, ServiceRecord};
use airssys_wasm_model::{RevisionNumber, StrategyName};
use airssys_wasm_request::revision_host;

use crate::batches;
use crate::evidence::{self, Shown};
use crate::ingress::Route;
use crate::service::Service;

/// Revisions that do not run and are still shown in a status: the ones to go back to.
const SHOWN_AT_REST: usize = 10;

/// A revision and its version.
pub(crate) fn point(record: &ServiceRecord, number: RevisionNumber) -> Option<Point> {
    record.revision(number).map(point_of)
}

fn point_of(revision: &RevisionRecord) -> Point {
    Point { revision: revision.number, version: revision.settings.version.clone() }
}

/// How a rollout stands. `None` if its revision is no longer recorded.
pub(crate) fn rollout(
    service: &Service,
    record: &ServiceRecord,
    rollout: &Rollout,
    since: Option<Instant>,
) -> Option<RolloutReport> {
    let to = point(record, rollout.to)?;
    let from = rollout.from.and_then(|from| point(record, from)).unwrap_or_else(|| to.clone());
    let shown = service.shown.borrow().clone();
    let steps = 0..rollout.steps.len();
    Some(RolloutReport {
        service: record.name.clone(),
        rollout: u64::from(rollout.number.0),
        from,
        to,
        strategy: rollout.strategy.to_string(),
        outcome: outcome(rollout),
        reason: reason(rollout),
        steps: steps.filter_map(|index| step(rollout, index, shown.as_deref())).collect(),
        timings_ms: timings(service, since, rollout),
    })
}

/// Where a rollout rests, if it does.
pub(crate) fn outcome(rollout: &Rollout) -> Option<Outcome> {
    match (rollout.outcome, &rollout.paused) {
        (Some(deploy::Outcome::Promoted), _) => Some(Outcome::Promoted),
        (Some(deploy::Outcome::Aborted | deploy::Outcome::Removed), _) => Some(Outcome::Aborted),
        (Some(deploy::Outcome::Concluded), _) => Some(Outcome::Concluded),
        (None, Some(pause)) if pause.inconclusive => Some(Outcome::Inconclusive),
        (None, Some(_)) => Some(Outcome::Paused),
        (None, None) => None,
    }
}

fn reason(rollout: &Rollout) -> String {
    if let Some(reason) = rollout.reason() {
        return reason.to_owned();
    }
    let by_hand = |step: &deploy::StepRecord| step.note.as_deref() == Some("promoted by hand");
    match rollout.outcome {
        Some(deploy::Outcome::Promoted) if rollout.steps.iter().any(by_hand) => {
            "promoted by hand".to_owned()
        }
        Some(deploy::Outcome::Promoted) if rollout.strategy == StrategyName::Canary => {
            let errors = rollout.seen.errors;
            format!("no regression seen: {} watched, {errors} failed", rollout.seen)
        }
        _ => String::new(),
    }
}

/// One step, as it stands, with the latest of its evidence.
pub(crate) fn step(rollout: &Rollout, index: usize, shown: Option<&Shown>) -> Option<StepReport> {
    let record = rollout.steps.get(index)?;
    let state = match record.state {
        deploy::StepState::Pending => StepState::Pending,
        deploy::StepState::Running => StepState::Running,
        deploy::StepState::Done => StepState::Done,
        deploy::StepState::Failed => StepState::Failed,
        deploy::StepState::Skipped => StepState::Skipped,
    };
    let begun = record.state != deploy::StepState::Pending;
    let step = match &record.note {
        Some(note) => format!("{} ({note})", record.step),
        None => record.step.to_string(),
    };
    let evidence = evidence::of_step(rollout, index, shown).map(Box::new);
    Some(StepReport { step, state, at: begun.then(|| time(record.at)), evidence })
}

/// How long the parts of a rollout took; `since` is when its command arrived.
pub(crate) fn timings(service: &Service, since: Option<Instant>, rollout: &Rollout) -> Timings {
    let last = service.last_start();
    let total = match since {
        Some(since) => since.elapsed(),
        None => rollout.decided.unwrap_or_else(deploy::Timestamp::now).since(rollout.at),
    };
    Timings {
        compile: ms(last.compile),
        start: ms(last.start),
        switch: ms(last.switch),
        total: ms(total),
    }
}

/// What a service is doing.
pub(crate) fn status(service: &Service) -> ServiceStatus {
    let record = service.record();
    let under_way = record.under_way().filter(|rollout| rollout.kind != RolloutKind::Remove);
    let table = service.live.switch.table();
    ServiceStatus {
        service: record.name.clone(),
        state: record.state().to_string(),
        active: record.active().map(point_of),
        revisions: revisions(service, &record, &table),
        rollout: under_way.and_then(|it| rollout(service, &record, it, None)),
        joined: batches::joined(&service.shared, &record),
        routes: routes(service, &record),
        rules: table.rules().iter().map(rule).collect(),
        sticky: table.sticky().cloned().or_else(|| record.sticky().by),
        problem: problem(&record),
    }
}

fn rule(rule: &deploy::Rule) -> RuleLine {
    let share = |share: &deploy::Share| RuleShare {
        revision: share.revision,
        weight: share.weight.percent(),
    };
    RuleLine { when: rule.when.clone(), shares: rule.shares.shares().iter().map(share).collect() }
}

fn revisions(
    service: &Service,
    record: &ServiceRecord,
    table: &deploy::Table,
) -> Vec<RevisionLine> {
    let preview = service.live.routing().preview;
    let at_rest = |revision: &&RevisionRecord| !revision.state.is_running();
    let first_shown = record.revisions.iter().rev().filter(at_rest).nth(SHOWN_AT_REST - 1);
    let first_shown = first_shown.map_or(RevisionNumber(0), |revision| revision.number);
    let shown =
        record.revisions.iter().filter(|it| it.state.is_running() || it.number >= first_shown);
    shown
        .map(|revision| {
            let running = service.live.switch.get(revision.number);
            RevisionLine {
                revision: revision.number,
                version: revision.settings.version.clone(),
                state: revision.state.to_string(),
                weight: table.weight(revision.number).map_or(0.0, |weight| weight.percent()),
                instances: running.as_ref().map_or(0, |running| running.pool.stats().instances),
                address: running
                    .filter(|running| preview && running.pool.offers().answers_http())
                    .map(|running| revision_host(running.revision, &record.name)),
                signers: revision.settings.signers.clone(),
            }
        })
        .collect()
}

/// Where a service answers: its path at the HTTP door, and its host.
pub(crate) fn routes(service: &Service, record: &ServiceRecord) -> Vec<String> {
    let Some(active) = record.active() else { return Vec::new() };
    let running = service.live.switch.get(active.number);
    let http = running.is_some_and(|it| it.pool.offers().answers_http());
    if !http {
        return Vec::new();
    }
    let route = Route::of(&record.name, active.settings.http.route.as_deref());
    vec![route.as_str().to_owned(), format!("{}.localhost", record.name)]
}

fn problem(record: &ServiceRecord) -> Option<String> {
    let newest = record.revisions.last();
    let failed = record.active().filter(|it| it.fault.is_some()).or(newest)?;
    failed.fault.as_ref().map(|fault| format!("{}: {fault}", failed.number))
}

/// Every revision a service has had, and what became of each rollout, the latest last.
pub(crate) fn history(record: &ServiceRecord) -> ServiceHistory {
    let made = record.revisions.iter().map(|revision| HistoryLine {
        revision: revision.number,
        version: revision.settings.version.clone(),
        at: time(revision.at),
        by: revision.by.clone(),
        why: revision.why.clone(),
        state: revision.state.to_string(),
        signers: revision.settings.signers.clone(),
        decided_by: None,
        evidence: None,
    });
    let rollouts = record.past.iter().chain(&record.rollout);
    let decided = rollouts.filter_map(|rollout| {
        let (outcome, at) = (rollout.outcome?, rollout.decided?);
        let reason = reason(rollout);
        let settings = &record.revision(rollout.to)?.settings;
        Some(HistoryLine {
            revision: rollout.to,
            version: settings.version.clone(),
            at: time(at),
            by: rollout.by.clone(),
            why: if reason.is_empty() {
                rollout.why.clone()
            } else {
                format!("{}: {reason}", rollout.why)
            },
            state: outcome.to_string(),
            signers: settings.signers.clone(),
            decided_by: rollout.decided_by.clone(),
            evidence: evidence::of_rollout(rollout).map(Box::new),
        })
    });
    let mut lines: Vec<_> = made.chain(decided).collect();
    lines.sort_by_key(|line| line.at);
    ServiceHistory(lines)
}

/// The same moment, as answers write it.
pub(crate) fn time(at: deploy::Timestamp) -> Timestamp {
    Timestamp::from_unix_ms(at.unix_ms())
}

/// Milliseconds with a fraction, to the microsecond.
pub(crate) fn ms(took: Duration) -> f64 {
    took.as_micros() as f64 / 1000.0
}
