//! A project: a folder with a `Component.toml`.

use std::path::{Path, PathBuf};

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::Manifest;

use crate::files::read_text;

/// A project whose manifest has been read.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) dir: PathBuf,
    pub(crate) manifest: Manifest,
    /// The manifest as it is written.
    pub(super) text: String,
}

impl Project {
    /// The file that makes a folder a project.
    pub(crate) const MANIFEST: &str = "Component.toml";

    /// The project that this folder is, or lies in.
    pub(crate) fn find(from: &Path) -> Result<Self, Failure> {
        let from = from.canonicalize().map_err(|error| {
            Failure::new(Code::NotFound, format!("{}: {error}", from.display()))
        })?;
        let dir = from.ancestors().find(|dir| dir.join(Self::MANIFEST).is_file());
        match dir {
            Some(dir) => Self::open(dir),
            None => Err(Failure::new(
                Code::NotFound,
                format!("there is no {} in {} or above it", Self::MANIFEST, from.display()),
            )
            .help("start a project with `airssys-wasm init NAME`")),
        }
    }

    fn open(dir: &Path) -> Result<Self, Failure> {
        let path = dir.join(Self::MANIFEST);
        let text = read_text(&path)?;
        let manifest = Manifest::parse(&text)
            .map_err(|error| Failure::new(Code::Invalid, format!("{}: {error}", path.display())))?;
        Ok(Self { dir: dir.to_owned(), manifest, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_found_from_inside_it() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = "[component]\nname = \"greeter\"\nversion = \"1.0.0\"\n";
        std::fs::write(dir.path().join("Component.toml"), manifest).unwrap();
        std::fs::create_dir(dir.path().join("src")).unwrap();
        let project = Project::find(&dir.path().join("src")).unwrap();
        assert_eq!(project.manifest.component.name.as_str(), "greeter");
    }

    #[test]
    fn a_folder_without_a_manifest_is_not_found_and_a_wrong_one_is_invalid() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Project::find(dir.path()).unwrap_err().code, Code::NotFound);
        std::fs::write(dir.path().join("Component.toml"), "[component]\nnme = 1\n").unwrap();
        let failure = Project::find(dir.path()).unwrap_err();
        assert_eq!(failure.code, Code::Invalid);
        assert!(failure.message.contains("line 2"), "{}", failure.message);
    }
}
