//! `cargo xtask bench`: builds what is measured in the release profile, installs the peers it is
//! measured against, and hands over to the crate `bench/`, which measures.
//!
//! It measures nothing itself, so that its own build profile cannot colour a number.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::{build, extism, guests, shell};

/// The peer, at the version of the engine inside the node.
const WASMTIME: &str = "48.0.8";

/// Features the peer needs to be the `wasmtime serve` people run: its compiler, both HTTP versions and
/// the pooling allocator. What `serve` never uses (explorer, debugger, other compilers) is left out.
const WASMTIME_FEATURES: &str = "run,serve,compile,parallel-compilation,pooling-allocator,cache,\
                                 component-model,component-model-async,threads,gc,gc-drc,gc-null,\
                                 wasi-config,logging";

/// Measure the node against its promises and its peers (release profile).
#[derive(Args)]
pub(crate) struct Bench {
    /// What to measure
    #[arg(default_value = "all")]
    what: What,
    /// Handed on to the measuring program, such as `--rounds 3`, or `--no-verdict` to succeed whatever came out
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Each of the others in turn, with their own defaults
    All,
    /// Requests a second, a fresh instance each, beside `wasmtime serve` with the same component
    Http,
    /// Requests a second with instances used again, of `wasi:http` 0.2 and 0.3
    Reuse,
    /// Bodies sent back: 1 KiB, 1 MiB, and 1 GiB streamed with the node's memory watched
    Bodies,
    /// From claim to the guest's first instruction, beside a bare instantiation
    Start,
    /// Calls in one process through the library, beside the bare engine and Extism
    Calls,
    /// From command to effect: switching versions and going back, under load
    Switch,
    /// Deploying an artifact again, and a new one
    Redeploy,
    /// Memory of a node that does nothing
    Idle,
    /// Process start to first answer, beside `wasmtime serve` of a file compiled before
    Cold,
    /// Memory and calls of many live instances in one node
    Density,
    /// What callers see of an update under load, and a new artifact's way to its first answer
    Update,
    /// What a second core brings
    Cores,
    /// The cost of what a host adds to the engine
    Costs,
    /// Rollouts under load: how soon a candidate that fails is taken back, and sound ones by every strategy
    Rollout,
    /// How the analysis of rollouts decides, in simulated rollouts by the thousand
    Analysis,
    /// The cost of decisions, limits and audit, and what a service under attack does to its neighbour
    Security,
    /// The guest languages beside one another, from source to call
    Languages,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Http => "http",
            Self::Reuse => "reuse",
            Self::Bodies => "bodies",
            Self::Start => "start",
            Self::Calls => "calls",
            Self::Switch => "switch",
            Self::Redeploy => "redeploy",
            Self::Idle => "idle",
            Self::Cold => "cold",
            Self::Density => "density",
            Self::Update => "update",
            Self::Cores => "cores",
            Self::Costs => "costs",
            Self::Rollout => "rollout",
            Self::Analysis => "analysis",
            Self::Security => "security",
            Self::Languages => "languages",
        }
    }
}

/// What the guests in `guests/languages` are written in.
const LANGUAGES: [&str; 7] = ["rust", "c", "cpp", "go", "python", "js", "zig"];

/// How both are compiled. A ratio of two compilers' settings would say nothing of two programs, so the
/// workspace's release profile leaves them as `cargo install` has them.
const PROFILE: &str = "cargo's release profile";

impl Bench {
    /// Builds, installs, measures.
    pub(crate) fn run(self) -> Result<()> {
        let guests = guests::build("examples/guests")?;
        let guests = guests.first().and_then(|guest| guest.path.parent()).context("no guests")?;
        let built = build::binaries(&[
            "--release",
            "--bin",
            "airssys-wasm",
            "--bin",
            "airssys-wasm-bench",
        ])?;
        let measured = match self.what {
            What::All => What::value_variants().iter().filter(|what| **what != What::All).collect(),
            ref one => vec![one],
        };
        let mut broken = Vec::new();
        for what in measured {
            let outcome = shell::run(what.measure(&built, guests)?.args(&self.rest));
            if let (What::All, Err(error)) = (self.what, &outcome) {
                // The others are measured all the same.
                eprintln!("{error:#}");
                broken.push(what.name());
                continue;
            }
            outcome?;
        }
        ensure!(broken.is_empty(), "not kept, or not measured: {}", broken.join(", "));
        Ok(())
    }
}

impl What {
    /// The measuring program, told what it needs for this.
    fn measure(self, built: &build::Binaries, guests: &Path) -> Result<Command> {
        let bench = built.named("airssys-wasm-bench")?.display().to_string();
        let mut measure = shell::program(&bench);
        measure.arg(self.name()).arg("--guests").arg(guests);
        measure.arg("--node").arg(built.named("airssys-wasm")?);
        if matches!(self, Self::Http | Self::Reuse | Self::Bodies | Self::Cold) {
            measure.arg("--wasmtime").arg(wasmtime()?);
        }
        if matches!(self, Self::Calls) {
            measure.arg("--extism").arg(extism::library()?);
            // It would keep compiled plugins in the user's own cache.
            measure.env("EXTISM_CACHE_CONFIG", "");
        }
        if matches!(self, Self::Languages) {
            let toolchains = shell::root().join("target/toolchains");
            let mut install = shell::program(&built.named("airssys-wasm")?.display().to_string());
            install.args(["toolchain", "install"]).args(LANGUAGES);
            shell::run(install.env("AIRSSYS_WASM_TOOLCHAINS", &toolchains))?;
            measure.arg("--projects").arg(shell::root().join("guests/languages"));
            measure.arg("--toolchains").arg(toolchains);
        }
        measure.arg("--out").arg(shell::root().join("target/bench"));
        measure.arg("--commit").arg(commit()).arg("--profile").arg(PROFILE);
        Ok(measure)
    }
}

/// The commit, and whether the tree has changes beside it.
fn commit() -> String {
    let git = |args: &[&str]| shell::read(shell::program("git").args(args));
    let Ok(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain"]).is_ok_and(|changes| !changes.is_empty());
    format!("{}{}", commit.trim(), if changed { " with changes" } else { "" })
}

/// Installs the peer under `target/peers` unless it is there.
fn wasmtime() -> Result<PathBuf> {
    let peers = shell::root().join("target/peers");
    let binary = peers.join("bin/wasmtime");
    let installed = shell::read(shell::program(&binary.display().to_string()).arg("--version"));
    if !installed.is_ok_and(|version| version.contains(WASMTIME)) {
        eprintln!("installing wasmtime {WASMTIME} as the peer; this builds it once, in minutes");
        shell::run(
            shell::cargo()
                .args(["install", "--locked", "--version", WASMTIME, "--no-default-features"])
                .args(["--features", WASMTIME_FEATURES, "--root"])
                .arg(&peers)
                .arg("wasmtime-cli"),
        )?;
    }
    Ok(binary)
}
