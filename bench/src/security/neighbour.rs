//! What a service under attack does to its neighbour on the same node: the 99th percentile of the neighbour's calls
//! while the other computes on all its places, less the same at rest.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::Paths;
use crate::load::{Load, Outcome, Pace, Request};
use crate::node::Node;
use crate::report::{Bound, Report};

/// The promise: two ticks, after each of which a guest gives its thread back.
const ADDED_MS_PROMISED: f64 = 20.0;

/// As many callers as a revision has places unless told otherwise.
const ATTACKERS: usize = 64;

/// The neighbour's calls a second: a service that has something to do and time to spare.
const CALLS_A_SECOND: f64 = 200.0;

const CONNECTIONS: usize = 8;

/// What the attacked service hashes for each call, thousands of times: some ticks of work.
const TARGET_BYTES: usize = 3_000;

/// Not counted: connections are accepted and caches fill.
const WARM_UP: Duration = Duration::from_millis(300);

/// What the attack does at once.
const SPELL: Duration = Duration::from_millis(200);

pub(super) const HOW: &str = "`compute_http.wasm` is called on 64 connections with targets of 3,000 bytes, each some \
     ticks of work, and `hello_http.wasm` on the same node 200 times a second, whose latency counts from when a \
     request was due; at rest and under attack in turns, one percentile less the other.";

pub(super) async fn measure(
    report: &mut Report,
    paths: &Paths,
    rounds: usize,
    each: Duration,
) -> Result<()> {
    let node = Node::start(&paths.node)?;
    for (name, file) in [("quiet", "hello_http.wasm"), ("busy", "compute_http.wasm")] {
        let digest = node.upload(fs::read(paths.guests.join(file))?.into()).await?;
        node.deploy(name, "1.0.0", digest).await?;
    }
    let (mut rest, mut attacked, mut added) = <(Vec<_>, Vec<_>, Vec<_>)>::default();
    for _ in 0..rounds {
        // Opened for each round: at this pace few of them have something to do, and one without is closed after a while.
        let mut quiet = Load::open(Request::get(&node.http, "/quiet/"), CONNECTIONS)?;
        quiet.send_for(WARM_UP, Pace::PerSecond(CALLS_A_SECOND))?.all_answered()?;
        let before = quiet.send_for(each, Pace::PerSecond(CALLS_A_SECOND))?;
        before.all_answered()?;
        let during = under_attack(&node, || quiet.send_for(each, Pace::PerSecond(CALLS_A_SECOND)))?;
        during.all_answered()?;
        let p99 = |outcome: &Outcome| outcome.latency_ms(0.99);
        added.push(p99(&during) - p99(&before));
        rest.push(p99(&before));
        attacked.push(p99(&during));
    }
    let what = "a neighbour's p99 under attack, less its p99 at rest";
    report.promise(what, "ms", added, Bound::AtMost(ADDED_MS_PROMISED));
    report.row("a neighbour's p99 at rest", "ms", rest);
    report.row("a neighbour's p99 under attack", "ms", attacked);
    Ok(())
}

/// Does something while the other service is called as fast as it goes.
fn under_attack<T>(node: &Node, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let target = format!("/busy/?{}", "x".repeat(TARGET_BYTES));
    let mut attack = Load::open(Request::get(&node.http, &target), ATTACKERS)?;
    let over = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&over);
    let attacking = thread::spawn(move || -> Result<u64> {
        let mut answered = 0;
        while !stop.load(Ordering::Relaxed) {
            // Some calls are stopped, and are an attack all the same.
            answered += attack.send_for(SPELL, Pace::Closed)?.answered;
        }
        Ok(answered)
    });
    // Its first calls are under way.
    thread::sleep(SPELL);
    let done = act();
    over.store(true, Ordering::Relaxed);
    let answered = attacking.join().map_err(|_panicked| anyhow!("the attack panicked"))??;
    (answered > 0).then_some(()).context("the attacked service answered nothing")?;
    done
}
