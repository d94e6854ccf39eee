//! What a second core brings: fresh instances in this process on one thread and on two, and a node that may run
//! on one core and on two.

use std::fs;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use airssys_wasm_host::{CallCtx, Input, NoLog, Pool, RequestId};
use anyhow::{Result, anyhow, bail};
use clap::Args;

use crate::Paths;
use crate::contest::Contest;
use crate::load::Request;
use crate::node::{Node, Setup};
use crate::report::{Bound, Report};
use crate::start::pool_of;

/// The promise: calls a second on two threads over those on one.
const SCALING_PROMISED: f64 = 1.8;

/// What the guest answers.
const ANSWER: &[u8] = b"Hello from a component\n";

/// Connections that load each node.
const CONNECTIONS: usize = 32;

const ONE: &str = "node on 1 core";
const TWO: &str = "node on 2 cores";

/// What a second core brings
#[derive(Args)]
pub(crate) struct Cores {
    #[command(flatten)]
    paths: Paths,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 2)]
    seconds: u64,
}

impl Cores {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        if thread::available_parallelism()?.get() < 2 {
            bail!("this machine has one core");
        }
        let each = Duration::from_secs(self.seconds);
        let bytes = fs::read(self.paths.guests.join("hello_sdk.wasm"))?;
        let pool = pool_of(&bytes, Arc::new(NoLog)).await?;
        let call = || calls(&pool, each);
        let spin = || Ok(spins(each));
        on_threads(1, Duration::from_secs(1), || calls(&pool, Duration::from_secs(1)))?;
        let (mut scaling, mut alone, mut both, mut machine) =
            <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
        for round in 0..self.rounds {
            // Who begins changes, so that nobody always meets the warmer machine.
            let (one, two) = if round % 2 == 0 {
                let one = on_threads(1, each, call)?;
                (one, on_threads(2, each, call)?)
            } else {
                let two = on_threads(2, each, call)?;
                (on_threads(1, each, call)?, two)
            };
            alone.push(one);
            both.push(two);
            scaling.push(two / one);
            machine.push(on_threads(2, each, spin)? / on_threads(1, each, spin)?);
        }
        let mut report = Report::new("cores", self.how());
        let what = "fresh instances in process, two threads over one";
        report.promise(what, "×", scaling, Bound::AtLeast(SCALING_PROMISED));
        report.row("a loop that shares nothing, two threads over one", "×", machine);
        report.row("in process, one thread", "/s", alone);
        report.row("in process, two threads", "/s", both);
        self.nodes(&mut report, each).await?;
        report.finish(&self.paths)
    }

    fn how(&self) -> String {
        format!(
            "In process: `hello_sdk.wasm` through the host's pool, a fresh instance for each call, each thread \
             with an executor of its own and its next call when the last was answered; nothing else has work \
             to do. The loop shows what the machine itself gives. Nodes: `hello_http.wasm`, kept to \
             processors by `taskset`, {CONNECTIONS} connections. The generator takes its share of the second \
             core from the node that has two, so by throughput it cannot double; by processor time, two cores \
             are worth twice the calls that one second of theirs answers. {} rounds in turns, {} s each.",
            self.rounds, self.seconds
        )
    }

    async fn nodes(&self, report: &mut Report, each: Duration) -> Result<()> {
        let pinned = |cores| {
            Node::start_as(&self.paths.node, Setup { cores: Some(cores), ..Setup::default() })
        };
        let (one, two) = (pinned("0")?, pinned("0,1")?);
        let component = fs::read(self.paths.guests.join("hello_http.wasm"))?;
        let mut contest = Contest::default();
        for (name, node) in [(ONE, &one), (TWO, &two)] {
            let digest = node.upload(component.clone().into()).await?;
            node.deploy("hello", "1.0.0", digest).await?;
            contest.add(name, &node.process, Request::get(&node.http, "/hello/"), CONNECTIONS)?;
        }
        contest.run(self.rounds, each)?;
        report.row("nodes: throughput on 2 cores over 1", "×", contest.rates(TWO, ONE));
        let worth = contest.cpu(ONE, TWO).into_iter().map(|ratio| 2.0 * ratio).collect();
        report.row("nodes: by processor time, 2 cores over 1", "×", worth);
        contest.report(report, "nodes");
        Ok(())
    }
}

/// What so many threads do in a second, all at it at once.
fn on_threads(
    threads: usize,
    each: Duration,
    work: impl Fn() -> Result<u64> + Sync,
) -> Result<f64> {
    let begin = Barrier::new(threads);
    let done = thread::scope(|scope| {
        let working = || {
            begin.wait();
            work()
        };
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(working)).collect();
        let ended = started.into_iter().map(|thread| {
            thread.join().map_err(|_panicked| anyhow!("a thread of the measurement panicked"))?
        });
        ended.sum::<Result<u64>>()
    })?;
    Ok(done as f64 / each.as_secs_f64())
}

/// Calls for so long, each on a fresh instance; how many there were.
fn calls(pool: &Arc<Pool>, each: Duration) -> Result<u64> {
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    executor.block_on(async {
        let (start, mut calls) = (Instant::now(), 0);
        while start.elapsed() < each {
            let lease = pool.claim(CallCtx::new(RequestId::draw())).await?;
            let answer = lease.execute(Input::default()).await?;
            if answer.body != ANSWER {
                bail!("the guest answered {:?}", answer.body);
            }
            calls += 1;
        }
        Ok(calls)
    })
}

/// Steps of a generator of random numbers, in thousands.
fn spins(each: Duration) -> u64 {
    let (start, mut thousands, mut state) = (Instant::now(), 0, 88_172_645_463_325_252_u64);
    while start.elapsed() < each {
        for _ in 0..1000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        black_box(state);
        thousands += 1;
    }
    thousands
}
