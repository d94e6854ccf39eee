//! `--plan`: what would happen.

use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_api::reply::{Deployed, Planned, Point, Reply, Timings};
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_deploy::{Plan, PlanError, ServiceRecord};
use airssys_wasm_model::{RevisionNumber, RolloutSettings, StrategyName, Version};

use super::candidate::Candidate;
use crate::node::Shared;
use crate::reports;

pub(super) fn plan_of_deploy(
    shared: &Arc<Shared>,
    candidate: Candidate,
    arrived: Instant,
) -> Result<Reply, Failure> {
    let name = candidate.release.name;
    let record = match shared.service(&name) {
        Ok(service) => service.record(),
        Err(_none_yet) => Arc::new(ServiceRecord::new(name.clone())),
    };
    let revision = record.next_revision;
    let plan = record.plan(&candidate.rollout, revision).map_err(|error| plan_failure(&error))?;
    Ok(Deployed {
        service: name,
        revision,
        version: candidate.settings.version,
        digest: candidate.settings.digest,
        state: "planned".to_owned(),
        plan: lines(&plan),
        routes: Vec::new(),
        timings_ms: Timings { total: reports::ms(arrived.elapsed()), ..Timings::default() },
    }
    .into())
}

pub(super) fn planned(
    record: &ServiceRecord,
    rollout: &RolloutSettings,
    (revision, version): (RevisionNumber, Version),
) -> Result<Reply, Failure> {
    let plan = record.plan(rollout, revision).map_err(|error| plan_failure(&error))?;
    Ok(plan_of(record, rollout.strategy, (revision, version), &plan).into())
}

pub(super) fn plan_of(
    record: &ServiceRecord,
    strategy: StrategyName,
    (revision, version): (RevisionNumber, Version),
    plan: &Plan,
) -> Planned {
    Planned {
        service: record.name.clone(),
        from: record.active.and_then(|active| reports::point(record, active)),
        to: Point { revision, version },
        strategy: strategy.to_string(),
        plan: lines(plan),
    }
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

pub(super) fn plan_failure(error: &PlanError) -> Failure {
    Failure::from_error(Code::Usage, error)
}
