//! Memory of a node that does nothing: as started, and after it has served.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::Paths;
use crate::load::{Load, Pace, Request};
use crate::node::Node;
use crate::report::{Bound, Report};

/// The promise: an idle node's resident memory.
const MIB_PROMISED: f64 = 60.0;

/// What is started or freed in the background has happened by then.
const SETTLE: Duration = Duration::from_secs(3);

/// Memory of a node that does nothing
#[derive(Args)]
pub(crate) struct Idle {
    #[command(flatten)]
    paths: Paths,
    /// How many nodes are started and measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

impl Idle {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let component = fs::read(self.paths.guests.join("hello_http.wasm"))?;
        let (mut empty, mut own, mut served) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let node = Node::start(&self.paths.node)?;
            tokio::time::sleep(SETTLE).await;
            empty.push(node.process.memory_mib("VmRSS")?);
            own.push(node.process.memory_mib("RssAnon")?);
            let digest = node.upload(component.clone().into()).await?;
            node.deploy("hello", "1.0.0", digest).await?;
            let mut load = Load::open(Request::get(&node.http, "/hello/"), 16)?;
            load.send_for(Duration::from_secs(3), Pace::Closed)?.all_answered()?;
            drop(load);
            tokio::time::sleep(SETTLE).await;
            served.push(node.process.memory_mib("VmRSS")?);
        }
        let how = format!("{} nodes, each started on an empty data directory.", self.rounds);
        let mut report = Report::new("idle", how);
        let promised = Bound::AtMost(MIB_PROMISED);
        report.promise("resident, idle, no service", "MiB", empty, promised);
        report.row("of it anonymous (not shared with the binary's file)", "MiB", own);
        report.row("resident, idle again after 3 s of load on one service", "MiB", served);
        report.finish(&self.paths)
    }
}
