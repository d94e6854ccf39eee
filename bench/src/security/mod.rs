//! What security costs: a decision by 64 grants, all default limits, a record of every call, and how much a service
//! under attack slows its neighbour.

mod decisions;
mod neighbour;

use std::ffi::OsStr;
use std::fs;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::Paths;
use crate::contest::{Contest, per_cent};
use crate::load::Request;
use crate::node::{Node, Server, Setup};
use crate::pairs;
use crate::report::{Bound, Report};

/// The promise: all default limits together, in throughput.
const LIMITS_PROMISED: f64 = 2.0;

/// The promise: a record of every call, in throughput.
const AUDIT_PROMISED: f64 = 4.0;

/// The connections that load each side.
const CONNECTIONS: usize = 32;

const WITH: &str = "with";
const WITHOUT: &str = "without";

/// What security costs
#[derive(Args)]
pub(crate) struct Security {
    #[command(flatten)]
    paths: Paths,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 2)]
    seconds: u64,
}

impl Security {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let mut report = Report::new("security", self.how());
        decisions::measure(&mut report)?;
        self.limits(&mut report)?;
        self.audit(&mut report).await?;
        neighbour::measure(&mut report, &self.paths, self.rounds, self.each()).await?;
        report.finish(&self.paths)
    }

    fn how(&self) -> String {
        format!(
            "Decisions: in this process, the node's own checks with 64 grants, the last of which is the one that \
             allows; each round the median of {} turns of {} decisions. Limits: the bare host with what limits are made of \
             (interruption at each tick, memory and tables counted, bounds on handles and on what a host call copies, \
             time and processor time of each call, a place for it, its answer counted) beside the same without, \
             because a node's cannot be switched off. Audit: a node that records every call beside one that records \
             none. Both over HTTP, `hello_http.wasm`, a fresh instance for each request, {CONNECTIONS} connections, \
             {} rounds in turns, {} s each; alone, one call after the other to each in turns. The neighbour: {}",
            decisions::TURNS,
            decisions::TIMES,
            self.rounds,
            self.seconds,
            neighbour::HOW,
        )
    }

    fn each(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn limits(&self, report: &mut Report) -> Result<()> {
        let component = self.paths.guests.join("hello_http.wasm");
        let bare = |limits: &[&str]| {
            let flags = ["host", "--no-concurrency"].iter().chain(limits);
            Server::bare(flags.map(OsStr::new).chain([component.as_os_str()]))
        };
        let (with, without) = (bare(&["--limits"])?, bare(&[])?);
        let mut contest = Contest::default();
        for (name, server) in [(WITH, &with), (WITHOUT, &without)] {
            let request = Request::get(&server.address, "/");
            contest.add(name, &server.process, request, CONNECTIONS)?;
        }
        contest.run(self.rounds, self.each())?;
        costs(report, contest, "all default limits", LIMITS_PROMISED);
        let alone = pairs::ratios(
            Request::get(&with.address, "/"),
            Request::get(&without.address, "/"),
            self.rounds,
        )?;
        report.row("all default limits: time of a call alone", "%", per_cent(&alone));
        Ok(())
    }

    async fn audit(&self, report: &mut Report) -> Result<()> {
        let component = fs::read(self.paths.guests.join("hello_http.wasm"))?;
        let flags = ["--audit-level", "call=all"];
        let recording = Setup { flags: &flags, ..Setup::default() };
        let with = Node::start_as(&self.paths.node, recording)?;
        let without = Node::start(&self.paths.node)?;
        let mut contest = Contest::default();
        for (name, node) in [(WITH, &with), (WITHOUT, &without)] {
            let digest = node.upload(component.clone().into()).await?;
            node.deploy("hello", "1.0.0", digest).await?;
            contest.add(name, &node.process, Request::get(&node.http, "/hello/"), CONNECTIONS)?;
        }
        contest.run(self.rounds, self.each())?;
        costs(report, contest, "a record of every call", AUDIT_PROMISED);
        let hello = |node: &Node| Request::get(&node.http, "/hello/");
        let alone = pairs::ratios(hello(&with), hello(&without), self.rounds)?;
        report.row("a record of every call: time of a call alone", "%", per_cent(&alone));
        Ok(())
    }
}

/// By how much throughput is lower with it.
fn costs(report: &mut Report, contest: Contest<'_>, what: &str, promised: f64) {
    let rate = per_cent(&contest.rates(WITHOUT, WITH));
    report.promise(format!("{what}: time a call at full load"), "%", rate, Bound::AtMost(promised));
    report.row(
        format!("{what}: processor time a call"),
        "%",
        per_cent(&contest.cpu(WITH, WITHOUT)),
    );
    contest.report(report, what);
}
