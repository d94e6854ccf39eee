//! Rollouts under load: how soon a candidate that fails is taken back, and whether any call fails while sound ones
//! are rolled out by every strategy.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use airssys_wasm_api::Command;
use airssys_wasm_api::command::RolloutChoice;
use airssys_wasm_api::reply::{self, RolloutReport, StepState};
use airssys_wasm_model::{
    Digest, OnInconclusive, RolloutSettings, ShadowThen, Span, StepAct, StepSettings, StrategyName,
};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::Paths;
use crate::load::{Load, Outcome, Pace, Request};
use crate::node::{self, Node, marked};
use crate::report::{Bound, Report};
use crate::sightings::Sightings;

/// The candidate's share of the calls, in per cent, and the rate of all of them.
const SHARE: f64 = 10.0;
const RATE: f64 = 1_000.0;

/// The promise: calls that a candidate which fails one in twenty gets, at the median and the 95th percentile.
const CALLS_PROMISED: f64 = 100.0;
const CALLS_P95_PROMISED: f64 = 200.0;

/// The promise: from the decision to the last answer of the candidate.
const TAKEN_BACK_MS_PROMISED: f64 = 1_000.0;

/// Longer than any candidate that fails is watched.
const OBSERVE: Duration = Duration::from_secs(60);

/// The windows of candidates that do not fail: the rollouts are to be many.
const SHORT: Duration = Duration::from_millis(200);

const CONNECTIONS: usize = 32;
const SLICE: Duration = Duration::from_millis(100);

/// Rollouts under load
#[derive(Args)]
pub(crate) struct Rollout {
    #[command(flatten)]
    paths: Paths,
    /// Candidates that fail
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Updates by each strategy that do not
    #[arg(long, default_value_t = 10)]
    updates: usize,
}

impl Rollout {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let node = Node::start(&self.paths.node)?;
        let mut report = Report::new("rollout", self.how());
        self.failing(&node, &mut report).await?;
        let failed = self.sound(&node, &mut report).await?;
        report.finish(&self.paths)?;
        ensure!(failed == 0, "{failed} calls failed");
        Ok(())
    }

    fn how(&self) -> String {
        format!(
            "{CONNECTIONS} connections, a fresh instance for each request. A candidate that fails: \
             `failing_http.wasm` answers one request in twenty with status 500, drawn at random; it gets \
             {SHARE} % of {RATE} requests a second beside `hello_http.wasm`, which never fails; {} times. Its \
             calls are those that the node had counted when it decided, by the step's evidence; the last \
             answer is the last that the generator got from it, beside the time of the decision in the \
             record. Sound candidates: `hello_http.wasm` as two versions in turn, {} updates by each \
             strategy, each connection asking again as soon as it is answered.",
            self.rounds, self.updates
        )
    }

    async fn failing(&self, node: &Node, report: &mut Report) -> Result<()> {
        let sound =
            node.upload(fs::read(self.paths.guests.join("hello_http.wasm"))?.into()).await?;
        let failing = fs::read(self.paths.guests.join("failing_http.wasm"))?;
        let failing = node.upload(failing.into()).await?;
        node.deploy("judged", "1.0.0", sound).await?;
        let mut loaded = Loaded::open(node, "judged")?;
        let (mut calls, mut last_ms) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let settings = RolloutSettings {
                strategy: StrategyName::Canary,
                steps: vec![StepSettings::Share(SHARE)],
                observe: Span(OBSERVE),
                ..RolloutSettings::default()
            };
            loaded.sightings.follow("2.0.0");
            let rolling = roll(node, "judged", "2.0.0", failing, settings);
            let (done, _) = loaded.during(Pace::PerSecond(RATE), rolling).await?;
            ensure!(
                done.outcome == Some(reply::Outcome::Aborted),
                "it was not taken back: {done:?}"
            );
            let step = done.steps.iter().find(|step| step.state == StepState::Failed);
            let step = step.context("no step failed")?;
            let evidence = step.evidence.as_ref().context("the step has no evidence")?;
            calls.push(evidence.calls as f64);
            let decided = step.at.context("the step has no time")?.unix_ms();
            let decided = SystemTime::UNIX_EPOCH + Duration::from_millis(decided);
            let last = loaded.sightings.last().context("the candidate never answered")?;
            last_ms.push(last.duration_since(decided).unwrap_or_default().as_secs_f64() * 1e3);
        }
        let mut sorted = calls.clone();
        sorted.sort_by(f64::total_cmp);
        let p95 = sorted[(sorted.len() * 95).div_ceil(100) - 1];
        let what = "calls of a candidate that fails one in twenty until the decision";
        report.promise(what, "calls", calls, Bound::AtMost(CALLS_PROMISED));
        let what = "the same, 95th percentile";
        report.promise(what, "calls", vec![p95], Bound::AtMost(CALLS_P95_PROMISED));
        let what = "from the decision to its last answer";
        report.promise(what, "ms", last_ms, Bound::AtMost(TAKEN_BACK_MS_PROMISED));
        Ok(())
    }

    async fn sound(&self, node: &Node, report: &mut Report) -> Result<u64> {
        let hello = fs::read(self.paths.guests.join("hello_http.wasm"))?;
        let first = node.upload(marked(&hello, 1)).await?;
        let second = node.upload(marked(&hello, 2)).await?;
        node.deploy("rolled", "1.0.0", first).await?;
        let mut loaded = Loaded::open(node, "rolled")?;
        let versions = [("2.0.0", second), ("1.0.0", first)];
        let mut next = versions.iter().cycle();
        let (mut answered, mut failed) = (0, 0);
        for strategy in STRATEGIES {
            let mut took_ms = Vec::new();
            for _ in 0..self.updates {
                let &(version, digest) = next.next().context("there are two")?;
                let rolling = roll(node, "rolled", version, digest, quick(strategy));
                let (done, outcome) = loaded.during(Pace::Closed, rolling).await?;
                answered += outcome.answered;
                failed += outcome.failed;
                match done.outcome {
                    Some(reply::Outcome::Promoted) => {}
                    // Both variants are the same, so none can win.
                    Some(reply::Outcome::Aborted) if strategy == StrategyName::Ab => {}
                    _ => bail!("{strategy}: {done:?}"),
                }
                took_ms.push(done.timings_ms.total);
            }
            report.row(format!("{strategy}: command to outcome"), "ms", took_ms);
        }
        report.promise("failed calls", "calls", vec![failed as f64], Bound::AtMost(0.0));
        report.note(format!("{answered} requests were answered and {failed} failed."));
        Ok(failed)
    }
}

const STRATEGIES: [StrategyName; 5] = [
    StrategyName::AllAtOnce,
    StrategyName::BlueGreen,
    StrategyName::Canary,
    StrategyName::Ab,
    StrategyName::Shadow,
];

/// A rollout that takes a second at most.
fn quick(strategy: StrategyName) -> RolloutSettings {
    let short = Span(SHORT);
    let mut settings = RolloutSettings {
        strategy,
        observe: short,
        hold: short,
        on_inconclusive: OnInconclusive::Abort,
        steps: vec![
            StepAct::Match("header:x-beta=1".parse().expect("a rule")).into(),
            StepSettings::Share(10.0),
            StepSettings::Share(50.0),
        ],
        ..RolloutSettings::default()
    };
    settings.experiment.horizon = short;
    settings.shadow.observe = short;
    settings.shadow.then = ShadowThen::Promote;
    settings
}

async fn roll(
    node: &Node,
    name: &str,
    version: &str,
    digest: Digest,
    settings: RolloutSettings,
) -> Result<RolloutReport> {
    let rollout = RolloutChoice { settings: Some(Box::new(settings)), ..RolloutChoice::default() };
    let update = Command::Update(node::update(name, version, digest, rollout)?);
    Ok(node.client.ask::<RolloutReport>(update).await?)
}

/// Connections to one service, and what they met.
struct Loaded {
    /// Away while it sends, on a thread of its own.
    load: Option<Load>,
    sightings: Arc<Sightings>,
}

impl Loaded {
    fn open(node: &Node, name: &str) -> Result<Self> {
        let sightings = Arc::new(Sightings::new());
        let load = Load::open(Request::get(&node.http, &format!("/{name}/")), CONNECTIONS)?;
        Ok(Self { load: Some(load.watched_by(&sightings)), sightings })
    }

    /// Does something while the load goes on, and for a slice of time after it.
    async fn during<T>(
        &mut self,
        pace: Pace,
        work: impl Future<Output = Result<T>>,
    ) -> Result<(T, Counted)> {
        let over = std::cell::Cell::new(false);
        let sending = async {
            let mut counted = Counted::default();
            loop {
                let last = over.get();
                counted.add(&self.slice(pace).await?);
                if last {
                    return Ok::<_, anyhow::Error>(counted);
                }
            }
        };
        let work = async {
            let done = work.await;
            over.set(true);
            done
        };
        let (counted, done) = tokio::join!(sending, work);
        Ok((done?, counted?))
    }

    async fn slice(&mut self, pace: Pace) -> Result<Outcome> {
        let mut load = self.load.take().context("the load broke before")?;
        let sending = move || (load.send_for(SLICE, pace), load);
        let (outcome, load) = tokio::task::spawn_blocking(sending).await?;
        self.load = Some(load);
        outcome
    }
}

#[derive(Default)]
struct Counted {
    answered: u64,
    failed: u64,
}

impl Counted {
    fn add(&mut self, outcome: &Outcome) {
        self.answered += outcome.answered;
        self.failed += outcome.failed;
    }
}
