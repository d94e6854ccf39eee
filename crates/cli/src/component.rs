//! A component in a file of this machine: read, checked and understood before anything is sent.

use std::path::Path;

use airssys_wasm_api::reply::Inspection;
use airssys_wasm_api::{Code, Failure, MAX_ARTIFACT_BYTES};
use airssys_wasm_host as host;
use airssys_wasm_model::{Asked, Instances, Limits, Manifest, Name};
use bytes::Bytes;

use crate::files::read_bytes;

/// A component that was read from a file.
pub(crate) struct LocalComponent {
    pub(crate) bytes: Bytes,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) inspection: host::Inspection,
}

impl LocalComponent {
    /// Reads a component and its manifest.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::of(read_artifact(path)?, path)
    }

    /// The component that these bytes, which came from `path`, are.
    pub(crate) fn of(bytes: Bytes, path: &Path) -> Result<Self, Failure> {
        let invalid = |error: &dyn std::fmt::Display| {
            Failure::new(Code::Invalid, format!("{}: {error}", path.display()))
        };
        let inspection = host::inspect(&bytes).map_err(|error| invalid(&error))?;
        let manifest = inspection.manifest.as_deref().map(Manifest::parse).transpose();
        let manifest = manifest.map_err(|error| {
            invalid(&format!("the embedded manifest: {error}"))
                .help("correct Component.toml and build again")
        })?;
        Ok(Self { bytes, manifest, inspection })
    }

    /// What it asks for.
    pub(crate) fn asked(&self) -> Asked {
        self.manifest.as_ref().map_or_else(Asked::unstated, |manifest| manifest.asked.clone())
    }

    /// The name it gives itself.
    pub(crate) fn name(&self) -> Option<Name> {
        let manifest = self.manifest.as_ref().map(|manifest| manifest.component.name.clone());
        manifest.or_else(|| self.inspection.name.clone())
    }

    /// What `inspect` says of it.
    pub(crate) fn describe(&self) -> Inspection {
        let found = &self.inspection;
        let manifest = self.manifest.as_ref();
        Inspection {
            name: self.name(),
            version: manifest
                .map(|manifest| manifest.component.version.clone())
                .or_else(|| found.version.clone()),
            revision: None,
            digest: found.digest,
            size_bytes: self.bytes.len() as u64,
            signers: found.signers.clone(),
            shape: shape(&found.offers),
            exports: found.exports.clone(),
            functions: Vec::new(),
            imports: found.imports.clone(),
            asked: self.asked(),
            granted: None,
            limits: Box::new(manifest.map_or(Limits::DEFAULT, |manifest| manifest.limits)),
            instances: manifest
                .map_or_else(Instances::default, |manifest| manifest.instances.clone()),
            routing: manifest.map(|manifest| manifest.routing.clone()).unwrap_or_default(),
        }
    }
}

/// How a component can be called, in words.
fn shape(offers: &host::Offers) -> Vec<String> {
    let words = [
        ("http", offers.http.is_some()),
        ("handler", offers.handler),
        ("command", offers.command),
        ("functions", offers.functions),
    ];
    words.into_iter().filter(|(_, offered)| *offered).map(|(word, _)| word.to_owned()).collect()
}

/// Whether a word on the command line means a file. Names have neither dots nor slashes.
pub(crate) fn is_file(word: &str) -> bool {
    word.contains(['/', '\\']) || word.ends_with(".wasm")
}

/// A word that is neither a service nor a release; where a file has this name, how to say so.
pub(crate) fn no_name(word: &str, error: &dyn std::error::Error) -> Failure {
    let failure = Failure::from_error(Code::Usage, error);
    match Path::new(word).is_file() {
        true => failure.help(format!("there is a file of this name: write ./{word}")),
        false => failure,
    }
}

/// A component's file, if a node would take it.
pub(crate) fn read_artifact(path: &Path) -> Result<Bytes, Failure> {
    read_bytes(path, MAX_ARTIFACT_BYTES).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_neither_dots_nor_slashes() {
        for file in ["./greeter", "build/x.bin", "greeter.wasm", "C:\\x"] {
            assert!(is_file(file), "{file}");
        }
        for name in ["greeter", "greeter@1.0.0"] {
            assert!(!is_file(name), "{name}");
        }
    }
}
