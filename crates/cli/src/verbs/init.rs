//! `init`: a project that builds, tests and deploys as it is.
//!
//! A project stands by itself: nothing in it depends on where it lies, except a Rust SDK that is named by its path.

use std::fs;
use std::path::{Path, PathBuf};

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_languages::{Language, ProjectFile, new_project};
use airssys_wasm_model::{ComponentKind, Name};
use anyhow::Context as _;
use serde::Serialize;

use crate::place::{toolchains, variable};
use crate::ui::Ui;

/// Start a project that builds, tests and deploys as it is
#[derive(clap::Args)]
pub(crate) struct Init {
    /// The project's folder, its component and its service.
    name: String,

    /// The language it is written in: rust, c, cpp, go, python, js, ts, zig.
    #[arg(long, value_name = "LANG", default_value = "rust")]
    lang: Language,

    /// What it will be: a handler (bytes in, bytes out, with the SDK), an http service or a cli command.
    #[arg(long, value_name = "TEMPLATE", default_value = "handler")]
    template: ComponentKind,

    /// Where the Rust SDK's source lies, instead of the registry [env: AIRSSYS_WASM_SDK].
    #[arg(long, value_name = "DIR")]
    sdk_path: Option<PathBuf>,
}

/// What was made.
#[derive(Serialize)]
struct Made {
    name: Name,
    language: Language,
    template: ComponentKind,
    dir: PathBuf,
    files: Vec<PathBuf>,
    /// What has to be installed before it can be built.
    missing: Vec<String>,
}

impl Init {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let name = self.name()?;
        let files = self.project(&name)?;
        let dir = PathBuf::from(name.as_str());
        check_free(&dir)?;
        for file in &files {
            write(&dir.join(&file.path), &file.text)?;
        }
        let findings = toolchains()?.look(self.lang);
        let made = Made {
            name,
            language: self.lang,
            template: self.template,
            dir,
            files: files.into_iter().map(|file| file.path).collect(),
            missing: findings
                .into_iter()
                .filter(|one| one.path.is_none())
                .map(|one| one.what)
                .collect(),
        };
        ui.answer(&made, Made::text)
    }

    /// The name, if it is one, and one that the language can use.
    fn name(&self) -> Result<Name, Failure> {
        let instead = |error: &dyn std::fmt::Display, name: &Name| {
            let word = self.lang.word();
            Failure::new(Code::Usage, error)
                .help(format!("`airssys-wasm init {name} --lang {word}` would do"))
        };
        let name: Name = self.name.parse().map_err(|error| instead(&error, &near(&self.name)))?;
        self.lang
            .check_name(name.as_str())
            .map_err(|error| instead(&error, &near(&format!("{name}-part"))))?;
        Ok(name)
    }

    fn project(&self, name: &Name) -> Result<Vec<ProjectFile>, Failure> {
        let sdk = match self.lang {
            Language::Rust => sdk_dependency(self.sdk_path.clone())?,
            _ => String::new(),
        };
        new_project(self.lang, self.template, name.as_str(), &sdk)
            .map_err(|error| Failure::new(Code::Usage, error))
    }
}

impl Made {
    fn text(&self) -> String {
        let (name, word) = (&self.name, self.language.word());
        let install = match self.missing.is_empty() {
            true => String::new(),
            false => format!("  airssys-wasm toolchain install {word}\n"),
        };
        format!(
            "{name}/ is ready:\n\n  cd {name}\n{install}  airssys-wasm build\n  airssys-wasm test\n  \
             airssys-wasm deploy build/{name}.wasm"
        )
    }
}

/// The name that is nearest to what was given for one.
fn near(text: &str) -> Name {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let mut name = parts.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert_str(0, "part-");
    }
    name.truncate(Name::MAX_LEN);
    let name = name.trim_end_matches('-');
    name.parse().unwrap_or_else(|_| "my-part".parse().expect("it is a name"))
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
    let why = match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => return Ok(()),
        Ok(false) => "exists and is not empty".to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(_) if !dir.is_dir() => "exists and is no folder".to_owned(),
        Err(error) => format!("cannot be read: {error}"),
    };
    Err(Failure::new(Code::Conflict, format!("{} {why}", dir.display()))
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

    fn init(name: &str, lang: Language, template: ComponentKind) -> Init {
        Init { name: name.to_owned(), lang, template, sdk_path: None }
    }

    fn project(init: &Init) -> Result<Vec<ProjectFile>, Failure> {
        init.project(&init.name()?)
    }

    #[test]
    fn a_word_of_rust_is_no_name() {
        let refused = |name: &str| project(&init(name, Language::Rust, ComponentKind::Handler));
        assert_eq!(refused("match").unwrap_err().code, Code::Usage);
        assert!(refused("matcher").is_ok());
    }

    #[test]
    fn what_is_near_to_a_name_is_one() {
        let near = |text: &str| near(text).to_string();
        assert_eq!(near("My Part"), "my-part");
        assert_eq!(near("my_part.v2-"), "my-part-v2");
        assert_eq!(near("9lives"), "part-9lives");
        assert_eq!(near(&"a-".repeat(40)), "a-".repeat(32).trim_end_matches('-'));
        assert_eq!(near("größe"), "gr-e");
        assert_eq!(near(""), "my-part");
        assert_eq!(near("名前"), "my-part");
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(check_free(dir.path()).is_ok());
        fs::write(dir.path().join("precious"), "x").unwrap();
        assert_eq!(check_free(dir.path()).unwrap_err().code, Code::Conflict);
        let file = check_free(&dir.path().join("precious")).unwrap_err();
        assert!(file.message.ends_with("is no folder"), "{}", file.message);
    }

    #[test]
    fn every_template_has_a_manifest_and_cases_that_can_be_read() {
        for language in Language::ALL {
            for template in ComponentKind::ALL {
                let Ok(files) = project(&init("greeter", language, template)) else { continue };
                check(&files, language, template);
            }
        }
    }

    fn check(files: &[ProjectFile], language: Language, template: ComponentKind) {
        let text = |path: &str| {
            let found = files.iter().find(|file| file.path == Path::new(path));
            found.map(|file| file.text.as_str()).unwrap_or_else(|| panic!("{language}: no {path}"))
        };
        let manifest = Manifest::parse(text("Component.toml")).unwrap();
        assert_eq!(manifest.component.name.as_str(), "greeter");
        assert_eq!(manifest.build.language.unwrap().parse(), Ok(language));
        if language != Language::Rust {
            assert_eq!(manifest.build.kind.unwrap_or_default(), template, "{language}");
        }
        let cases = files.iter().filter(|file| file.path.starts_with("tests/cases"));
        let mut count = 0;
        for file in cases {
            crate::verbs::test::Case::parse(&file.text)
                .unwrap_or_else(|error| panic!("{language}: {}: {error}", file.path.display()));
            count += 1;
        }
        assert!(count > 0, "{language} {template}");
    }
}
