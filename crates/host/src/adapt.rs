//! Turns a WASI preview 1 core module into a component.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Encoding, Parser, Payload};

use crate::artifact::{ArtifactError, encoding};

/// Why a core module could not be turned into a component.
#[derive(Debug, thiserror::Error)]
pub enum AdaptError {
    /// Neither a module nor a component.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The module does not fit the adapter, or says nothing of its interface.
    #[error("the core module cannot be made a component: {0}")]
    Encode(String),
}

/// A component out of these bytes. A component is returned as it is; a core module, command or reactor,
/// is joined with the preview 1 adapter of this version of the runtime.
pub fn adapt(bytes: Vec<u8>) -> Result<Vec<u8>, AdaptError> {
    match encoding(&bytes)? {
        Encoding::Component => Ok(bytes),
        Encoding::Module => encode(&bytes),
    }
}

fn encode(module: &[u8]) -> Result<Vec<u8>, AdaptError> {
    let adapter = if exports_start(module) {
        WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
    } else {
        WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
    };
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| AdaptError::Encode(format!("{error:#}")))
}

/// A command exports `_start`; a reactor does not.
fn exports_start(module: &[u8]) -> bool {
    Parser::new(0).parse_all(module).filter_map(Result::ok).any(|payload| match payload {
        Payload::ExportSection(section) => {
            section.into_iter().filter_map(Result::ok).any(|export| export.name == "_start")
        }
        _ => false,
    })
}
