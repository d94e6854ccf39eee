//! What each of the things costs that a host of components adds to the engine, in per cent of the way without.
//!
//! Where the node has no switch for one, it is measured where there is one: the interruption of guests in the
//! bare host. All together is the node beside the bare host, which has none of them.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use airssys_wasm_api::Command;
use airssys_wasm_api::command::RolloutChoice;
use airssys_wasm_api::reply::RolloutReport;
use airssys_wasm_model::{Span, StepAct, StrategyName};
use anyhow::{Context, Result, bail};
use clap::Args;

use crate::Paths;
use crate::claims;
use crate::contest::{Contest, per_cent};
use crate::load::{Load, Request};
use crate::node::{self, Node, Process, Server, marked};
use crate::pairs;
use crate::report::{Bound, Report, spread};

/// The promise: all together.
const PER_CENT_PROMISED: f64 = 8.0;

/// The promise: a table with a rule and two shares, and the analysis of both.
const CANARY_PROMISED: f64 = 1.0;

/// Longer than the whole measurement.
const OBSERVE: Duration = Duration::from_secs(3600);

/// The connections that load each.
const CONNECTIONS: usize = 32;

/// With even shares one version is met this often in a row once in a trillion times.
const TRIES: usize = 40;

const WITH: &str = "with";
const WITHOUT: &str = "without";

/// The cost of what a host adds
#[derive(Args)]
pub(crate) struct Costs {
    #[command(flatten)]
    paths: Paths,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 1)]
    seconds: u64,
}

/// What is compared: the same request to one side and the other.
type Side<'a> = (&'a Process, Request);

impl Costs {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let mut report = Report::new("costs", self.how());
        let node = Node::start(&self.paths.node)?;
        let hello = self.paths.guests.join("hello_http.wasm");
        let digest = node.upload(fs::read(&hello)?.into()).await?;
        node.deploy("hello", "1.0.0", digest).await?;
        let ours = |path: &str| (&node.process, Request::get(&node.http, path));

        let bare = bare(&hello, false)?;
        let together = self.compare(ours("/hello/"), side(&bare))?;
        let promised = Bound::AtMost(PER_CENT_PROMISED);
        let what = "all together: node over bare host, processor time a call";
        report.promise(what, "%", per_cent(&together.cpu(WITH, WITHOUT)), promised);
        let rate = per_cent(&together.rates(WITHOUT, WITH));
        report.row("all together: time a call at full load", "%", rate);
        together.report(&mut report, "all together");
        drop(bare);

        let compute = self.paths.guests.join("compute_http.wasm");
        let (with, without) = (self::bare(&compute, true)?, self::bare(&compute, false)?);
        let interrupted = self.compare(side(&with), side(&without))?;
        rows(&mut report, "limits on time (interruption of a guest that computes)", interrupted);
        drop((with, without));

        let log = node.upload(fs::read(self.paths.guests.join("log_http.wasm"))?.into()).await?;
        node.deploy("log", "1.0.0", log).await?;
        let lines = self.compare(ours("/log/line"), ours("/log/"))?;
        rows(&mut report, "a log line", lines);

        split(&node, &fs::read(&hello)?).await?;
        let what = "a canary at 50 % with a rule and its analysis";
        let [split, hello] = ["/split/", "/hello/"].map(|path| Request::get(&node.http, path));
        let ratios = pairs::ratios(split, hello, 3 * self.rounds)?;
        report.row(format!("{what}: time of a call alone"), "%", per_cent(&ratios));
        let compared = self.compare(ours("/split/"), ours("/hello/"))?;
        let (_, call_us, _) = spread(compared.cpu_us(WITHOUT));
        let claims = claims::more_ns(self.rounds)?;
        let share = claims.iter().map(|more| more / (call_us * 1_000.0) * 100.0).collect();
        let promised = Bound::AtMost(CANARY_PROMISED);
        report.promise(
            format!("{what}: its table, of a call's processor time"),
            "%",
            share,
            promised,
        );
        report.row(format!("{what}: its table, more for a call"), "ns", claims);
        rows(&mut report, what, compared);
        report.finish(&self.paths)
    }

    fn how(&self) -> String {
        format!(
            "Over HTTP, a fresh instance for each request, {CONNECTIONS} connections, {} rounds in turns, {} s \
             each. All together: `hello_http.wasm` in the node, with limits, routing, metrics, request ids and \
             version headers, beside the bare host, with the same pooling and none of these. Limits on \
             time: `compute_http.wasm` in the bare host with the code that lets it be interrupted and without. \
             A log line: a guest that writes one line to standard error or none, by its path; the node keeps \
             it for `logs`, and its own log is at its default level, which leaves it out. A canary: a service \
             with two revisions at even shares beside one with one, in the same node; alone, the two are called \
             in turns, one call after the other on a connection of its own. The limit on memory and \
             the metrics cannot be switched off, so they are in the first number and have none of their own; \
             limits and the audit trail are in `bench security`.",
            self.rounds, self.seconds
        )
    }

    fn compare<'a>(&self, with: Side<'a>, without: Side<'a>) -> Result<Contest<'a>> {
        let mut contest = Contest::default();
        contest.add(WITH, with.0, with.1, CONNECTIONS)?;
        contest.add(WITHOUT, without.0, without.1, CONNECTIONS)?;
        contest.run(self.rounds, Duration::from_secs(self.seconds))?;
        Ok(contest)
    }
}

fn bare(component: &Path, epochs: bool) -> Result<Server> {
    let mut args = vec!["host".as_ref(), "--no-concurrency".as_ref()];
    if epochs {
        args.push("--epochs".as_ref());
    }
    args.push(component.as_os_str());
    Server::bare(args)
}

fn side(server: &Server) -> Side<'_> {
    (&server.process, Request::get(&server.address, "/"))
}

fn rows(report: &mut Report, what: &str, contest: Contest<'_>) {
    let cpu = per_cent(&contest.cpu(WITH, WITHOUT));
    let rate = per_cent(&contest.rates(WITHOUT, WITH));
    report.row(format!("{what}: processor time a call"), "%", cpu);
    report.row(format!("{what}: time a call at full load"), "%", rate);
    contest.report(report, what);
}

/// A service with two revisions that share the calls evenly for as long as it is measured.
async fn split(node: &Node, component: &[u8]) -> Result<()> {
    let first = node.upload(marked(component, 1)).await?;
    let second = node.upload(marked(component, 2)).await?;
    node.deploy("split", "1.0.0", first).await?;
    let rollout = RolloutChoice {
        strategy: Some(StrategyName::Canary),
        steps: Some(vec![
            StepAct::Match("header:x-beta=1".parse().map_err(anyhow::Error::msg)?).into(),
            50.0.into(),
        ]),
        observe: Some(Span(OBSERVE)),
        ..RolloutChoice::default()
    };
    let mut update = node::update("split", "2.0.0", second, rollout)?;
    update.detached = true;
    let since = SystemTime::now();
    node.client.ask::<RolloutReport>(Command::Update(update)).await?;
    node.journal.published("`header:x-beta=1` to r2 100%, else r2 50%, r1 50%", since).await?;
    both_answer(&Request::get(&node.http, "/split/"))
}

fn both_answer(request: &Request) -> Result<()> {
    let mut load = Load::open(request.clone(), 1)?;
    let first = load.call()?.version.context("an answer without a version")?;
    for _ in 0..TRIES {
        if load.call()?.version.is_some_and(|version| version != first) {
            return Ok(());
        }
    }
    bail!("{TRIES} answers in a row are by version {first}: the calls are not split")
}
