//! What is there for each language, for `doctor`.

use std::path::PathBuf;

use super::needed::Needed;
use super::package::Package;
use super::{Toolchains, try_out};
use crate::{Engine, Language};

/// One thing that a language needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is for.
    pub language: Language,
    /// The package, with the version that is needed.
    pub what: String,
    /// Where it is, if it is there.
    pub path: Option<PathBuf>,
    /// Why it does not run, if it is there and was tried.
    pub broken: Option<String>,
    /// The engine that it is for, where the language can be built without.
    pub engine: Option<Engine>,
}

impl Toolchains {
    /// What a language needs of this folder, and what its engines do, without trying any of it; nothing for Rust.
    pub fn look(&self, language: Language) -> Vec<Finding> {
        let finding = |package: &Package| {
            let home = self.home(*package);
            Finding {
                language,
                what: format!("{} {}", package.name(), package.version()),
                path: home.join(package.program()).exists().then_some(home),
                broken: None,
                engine: package.engine(),
            }
        };
        every(language).map(finding).collect()
    }

    /// The same, each program that is there run once, if what runs it is there.
    pub async fn tried(&self, language: Language) -> Vec<Finding> {
        let mut findings = self.look(language);
        if let Some(needed) = Needed::by(language)
            && needed.check().await.is_err()
        {
            return findings;
        }
        for (finding, package) in findings.iter_mut().zip(every(language)) {
            if let Some(home) = &finding.path {
                finding.broken = try_out(*package, home).await.err();
            }
        }
        findings
    }
}

/// What a language needs, and what its engines do besides.
fn every(language: Language) -> impl Iterator<Item = &'static Package> {
    let engines = Engine::of(language).iter().flat_map(|engine| Package::of_engine(*engine));
    Package::of(language).iter().chain(engines)
}
