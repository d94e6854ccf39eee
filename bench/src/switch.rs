//! From command to effect, under load: rolling to a version, and back to one still warm.
//!
//! The connections that load the service also watch it: the first answer by the other version ends the
//! clock. From the command it holds everything a user would wait for: the command's way to the node, what
//! the node does, and one request; from the published table, one request.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use airssys_wasm_api::Command;
use airssys_wasm_api::command::{Rollback, RollbackTo, RolloutChoice};
use airssys_wasm_api::reply::RolloutReport;
use airssys_wasm_model::{Digest, Span, StrategyName};
use anyhow::{Result, anyhow, bail};
use clap::Args;

use crate::Paths;
use crate::load::{Load, Pace, Request};
use crate::node::{self, Node, marked};
use crate::report::{Bound, Report};
use crate::sightings::Sightings;

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
        let sightings = Arc::new(Sightings::new());
        let load = Load::open(Request::get(&node.http, "/hello/"), self.connections)?;
        let load = Background::start(load.watched_by(&sightings));

        let mut seen = Times::default();
        for _ in 0..self.rounds {
            let change = Change { node: &node, sightings: &sightings };
            let updated = change.make(update(second)?, "2.0.0").await?;
            seen.update.push(updated.effect_ms);
            let back = change.make(rollback()?, "1.0.0").await?;
            seen.rollback.push(back.effect_ms);
            for made in [updated, back] {
                seen.first_call.push(made.first_call_ms);
                seen.publishing.push(made.publishing_ms);
            }
        }
        let (answered, failed) = load.stop()?;
        let mut report = Report::new("switch", self.how());
        let promised = Bound::AtMost(SWITCH_MS_PROMISED);
        let what = "table published → first call it decided is answered";
        report.promise(what, "ms", seen.first_call, promised);
        let promised = Bound::AtMost(ROLLBACK_MS_PROMISED);
        report.promise("rollback: command sent → first answer seen", "ms", seen.rollback, promised);
        report.row("update: command sent → first answer seen", "ms", seen.update);
        report.row("publishing the table, by the node's clock", "ms", seen.publishing);
        report.note(format!("Meanwhile {answered} requests were answered and {failed} failed."));
        report.finish(&self.paths)?;
        if failed > 0 {
            bail!("{failed} requests failed");
        }
        Ok(())
    }

    fn how(&self) -> String {
        format!(
            "{} updates (blue-green, compiled before) and as many rollbacks to the revision kept warm, \
             while {} connections load the service, each asking again as soon as it is answered. A \
             table counts as published when the node logs it, right after it stood, with the wall \
             clock's microseconds; the first call it decided counts when its whole answer has reached \
             any of the connections, by the same machine's wall clock. So the number is an upper bound: \
             it holds one call's way there and back.",
            self.rounds, self.connections
        )
    }
}

/// One change of what serves, made and watched.
struct Change<'a> {
    node: &'a Node,
    sightings: &'a Sightings,
}

/// What one change took, in milliseconds.
struct Made {
    /// From sending the command to the first answer by the other version.
    effect_ms: f64,
    /// From the table's publishing to the same answer.
    first_call_ms: f64,
    /// The publishing itself, as the node says.
    publishing_ms: f64,
}

impl Change<'_> {
    /// Sends the command and waits for the node's answer, its log and the first answer by this version.
    async fn make(&self, command: Command, version: &'static str) -> Result<Made> {
        let (start, start_wall) = (Instant::now(), SystemTime::now());
        self.sightings.want(version, start);
        let answer = self.node.client.ask::<RolloutReport>(command);
        let (report, met) = tokio::try_join!(async { Ok(answer.await?) }, self.sightings.met())?;
        let table = format!("{} 100%", report.to.revision);
        let published = self.node.journal.published(&table, start_wall).await?;
        // The answer can be quicker than the line in the log.
        let first_call = met.wall.duration_since(published).unwrap_or_default();
        Ok(Made {
            effect_ms: ms(met.at - start),
            first_call_ms: ms(first_call),
            publishing_ms: report.timings_ms.switch,
        })
    }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

#[derive(Default)]
struct Times {
    first_call: Vec<f64>,
    publishing: Vec<f64>,
    update: Vec<f64>,
    rollback: Vec<f64>,
}

fn update(digest: Digest) -> Result<Command> {
    let rollout = RolloutChoice {
        strategy: Some(StrategyName::BlueGreen),
        hold: Some(Span(HOLD)),
        ..RolloutChoice::default()
    };
    Ok(Command::Update(node::update("hello", "2.0.0", digest, rollout)?))
}

fn rollback() -> Result<Command> {
    Ok(Command::Rollback(Rollback {
        service: "hello".parse()?,
        to: RollbackTo::Former,
        rollout: RolloutChoice::default(),
        detached: false,
        plan_only: false,
    }))
}

/// Load that goes on until it is stopped.
struct Background {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<(u64, u64)>>,
}

impl Background {
    fn start(mut load: Load) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let (mut answered, mut failed) = (0, 0);
            while !stop.load(Ordering::Relaxed) {
                let outcome = load.send_for(Duration::from_millis(500), Pace::Closed)?;
                answered += outcome.answered;
                failed += outcome.failed;
            }
            Ok((answered, failed))
        });
        Self { over, thread }
    }

    /// How many requests were answered, and how many failed.
    fn stop(self) -> Result<(u64, u64)> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_panicked| anyhow!("the load's thread panicked"))?
    }
}
