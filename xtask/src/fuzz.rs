//! `cargo xtask fuzz`: inputs made up by libFuzzer, steered by what code they reach, for all that reads what others wrote.
//!
//! It takes the compiler that is there: the coverage marks are LLVM's own, so no nightly one is needed. What a
//! target keeps in `fuzz/corpus/` is tried first, in the tests too, where the rest follows from a fixed seed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::shell;

/// Each is a file or folder in `fuzz/fuzz_targets/`, and how many inputs of it the tests try: some seconds of them.
const TARGETS: [(&str, u32); 5] = [
    ("manifest", 4_000),
    ("grants", 1_500),
    ("routes", 10_000),
    ("trail", 500),
    ("ingress", 2_000),
];

/// What libFuzzer needs to see which code an input reached.
const MARKS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// How much of what a fuzzer with a finding said is shown: the input in hex, the stack and the statistics.
const SAID_LINES_MAX: usize = 80;

/// An input that takes longer, or more memory, is a finding.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// Try made-up inputs on all that reads what others wrote
#[derive(Args)]
pub(crate) struct Fuzz {
    /// Which; all of them unless named
    #[arg(value_parser = TARGETS.map(|(target, _)| target))]
    targets: Vec<String>,
    /// How long each is tried
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

impl Fuzz {
    /// Builds and runs the targets, and fails at the first finding.
    pub(crate) fn run(self) -> Result<()> {
        let built = build()?;
        for (target, _) in TARGETS {
            if self.targets.is_empty() || self.targets.iter().any(|named| named == target) {
                let mut fuzzer = fuzzer(&built, target)?;
                fuzzer.arg(format!("-max_total_time={}", self.seconds));
                shell::run(&mut fuzzer).with_context(|| finding(target))?;
            }
        }
        Ok(())
    }
}

/// A few inputs for each target, the same ones every time.
pub(crate) fn briefly() -> Result<()> {
    let built = build()?;
    for (target, inputs) in TARGETS {
        let mut fuzzer = fuzzer(&built, target)?;
        fuzzer.args(["-seed=1".to_owned(), format!("-runs={inputs}")]);
        quietly(&mut fuzzer).with_context(|| finding(target))?;
    }
    Ok(())
}

/// Builds every target and gives the folder that they are in.
fn build() -> Result<PathBuf> {
    let host = shell::read(shell::program("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say which machine it is for")?;
    let folder = shell::root().join("target/fuzz");
    // With the target named, build scripts and macros go without the marks.
    let mut cargo = shell::cargo();
    cargo.args(["build", "--quiet", "--bins", "--target", host]);
    cargo.args(["--manifest-path", "fuzz/Cargo.toml"]).arg("--target-dir").arg(&folder);
    shell::run(cargo.env("RUSTFLAGS", MARKS.join(" ")))?;
    Ok(folder.join(host).join("debug"))
}

/// The program of a target, told where to read and where to write, but not for how long.
fn fuzzer(built: &Path, target: &str) -> Result<Command> {
    println!("fuzzing {target}");
    let root = shell::root();
    let grown = root.join("target/fuzz/corpus").join(target);
    let found = found(target);
    for folder in [&found, &grown] {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let mut fuzzer = shell::program(&built.join(target).to_string_lossy());
    fuzzer.args(LIMITS).args(["-verbosity=0", "-print_final_stats=1"]);
    fuzzer.arg(format!("-artifact_prefix={}/", found.display()));
    let dictionary = root.join("fuzz/dictionaries").join(target);
    if dictionary.exists() {
        fuzzer.arg(format!("-dict={}", dictionary.display()));
    }
    // The first folder is written to: what is kept for good stays as it is.
    fuzzer.arg(&grown).arg(root.join("fuzz/corpus").join(target));
    Ok(fuzzer)
}

/// Where the inputs go that broke a target.
fn found(target: &str) -> PathBuf {
    shell::root().join("target/fuzz/found").join(target)
}

fn finding(target: &str) -> String {
    format!("`{target}` has a finding: its input is in {}", found(target).display())
}

/// Runs a fuzzer and shows how much it tried, or, when it found something, the end of what it said: its
/// thousands of lines on the way would push what matters out of a log.
fn quietly(fuzzer: &mut Command) -> Result<()> {
    let output = fuzzer.output().context("the fuzzer could not be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = said.lines().collect();
    if !output.status.success() {
        for line in &lines[lines.len().saturating_sub(SAID_LINES_MAX)..] {
            println!("{line}");
        }
        bail!("the fuzzer stopped ({})", output.status);
    }
    let tried = lines.iter().find(|line| line.contains("number_of_executed_units"));
    println!("{}", tried.context("the fuzzer does not say how much it tried")?);
    Ok(())
}
