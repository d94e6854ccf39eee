//! What a project begins with: the files of its template, and its SDK where the language has no registry for one.

use std::path::PathBuf;

use include_dir::{Dir, include_dir};

use crate::{ComponentKind, Language};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
static SDKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sdk");

/// The folder of a project in which its SDK lies, committed with it: a project stands by itself.
pub(crate) const SDK_DIR: &str = "airssys";

/// A file to be written, by its path in the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFile {
    /// Relative to the project.
    pub path: PathBuf,
    /// All of it.
    pub text: String,
}

/// A language has no template of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {kind} template in {language}; there is {others}")]
pub struct NoTemplate {
    kind: ComponentKind,
    language: Language,
    others: String,
}

/// The files of a new project. In each, `{{name}}` becomes the component's name and `{{sdk}}` what Rust's
/// `Cargo.toml` says of the SDK.
pub fn new_project(
    language: Language,
    kind: ComponentKind,
    name: &str,
    rust_sdk: &str,
) -> Result<Vec<ProjectFile>, NoTemplate> {
    let own = template(language, kind).ok_or_else(|| no_template(language, kind))?;
    let fill = |file: ProjectFile| ProjectFile {
        text: file.text.replace("{{name}}", name).replace("{{sdk}}", rust_sdk),
        ..file
    };
    let mut files: Vec<_> = files(own).into_iter().map(fill).collect();
    files.extend(sdk_files(language));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The SDK's files as a project holds them, under `airssys/`; none for Rust, whose SDK is a crate.
pub fn sdk_files(language: Language) -> Vec<ProjectFile> {
    let under =
        |file: ProjectFile| ProjectFile { path: PathBuf::from(SDK_DIR).join(file.path), ..file };
    let folders = sdk_folders(language).iter().filter_map(|folder| SDKS.get_dir(folder));
    folders.flat_map(files).map(under).collect()
}

/// Which folders of `sdk/` make a language's SDK: C++ stands on C's.
fn sdk_folders(language: Language) -> &'static [&'static str] {
    match language {
        Language::Rust => &[],
        Language::C => &["c"],
        Language::Cpp => &["c", "cpp"],
        Language::Go => &["go"],
        Language::Python => &["python"],
        Language::Js | Language::Ts => &["js"],
        Language::Zig => &["zig"],
    }
}

fn template(language: Language, kind: ComponentKind) -> Option<&'static Dir<'static>> {
    TEMPLATES.get_dir(format!("{}/{}", language.word(), kind.word()))
}

fn no_template(language: Language, kind: ComponentKind) -> NoTemplate {
    let there = ComponentKind::ALL.into_iter().filter(|kind| template(language, *kind).is_some());
    let others = there.map(ComponentKind::word).collect::<Vec<_>>().join(" and ");
    NoTemplate { kind, language, others }
}

/// All files below a folder, relative to it. A name's `.in` is taken away, which keeps a template's `Cargo.toml` from
/// being one, and `gitignore` gets its dot.
fn files(dir: &Dir<'_>) -> Vec<ProjectFile> {
    let mut found = Vec::new();
    collect(dir, dir, &mut found);
    found
}

fn collect(root: &Dir<'_>, dir: &Dir<'_>, found: &mut Vec<ProjectFile>) {
    for file in dir.files() {
        let path = file.path().strip_prefix(root.path()).unwrap_or(file.path());
        let path = match path.extension() {
            Some(extension) if extension == "in" => path.with_extension(""),
            _ if path.ends_with("gitignore") => path.with_file_name(".gitignore"),
            _ => path.to_owned(),
        };
        let text = file.contents_utf8().expect("templates and SDKs are text").to_owned();
        found.push(ProjectFile { path, text });
    }
    for inner in dir.dirs() {
        collect(root, inner, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_there_is_has_a_manifest_a_readme_and_nothing_left_to_fill() {
        for language in Language::ALL {
            for kind in ComponentKind::ALL {
                let Ok(files) = new_project(language, kind, "my-part", "\"0.1\"") else { continue };
                let has = |name: &str| files.iter().any(|file| file.path.ends_with(name));
                assert!(has("Component.toml") && has("README.md"), "{language} {kind}");
                assert!(has(".gitignore"), "{language} {kind}");
                let left = files.iter().find(|file| file.text.contains("{{name}}"));
                assert_eq!(left, None, "{language} {kind}");
            }
        }
    }

    #[test]
    fn every_language_has_a_handler_template() {
        for language in Language::ALL {
            assert!(
                new_project(language, ComponentKind::Handler, "my-part", "").is_ok(),
                "{language}"
            );
        }
    }
}
