//! The templates: which files make which project.

use std::path::PathBuf;

use airssys_wasm_model::Name;
use serde::Serialize;

/// What a project will be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Template {
    /// Answers calls, bytes in and bytes out, with the SDK.
    #[default]
    Handler,
    /// A service over plain wasi:http.
    Http,
    /// A command with arguments, stdin, stdout and an exit code.
    Cli,
}

macro_rules! text {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $path))
    };
}

/// A file of a project and the text it begins with.
type Source = (&'static str, &'static str);

const COMMON: &[Source] = &[(".gitignore", text!("common/gitignore"))];

const HANDLER: &[Source] = &[
    ("Cargo.toml", text!("handler/Cargo.toml.in")),
    ("Component.toml", text!("handler/Component.toml.in")),
    ("README.md", text!("handler/README.md.in")),
    ("src/lib.rs", text!("handler/lib.rs")),
    ("tests/cases/greets.toml", text!("handler/greets.toml")),
    ("tests/cases/configured.toml", text!("handler/configured.toml")),
];

const HTTP: &[Source] = &[
    ("Cargo.toml", text!("http/Cargo.toml.in")),
    ("Component.toml", text!("common/Component.toml.in")),
    ("README.md", text!("http/README.md.in")),
    ("src/lib.rs", text!("http/lib.rs")),
    ("tests/cases/answers.toml", text!("http/answers.toml")),
];

const CLI: &[Source] = &[
    ("Cargo.toml", text!("cli/Cargo.toml.in")),
    ("Component.toml", text!("common/Component.toml.in")),
    ("README.md", text!("cli/README.md.in")),
    ("src/main.rs", text!("cli/main.rs")),
    ("tests/cases/greets.toml", text!("cli/greets.toml")),
];

impl Template {
    /// The project's files, with its name and its SDK filled in.
    pub(super) fn files(self, name: &Name, sdk: &str) -> Vec<(PathBuf, String)> {
        let own = match self {
            Self::Handler => HANDLER,
            Self::Http => HTTP,
            Self::Cli => CLI,
        };
        let fill = |text: &str| text.replace("{{name}}", name.as_str()).replace("{{sdk}}", sdk);
        COMMON.iter().chain(own).map(|(path, text)| (path.into(), fill(text))).collect()
    }
}
