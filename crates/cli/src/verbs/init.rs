//! `init`: a project that builds, tests and deploys as it is.
//!
//! The templates lie under `templates/`, as the files they become. A project stands by itself: nothing in
//! it depends on where it lies, except an SDK that is named by its path.

mod template;

use std::fs;
use std::path::{Path, PathBuf};

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::Name;
use anyhow::Context as _;
use serde::Serialize;

use self::template::Template;
use crate::place::variable;
use crate::ui::Ui;

/// Start a project that builds, tests and deploys as it is
#[derive(clap::Args)]
pub(crate) struct Init {
    /// The project's folder, its component and its service.
    name: Name,

    /// The language it is written in: rust.
    #[arg(long, value_name = "LANG", default_value = "rust")]
    lang: String,

    /// What it will be.
    #[arg(long, value_enum, default_value_t)]
    template: Template,

    /// Where the Rust SDK's source lies, instead of the registry [env: AIRSSYS_WASM_SDK].
    #[arg(long, value_name = "DIR")]
    sdk_path: Option<PathBuf>,
}

/// What was made.
#[derive(Serialize)]
struct Made {
    name: Name,
    template: Template,
    dir: PathBuf,
    files: Vec<PathBuf>,
}

/// Names that cargo or Rust refuse for a package.
const NO_PACKAGE: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

impl Init {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        self.check_language()?;
        self.check_name()?;
        let sdk = sdk_dependency(self.sdk_path.clone())?;
        let dir = PathBuf::from(self.name.as_str());
        check_free(&dir)?;
        let mut files = Vec::new();
        for (path, text) in self.template.files(&self.name, &sdk) {
            write(&dir.join(&path), &text)?;
            files.push(path);
        }
        let made = Made { name: self.name, template: self.template, dir, files };
        ui.answer(&made, |made| {
            let name = &made.name;
            format!(
                "{name}/ is ready:\n\n  cd {name}\n  airssys-wasm build\n  airssys-wasm test\n  \
                 airssys-wasm deploy build/{name}.wasm"
            )
        })
    }

    fn check_language(&self) -> Result<(), Failure> {
        if self.lang == "rust" {
            return Ok(());
        }
        let message = format!("there is no template in `{}`: rust is the one there is", self.lang);
        Err(Failure::new(Code::Usage, message).help(
            "a component in any language is built by `[build] command` and `output` in Component.toml",
        ))
    }

    fn check_name(&self) -> Result<(), Failure> {
        if !NO_PACKAGE.contains(&self.name.as_str()) {
            return Ok(());
        }
        let message = format!("`{}` means something to Rust and can't name a package", self.name);
        Err(Failure::new(Code::Usage, message)
            .help(format!("choose another name, such as `{}-component`", self.name)))
    }
}

/// The SDK as a dependency: the path that was named, else the checkout this binary was built from if it
/// is still there, else the registry.
fn sdk_dependency(named: Option<PathBuf>) -> Result<String, Failure> {
    let named = named.or_else(|| variable("AIRSSYS_WASM_SDK").map(Into::into));
    let built_from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk"));
    let path = match named {
        Some(named) if named.join("Cargo.toml").is_file() => named,
        Some(named) => {
            let message = format!("there is no SDK in {}", named.display());
            return Err(Failure::new(Code::NotFound, message)
                .help("name the folder that holds the SDK's Cargo.toml"));
        }
        None if built_from.join("Cargo.toml").is_file() => built_from.to_owned(),
        None => return Ok(format!("{:?}", env!("CARGO_PKG_VERSION"))),
    };
    let path = path.canonicalize().unwrap_or(path);
    let path = toml::Value::String(path.to_string_lossy().into_owned());
    Ok(format!("{{ path = {path} }}"))
}

/// An existing folder is taken if nothing is in it: what is there is never overwritten.
fn check_free(dir: &Path) -> Result<(), Failure> {
    let empty = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if empty {
        return Ok(());
    }
    Err(Failure::new(Code::Conflict, format!("{} exists and is not empty", dir.display()))
        .help("choose another name, or remove it first"))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("{} cannot be made", parent.display()))?;
    }
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use airssys_wasm_model::Manifest;

    use super::*;

    fn init(name: &str, lang: &str) -> Init {
        let name = name.parse().unwrap();
        Init { name, lang: lang.into(), template: Template::Handler, sdk_path: None }
    }

    #[test]
    fn a_language_without_a_template_is_refused_by_its_name() {
        let failure = init("greeter", "cobol").check_language().unwrap_err();
        assert_eq!(failure.code, Code::Usage);
        assert!(failure.message.contains("cobol"));
    }

    #[test]
    fn a_word_of_rust_is_no_name() {
        assert_eq!(init("match", "rust").check_name().unwrap_err().code, Code::Usage);
        assert!(init("matcher", "rust").check_name().is_ok());
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(check_free(dir.path()).is_ok());
        fs::write(dir.path().join("precious"), "x").unwrap();
        assert_eq!(check_free(dir.path()).unwrap_err().code, Code::Conflict);
    }

    #[test]
    fn every_template_has_a_manifest_and_cases_that_can_be_read() {
        let name: Name = "greeter".parse().unwrap();
        for template in [Template::Handler, Template::Http, Template::Cli] {
            let files = template.files(&name, "\"1\"");
            let text = |path: &str| {
                let found = files.iter().find(|(one, _)| one == Path::new(path));
                found.map(|(_, text)| text.as_str()).unwrap_or_else(|| panic!("no {path}"))
            };
            let manifest = Manifest::parse(text("Component.toml")).unwrap();
            assert_eq!(manifest.component.name, name);
            toml::from_str::<toml::Table>(text("Cargo.toml")).unwrap();
            assert!(!files.iter().any(|(_, text)| text.contains("{{")));
            let cases = files.iter().filter(|(path, _)| path.starts_with("tests/cases"));
            let mut count = 0;
            for (path, text) in cases {
                crate::verbs::test::Case::parse(text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                count += 1;
            }
            assert!(count > 0);
        }
    }
}
