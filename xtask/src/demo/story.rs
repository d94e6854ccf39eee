//! The changes that the demo makes to the service while its users send, each driven by the command line
//! and followed by what the users got.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::log::Part;
use super::node::{Node, Reply};
use super::traffic::{Door, Seen, Traffic};
use super::{done, more, timed};

/// The service, and its folder under `examples/guests`.
const SERVICE: &str = "word-counter";

/// The version that should not have been released.
const BROKEN: &str = "4.0.0";

/// Calls let through after each change, so that every version is seen at work.
const BETWEEN_CHANGES: u64 = 400;

/// Exit code of an update whose candidate was taken back.
const TAKEN_BACK: i32 = 6;

/// The demo between the first deploy and the last call.
pub(super) struct Story<'a> {
    node: &'a Node,
    traffic: Traffic,
    /// What the users had got when it was last told.
    told: Seen,
}

impl<'a> Story<'a> {
    /// Deploys version 1 and lets the users begin.
    pub(super) fn begin(node: &'a Node, parts: Arc<Vec<Part>>) -> Result<Self> {
        let file = component(node, 1)?;
        let (reply, took) = timed(|| node.verb(&["deploy", &file]))?;
        let ms = |part: &str| reply.json["timings_ms"][part].as_f64().unwrap_or_default();
        let (compile, start) = (ms("compile"), ms("start"));
        done("deploy", took, "version 1.0.0, which counts lines and words");
        more(&format!("compiled in {compile:.0} ms, started in {start:.1} ms"));
        let door = Door { url: node.http.clone(), path: format!("/{SERVICE}/") };
        let traffic = Traffic::start(door, parts);
        let mut story = Self { node, traffic, told: Seen::default() };
        more("the users begin: 64 KiB of log a call, and every answer is checked");
        story.tell()?;
        Ok(story)
    }

    /// Version 2, all calls at once.
    pub(super) fn blue_green(&mut self) -> Result<()> {
        let what = "to 2.0.0, which adds up sizes: blue-green, all calls at once when it is ready";
        self.update(2, &["--strategy", "blue-green"], 0, what)
    }

    /// Version 3, a growing share of the calls.
    pub(super) fn canary(&mut self) -> Result<()> {
        let how = ["--strategy", "canary", "--steps", "10,50", "--observe", "2s"];
        let what = "to 3.0.0, which finds the busiest page: canary, 10 % of the calls, 50 %, all";
        self.update(3, &how, 0, what)
    }

    /// Version 4, which the node takes back by itself. Returns how many calls it failed.
    pub(super) fn broken_canary(&mut self) -> Result<u64> {
        let before = self.told.clone();
        let how = ["--strategy", "canary", "--steps", "10,50", "--observe", "20s"];
        let what =
            "to 4.0.0, a mistake: it crashes on lines that the others can read. Canary again";
        self.update(4, &how, TAKEN_BACK, what)?;
        let during = self.told.since(&before);
        Ok(during.get(BROKEN).map_or(0, |calls| calls.failed))
    }

    /// Back to version 1.
    pub(super) fn roll_back(&mut self) -> Result<()> {
        let args = ["rollback", SERVICE, "--to-version", "1.0.0"];
        let (reply, took) = timed(|| self.node.verb(&args))?;
        done("rollback", took, "to 1.0.0, because somebody asked for it: all calls at once");
        tell_outcome(&reply);
        self.tell()
    }

    /// Ends the traffic and shows what the node recorded.
    pub(super) fn end(self) -> Result<Seen> {
        let seen = self.traffic.stop();
        let history = self.node.verb(&["history", SERVICE])?;
        println!("\nWhat the node recorded, as `airssys-wasm history {SERVICE}` shows it:");
        for entry in history.json.as_array().context("a history is a list")? {
            let text = |field: &str| entry[field].as_str().unwrap_or("?");
            let (version, state, why) = (text("version"), text("state"), text("why"));
            println!("  r{:<3} {version:<7} {state:<9} {why}", entry["revision"]);
        }
        println!();
        Ok(seen)
    }

    fn update(&mut self, version: u32, how: &[&str], code: i32, what: &str) -> Result<()> {
        let file = component(self.node, version)?;
        let args: Vec<&str> = ["update", &file].iter().chain(how).copied().collect();
        let (reply, took) = timed(|| self.node.verb(&args))?;
        done("update", took, what);
        tell_outcome(&reply);
        if reply.code != code {
            bail!("this update should end with exit code {code}, and did with {}", reply.code);
        }
        self.tell()
    }

    /// Lets calls flow and says who answered what since the last time.
    fn tell(&mut self) -> Result<()> {
        self.traffic.flow(BETWEEN_CHANGES)?;
        let seen = self.traffic.seen();
        for (version, calls) in seen.since(&self.told) {
            more(&format!("  {version:<20} {:>6} calls, {} failed", calls.sent, calls.failed));
        }
        self.told = seen;
        Ok(())
    }
}

/// Builds a version as its author would, with its manifest in it, and returns the file.
fn component(node: &Node, version: u32) -> Result<String> {
    let project = format!("examples/guests/{SERVICE}/v{version}");
    let built = node.verb(&["build", "--project", &project])?;
    let path = built.json["path"].as_str().context("`build` names no file")?;
    Ok(path.to_owned())
}

fn tell_outcome(reply: &Reply) {
    let version = |end: &str| reply.json[end]["version"].as_str().unwrap_or("?").to_owned();
    let outcome = reply.json["outcome"].as_str().unwrap_or("?");
    let mut told = format!("{} → {}: {outcome}", version("from"), version("to"));
    if let Some(reason) = reply.json["reason"].as_str().filter(|reason| !reason.is_empty()) {
        told.push_str(&format!(", because {reason}"));
    }
    more(&told);
}
