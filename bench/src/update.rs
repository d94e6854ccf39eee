//! An update under load: what its callers see in the second that begins with it, and how long a new artifact
//! takes until it answers.

use std::fs;
use std::time::Instant;

use airssys_wasm_model::Digest;
use anyhow::{Result, bail};
use bytes::Bytes;
use clap::Args;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::load::Pace;
use crate::node::{Node, marked, ms_since};
use crate::report::{Bound, Report};
use crate::rolling::{Rolling, SECONDS_BEFORE};
use crate::{Paths, bare, of_engine};

/// The promise: p99 in the update's second over that before it, the artifact compiled before, at full load.
const CACHED_PROMISED: f64 = 1.5;

/// The promise: the same with a new artifact, at this share of the full rate.
const NEW_PROMISED: f64 = 3.0;
const NEW_AT: f64 = 0.7;

/// The promise: command to first answer of a new artifact, over compiling it under the same load.
const COMPILE_PROMISED: f64 = 1.5;

/// An update under load
#[derive(Args)]
pub(crate) struct Update {
    #[command(flatten)]
    paths: Paths,
    /// Updates of each kind
    #[arg(long, default_value_t = 6)]
    rounds: usize,
    /// Connections that load the service
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

/// What came of the updates, a number for each.
#[derive(Default)]
struct Seen {
    ratio: Vec<f64>,
    before_ms: Vec<f64>,
    update_ms: Vec<f64>,
    usual_gap_ms: Vec<f64>,
    gap_ms: Vec<f64>,
    first_answer_ms: Vec<f64>,
}

impl Update {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let component = fs::read(self.paths.guests.join("hello_http.wasm"))?;
        let node = Node::start(&self.paths.node)?;
        let first = node.upload(marked(&component, 1)).await?;
        let second = node.upload(marked(&component, 2)).await?;
        let mut rolling = Rolling::start(&node, first, self.connections).await?;
        // Compiled now, so that it is in the cache when it counts.
        Rolling::update(&node, "2.0.0", second).await?;
        rolling.settle().await?;

        let cached = self.cached(&node, &mut rolling, [first, second]).await?;
        let (new, compile_ms) = self.uncached(&node, &mut rolling, &component).await?;
        let (answered, failed) = (rolling.answered, rolling.failed);
        let mut report = Report::new("update", self.how());
        cached.report(&mut report, "cached artifact, full load", CACHED_PROMISED);
        new.report(&mut report, "new artifact, 70 % load", NEW_PROMISED);
        let over_compile = new.first_answer_ms.iter().zip(&compile_ms);
        let over_compile = over_compile.map(|(answer, compile)| answer / compile).collect();
        let what = "new artifact: command to first answer, over compiling it under the same load";
        report.promise(what, "×", over_compile, Bound::AtMost(COMPILE_PROMISED));
        report.row("new artifact: command to first answer", "ms", new.first_answer_ms);
        report.row("compiling it with the bare engine under the same load", "ms", compile_ms);
        report.promise("failed calls", "calls", vec![failed as f64], Bound::AtMost(0.0));
        report.note(format!("{answered} requests were answered and {failed} failed."));
        report.finish(&self.paths)?;
        if failed > 0 {
            bail!("{failed} requests failed");
        }
        Ok(())
    }

    fn how(&self) -> String {
        format!(
            "`hello_http.wasm`, a fresh instance for each request, {} connections, {} updates of each kind, \
             blue-green; the replaced revision is kept for longer than what is measured. Full load: each \
             connection asks again as soon as it is answered. 70 %: of the full rate measured just before, \
             and latency counts from when a request was due. Before: the median p99 of {SECONDS_BEFORE} \
             seconds; the update's second begins when its command is sent, for a new artifact its bytes \
             first. The first answer is that of the new version on any of the connections. Compiling: \
             `Component::new` of the same bytes in the generator's process, which has the node's engine \
             settings, while the old load goes on. A gap is a time in which no connection was answered.",
            self.connections, self.rounds
        )
    }

    /// Updates between two artifacts that the node has compiled before.
    async fn cached(
        &self,
        node: &Node,
        rolling: &mut Rolling<'_>,
        [first, second]: [Digest; 2],
    ) -> Result<Seen> {
        let mut seen = Seen::default();
        rolling.pace = Pace::Closed;
        for round in 0..self.rounds {
            // It begins with the second version.
            let (version, digest) = [("1.0.0", first), ("2.0.0", second)][round % 2];
            let change = async { Rolling::update(node, version, digest).await };
            seen.change(rolling, version, change).await?;
        }
        Ok(seen)
    }

    /// Updates to artifacts that the node has never seen, and what it takes to compile each of them.
    async fn uncached(
        &self,
        node: &Node,
        rolling: &mut Rolling<'_>,
        component: &[u8],
    ) -> Result<(Seen, Vec<f64>)> {
        let engine = Engine::new(&bare::config(false, true)).map_err(of_engine)?;
        let (mut seen, mut compile_ms) = (Seen::default(), Vec::new());
        for round in 0..self.rounds {
            rolling.pace = Pace::PerSecond(rolling.full_rate().await? * NEW_AT);
            let bytes = marked(component, 3 + round as u64);
            // Who begins changes.
            if round % 2 == 0 {
                compile_ms.push(rolling.during(compile(&engine, bytes.clone())).await?.0);
            }
            let version = format!("{}.0.0", 3 + round);
            let change = async {
                let digest = node.upload(bytes.clone()).await?;
                Rolling::update(node, &version, digest).await
            };
            seen.change(rolling, &version, change).await?;
            if round % 2 == 1 {
                compile_ms.push(rolling.during(compile(&engine, bytes)).await?.0);
            }
        }
        Ok((seen, compile_ms))
    }
}

impl Seen {
    /// Makes a change under the load that is, and takes down what it did to it.
    async fn change(
        &mut self,
        rolling: &mut Rolling<'_>,
        version: &str,
        change: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let before = rolling.usual().await?;
        let sightings = rolling.sightings.clone();
        let start = Instant::now();
        sightings.want(version, start);
        let changed = async {
            let (met, ()) = tokio::try_join!(sightings.met(), change)?;
            Ok(met.at - start)
        };
        let (first_answer, meanwhile) = rolling.during(changed).await?;
        self.ratio.push(meanwhile.p99_ms / before.p99_ms);
        self.before_ms.push(before.p99_ms);
        self.update_ms.push(meanwhile.p99_ms);
        self.usual_gap_ms.push(before.gap_ms);
        self.gap_ms.push(meanwhile.gap_ms);
        self.first_answer_ms.push(first_answer.as_secs_f64() * 1000.0);
        rolling.settle().await
    }

    fn report(&self, report: &mut Report, what: &str, promised: f64) {
        let title = format!("{what}: p99 in the update's second, over before");
        report.promise(title, "×", self.ratio.clone(), Bound::AtMost(promised));
        let mut row = |name: &str, rounds: &Vec<f64>| {
            report.row(format!("{what}: {name}"), "ms", rounds.clone());
        };
        row("p99 before", &self.before_ms);
        row("p99 in the update's second", &self.update_ms);
        row("longest gap of a second before", &self.usual_gap_ms);
        row("longest gap while the update goes on", &self.gap_ms);
    }
}

/// How long it takes to compile a component, in milliseconds.
async fn compile(engine: &Engine, bytes: Bytes) -> Result<f64> {
    let engine = engine.clone();
    let compiling = move || -> Result<f64> {
        let start = Instant::now();
        let _compiled = Component::new(&engine, &bytes).map_err(of_engine)?;
        Ok(ms_since(start))
    };
    tokio::task::spawn_blocking(compiling).await?
}
