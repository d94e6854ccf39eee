//! `cargo xtask bench`: builds what is measured in the release profile, installs the peers it is
//! measured against, and hands over to the crate `bench/`, which measures.
//!
//! It measures nothing itself, so that its own build profile cannot colour a number.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use toml::Table;

use crate::{build, guests, shell};

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
    what: What,
    /// Handed on to the measuring program, such as `--rounds 3`, or `--no-verdict` to succeed whatever came out
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Requests a second, a fresh instance each, beside `wasmtime serve` with the same component
    Http,
    /// From claim to the guest's first instruction, beside a bare instantiation
    Start,
    /// From command to effect: switching versions and going back, under load
    Switch,
    /// Deploying an artifact again, and a new one
    Redeploy,
    /// Memory of a node that does nothing
    Idle,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Start => "start",
            Self::Switch => "switch",
            Self::Redeploy => "redeploy",
            Self::Idle => "idle",
        }
    }
}

impl Bench {
    /// Builds, installs, measures.
    pub(crate) fn run(self) -> Result<()> {
        let profile = Profile::release()?;
        let guests = guests::build("examples/guests")?;
        let guests = guests.first().and_then(|guest| guest.path.parent()).context("no guests")?;
        let built = build::binaries(&["--release", "--bins"])?;
        let bench = built.named("airssys-wasm-bench")?.display().to_string();
        let mut measure = shell::program(&bench);
        measure.arg(self.what.name()).arg("--guests").arg(guests);
        measure.arg("--node").arg(built.named("airssys-wasm")?);
        if matches!(self.what, What::Http) {
            measure.arg("--wasmtime").arg(wasmtime(&profile)?);
        }
        measure.arg("--out").arg(shell::root().join("target/bench"));
        measure.arg("--commit").arg(commit()).arg("--profile").arg(profile.said());
        shell::run(measure.args(self.rest))
    }
}

/// What of the workspace's release profile changes how fast its code is. The peer is compiled with the same:
/// a ratio of two compilers' settings would say nothing of two programs.
struct Profile {
    lto: String,
    codegen_units: String,
}

impl Profile {
    fn release() -> Result<Self> {
        Self::in_manifest(&fs::read_to_string(shell::root().join("Cargo.toml"))?)
    }

    fn in_manifest(manifest: &str) -> Result<Self> {
        let manifest: Table = manifest.parse()?;
        let release = &manifest["profile"]["release"];
        let setting = |name: &str| {
            let value = release.get(name).with_context(|| format!("the profile has no {name}"))?;
            Ok::<_, anyhow::Error>(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        Ok(Self { lto: setting("lto")?, codegen_units: setting("codegen-units")? })
    }

    /// The profile as cargo reads it for a package of another workspace.
    fn variables(&self) -> [(&'static str, &str); 2] {
        [
            ("CARGO_PROFILE_RELEASE_LTO", &self.lto),
            ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", &self.codegen_units),
        ]
    }

    fn said(&self) -> String {
        format!("release profile, {} LTO, {} codegen units", self.lto, self.codegen_units)
    }

    /// A folder's name: a peer that was compiled with other settings lies elsewhere.
    fn key(&self) -> String {
        format!("lto-{}-units-{}", self.lto, self.codegen_units)
    }
}

/// The commit, and whether the tree has changes beside it.
fn commit() -> String {
    let git = |args: &[&str]| shell::read(shell::program("git").args(args));
    let Ok(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain"]).is_ok_and(|changes| !changes.is_empty());
    format!("{}{}", commit.trim(), if changed { " with changes" } else { "" })
}

/// Installs the peer under `target/peers` unless it is there, compiled with this profile.
fn wasmtime(profile: &Profile) -> Result<PathBuf> {
    let peers = shell::root().join("target/peers").join(profile.key());
    let binary = peers.join("bin/wasmtime");
    let installed = shell::read(shell::program(&binary.display().to_string()).arg("--version"));
    if !installed.is_ok_and(|version| version.contains(WASMTIME)) {
        eprintln!("installing wasmtime {WASMTIME} as the peer; this builds it once, in minutes");
        shell::run(
            shell::cargo()
                .args(["install", "--locked", "--version", WASMTIME, "--no-default-features"])
                .args(["--features", WASMTIME_FEATURES, "--root"])
                .arg(&peers)
                .arg("wasmtime-cli")
                .envs(profile.variables()),
        )?;
    }
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_is_compiled_with_the_workspaces_own_profile() {
        let manifest = "[profile.release]\nlto = \"thin\"\ncodegen-units = 4\n";
        let profile = Profile::in_manifest(manifest).unwrap();
        assert_eq!(
            profile.variables(),
            [("CARGO_PROFILE_RELEASE_LTO", "thin"), ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "4")]
        );
        assert_eq!(profile.key(), "lto-thin-units-4");
        assert!(Profile::release().is_ok(), "the workspace's own manifest says both");
    }
}
