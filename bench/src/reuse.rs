//! HTTP through instances that are used again, of `wasi:http` 0.2 and 0.3: beside `wasmtime serve` with the same
//! reuse, beside a bare host, and beside a server with no component in it.

use std::fs;

use anyhow::{Result, ensure};
use clap::Args;

use crate::Paths;
use crate::contest::{Contest, Turns};
use crate::http::BEST_FLAGS;
use crate::load::{Request, exchange};
use crate::node::{Node, Process, Server};
use crate::report::{Bound, Report};
use crate::section;

/// The promise: throughput over `wasmtime serve` with the same reuse.
const OVER_SERVE_PROMISED: f64 = 1.3;

/// The promise: processor time a request over that of a server with no component in it.
const CPU_OVER_HYPER_PROMISED: f64 = 4.0;

/// More calls than a measurement makes: no instance is replaced in it.
const REUSE: &str = "1000000000";

/// What the node is told, which has no bound on an instance's calls unless it is told one.
const POOLED: &str = "[instances]\nmodel = \"pooled\"\n";

/// What every server answers.
const TEXT: &[u8] = b"Hello from a component\n";

/// HTTP, instances used again, 0.2 and 0.3
#[derive(Args)]
pub(crate) struct Reuse {
    #[command(flatten)]
    paths: Paths,
    #[command(flatten)]
    turns: Turns,
    /// Connections at once
    #[arg(long, value_delimiter = ',', default_values_t = [32])]
    connections: Vec<usize>,
    /// The version of `wasi:http`
    #[arg(long, value_delimiter = ',', default_values_t = ["0.2".to_owned(), "0.3".to_owned()])]
    wasi: Vec<String>,
}

const NODE: &str = "airssys-wasm";
const FRESH: &str = "airssys-wasm, fresh instances";
const SERVE: &str = "wasmtime serve";
const BARE: &str = "bare host";
const HYPER: &str = "bare hyper";

impl Reuse {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let mut report = Report::new("reuse", self.how());
        let hyper = Server::bare(["hyper"])?;
        for wasi in &self.wasi {
            let servers = Servers::start(&self, wasi).await?;
            for connections in &self.connections {
                let what = format!("{wasi}, {connections} connections");
                let mut contest = Contest::default();
                for (name, process, request) in servers.all(&hyper) {
                    let said = exchange::body(&request)?;
                    ensure!(said == TEXT, "{name} said `{}`", String::from_utf8_lossy(&said));
                    contest.add(name, process, request, *connections)?;
                }
                self.turns.run(&mut contest)?;
                let title = format!("{what}: throughput over {SERVE}");
                let promised = Bound::AtLeast(OVER_SERVE_PROMISED);
                report.promise(title, "×", contest.rates(NODE, SERVE), promised);
                let title = format!("{what}: processor time over {HYPER}'s");
                let promised = Bound::AtMost(CPU_OVER_HYPER_PROMISED);
                report.promise(title, "×", contest.cpu(NODE, HYPER), promised);
                let title = format!("{what}: throughput over {BARE}");
                report.row(title, "×", contest.rates(NODE, BARE));
                contest.report(&mut report, &what);
            }
        }
        report.finish(&self.paths)
    }

    fn how(&self) -> String {
        format!(
            "`hello-http` (wasi:http 0.2) and `hello-p3` (0.3), which answer alike, in instances that are never \
             replaced. The node: `model = \"pooled\"`. `wasmtime serve`: `--max-instance-reuse-count={REUSE} {}`, \
             and as many calls at once in an instance of 0.3 as it has by default, 16. The bare host: one call \
             at a time in an instance, no limit, routing or log; without the engine's concurrency support for \
             0.2. Bare hyper answers the same with no component. {} rounds in turns, {} s each after a quarter of \
             warm-up, connections kept alive, the generator one thread on the same machine. Processor time is \
             the process's, user's and kernel's mode, over the requests answered.",
            BEST_FLAGS.join(" "),
            self.turns.rounds,
            self.turns.seconds,
        )
    }
}

/// What serves one version's component.
struct Servers {
    node: Node,
    serve: Server,
    bare: Server,
    /// Beside the pooled one: 0.3 with a fresh instance a request is measured nowhere else.
    fresh: bool,
}

impl Servers {
    async fn start(told: &Reuse, wasi: &str) -> Result<Self> {
        let fresh = wasi != "0.2";
        let file = if fresh { "hello_p3.wasm" } else { "hello_http.wasm" };
        let path = told.paths.guests.join(file);
        let component = fs::read(&path)?;
        let node = Node::start(&told.paths.node)?;
        let pooled = node.upload(section::with_manifest(&component, "hello", POOLED)).await?;
        node.deploy("hello", "1.0.0", pooled).await?;
        if fresh {
            let digest = node.upload(component.into()).await?;
            node.deploy("fresh", "1.0.0", digest).await?;
        }
        let reuse = format!("--max-instance-reuse-count={REUSE}");
        let flags: Vec<&str> = BEST_FLAGS.into_iter().chain([reuse.as_str()]).collect();
        let serve = Server::wasmtime(&told.turns.wasmtime, &path, &flags)?;
        let mut args = vec!["host".as_ref(), "--reuse".as_ref(), REUSE.as_ref(), path.as_os_str()];
        if !fresh {
            args.push("--no-concurrency".as_ref());
        }
        Ok(Self { node, serve, bare: Server::bare(args)?, fresh })
    }

    fn all<'a>(&'a self, hyper: &'a Server) -> Vec<(&'static str, &'a Process, Request)> {
        let ours = |path: &str| Request::get(&self.node.http, path);
        let theirs = |server: &Server| Request::get(&server.address, "/");
        let mut all = vec![
            (NODE, &self.node.process, ours("/hello/")),
            (SERVE, &self.serve.process, theirs(&self.serve)),
            (BARE, &self.bare.process, theirs(&self.bare)),
            (HYPER, &hyper.process, theirs(hyper)),
        ];
        if self.fresh {
            all.push((FRESH, &self.node.process, ours("/fresh/")));
        }
        all
    }
}
