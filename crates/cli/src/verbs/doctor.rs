//! `doctor`: what is here for building and running components, and the command that installs what is not.
//!
//! It looks and changes nothing. A language's tools are the pinned ones that `toolchain install` fetches, and what
//! fetches and runs those. Each is run once: one that is there and broken, or too old, is not found.

use airssys_wasm_api::Code;
use airssys_wasm_host::{Allocation, Host, HostSettings};
use airssys_wasm_languages::{
    Language, Needed, NeededError, PYTHON, install_command, target_is_installed,
};
use serde::Serialize;
use tokio::process::Command;

use crate::exit::Exit;
use crate::place::toolchains;
use crate::ui::Ui;

/// Show what is missing to build and run components, with the command that installs it
///
/// Exits with 1 when components can't be run here, or when no language can be built.
#[derive(clap::Args)]
pub(crate) struct Doctor {}

/// One thing that was looked for.
#[derive(Debug, Serialize)]
struct Finding {
    /// A language, or `engine`.
    about: &'static str,
    what: String,
    found: bool,
    /// Whether what it is about can do without.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    optional: bool,
    /// What was found: a version, a path, a property; or why it does not do.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// How to get it, where it was not found.
    #[serde(skip_serializing_if = "Option::is_none")]
    install: Option<String>,
}

impl Doctor {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let mut findings = vec![engine()];
        findings.extend(rust().await);
        let toolchains = toolchains()?;
        for language in Language::ALL.into_iter().filter(|language| *language != Language::Rust) {
            findings.extend(toolchains.tried(language).await.into_iter().map(installed));
        }
        findings.extend(helpers().await);
        ui.answer(&findings, |findings| text(findings))?;
        let found = |about: &str| {
            let of = findings.iter().filter(|one| one.about == about);
            of.into_iter().all(|finding| finding.found || finding.optional)
        };
        let builds = Language::ALL.into_iter().any(|language| found(language.word()));
        match found("engine") && builds {
            true => Ok(()),
            false => Err(Exit(Code::Failed.exit_code()).into()),
        }
    }
}

fn engine() -> Finding {
    let (found, detail) = match Host::new(&HostSettings::default()) {
        Ok(host) => match host.allocation() {
            Allocation::Pooling => (true, "instances take their memory from reserved slots".into()),
            Allocation::OnDemand { reason } => (true, format!("memory on demand: {reason}")),
        },
        Err(error) => (false, error.to_string()),
    };
    Finding {
        about: "engine",
        what: "WebAssembly".into(),
        found,
        optional: false,
        detail: Some(detail),
        install: None,
    }
}

async fn rust() -> [Finding; 3] {
    const RUSTUP: &str = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";
    let target = target_is_installed().await.unwrap_or(false);
    [
        needed("rust", "rustc", Needed::Rust).await,
        program("rust", "cargo", &["cargo", "--version"], RUSTUP).await,
        Finding {
            about: "rust",
            what: "the target wasm32-wasip2".into(),
            found: target,
            optional: false,
            detail: None,
            install: (!target).then(|| install_command(Language::Rust, None)),
        },
    ]
}

/// What fetches toolchains, and runs some of them.
async fn helpers() -> [Finding; 4] {
    let pip = [PYTHON, "-m", "pip", "--version"];
    let npm = [if cfg!(windows) { "npm.cmd" } else { "npm" }, "--version"];
    [
        needed("fetching", "python (for c, cpp, zig, go; python to build too)", Needed::Python)
            .await,
        program("fetching", "pip (for c, cpp, zig, go, python)", &pip, "https://www.python.org")
            .await,
        program("fetching", "npm (for js, ts)", &npm, "https://nodejs.org").await,
        needed("building", "node (for js, ts)", Needed::Node).await,
    ]
}

fn installed(finding: airssys_wasm_languages::Finding) -> Finding {
    let found = finding.path.is_some() && finding.broken.is_none();
    let broken = finding.broken.map(|why| format!("broken: {why}"));
    Finding {
        about: finding.language.word(),
        what: finding.what,
        found,
        optional: finding.engine.is_some(),
        install: (!found).then(|| install_command(finding.language, finding.engine)),
        detail: broken.or_else(|| finding.path.map(|path| path.display().to_string())),
    }
}

/// A program of the user's own, which may be too old.
async fn needed(about: &'static str, what: &str, needed: Needed) -> Finding {
    let (detail, install) = match needed.check().await {
        Ok(version) => (Some(version), None),
        Err(error @ NeededError::Missing(_)) => (None, Some(error.install())),
        Err(error) => (Some(error.to_string()), Some(error.install())),
    };
    let found = install.is_none();
    Finding { about, what: what.into(), found, optional: false, detail, install }
}

/// A program that has to be there, by what it says of its version.
async fn program(about: &'static str, what: &str, command: &[&str], install: &str) -> Finding {
    let detail = version(command).await;
    Finding {
        about,
        what: what.into(),
        found: detail.is_some(),
        optional: false,
        install: detail.is_none().then(|| install.to_owned()),
        detail,
    }
}

/// What a program says of its version; none where it can't be run.
async fn version(command: &[&str]) -> Option<String> {
    let (program, args) = command.split_first()?;
    let output = Command::new(program).args(args).output().await.ok()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(said)
}

fn text(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let Finding { about, what, found, optional, detail, install } = finding;
        let mark = match (found, detail, optional) {
            (true, ..) => "ok",
            (false, Some(_), _) => "unfit",
            (false, None, true) => "optional",
            (false, None, false) => "missing",
        };
        let more = match (detail, install) {
            (Some(detail), Some(install)) => format!("  {detail}; install: {install}"),
            (None, Some(install)) => format!("  install: {install}"),
            (Some(detail), None) => format!("  {detail}"),
            (None, None) => String::new(),
        };
        format!("{mark:<8} {about:<11} {what}{more}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use airssys_wasm_languages::Engine;

    use super::*;

    #[tokio::test]
    async fn what_is_missing_is_shown_with_its_installation() {
        let finding = program("cobol", "cobc", &["no-such-compiler"], "apt install cobol").await;
        assert!(!finding.found);
        assert!(text(&[finding]).contains("install: apt install cobol"));
    }

    #[test]
    fn what_only_an_engine_needs_is_optional_and_not_missing() {
        let engine = Some(Engine::StarlingMonkey);
        let (language, what) = (Language::Js, "componentize-js".to_owned());
        let finding =
            airssys_wasm_languages::Finding { language, what, path: None, broken: None, engine };
        let text = text(&[installed(finding)]);
        assert!(text.starts_with("optional ") && !text.contains("missing"), "{text}");
        assert!(text.ends_with("toolchain install js --engine starlingmonkey"), "{text}");
    }

    #[test]
    fn the_engine_starts_here() {
        assert!(engine().found);
    }
}
