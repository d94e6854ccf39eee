//! Bodies sent back as they come: small ones, large ones, and one that no memory should hold.

use std::fs;

use anyhow::{Context, Result};
use clap::Args;

use crate::Paths;
use crate::contest::{Contest, Turns};
use crate::http::BEST_FLAGS;
use crate::load::{Request, exchange};
use crate::node::{Node, Process, Server};
use crate::report::{Bound, Report};
use crate::section;

/// The promise: throughput over `wasmtime serve`.
const OVER_SERVE_PROMISED: f64 = 1.0;

/// The promise: what a stream adds to the node's resident memory. The buffers on its way are under a MiB; what
/// the allocator keeps beside them is not flat to the page.
const GROWTH_MIB_PROMISED: f64 = 16.0;

/// The bodies of many requests.
const SIZES: [(&str, usize); 2] = [("1 KiB", 1 << 10), ("1 MiB", 1 << 20)];

/// A stream takes its time on a slow machine; what is measured is how long, not whether a limit stops it.
const LIMITS: &str = "[limits]\ntime = \"600s\"\ncpu = \"600s\"\n";

/// Bodies sent back, small, large and without end
#[derive(Args)]
pub(crate) struct Bodies {
    #[command(flatten)]
    paths: Paths,
    #[command(flatten)]
    turns: Turns,
    /// Connections at once, for many requests
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// The length of a stream; 1 GiB is the longest body a node takes
    #[arg(long, default_value_t = 1024)]
    stream_mib: u64,
}

const NODE: &str = "airssys-wasm";
const SERVE: &str = "wasmtime serve";

/// Where the node's service answers.
const PATH: &str = "/echo/";

impl Bodies {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let path = self.paths.guests.join("echo_http.wasm");
        let node = Node::start(&self.paths.node)?;
        let component = section::with_manifest(&fs::read(&path)?, "echo", LIMITS);
        let digest = node.upload(component).await?;
        node.deploy("echo", "1.0.0", digest).await?;
        let serve = Server::wasmtime(&self.turns.wasmtime, &path, &BEST_FLAGS)?;
        for (_, bytes) in SIZES {
            exchange::echo(&node.http, PATH, bytes as u64, |_| ())?;
            exchange::echo(&serve.address, "/", bytes as u64, |_| ())?;
        }
        let mut report = Report::new("bodies", self.how());
        // Before the many, whose connections leave memory behind that a stream could use unseen.
        self.streams(&node, &serve, &mut report)?;
        for (size, bytes) in SIZES {
            let mut contest = Contest::default();
            let ours = Request::post(&node.http, PATH, bytes);
            contest.add(NODE, &node.process, ours, self.connections)?;
            let theirs = Request::post(&serve.address, "/", bytes);
            contest.add(SERVE, &serve.process, theirs, self.connections)?;
            self.turns.run(&mut contest)?;
            let title = format!("{size}: throughput over {SERVE}");
            let promised = Bound::AtLeast(OVER_SERVE_PROMISED);
            report.promise(title, "×", contest.rates(NODE, SERVE), promised);
            contest.report(&mut report, size);
        }
        report.finish(&self.paths)
    }

    fn streams(&self, node: &Node, serve: &Server, report: &mut Report) -> Result<()> {
        let bytes = self.stream_mib << 20;
        let mut ours = Streams::to(&node.process, &node.http, PATH)?;
        let mut theirs = Streams::to(&serve.process, &serve.address, "/")?;
        for round in 0..self.turns.rounds {
            let mut turns = [&mut ours, &mut theirs];
            if round % 2 == 1 {
                turns.reverse();
            }
            for streams in turns {
                streams.stream(bytes)?;
            }
        }
        let over = ours.seconds.iter().zip(&theirs.seconds).map(|(ours, theirs)| theirs / ours);
        let what = format!("{} MiB streamed", self.stream_mib);
        let promised = Bound::AtLeast(OVER_SERVE_PROMISED);
        report.promise(format!("{what}: throughput over {SERVE}"), "×", over.collect(), promised);
        let title = format!("{what}: {NODE}, resident memory over before");
        report.promise(title, "MiB", ours.growth_mib, Bound::AtMost(GROWTH_MIB_PROMISED));
        let title = format!("{what}: {SERVE}, resident memory over before");
        report.row(title, "MiB", theirs.growth_mib);
        report.row(format!("{what}: {NODE}"), "s", ours.seconds);
        report.row(format!("{what}: {SERVE}"), "s", theirs.seconds);
        Ok(())
    }

    fn how(&self) -> String {
        format!(
            "`echo-http` (wasi:http 0.2), which sends back what it is sent, a fresh instance for each request \
             on both sides; `wasmtime serve {}`. Bodies of a size: {} connections kept alive, {} rounds in \
             turns, {} s each after a quarter of warm-up; each server's echo is compared byte by byte once for each \
             size, and of the many each must be 200 and as long as it says. Streamed: one request of {} MiB on one \
             connection, written and read at the same time, every byte compared, {} rounds in turns. Resident \
             memory (VmRSS) is looked at about a hundred times a stream: the highest, over what it was before \
             the first stream.",
            BEST_FLAGS.join(" "),
            self.connections,
            self.turns.rounds,
            self.turns.seconds,
            self.stream_mib,
            self.turns.rounds,
        )
    }
}

/// Streams through one server.
struct Streams<'a> {
    process: &'a Process,
    address: &'a str,
    path: &'a str,
    before_mib: f64,
    seconds: Vec<f64>,
    growth_mib: Vec<f64>,
}

impl<'a> Streams<'a> {
    fn to(process: &'a Process, address: &'a str, path: &'a str) -> Result<Self> {
        let before_mib = process.memory_mib("VmRSS")?;
        Ok(Self { process, address, path, before_mib, seconds: vec![], growth_mib: vec![] })
    }

    fn stream(&mut self, bytes: u64) -> Result<()> {
        let mut seen_mib = Vec::new();
        let took = exchange::echo(self.address, self.path, bytes, |_| {
            seen_mib.push(self.process.memory_mib("VmRSS"));
        })?;
        let seen_mib = seen_mib.into_iter().collect::<Result<Vec<_>>>()?;
        let highest = seen_mib.into_iter().reduce(f64::max).context("the stream is too short")?;
        self.seconds.push(took.as_secs_f64());
        self.growth_mib.push(highest - self.before_mib);
        Ok(())
    }
}
