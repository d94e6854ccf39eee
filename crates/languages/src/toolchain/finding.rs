//! What is there for each language, for `doctor`.

use std::path::PathBuf;

use serde::Serialize;

use super::Toolchains;
use super::package::Package;
use crate::Language;

/// One thing that a language needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is for.
    pub language: Language,
    /// The package, with the version that is needed.
    pub what: String,
    /// Where it is, if it is there.
    pub path: Option<PathBuf>,
}

impl Toolchains {
    /// What a language needs of this folder; nothing for Rust.
    pub fn look(&self, language: Language) -> Vec<Finding> {
        let finding = |package: &Package| {
            let home = self.home(*package);
            Finding {
                language,
                what: format!("{} {}", package.name(), package.version()),
                path: home.is_dir().then_some(home),
            }
        };
        Package::of(language).iter().map(finding).collect()
    }
}
