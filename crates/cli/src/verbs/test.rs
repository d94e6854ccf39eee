//! `test`: runs the case files of a project on its built component, in the host that nodes run it in.
//!
//! Every case has a service of its own, which starts with nothing and is granted what the case names and no
//! more. Nothing is mocked: what a case shows is what a node would answer.

mod case;
mod judge;
mod run;

use std::path::{Path, PathBuf};

use airssys_wasm_api::{Code, Failure};
use serde::Serialize;

pub(crate) use self::case::Case;
use self::run::Bench;
use super::build::Project;
use crate::component::LocalComponent;
use crate::exit::Exit;
use crate::files::read_text;
use crate::ui::Ui;

/// Build a project and run its case files, tests/cases/*.toml, on the component
///
/// A case file holds calls in their order, each with its input and what is expected: output, output_json,
/// output_contains, content_type, error, and for HTTP request, status and headers. It may lay [config] over
/// the manifest's and name grants.
#[derive(clap::Args)]
pub(crate) struct Test {
    /// Only cases with one of these words in their names.
    #[arg(value_name = "CASE")]
    only: Vec<String>,

    /// The project, or a folder inside it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,

    /// Test the component that was built last.
    #[arg(long)]
    no_build: bool,
}

/// How it went.
#[derive(Debug, Serialize)]
struct Report {
    passed: usize,
    failed: usize,
    cases: Vec<CaseReport>,
}

/// How one case went.
#[derive(Debug, Serialize)]
struct CaseReport {
    name: String,
    passed: bool,
    calls: usize,
    /// What went wrong, with the number of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What the component logged, where it failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log: Vec<String>,
}

impl Test {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let project = Project::find(&self.project)?;
        let path = match self.no_build {
            true => project.artifact(),
            false => project.build(None).await?.path,
        };
        let component = LocalComponent::read(&path)?;
        let cases = self.cases(&project)?;
        let bench = Bench::new(component, &project)?;
        let mut reports = Vec::new();
        for (name, case) in cases {
            reports.push(bench.report(name, &case).await);
        }
        let failed = reports.iter().filter(|report| !report.passed).count();
        let report = Report { passed: reports.len() - failed, failed, cases: reports };
        ui.answer(&report, text)?;
        if failed > 0 { Err(Exit(Code::Failed.exit_code()).into()) } else { Ok(()) }
    }

    /// The case files, read before any of them runs.
    fn cases(&self, project: &Project) -> Result<Vec<(String, Case)>, Failure> {
        let dir = project.dir.join("tests").join("cases");
        let mut paths = Vec::new();
        list(&dir, &mut paths);
        paths.sort();
        let mut cases = Vec::new();
        for path in paths {
            let name = path.strip_prefix(&dir).unwrap_or(&path).with_extension("");
            let name = name.to_string_lossy().replace('\\', "/");
            if !self.only.is_empty() && !self.only.iter().any(|word| name.contains(word)) {
                continue;
            }
            cases.push((name, read(&path)?));
        }
        if cases.is_empty() {
            let message = format!("there is no case to run in {}", dir.display());
            return Err(Failure::new(Code::NotFound, message)
                .help("a case is a file such as tests/cases/greets.toml; `init` writes one"));
        }
        Ok(cases)
    }
}

fn read(path: &Path) -> Result<Case, Failure> {
    let invalid = |error: &dyn std::fmt::Display| {
        Failure::new(Code::Invalid, format!("{}: {error}", path.display()))
    };
    let text = read_text(path)?;
    Case::parse(&text).map_err(|error| invalid(&error))
}

/// The `.toml` files of a folder and of those in it; a folder that is not there has none.
fn list(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            list(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "toml") {
            found.push(path);
        }
    }
}

fn text(report: &Report) -> String {
    let mut lines = Vec::new();
    for case in &report.cases {
        let calls = match case.calls {
            1 => "1 call".to_owned(),
            calls => format!("{calls} calls"),
        };
        match &case.why {
            None => lines.push(format!("ok      {} ({calls})", case.name)),
            Some(why) => lines.push(format!("FAILED  {}: {why}", case.name)),
        }
        lines.extend(case.log.iter().map(|line| format!("        | {line}")));
    }
    lines.push(format!("{} passed, {} failed", report.passed, report.failed));
    lines.join("\n")
}
