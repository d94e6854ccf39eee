//! From command to effect, under load: rolling to a version, and back to one still warm.
//!
//! A probe asks without a pause and notes when the answer first comes from the other version, so the
//! number holds everything a user would wait for: the command's way to the node, what the node does,
//! and one request.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use airssys_wasm_api::Command;
use airssys_wasm_api::command::{Rollback, RollbackTo, RolloutChoice, Source, Update};
use airssys_wasm_api::reply::RolloutReport;
use airssys_wasm_model::{Digest, Name, Span, StrategyName, Version};
use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Paths;
use crate::load::{Connection, Load};
use crate::node::{Node, marked};
use crate::report::{Bound, Report};

/// The promise: from publishing the table to the first call it decides.
const SWITCH_MS_PROMISED: f64 = 1.0;

/// The promise: from the rollback's arrival to its effect, the revision still warm.
const ROLLBACK_MS_PROMISED: f64 = 10.0;

/// Longer than the whole measurement, so that the replaced revision stays warm.
const HOLD: Duration = Duration::from_secs(600);

/// From command to effect, under load
#[derive(Args)]
pub(crate) struct Switch {
    #[command(flatten)]
    paths: Paths,
    /// Updates, each followed by a rollback
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// Connections that load the service meanwhile
    #[arg(long, default_value_t = 8)]
    connections: usize,
}

impl Switch {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let component = fs::read(self.paths.guests.join("hello_http.wasm"))?;
        let node = Node::start(&self.paths.node)?;
        let first = node.upload(marked(&component, 1)).await?;
        let second = node.upload(marked(&component, 2)).await?;
        node.deploy("hello", "1.0.0", first).await?;
        let load = Background::start(&node.http, self.connections);
        let mut probe = Probe::start(&node.http).await?;

        let mut seen = Times::default();
        for _ in 0..self.rounds {
            let start = Instant::now();
            let change = node.client.ask::<RolloutReport>(update(second)?);
            let (report, effect) =
                tokio::try_join!(async { Ok(change.await?) }, probe.meets("2.0.0", start))?;
            seen.update.push(effect);
            seen.switch.push(report.timings_ms.switch);

            let start = Instant::now();
            let change = node.client.ask::<RolloutReport>(rollback()?);
            let (report, effect) =
                tokio::try_join!(async { Ok(change.await?) }, probe.meets("1.0.0", start))?;
            seen.rollback.push(effect);
            seen.switch.push(report.timings_ms.switch);
        }
        let (answered, failed) = load.stop().await?;
        let how = format!(
            "{} updates (blue-green, compiled before) and as many rollbacks to the revision kept warm, \
             while {} connections load the service.",
            self.rounds, self.connections
        );
        let mut report = Report::new("switch", how);
        let promised = Bound::AtMost(SWITCH_MS_PROMISED);
        report.promise("publishing the table, by the node's clock", "ms", seen.switch, promised);
        let promised = Bound::AtMost(ROLLBACK_MS_PROMISED);
        report.promise("rollback: command sent → first answer seen", "ms", seen.rollback, promised);
        report.row("update: command sent → first answer seen", "ms", seen.update);
        report.note(format!("Meanwhile {answered} requests were answered and {failed} failed."));
        report.finish(&self.paths.out)?;
        if failed > 0 {
            bail!("{failed} requests failed");
        }
        Ok(())
    }
}

#[derive(Default)]
struct Times {
    switch: Vec<f64>,
    update: Vec<f64>,
    rollback: Vec<f64>,
}

fn hello() -> Result<Name> {
    Ok("hello".parse()?)
}

fn update(digest: Digest) -> Result<Command> {
    let rollout = RolloutChoice {
        strategy: Some(StrategyName::BlueGreen),
        hold: Some(Span(HOLD)),
        ..RolloutChoice::default()
    };
    Ok(Command::Update(Update {
        service: hello()?,
        source: Some(Source::Artifact(digest)),
        version: Some("2.0.0".parse::<Version>()?),
        rollout,
        config: None,
        grants: None,
        grant_asked: true,
        detached: false,
        plan_only: false,
    }))
}

fn rollback() -> Result<Command> {
    Ok(Command::Rollback(Rollback {
        service: hello()?,
        to: RollbackTo::Former,
        rollout: RolloutChoice::default(),
        detached: false,
        plan_only: false,
    }))
}

/// Asks without a pause and tells when each version was first met.
struct Probe(watch::Receiver<(String, Instant)>);

impl Probe {
    async fn start(address: &str) -> Result<Self> {
        let mut connection = Connection::open(address, "/hello/").await?;
        let first = connection.call().await?.version.context("answers name no version")?;
        let (tell, told) = watch::channel((first, Instant::now()));
        tokio::spawn(async move {
            while let Ok(answer) = connection.call().await {
                let now = Instant::now();
                tell.send_if_modified(|last| match answer.version {
                    Some(version) if version != last.0 => {
                        *last = (version, now);
                        true
                    }
                    _ => false,
                });
                if tell.is_closed() {
                    break;
                }
            }
        });
        Ok(Self(told))
    }

    /// Milliseconds from `start` to the first answer by this version.
    async fn meets(&mut self, version: &str, start: Instant) -> Result<f64> {
        let met = self.0.wait_for(|(met, _)| met == version).await.context("the probe failed")?;
        Ok((met.1 - start).as_secs_f64() * 1000.0)
    }
}

/// Load that goes on until it is stopped.
struct Background {
    over: Arc<AtomicBool>,
    task: JoinHandle<Result<(u64, u64)>>,
}

impl Background {
    fn start(address: &str, connections: usize) -> Self {
        let load = Load { address: address.to_owned(), path: "/hello/".into(), connections };
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let task = tokio::spawn(async move {
            let (mut answered, mut failed) = (0, 0);
            while !stop.load(Ordering::Relaxed) {
                let outcome = load.send_for(Duration::from_millis(500)).await?;
                answered += outcome.answered;
                failed += outcome.failed;
            }
            Ok((answered, failed))
        });
        Self { over, task }
    }

    /// How many requests were answered, and how many failed.
    async fn stop(self) -> Result<(u64, u64)> {
        self.over.store(true, Ordering::Relaxed);
        self.task.await.context("the load's task panicked")?
    }
}
