//! A service under load that changes meanwhile, and what its callers see of it, second by second.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_api::Command;
use airssys_wasm_api::command::RolloutChoice;
use airssys_wasm_api::reply::RolloutReport;
use airssys_wasm_model::{Digest, Span, StrategyName};
use anyhow::{Context, Result, bail};

use crate::load::{Load, Outcome, Pace, Request};
use crate::node::{self, Node};
use crate::report::spread;
use crate::sightings::Sightings;

const SECOND: Duration = Duration::from_secs(1);

/// Seconds that show what is usual.
pub(crate) const SECONDS_BEFORE: usize = 5;

/// The replaced revision stays for longer than the second that is measured: its end is not part of it.
const HOLD: Duration = Duration::from_secs(2);

/// A hold and the end of the replaced revision take no longer.
const SETTLED_WITHIN: usize = 30;

/// The service.
const NAME: &str = "hello";

/// One service of a node, the connections that load it, and what became of their requests.
pub(crate) struct Rolling<'a> {
    node: &'a Node,
    pub(crate) sightings: Arc<Sightings>,
    /// Away while a second of load goes on, on a thread of its own.
    load: Option<Load>,
    pub(crate) pace: Pace,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
}

/// What callers saw while something went on.
pub(crate) struct Meanwhile {
    /// The p99 of the second that began with it.
    pub(crate) p99_ms: f64,
    /// The longest time without an answer.
    pub(crate) gap_ms: f64,
}

impl<'a> Rolling<'a> {
    /// Deploys the service and opens so many connections to it.
    pub(crate) async fn start(node: &'a Node, first: Digest, connections: usize) -> Result<Self> {
        node.deploy(NAME, "1.0.0", first).await?;
        let sightings = Arc::new(Sightings::new());
        let load = Load::open(Request::get(&node.http, &format!("/{NAME}/")), connections)?;
        let load = Some(load.watched_by(&sightings));
        Ok(Self { node, sightings, load, pace: Pace::Closed, answered: 0, failed: 0 })
    }

    /// Requests answered in a second when each connection asks again as soon as it is answered.
    pub(crate) async fn full_rate(&mut self) -> Result<f64> {
        self.pace = Pace::Closed;
        let mut rates = Vec::new();
        for _ in 0..SECONDS_BEFORE {
            rates.push(self.second().await?.rate());
        }
        Ok(spread(&rates).1)
    }

    /// What is usual at this pace.
    pub(crate) async fn usual(&mut self) -> Result<Meanwhile> {
        let (mut p99_ms, mut gap_ms) = (Vec::new(), Vec::new());
        // The first one is not counted: what was before may still be ending.
        self.second().await?;
        for _ in 0..SECONDS_BEFORE {
            let outcome = self.second().await?;
            p99_ms.push(outcome.latency_ms(0.99));
            gap_ms.push(ms(outcome.gap));
        }
        Ok(Meanwhile { p99_ms: spread(&p99_ms).1, gap_ms: spread(&gap_ms).1 })
    }

    /// Does something while the load goes on, which begins with a second of its own.
    pub(crate) async fn during<T>(
        &mut self,
        work: impl Future<Output = Result<T>>,
    ) -> Result<(T, Meanwhile)> {
        let over = Cell::new(false);
        let seconds = async {
            let mut all = vec![self.second().await?];
            while !over.get() {
                all.push(self.second().await?);
            }
            Ok::<_, anyhow::Error>(all)
        };
        let work = async {
            let done = work.await;
            over.set(true);
            done
        };
        let (seconds, done) = tokio::join!(seconds, work);
        let seconds = seconds?;
        let p99_ms = seconds[0].latency_ms(0.99);
        let gap = seconds.iter().map(|second| second.gap).max().unwrap_or_default();
        Ok((done?, Meanwhile { p99_ms, gap_ms: ms(gap) }))
    }

    /// Rolls to uploaded bytes, blue-green.
    pub(crate) async fn update(node: &Node, version: &str, digest: Digest) -> Result<()> {
        let rollout = RolloutChoice {
            strategy: Some(StrategyName::BlueGreen),
            hold: Some(Span(HOLD)),
            ..RolloutChoice::default()
        };
        let update = Command::Update(node::update(NAME, version, digest, rollout)?);
        node.client.ask::<RolloutReport>(update).await?;
        Ok(())
    }

    /// Goes on with the load until the rollout has ended, its hold and the end of the replaced revision too.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        for _ in 0..SETTLED_WITHIN {
            if self.node.status(NAME).await?.rollout.is_none() {
                return Ok(());
            }
            self.second().await?;
        }
        bail!("the rollout has not ended after {SETTLED_WITHIN} s")
    }

    async fn second(&mut self) -> Result<Outcome> {
        let mut load = self.load.take().context("the load broke before")?;
        let pace = self.pace;
        let sending = move || (load.send_for(SECOND, pace), load);
        let (outcome, load) = tokio::task::spawn_blocking(sending).await?;
        self.load = Some(load);
        let outcome = outcome?;
        self.answered += outcome.answered;
        self.failed += outcome.failed;
        Ok(outcome)
    }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
