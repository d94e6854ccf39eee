//! `cargo xtask demo`: the product end to end, told so that a stranger understands it.
//!
//! It builds the node and four versions of one small service, lets users send a 20 MB log without a
//! pause, and changes the service underneath them: blue-green, canary, a broken version that is taken
//! back, a rollback. It ends by itself and leaves the node's data where it says.

mod log;
mod node;
mod story;
mod traffic;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::{guests, shell};
use log::Part;
use node::Node;
use story::Story;
use traffic::Seen;

/// Where the demo leaves what it made, below the repository's root. Emptied when the demo begins.
const FOLDER: &str = "target/demo";

/// The product end to end: a node, traffic from a 20 MB log, updates, a broken version, a rollback.
#[derive(Args, Default)]
pub(crate) struct Demo {}

impl Demo {
    /// Tells the whole story.
    pub(crate) fn run(self) -> Result<()> {
        println!(
            "One node runs one service. Users send it a log, part after part, and never stop."
        );
        println!("Meanwhile the service is changed four times; one of the changes is a mistake.\n");

        let (binary, took) = timed(node::build)?;
        done("build", took, "the node and its command line, one binary");
        let ((), took) = timed(|| guests::build("examples/guests").map(drop))?;
        done("build", took, "four versions of the service `word-counter`, written with the SDK");
        let folder = shell::root().join(FOLDER);
        let (parts, took) = timed(|| write_log(&folder))?;
        let lines: u64 = parts.iter().map(|part| part.lines).sum();
        let size = parts.iter().map(|part| part.text.len()).sum::<usize>() / 1_000_000;
        done("generate", took, &format!("an access log: {size} MB, {lines} lines"));
        let (node, took) = timed(|| Node::start(&binary, &folder))?;
        done("serve", took, &format!("a node whose services answer at {}", node.http));

        let mut story = Story::begin(&node, parts)?;
        story.blue_green()?;
        story.canary()?;
        let broken = story.broken_canary()?;
        story.roll_back()?;
        let seen = story.end()?;

        let ((), took) = timed(|| node.stop())?;
        done("stop", took, "the node; calls under way end first");
        conclude(&seen);
        println!(
            "\nIn {FOLDER}: access.log, what was sent; data, all that the node knows; node.log."
        );
        println!("Run it again from there: target/debug/airssys-wasm serve --data {FOLDER}/data");
        verdict(&seen, broken)
    }
}

/// Empties the folder and writes the log into it.
fn write_log(folder: &Path) -> Result<Arc<Vec<Part>>> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let parts = log::generate();
    let whole: String = parts.iter().map(|part| part.text.as_str()).collect();
    fs::write(folder.join("access.log"), whole)?;
    Ok(Arc::new(parts))
}

/// One line of the story: what was done and how long it took.
fn done(step: &str, took: Duration, what: &str) {
    println!("{step:>10} {:>9}  {what}", time(took));
}

/// A line that belongs to the one above.
fn more(what: &str) {
    println!("{:22}{what}", "");
}

fn time(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1000.0;
    if ms < 1000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1000.0) }
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let done = work()?;
    Ok((done, start.elapsed()))
}

/// The counts, by the version that answered.
fn conclude(seen: &Seen) {
    println!("\n{:<20} {:>8} {:>8}", "answered by", "calls", "failed");
    for (version, calls) in &seen.by_version {
        println!("{version:<20} {:>8} {:>8}", calls.sent, calls.failed);
    }
    let total = seen.total();
    println!("{:<20} {:>8} {:>8}", "all", total.sent, total.failed);
    for failure in &seen.failures {
        println!("  {failure}");
    }
}

/// Succeeds when no call failed but in the broken version itself, and that one was met and taken back.
/// `broken` is how many of the calls that version failed.
fn verdict(seen: &Seen, broken: u64) -> Result<()> {
    let total = seen.total();
    let failed = total.failed - broken;
    println!(
        "\n{} calls sent, {failed} failed. Apart from these, {broken} met the broken version while it had \
         a tenth of the calls, and got its error; then it was taken back.",
        total.sent - broken
    );
    if failed > 0 {
        bail!("{failed} calls failed that the broken version did not answer");
    }
    if broken == 0 {
        bail!("the broken version was never met");
    }
    Ok(())
}
