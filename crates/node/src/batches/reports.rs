//! Updates of several services as answers.

use std::time::Instant;

use airssys_wasm_api::command::{UpdateNumber, UpdateOrder};
use airssys_wasm_api::reply::{Joined, JointReport, Outcome, Reply, RolloutReport, Timings};
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_deploy::{
    BatchMember, BatchOrder, BatchRecord, MemberState, ServiceRecord, Timestamp,
};

use super::batch::Batch;
use crate::node::Shared;
use crate::reports::{self, ms, time};
use crate::service::Service;

/// How an update stands; `since` is when its command arrived.
pub(crate) fn report(shared: &Shared, batch: &BatchRecord, since: Option<Instant>) -> JointReport {
    let services = batch.members.iter().filter_map(|member| {
        let service = shared.service(&member.service).ok()?;
        member_report(&service, batch, member, since)
    });
    let services: Vec<_> = services.collect();
    let took = match since {
        Some(since) => since.elapsed(),
        None => batch.ended.unwrap_or_else(Timestamp::now).since(batch.at),
    };
    JointReport {
        update: UpdateNumber(batch.id.0),
        order: order(batch.order),
        outcome: outcome(batch, &services),
        reason: reason(batch),
        at: time(batch.at),
        by: batch.by.clone(),
        services,
        timings_ms: Timings { total: ms(took), ..Timings::default() },
    }
}

/// The rollout of one service as the answer to who steered all of them by its name.
pub(crate) fn steered(
    service: &Service,
    batch: &Batch,
    arrived: Instant,
) -> Result<Reply, Failure> {
    let record = batch.record();
    let member = record.members.iter().find(|member| member.service == *service.name());
    let report = member.and_then(|member| member_report(service, &record, member, Some(arrived)));
    report.map(Reply::from).ok_or_else(|| {
        Failure::new(Code::Conflict, format!("service `{}` has moved on", service.name()))
    })
}

/// Whether a service has nothing left to do but to wait for others of its update, which are not so far.
pub(crate) fn waits_for_others(shared: &Shared, record: &ServiceRecord) -> bool {
    joined(shared, record).is_some_and(|joined| !joined.waits_for.is_empty())
}

/// The update that a service takes part in.
pub(crate) fn joined(shared: &Shared, record: &ServiceRecord) -> Option<Joined> {
    let id = record.batch()?;
    let batch = shared.batches.find(id).ok()?.record();
    let own = batch.members.iter().position(|member| member.service == record.name)?;
    let waits = matches!(
        record.member_state(id, &batch.members[own]),
        MemberState::Waiting { .. } | MemberState::Promoted { held: true }
    );
    let holds_up = |(at, member): &(usize, &BatchMember)| {
        waits && *at != own && holds_up(shared, &batch, *at, own, member)
    };
    let waits_for = batch.members.iter().enumerate().filter(holds_up);
    Some(Joined {
        update: UpdateNumber(id.0),
        order: order(batch.order),
        waits_for: waits_for.map(|(_, member)| member.service.clone()).collect(),
        services: batch.members.iter().map(|member| member.service.clone()).collect(),
    })
}

pub(crate) fn order(order: BatchOrder) -> UpdateOrder {
    match order {
        BatchOrder::Together => UpdateOrder::Together,
        BatchOrder::InOrder => UpdateOrder::InOrder,
    }
}

/// Whether the member `own` cannot go on before the one at `at`.
fn holds_up(
    shared: &Shared,
    batch: &BatchRecord,
    at: usize,
    own: usize,
    member: &BatchMember,
) -> bool {
    let Ok(service) = shared.service(&member.service) else { return true };
    match service.record().member_state(batch.id, member) {
        MemberState::Promoted { .. } => false,
        // In order those before it are waited for, and at first all.
        MemberState::Waiting { paused: false } => batch.order == BatchOrder::InOrder && at < own,
        _ => true,
    }
}

fn member_report(
    service: &Service,
    batch: &BatchRecord,
    member: &BatchMember,
    since: Option<Instant>,
) -> Option<RolloutReport> {
    let record = service.record();
    let state = record.member_state(batch.id, member);
    let rollout = record.rollout(member.rollout).filter(|_| state != MemberState::Absent)?;
    let mut report = reports::rollout(service, &record, rollout, since)?;
    match state {
        MemberState::Back if batch.is_aborted() => {
            report.outcome = Some(Outcome::Aborted);
            report.reason = after_abort(batch, &format!("{} went back", member.revision));
        }
        MemberState::GoingBack if batch.is_aborted() => {
            report.outcome = None;
            report.reason = after_abort(batch, &format!("{} goes back", member.revision));
        }
        MemberState::Kept { reason } if batch.is_aborted() => {
            report.reason =
                after_abort(batch, &format!("{} could not go back: {reason}", member.revision));
        }
        _ => {}
    }
    Some(report)
}

fn after_abort(batch: &BatchRecord, what: &str) -> String {
    format!("{} was aborted: {}; {what}", batch.id, batch.reason().unwrap_or("no reason"))
}

fn outcome(batch: &BatchRecord, services: &[RolloutReport]) -> Option<Outcome> {
    if batch.ended.is_some() {
        return Some(if batch.is_aborted() { Outcome::Aborted } else { Outcome::Promoted });
    }
    let rests = |outcome| services.iter().any(|report| report.outcome == Some(outcome));
    let of = |outcome| Some(outcome).filter(|_| batch.decision.is_none() && rests(outcome));
    of(Outcome::Inconclusive).or_else(|| of(Outcome::Paused))
}

fn reason(batch: &BatchRecord) -> String {
    let mut reason = batch.reason().unwrap_or_default().to_owned();
    for service in &batch.kept {
        reason.push_str(&format!("; `{service}` could not go back"));
    }
    reason
}
