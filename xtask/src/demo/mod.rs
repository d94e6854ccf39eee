//! `cargo xtask demo`: the product end to end, told so that a stranger understands it.
//!
//! It builds the node and four versions of one small service, lets users send a 20 MB log without a
//! pause, and changes the service underneath them: blue-green, canary, a broken version that is taken
//! back, a rollback. It ends by itself and leaves the node's data where it says.

mod log;
mod node;
mod traffic;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{guests, shell};
use node::{Node, Reply};
use traffic::{Door, GUEST_FAILED, Seen, Traffic, timed};

/// The service of the demo, and its folder under `examples/guests`.
const SERVICE: &str = "word-counter";

/// Calls let through between two steps, so that each version is seen at work.
const BETWEEN_STEPS: u64 = 400;

/// The product end to end: a node, traffic from a 20 MB log, updates, a broken version, a rollback.
#[derive(Args, Default)]
pub(crate) struct Demo {
    /// Where the node's data and log go (emptied first) [default: target/demo]
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Demo {
    /// Tells the whole story.
    pub(crate) fn run(self) -> Result<()> {
        let folder = self.folder.unwrap_or_else(|| shell::root().join("target/demo"));
        println!("One node, one service, five changes, and users who never stop sending.\n");
        let (binary, took) = timed(node::build)?;
        done("build", took, "the node and its command line");
        let (_, took) = timed(|| guests::build("examples/guests"))?;
        done("build", took, "four versions of the service `word-counter`, written with the SDK");
        let (parts, took) = timed(|| Ok(Arc::new(log::generate())))?;
        let lines: u64 = parts.iter().map(|part| part.lines).sum();
        let size = parts.iter().map(|part| part.text.len()).sum::<usize>() / 1_000_000;
        let what =
            format!("an access log of {size} MB: {lines} lines, sent in {} parts", parts.len());
        done("write", took, &what);

        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let (node, took) = timed(|| Node::start(&binary, &folder))?;
        done(
            "start",
            took,
            &format!("a node: services at {}, commands at {}", node.http, node.control),
        );

        let mut story = Story::begin(&node, parts)?;
        story.blue_green()?;
        story.canary()?;
        story.broken_canary()?;
        story.roll_back()?;
        let (seen, broken) = story.end()?;

        let (_, took) = timed(|| node.stop())?;
        done("stop", took, "the node, after the calls under way");
        conclude(&seen);
        println!(
            "\nThe node's data is in {}, its log in {}.",
            folder.join("data").display(),
            folder.join("node.log").display()
        );
        println!("Look again: airssys-wasm serve --data {}", folder.join("data").display());
        verdict(&seen, broken)
    }
}

/// The demo between the first deploy and the last call.
struct Story<'a> {
    node: &'a Node,
    traffic: Traffic,
    told: Seen,
    /// Calls that the broken version failed.
    broken: u64,
}

impl<'a> Story<'a> {
    fn begin(node: &'a Node, parts: Arc<Vec<log::Part>>) -> Result<Self> {
        let file = component(1)?;
        let deploy = ["deploy", &file, "--name", SERVICE, "--version", "1.0.0"];
        let (reply, took) = timed(|| node.verb(&deploy))?;
        let timings = &reply.json["timings_ms"];
        let what = format!(
            "version {}: compiled in {} ms, started in {} ms",
            text(&reply, "version"),
            timings["compile"],
            timings["start"]
        );
        done("deploy", took, &what);
        let door = Door {
            url: node.control.clone(),
            path: format!("/v1/services/{SERVICE}/invoke"),
            token: node.token.clone(),
        };
        let traffic = Traffic::start(door, parts);
        let mut story = Self { node, traffic, told: Seen::default(), broken: 0 };
        story.tell("users begin; each call sends about 64 KiB and its answer is checked")?;
        Ok(story)
    }

    fn blue_green(&mut self) -> Result<()> {
        self.update(
            2,
            &["--strategy", "blue-green"],
            0,
            "blue-green: all calls at once, when the new one is ready",
        )
    }

    fn canary(&mut self) -> Result<()> {
        let how = ["--strategy", "canary", "--steps", "10,50", "--observe", "2s"];
        self.update(3, &how, 0, "canary: 10 % of the calls, then 50 %, then all")
    }

    fn broken_canary(&mut self) -> Result<()> {
        let before = self.traffic.seen();
        let how = ["--strategy", "canary", "--steps", "10,50", "--observe", "20s"];
        self.update(
            4,
            &how,
            6,
            "canary of a broken version: it crashes on a log line others can read",
        )?;
        let during = self.traffic.seen().since(&before);
        let failed = |version: &str| during.get(version).map_or(0, |calls| calls.failed);
        self.broken = failed(BROKEN) + failed(GUEST_FAILED);
        Ok(())
    }

    fn roll_back(&mut self) -> Result<()> {
        let args = ["rollback", SERVICE, "--to-version", "1.0.0"];
        let (reply, took) = timed(|| self.node.verb(&args))?;
        done("rollback", took, &format!("to version {}: {}", to(&reply), text(&reply, "outcome")));
        self.tell("users after the rollback")
    }

    fn update(&mut self, version: u32, how: &[&str], code: i32, what: &str) -> Result<()> {
        let (file, number) = (component(version)?, format!("{version}.0.0"));
        self.node.verb(&["push", &file, "--name", SERVICE, "--version", &number])?;
        let release = format!("{SERVICE}@{number}");
        let args: Vec<&str> = ["update", &release].iter().chain(how).copied().collect();
        let (reply, took) = timed(|| self.node.verb(&args))?;
        if reply.code != code {
            bail!(
                "the update to version {version} ended with exit code {}, not {code}",
                reply.code
            );
        }
        let mut end = format!("{} → {}: {}", from(&reply), to(&reply), text(&reply, "outcome"));
        if let Some(reason) = reply.json["reason"].as_str() {
            end.push_str(&format!(" ({reason})"));
        }
        done("update", took, what);
        println!("{:>23}{end}", "");
        self.tell("")
    }

    /// Lets calls flow and says who answered what since the last time.
    fn tell(&mut self, what: &str) -> Result<()> {
        self.traffic.flow(BETWEEN_STEPS)?;
        if !what.is_empty() {
            println!("{:>23}{what}", "");
        }
        let seen = self.traffic.seen();
        for (version, calls) in seen.since(&self.told) {
            println!("{:>25}{version:<8} {:>7} calls, {} failed", "", calls.sent, calls.failed);
        }
        self.told = seen;
        Ok(())
    }

    fn end(self) -> Result<(Seen, u64)> {
        let history = self.node.verb(&["history", SERVICE])?;
        println!("\nWhat the node recorded (airssys-wasm history {SERVICE}):");
        for entry in history.json.as_array().context("history is a list")? {
            println!(
                "  revision {:<3} version {:<7} {:<10} {}",
                entry["revision"],
                entry["version"].as_str().unwrap_or("?"),
                entry["state"].as_str().unwrap_or("?"),
                entry["why"].as_str().unwrap_or(""),
            );
        }
        println!();
        Ok((self.traffic.stop(), self.broken))
    }
}

/// The component file of a version.
fn component(version: u32) -> Result<String> {
    let name = format!("{SERVICE}-v{version}");
    let guests = guests::list("examples/guests")?;
    let guest = guests.into_iter().find(|guest| guest.name == name);
    let guest = guest.with_context(|| format!("examples/guests has no {name}"))?;
    Ok(guest.path.display().to_string())
}

/// One line of the story: what was done and how long it took.
fn done(step: &str, took: Duration, what: &str) {
    println!("{step:>10} {:>9}  {what}", time(took));
}

fn time(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1000.0;
    if ms < 1000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1000.0) }
}

fn text<'a>(reply: &'a Reply, field: &str) -> &'a str {
    reply.json[field].as_str().unwrap_or("?")
}

fn from(reply: &Reply) -> &str {
    reply.json["from"]["version"].as_str().unwrap_or("?")
}

fn to(reply: &Reply) -> &str {
    reply.json["to"]["version"].as_str().unwrap_or("?")
}

/// The broken version, whose own failures are its own and are named apart.
const BROKEN: &str = "4.0.0";

/// The counts, by the version that answered.
fn conclude(seen: &Seen) {
    println!("\n{:<16} {:>8} {:>8}", "answered by", "calls", "failed");
    for (version, calls) in &seen.by_version {
        println!("{version:<16} {:>8} {:>8}", calls.sent, calls.failed);
    }
    let total = seen.total();
    println!("{:<16} {:>8} {:>8}", "all", total.sent, total.failed);
    for failure in &seen.failures {
        println!("  for example: {failure}");
    }
}

/// Succeeds when no call failed but in the broken version itself, and that one was met and taken back.
fn verdict(seen: &Seen, broken: u64) -> Result<()> {
    let total = seen.total();
    let failed = total.failed - broken;
    println!(
        "\n{} calls sent, {failed} failed in five changes. {broken} of them met the broken {BROKEN} while \
         it had a tenth of the calls, and got its error; then it was taken back.",
        total.sent
    );
    if failed > 0 {
        bail!("{failed} calls failed that the broken version did not answer");
    }
    if broken == 0 {
        bail!("the broken version was never met");
    }
    Ok(())
}
