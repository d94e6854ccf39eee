//! Many live instances in one node: what each holds of memory, and what a call costs among them.

use std::fs;
use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use clap::Args;

use crate::Paths;
use crate::load::{Load, Outcome, Pace, Request};
use crate::node::{Node, Setup};
use crate::report::{Bound, Report};
use crate::section;

/// The promise: resident memory of an instance.
const KIB_PROMISED: f64 = 32.0;

/// The promise: the median call over that of a node with one instance.
const RATIO_PROMISED: f64 = 1.2;

/// What is started or freed in the background has happened by then.
const SETTLE: Duration = Duration::from_secs(3);

/// Not counted: each service is met once at least.
const WARM_UP: Duration = Duration::from_secs(1);

/// Many live instances in one node
#[derive(Args)]
pub(crate) struct Density {
    #[command(flatten)]
    paths: Paths,
    /// How often the calls are measured, in turns
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Services
    #[arg(long, default_value_t = 100)]
    services: u32,
    /// Instances of each
    #[arg(long, default_value_t = 100)]
    instances: u32,
}

impl Density {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let component = fs::read(self.paths.guests.join("hello_http.wasm"))?;
        let live = self.services * self.instances;
        let room = live.to_string();
        let flags = ["--max-instances", room.as_str()];
        let setup = Setup { flags: &flags, ..Setup::default() };
        let (dense, sparse) =
            (Node::start_as(&self.paths.node, setup)?, Node::start_as(&self.paths.node, setup)?);
        compile_once(&dense, &component).await?;
        let before = memory(&dense).await?;
        let many = pooled(&component, self.instances);
        self.deploy(&dense, many, self.services, live).await?;
        let after = memory(&dense).await?;
        self.deploy(&sparse, pooled(&component, 1), 1, 1).await?;
        let (many, one) = self.calls(&dense, &sparse)?;
        alive(&dense, self.services, live).await?;

        let each = |before: f64, after: f64| (after - before) * 1024.0 / f64::from(live);
        let resident = each(before.resident_mib, after.resident_mib);
        let anonymous = each(before.anonymous_mib, after.anonymous_mib);
        let ratios = many.iter().zip(&one).map(|(many, one)| many / one).collect();
        let mut report = Report::new("density", self.how());
        let promised = Bound::AtMost(KIB_PROMISED);
        report.promise("resident memory of an instance", "KiB", vec![resident], promised);
        let promised = Bound::AtMost(RATIO_PROMISED);
        let what = "p50 of a call, over that with one live instance";
        report.promise(what, "×", ratios, promised);
        let what = "anonymous memory of an instance (not shared with a file)";
        report.row(what, "KiB", vec![anonymous]);
        report.row("resident, before", "MiB", vec![before.resident_mib]);
        report.row("resident, with all", "MiB", vec![after.resident_mib]);
        report.row("p50 of a call, with all", "ms", many);
        report.row("p50 of a call, with one", "ms", one);
        report.finish(&self.paths)
    }

    fn how(&self) -> String {
        format!(
            "{} services of {} pooled instances each, `hello_http.wasm`, all counted alive by `status`. \
             Memory: the node's VmRSS with all of them less that of the same node before, when it had \
             compiled the component once and run no service; so it holds the services' share too; their instances are initialised and have not been called yet. Calls: {} \
             kept-alive connections, one call under way at a time, to the services in turn (to the one \
             service of a second node on the other side; there over as many connections). The node hands a \
             call to the instance of its service that was used last. {} rounds in turns, {} s each.",
            self.services, self.instances, self.services, self.rounds, self.seconds
        )
    }

    async fn deploy(&self, node: &Node, bytes: Bytes, services: u32, live: u32) -> Result<()> {
        let digest = node.upload(bytes).await?;
        for number in 0..services {
            node.deploy(&service(number), "1.0.0", digest).await?;
            if (number + 1) % 10 == 0 {
                eprintln!("{} of {services} services deployed", number + 1);
            }
        }
        alive(node, services, live).await
    }

    /// The medians of each round, in milliseconds: among many, and with one.
    fn calls(&self, dense: &Node, sparse: &Node) -> Result<(Vec<f64>, Vec<f64>)> {
        let ask = |node: &Node, number| {
            let path = format!("/{}/", service(number));
            Request::get(&node.http, &path)
        };
        let mut many = Load::over((0..self.services).map(|number| ask(dense, number)).collect())?;
        let mut one = Load::over((0..self.services).map(|_| ask(sparse, 0)).collect())?;
        let (mut among_many, mut with_one) = (Vec::new(), Vec::new());
        for round in 0..self.rounds {
            if round % 2 == 0 {
                with_one.push(self.measure(&mut one)?);
            }
            among_many.push(self.measure(&mut many)?);
            if round % 2 == 1 {
                with_one.push(self.measure(&mut one)?);
            }
        }
        Ok((among_many, with_one))
    }

    fn measure(&self, load: &mut Load) -> Result<f64> {
        let mut send = |duration| -> Result<Outcome> {
            let outcome = load.send_for(duration, Pace::OneByOne)?;
            outcome.all_answered()?;
            Ok(outcome)
        };
        send(WARM_UP)?;
        Ok(send(Duration::from_secs(self.seconds))?.latency_ms(0.5))
    }
}

fn service(number: u32) -> String {
    format!("hello-{number}")
}

/// The component whose manifest asks for so many instances.
fn pooled(component: &[u8], instances: u32) -> Bytes {
    let tables = format!(
        "[limits]\nconcurrency = {instances}\n\n\
         [instances]\nmodel = \"pooled\"\nmin = {instances}\nmax = {instances}\n"
    );
    section::with_manifest(component, "hello", &tables)
}

/// What a compilation leaves behind in the process is not the instances'.
async fn compile_once(node: &Node, component: &[u8]) -> Result<()> {
    let digest = node.upload(component.to_vec().into()).await?;
    node.deploy("first", "1.0.0", digest).await?;
    node.remove("first").await
}

struct Memory {
    resident_mib: f64,
    anonymous_mib: f64,
}

async fn memory(node: &Node) -> Result<Memory> {
    tokio::time::sleep(SETTLE).await;
    Ok(Memory {
        resident_mib: node.process.memory_mib("VmRSS")?,
        anonymous_mib: node.process.memory_mib("RssAnon")?,
    })
}

/// An error unless so many instances live.
async fn alive(node: &Node, services: u32, expected: u32) -> Result<()> {
    let mut live = 0;
    for number in 0..services {
        let status = node.status(&service(number)).await?;
        live += status.revisions.iter().map(|revision| revision.instances).sum::<u32>();
    }
    if live != expected {
        bail!("{live} instances live, not {expected}");
    }
    Ok(())
}
