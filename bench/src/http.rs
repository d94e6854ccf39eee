//! HTTP through a component, a fresh instance for each request: beside `wasmtime serve` as it comes and with
//! the flags that make it fastest, and beside a bare host, which is as fast as the engine lets one be.

use std::fs;

use anyhow::Result;
use clap::Args;

use crate::Paths;
use crate::contest::{Contest, Turns};
use crate::load::Request;
use crate::node::{Node, Server};
use crate::report::{Bound, Report};

/// The promise: throughput over `wasmtime serve` as it comes.
const OVER_DEFAULT_PROMISED: f64 = 2.0;

/// The promise: throughput over `wasmtime serve` at its best flags for a fresh instance.
const OVER_BEST_PROMISED: f64 = 1.4;

/// The promise: throughput over the bare host's.
const OVER_BARE_PROMISED: f64 = 0.9;

/// What makes `wasmtime serve` fastest with a fresh instance a request: what the node does too.
pub(crate) const BEST_FLAGS: [&str; 4] = [
    "-Opooling-allocator=y",
    "-Opooling-pagemap-scan=y",
    "-Opooling-memory-keep-resident=524288",
    "-Opooling-table-keep-resident=524288",
];

/// HTTP, a fresh instance for each request
#[derive(Args)]
pub(crate) struct Http {
    #[command(flatten)]
    paths: Paths,
    #[command(flatten)]
    turns: Turns,
    /// Connections at once
    #[arg(long, value_delimiter = ',', default_values_t = [32, 1, 256])]
    connections: Vec<usize>,
    /// The work of a request: `hello` answers at once, `compute` hashes for a while
    #[arg(long, value_delimiter = ',', default_values_t = ["hello".to_owned(), "compute".to_owned()])]
    work: Vec<String>,
}

const NODE: &str = "airssys-wasm";
const DEFAULT: &str = "wasmtime serve";
const BEST: &str = "wasmtime serve, best flags";
const BARE: &str = "bare host";

impl Http {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let node = Node::start(&self.paths.node)?;
        let mut report = Report::new("http", self.how());
        for work in &self.work {
            let component = self.paths.guests.join(format!("{work}_http.wasm"));
            let digest = node.upload(fs::read(&component)?.into()).await?;
            node.deploy(work, "1.0.0", digest).await?;
            let default = Server::wasmtime(&self.turns.wasmtime, &component, &[])?;
            let best = Server::wasmtime(&self.turns.wasmtime, &component, &BEST_FLAGS)?;
            let bare = Server::bare([
                "host".as_ref(),
                "--no-concurrency".as_ref(),
                component.as_os_str(),
            ])?;
            for connections in &self.connections {
                let what = format!("{work}, {connections} connections");
                let mut contest = Contest::default();
                let ours = Request::get(&node.http, &format!("/{work}/"));
                contest.add(NODE, &node.process, ours, *connections)?;
                for (name, server) in [(DEFAULT, &default), (BEST, &best), (BARE, &bare)] {
                    let request = Request::get(&server.address, "/");
                    contest.add(name, &server.process, request, *connections)?;
                }
                self.turns.run(&mut contest)?;
                let mut promise = |under: &str, least: f64| {
                    let title = format!("{what}: throughput over {under}");
                    report.promise(title, "×", contest.rates(NODE, under), Bound::AtLeast(least));
                };
                if work == "hello" {
                    promise(DEFAULT, OVER_DEFAULT_PROMISED);
                    promise(BEST, OVER_BEST_PROMISED);
                }
                promise(BARE, OVER_BARE_PROMISED);
                contest.report(&mut report, &what);
            }
        }
        report.finish(&self.paths)
    }

    fn how(&self) -> String {
        format!(
            "`hello-http` (wasi:http 0.2), a fresh instance for each request everywhere, all compiled with the \
             same profile. Best flags: `{}`. The bare host pools as the node does, has its allocator, no \
             limit, routing or log, and runs without the engine's concurrency support. {} rounds in turns, {} s each after a \
             quarter of warm-up, connections kept alive, the generator one thread on the same machine.",
            BEST_FLAGS.join(" "),
            self.turns.rounds,
            self.turns.seconds,
        )
    }
}
