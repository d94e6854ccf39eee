//! The guest languages beside one another: the same component in each, from its source to its calls.
//!
//! Each round builds every language's component anew in a folder of its own (the toolchain's own cache is warm, as
//! a developer's is), compiles it without a cache, and calls it. The languages take turns within a round.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use airssys_wasm_host::{CallCtx, Host, HostSettings, Input, Pool, RequestId, RevisionSpec};
use airssys_wasm_model::{ByteSize, InstanceModel, Instances, Limits};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use clap::Args;

use crate::Paths;
use crate::report::{Report, spread};
use crate::revision::spec;

/// By their words, and as they are called; TypeScript is JavaScript once it is built.
const LANGUAGES: [(&str, &str); 7] = [
    ("rust", "Rust"),
    ("c", "C"),
    ("cpp", "C++"),
    ("go", "Go"),
    ("python", "Python"),
    ("js", "JavaScript"),
    ("zig", "Zig"),
];

/// What is measured of each, with its unit.
const COLUMNS: [(&str, &str); 7] = [
    ("build", "s"),
    ("size", "KB"),
    ("compile", "ms"),
    ("start and first call", "µs"),
    ("a call, 100 B", "µs"),
    ("a call, 64 KiB", "µs"),
    ("memory of an instance", "KB"),
];

/// Calls of which a round takes the median.
const CALLS: usize = 500;

/// Fresh instances of which a round takes the median.
const STARTS: usize = 30;

/// The guest languages beside one another
#[derive(Args)]
pub(crate) struct Languages {
    #[command(flatten)]
    paths: Paths,
    /// The folder with a project in each language, by its word
    #[arg(long)]
    projects: PathBuf,
    /// The folder with their toolchains
    #[arg(long)]
    toolchains: PathBuf,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only these, by their words
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// The rounds of one language, a list of them for each column.
type Rounds = [Vec<f64>; COLUMNS.len()];

impl Languages {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let chosen = |word: &str| self.only.is_empty() || self.only.iter().any(|one| one == word);
        let languages: Vec<_> = LANGUAGES.into_iter().filter(|(word, _)| chosen(word)).collect();
        ensure!(!languages.is_empty(), "none of these languages is there");
        let mut measured: Vec<Rounds> = languages.iter().map(|_| Rounds::default()).collect();
        for _ in 0..self.rounds {
            for ((word, _), rounds) in languages.iter().zip(&mut measured) {
                let round = self.round(word).await.with_context(|| word.to_string())?;
                for (column, number) in rounds.iter_mut().zip(round) {
                    column.push(number);
                }
            }
        }
        let how = format!(
            "The conformance component of each language. {} rounds in turns, each with a build, a compilation without \
             a cache, {STARTS} fresh instances and {CALLS} calls of a pooled one, of which it takes the medians.",
            self.rounds
        );
        let mut report = Report::new("languages", how);
        report.note(table(&languages, &measured));
        for ((_, name), rounds) in languages.iter().zip(measured) {
            for ((what, unit), numbers) in COLUMNS.iter().zip(rounds) {
                report.row(format!("{name}: {what}"), unit, numbers);
            }
        }
        report.finish(&self.paths)
    }

    async fn round(&self, word: &str) -> Result<[f64; COLUMNS.len()]> {
        let (component, build_s) = self.build(word)?;
        let host = Host::new(&HostSettings::default())?;
        let begun = Instant::now();
        let fresh = pool(&host, &component, InstanceModel::Fresh).await?;
        let compile_ms = begun.elapsed().as_secs_f64() * 1e3;
        let start = calls(&fresh, STARTS, 100).await?;
        let pooled = pool(&host, &component, InstanceModel::Pooled).await?;
        let small = calls(&pooled, CALLS, 100).await?;
        let large = calls(&pooled, CALLS, 64 << 10).await?;
        let [held] = fresh.costs().memory_kb.quantiles([0.5]);
        let held = held.context("no call was counted")?;
        Ok([build_s, component.len() as f64 / 1e3, compile_ms, start, small, large, held])
    }

    /// Builds a language's project from a copy of its sources; seconds.
    fn build(&self, word: &str) -> Result<(Bytes, f64)> {
        // As deep below the checkout as the project lies: what it names by its way from there is found.
        let copied = self.projects.join(format!("../../target/languages/bench-{word}"));
        if copied.exists() {
            fs::remove_dir_all(&copied)?;
        }
        copy(&self.projects.join(word), &copied)?;
        let mut build = Command::new(&self.paths.node);
        build.arg("build").arg("--project").arg(&copied);
        build.env("AIRSSYS_WASM_TOOLCHAINS", &self.toolchains).stderr(Stdio::inherit());
        let begun = Instant::now();
        let built = build.output()?;
        let took = begun.elapsed().as_secs_f64();
        ensure!(built.status.success(), "the build failed: {}", built.status);
        let component = String::from_utf8(built.stdout)?;
        Ok((fs::read(component.trim())?.into(), took))
    }
}

/// The same numbers as the guide has them: a language a line, medians alone.
fn table(languages: &[(&str, &str)], measured: &[Rounds]) -> String {
    let head: Vec<_> = COLUMNS.iter().map(|(what, unit)| format!("{what}, {unit}")).collect();
    let mut lines = vec![
        format!("| | {} |", head.join(" | ")),
        format!("|---|{}", "---|".repeat(COLUMNS.len())),
    ];
    for ((_, name), rounds) in languages.iter().zip(measured) {
        let number = |numbers: &Vec<f64>| match spread(numbers).1 {
            small if small < 10.0 => format!("{small:.1}"),
            large => format!("{large:.0}"),
        };
        let cells: Vec<String> = rounds.iter().map(number).collect();
        lines.push(format!("| {name} | {} |", cells.join(" | ")));
    }
    lines.join("\n")
}

/// Copies a project without what builds left in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let (entry, name) = {
            let entry = entry?;
            (entry.path(), entry.file_name())
        };
        let made = ["build", "target", "node_modules", ".zig-cache", "zig-out"];
        if made.iter().any(|made| name == *made) {
            continue;
        }
        match entry.is_dir() {
            true => copy(&entry, &to.join(name))?,
            false => {
                fs::copy(&entry, to.join(name))?;
            }
        }
    }
    Ok(())
}

async fn pool(host: &Host, component: &Bytes, model: InstanceModel) -> Result<Arc<Pool>> {
    let spec = RevisionSpec {
        limits: Limits { memory: ByteSize(256 << 20), ..Limits::default() },
        instances: Instances { model, ..Instances::default() },
        ..spec(component)?
    };
    Ok(Pool::new(host.prepare(spec, component.clone()).await?))
}

/// The median of so many calls that are answered what they sent, in microseconds.
async fn calls(pool: &Arc<Pool>, times: usize, bytes: usize) -> Result<f64> {
    let body: Bytes = (0..bytes).map(|at| (at % 251) as u8).collect::<Vec<_>>().into();
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let metadata = vec![("op".to_owned(), "echo".to_owned())];
        let input = Input { body: body.clone(), content_type: None, metadata };
        let begun = Instant::now();
        let answer = pool.claim(CallCtx::new(RequestId::draw())).await?.execute(input).await?;
        took.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(answer.body == body, "the answer is not what was sent");
    }
    Ok(spread(&took).1)
}
