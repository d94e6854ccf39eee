//! Requests a second through a component, a fresh instance each, beside `wasmtime serve` with the same
//! component in the same run.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::Paths;
use crate::load::{Load, Outcome};
use crate::node::{Node, Wasmtime};
use crate::report::{Bound, Report};

/// The promise: our throughput over the peer's.
const RATIO_PROMISED: f64 = 1.4;

/// Not counted: caches fill. The connections that are measured are those of the warm-up.
const WARM_UP: Duration = Duration::from_secs(1);

/// Requests a second beside `wasmtime serve`
#[derive(Args)]
pub(crate) struct Http {
    #[command(flatten)]
    paths: Paths,
    /// The `wasmtime` binary
    #[arg(long)]
    wasmtime: PathBuf,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections at once
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

impl Http {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let component = self.paths.guests.join("hello_http.wasm");
        let node = Node::start(&self.paths.node)?;
        let digest = node.upload(fs::read(&component)?.into()).await?;
        node.deploy("hello", "1.0.0", digest).await?;
        let peer = Wasmtime::start(&self.wasmtime, &component)?;
        let mut ours = Load::open(&node.http, "/hello/", self.connections).await?;
        let mut theirs = Load::open(&peer.address, "/", self.connections).await?;

        let (mut our, mut their) = (Rounds::default(), Rounds::default());
        for round in 0..self.rounds {
            // Who goes first alternates, so that neither always meets the warmer machine.
            for turn in 0..2 {
                let (load, rounds) = match (round + turn) % 2 {
                    0 => (&mut ours, &mut our),
                    _ => (&mut theirs, &mut their),
                };
                load.send_for(WARM_UP).await?.all_answered()?;
                rounds.add(&load.send_for(Duration::from_secs(self.seconds)).await?)?;
            }
        }
        let ratios = our.rates.iter().zip(&their.rates).map(|(our, their)| our / their).collect();
        let mut report = Report::new("http", self.how());
        our.report(&mut report, "airssys-wasm");
        their.report(&mut report, "wasmtime serve");
        let promised = Bound::AtLeast(RATIO_PROMISED);
        report.promise("throughput, airssys-wasm over wasmtime serve", "×", ratios, promised);
        report.finish(&self.paths)
    }

    fn how(&self) -> String {
        format!(
            "`hello-http` (wasi:http 0.2), a fresh instance per request on both sides, both with their \
             defaults and compiled with the same profile. {} rounds in turns, {} s each after {} s of warm-up, {} connections kept alive, \
             the generator on the same machine.",
            self.rounds,
            self.seconds,
            WARM_UP.as_secs(),
            self.connections
        )
    }
}

#[derive(Default)]
struct Rounds {
    rates: Vec<f64>,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, outcome: &Outcome) -> Result<()> {
        outcome.all_answered()?;
        let ms = |quantile| outcome.latency_us.value_at_quantile(quantile) as f64 / 1000.0;
        self.rates.push(outcome.rate());
        self.p50_ms.push(ms(0.5));
        self.p99_ms.push(ms(0.99));
        Ok(())
    }

    fn report(self, report: &mut Report, who: &str) {
        report.row(format!("{who}: requests a second"), "/s", self.rates);
        report.row(format!("{who}: latency, median"), "ms", self.p50_ms);
        report.row(format!("{who}: latency, 99th of 100"), "ms", self.p99_ms);
    }
}
