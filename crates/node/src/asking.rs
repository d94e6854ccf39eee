//! The commands that change nothing: questions, and calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use airssys_wasm_api::command::{Inspect, Invoke, Logs};
use airssys_wasm_api::reply::{
    Function, Inspection, Invoked, ReleaseLine, Releases, Reply, RevisionTraffic, ServiceLine,
    Services, ShadowTraffic, Traffic,
};
use airssys_wasm_api::{By, Code, Failure, Payload};
use airssys_wasm_deploy::{RevisionRecord, RolloutKind};
use airssys_wasm_host::{CallCtx, Input, Offers, Pool, RequestId};
use airssys_wasm_model::Name;

use crate::node::Shared;
use crate::releases;
use crate::reports::{self, ms};
use crate::service::Service;
use crate::shadow::Usage;

/// The content type of bytes whose guest did not say what they are.
const UNKNOWN_BYTES: &str = "application/octet-stream";

pub(crate) fn list(shared: &Shared) -> Reply {
    let line = |service: Arc<Service>| {
        let record = service.record();
        let active = record.active();
        ServiceLine {
            service: record.name.clone(),
            version: active.map(|active| active.settings.version.clone()),
            revision: active.map(|active| active.number),
            state: record.state().to_string(),
        }
    };
    Services(shared.all().into_iter().map(line).collect()).into()
}

pub(crate) fn status(shared: &Shared, name: &Name) -> Result<Reply, Failure> {
    Ok(reports::status(&*shared.service(name)?).into())
}

pub(crate) fn history(shared: &Shared, name: &Name) -> Result<Reply, Failure> {
    Ok(reports::history(&shared.service(name)?.record()).into())
}

pub(crate) fn monitor(shared: &Shared, name: &Name) -> Result<Reply, Failure> {
    let service = shared.service(name)?;
    let record = service.record();
    let table = service.live.switch.table();
    let running = service.live.switch.targets().into_iter().filter_map(|(number, running)| {
        let pool = running.pool.stats();
        let seen = running.traffic.seen();
        Some(RevisionTraffic {
            revision: number,
            version: running.version.clone(),
            state: record.revision(number)?.state.to_string(),
            weight: table.weight(number).map_or(0.0, |weight| weight.percent()),
            calls: seen.calls,
            errors: seen.errors,
            latency_ms: running.traffic.latency(),
            cpu_ms: ms(pool.cpu),
            memory_bytes: pool.memory_bytes,
            instances: pool.instances,
            // A call that waits for its actor's turn has no revision yet; most will have the active one.
            queued: pool.queued
                + if record.active == Some(number) { service.live.mailboxes.waiting() } else { 0 },
            limits_hit: limits_hit(&running.pool),
            shadow: service.live.shadowing.usage(number).map(shadow),
        })
    });
    let under_way = record.under_way().filter(|rollout| rollout.kind != RolloutKind::Remove);
    let traffic = Traffic {
        service: record.name.clone(),
        at: SystemTime::now().into(),
        state: record.state().to_string(),
        revisions: running.collect(),
        rollout: under_way.and_then(|it| reports::rollout(&service, &record, it, None)),
    };
    Ok(traffic.into())
}

/// How often each limit was reached, of those that were.
fn limits_hit(pool: &Pool) -> BTreeMap<String, u64> {
    let hit = pool.limits().into_iter().filter(|of| of.hits > 0);
    hit.map(|of| (of.limit.to_string(), of.hits)).collect()
}

fn shadow(Usage { compared, pool }: Usage) -> ShadowTraffic {
    ShadowTraffic {
        calls: compared,
        refused: pool.refused,
        cpu_ms: ms(pool.cpu),
        memory_bytes: pool.memory_bytes,
        instances: pool.instances,
    }
}

pub(crate) async fn logs(shared: &Shared, command: Logs) -> Result<Reply, Failure> {
    let service = shared.service(&command.service)?;
    let wait = command.wait_ms.map(|wait| Duration::from_millis(wait.min(Logs::MAX_WAIT_MS)));
    Ok(service.log.read(command.after, command.tail, wait).await.into())
}

pub(crate) async fn versions(shared: &Arc<Shared>, name: &Name) -> Result<Reply, Failure> {
    let releases = releases::list(shared, name).await?;
    if releases.is_empty() {
        return Err(Failure::new(Code::NotFound, format!("no release of `{name}` is stored"))
            .help("store one with `airssys-wasm push` or `airssys-wasm deploy`"));
    }
    let line = |release: releases::Release| ReleaseLine {
        version: release.version,
        digest: release.digest,
        size_bytes: release.size_bytes,
        at: reports::time(release.at),
        signers: release.signers,
    };
    Ok(Releases(releases.into_iter().map(line).collect()).into())
}

pub(crate) async fn inspect(shared: &Arc<Shared>, command: Inspect) -> Result<Reply, Failure> {
    let service = shared.service(&command.service)?;
    let record = service.record();
    let number = command.revision.or(record.active);
    let revision = number.map_or_else(|| record.revisions.last(), |it| record.revision(it));
    let revision = revision.ok_or_else(|| {
        let number = number.map_or_else(|| "revision".to_owned(), |number| number.to_string());
        Failure::new(Code::NotFound, format!("service `{}` has no {number}", record.name))
    })?;
    Ok(inspect_revision(shared, &service, revision).await?.into())
}

async fn inspect_revision(
    shared: &Arc<Shared>,
    service: &Service,
    revision: &RevisionRecord,
) -> Result<Inspection, Failure> {
    let settings = &revision.settings;
    let release = releases::known(shared, service.name(), &settings.version).await?;
    let prepared = match service.live.switch.get(revision.number) {
        Some(running) => running.pool.prepared(),
        None => service.prepare_recorded(revision).await.map_err(|error| error.failure())?,
    };
    let found = prepared.inspection();
    let function = |it: airssys_wasm_host::FunctionSignature| Function {
        name: it.name,
        signature: it.signature,
    };
    Ok(Inspection {
        name: Some(service.name().clone()),
        version: Some(settings.version.clone()),
        revision: Some(revision.number),
        digest: settings.digest,
        size_bytes: found.size_bytes as u64,
        signers: found.signers.clone(),
        shape: shape(&found.offers),
        exports: found.exports.clone(),
        functions: prepared.functions().into_iter().map(function).collect(),
        imports: found.imports.clone(),
        asked: release.map(|release| release.manifest.asked).unwrap_or_default(),
        granted: Some(service.record().grants_of(revision)),
        limits: Box::new(settings.limits),
        instances: service.scaled(&settings.instances),
        routing: settings.routing.clone(),
    })
}

/// How a component can be called, in words.
fn shape(offers: &Offers) -> Vec<String> {
    let words = [
        ("http", offers.http.is_some()),
        ("handler", offers.handler),
        ("command", offers.command),
        ("functions", offers.functions),
    ];
    words.into_iter().filter(|(_, offered)| *offered).map(|(word, _)| word.to_owned()).collect()
}

pub(crate) async fn invoke(shared: &Shared, command: Invoke, by: &By) -> Result<Reply, Failure> {
    let service = shared.service(&command.service)?;
    let mut call = CallCtx::new(RequestId::draw());
    call.caller = Some(by.who.as_str().into());
    let request_id = call.request_id;
    let failure = |error: crate::live::ServiceError| error.failure(service.name(), request_id);
    let invoked = match &command.function {
        Some(function) => {
            let called = service.live.invoke(function, &command.args, call).await;
            let called = called.map_err(failure)?;
            Invoked {
                service: service.name().clone(),
                revision: called.revision,
                version: called.version,
                output: Payload(called.answer.into()),
                content_type: Invoked::WAVE.to_owned(),
                metadata: Default::default(),
            }
        }
        None => {
            let Payload(body) = command.input;
            let content_type = command.content_type;
            let metadata = command.metadata.into_iter().collect();
            let input = Input { body, content_type, metadata };
            let called = service.live.execute(input, call).await.map_err(failure)?;
            let output = called.answer;
            Invoked {
                service: service.name().clone(),
                revision: called.revision,
                version: called.version,
                output: Payload(output.body),
                content_type: output.content_type.unwrap_or_else(|| UNKNOWN_BYTES.to_owned()),
                metadata: output.metadata.into_iter().collect(),
            }
        }
    };
    Ok(invoked.into())
}
