//! `cargo xtask test`: tidy, formatting, the guests and every test, cheapest first, on any machine with Rust.
//! What a change must pass besides, clippy and the demo, is added by `cargo xtask ci`.
//!
//! It ends with what the failed tests said and one line, `N passed, N failed`, summed over every test binary
//! and doc test. It measures nothing: numbers are `bench`'s work.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::shell::{self, Steps};
use crate::{fuzz, guests, tidy};

/// Tidy, formatting, the guests and every test. `cargo xtask ci` adds clippy and the demo.
#[derive(Args)]
pub(crate) struct Test {
    /// Only the tests (and the guests they need), without formatting and tidy
    #[arg(long)]
    only: bool,
}

impl Test {
    /// Runs the steps and prints the time of each, then the count of tests.
    pub(crate) fn run(self) -> Result<()> {
        let mut steps = Steps::default();
        let tally = if self.only { tests(&mut steps) } else { all(&mut steps) };
        let outcome = steps.conclude();
        tally.print();
        outcome
    }
}

/// Every check and every test.
pub(crate) fn all(steps: &mut Steps) -> Tally {
    steps.step("tidy", tidy::run);
    steps.step("formatting", formatting);
    tests(steps)
}

fn tests(steps: &mut Steps) -> Tally {
    let mut tally = Tally::default();
    steps.step("guests", guests::run);
    steps.step("tests", || count(&mut tally));
    steps.step("fuzzing", fuzz::briefly);
    tally
}

fn formatting() -> Result<()> {
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))?;
    let others = ["fuzz", "guests/languages/rust", "examples/languages/markdown"];
    for folder in guests::FOLDERS.into_iter().chain(others) {
        let manifest = format!("{folder}/Cargo.toml");
        shell::run(shell::cargo().args(["fmt", "--all", "--check", "--manifest-path", &manifest]))?;
    }
    Ok(())
}

/// Every lint, as an error.
pub(crate) fn clippy() -> Result<()> {
    shell::run(shell::cargo().args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// How much of what failed tests said is repeated: a screen or two, of which a log that was cut keeps the end.
const SAID_LINES_MAX: usize = 120;

/// Tests counted over every binary that ran, and what the failed ones said.
#[derive(Default)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    /// The lines of every binary from `failures:` to its result.
    said: Vec<String>,
    /// Whether the next line is one of those.
    failing: bool,
}

impl Tally {
    /// Prints what failed tests said, then the closing line.
    pub(crate) fn print(&self) {
        for line in self.said.iter().take(SAID_LINES_MAX) {
            println!("{line}");
        }
        if let Some(more) = self.said.len().checked_sub(SAID_LINES_MAX).filter(|more| *more > 0) {
            println!("… and {more} lines more, above");
        }
        println!("\n{} passed, {} failed", self.passed, self.failed);
    }

    /// Reads a line that a test binary printed.
    fn add(&mut self, line: &str) {
        let result = line.trim().strip_prefix("test result:");
        self.failing = result.is_none() && (self.failing || line == "failures:");
        if self.failing {
            self.said.push(line.to_owned());
        }
        if let Some(result) = result {
            self.count(result);
        }
    }

    /// Adds a result such as `ok. 12 passed; 0 failed; 1 ignored; …`.
    fn count(&mut self, result: &str) {
        for part in result.split([';', '.']) {
            match part.trim().split_once(' ') {
                Some((count, "passed")) => self.passed += count.parse().unwrap_or(0),
                Some((count, "failed")) => self.failed += count.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

/// Runs the tests, showing what cargo prints while it is counted.
fn count(tally: &mut Tally) -> Result<()> {
    let mut child = shell::cargo()
        .args(["test", "--workspace", "--no-fail-fast"])
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo could not be started")?;
    for line in BufReader::new(child.stdout.take().context("no stdout")?).lines() {
        let line = line?;
        println!("{line}");
        tally.add(&line);
    }
    if !child.wait()?.success() {
        bail!("`cargo test` failed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_binarys_result_is_counted() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        tally.add("test model::name::refuses ... ok");
        tally.add("test result: FAILED. 3 passed; 2 failed; 0 ignored");
        assert_eq!((tally.passed, tally.failed), (15, 2));
        assert!(tally.said.is_empty());
    }

    #[test]
    fn what_a_failed_test_said_is_kept_until_its_binarys_result() {
        let mut tally = Tally::default();
        let printed = ["test a ... FAILED", "failures:", "---- a stdout ----", "a is not b"];
        for line in printed {
            tally.add(line);
        }
        tally.add("test result: FAILED. 0 passed; 1 failed; 0 ignored");
        tally.add("test c ... ok");
        assert_eq!(tally.said, printed[1..]);
    }
}
