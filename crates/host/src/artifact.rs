//! What an artifact is, read from its bytes without compiling or running anything.

use airssys_wasm_model::{Digest, MANIFEST_SECTION, Name, Signer, Version};
use serde::{Deserialize, Serialize};
use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};
use wasmparser::types::Types;
use wasmparser::{
    ComponentName, ComponentNameSectionReader, Encoding, KnownCustom, Parser, Payload, Validator,
    WasmFeatures,
};

use crate::engine::Concurrency;
use crate::signature::{SignatureError, signers};

/// What there is to know of an artifact before it is compiled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Inspection {
    /// The digest of the bytes.
    pub digest: Digest,
    /// How many they are.
    pub size_bytes: usize,
    /// The embedded manifest's text.
    pub manifest: Option<String>,
    /// The name in the standard metadata, where it is a valid one.
    pub name: Option<Name>,
    /// The version in the standard metadata, where it is a valid one.
    pub version: Option<Version>,
    /// Whose signatures it has. They hold.
    pub signers: Vec<Signer>,
    /// What is exported, interfaces and functions by name.
    pub exports: Vec<String>,
    /// What is imported.
    pub imports: Vec<String>,
    /// The exports that this host knows how to call.
    pub offers: Offers,
    /// What it needs of its engine.
    #[serde(skip)]
    pub(crate) concurrency: Concurrency,
}

/// The exports of a component that this host knows how to call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// `wasi:http/incoming-handler@0.2` or `wasi:http/handler@0.3`.
    pub http: Option<HttpVersion>,
    /// `airssys:component/handler`.
    pub handler: bool,
    /// `airssys:component/lifecycle`.
    pub lifecycle: bool,
    /// `airssys:component/state`.
    pub state: bool,
    /// `airssys:component/capabilities`.
    pub capabilities: bool,
    /// `wasi:cli/run`.
    pub command: bool,
    /// Exports of its own: functions, and interfaces that may hold functions.
    pub functions: bool,
}

impl Offers {
    /// Whether it answers HTTP requests: by an interface of `wasi:http`, or as a handler whose input is
    /// the request's body.
    pub fn answers_http(&self) -> bool {
        self.http.is_some() || self.handler
    }
}

/// Which HTTP interface a component exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpVersion {
    /// `wasi:http/incoming-handler@0.2`.
    #[serde(rename = "0.2")]
    P2,
    /// `wasi:http/handler@0.3`.
    #[serde(rename = "0.3")]
    P3,
}

/// A function that a component exports, as a person would write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionSignature {
    /// Its name, with its interface's: `area` or `example:shapes/math#area`.
    pub name: String,
    /// Its parameters and result: `func(width: f64, height: f64) -> f64`.
    pub signature: String,
}

/// Why bytes are no artifact.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Not WebAssembly at all.
    #[error("this is not WebAssembly: the file does not begin with the bytes `\\0asm`")]
    NotWasm,
    /// A core module.
    #[error(
        "this is a core module, not a component; `airssys-wasm build` and `airssys-wasm run` turn a \
         WASI preview 1 module into one"
    )]
    CoreModule,
    /// Malformed or cut off.
    #[error("the component is malformed or cut off at byte {offset} of {size}: {reason}")]
    Malformed {
        /// Where.
        offset: usize,
        /// Of how many bytes.
        size: usize,
        /// What is wrong.
        reason: String,
    },
    /// Nothing that can be called.
    #[error(
        "the component exports nothing that can be called: expected wasi:http/incoming-handler@0.2, \
         wasi:http/handler@0.3, wasi:cli/run, airssys:component/handler or functions of its own"
    )]
    NoExports,
    /// Signed, and changed since.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Reads an artifact: validates it, and lists what it imports, exports and says of itself.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, ArtifactError> {
    inspect_as(bytes, Digest::of(bytes))
}

/// The same for bytes whose digest is known.
pub(crate) fn inspect_as(bytes: &[u8], digest: Digest) -> Result<Inspection, ArtifactError> {
    match encoding(bytes)? {
        Encoding::Component => {}
        Encoding::Module => return Err(ArtifactError::CoreModule),
    }
    let malformed = |error: wasmparser::BinaryReaderError| ArtifactError::Malformed {
        offset: error.offset(),
        size: bytes.len(),
        reason: error.message().to_owned(),
    };
    let mut surface = surface(bytes).map_err(malformed)?;
    // Without what is asynchronous first: few components need it, and one that does fails early.
    let sequential = Validator::new_with_features(WasmFeatures::default()).validate_all(bytes);
    let named = |name: &String| name.contains("@0.3.");
    let newer = surface.imports.iter().chain(&surface.exports).any(named);
    let (types, concurrency) = match sequential {
        Ok(types) if newer => (types, Concurrency::Supported),
        Ok(types) => (types, Concurrency::None),
        Err(_) => {
            let mut validator = Validator::new_with_features(concurrent_features());
            (validator.validate_all(bytes).map_err(malformed)?, Concurrency::Supported)
        }
    };
    surface.imports.retain(|name| needs_provider(&types, name));
    let offers = Offers::of(&surface.exports);
    if !offers.any() {
        return Err(ArtifactError::NoExports);
    }
    Ok(Inspection {
        digest,
        size_bytes: bytes.len(),
        manifest: surface.manifest,
        name: surface.name.and_then(|name| name.parse().ok()),
        version: surface.version.and_then(|version| version.parse().ok()),
        signers: signers(bytes)?,
        exports: surface.exports,
        imports: surface.imports,
        offers,
        concurrency,
    })
}

/// Whether the bytes claim to be a component or a core module.
pub(crate) fn encoding(bytes: &[u8]) -> Result<Encoding, ArtifactError> {
    match bytes {
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => Ok(Encoding::Module),
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Ok(Encoding::Component),
        [0, b'a', b's', b'm', ..] => Err(ArtifactError::Malformed {
            offset: 4,
            size: bytes.len(),
            reason: "the header is cut off or of an unknown kind".into(),
        }),
        _ => Err(ArtifactError::NotWasm),
    }
}

/// What the engines run: WebAssembly 3.0's proposals, and one of them the asynchronous component model.
fn concurrent_features() -> WasmFeatures {
    WasmFeatures::default() | WasmFeatures::CM_ASYNC
}

#[derive(Default)]
struct Surface {
    exports: Vec<String>,
    imports: Vec<String>,
    manifest: Option<String>,
    name: Option<String>,
    version: Option<String>,
}

/// Whether an import has something that a host must provide. Plain types, and interfaces of nothing else,
/// are words that the component and its host share; a resource is more than that.
fn needs_provider(types: &Types, import: &str) -> bool {
    fn is_word(types: &Types, ty: &ComponentEntityType) -> bool {
        match ty {
            ComponentEntityType::Type { created, .. } => {
                !matches!(created, ComponentAnyTypeId::Resource(_))
            }
            ComponentEntityType::Instance(instance) => {
                types[*instance].exports.values().all(|item| is_word(types, &item.ty))
            }
            _ => false,
        }
    }
    let item = types.component_item_for_import(import);
    item.is_none_or(|item| !is_word(types, &item.ty))
}

/// The outermost component's own imports, exports and manifest: what is nested inside is its own affair.
fn surface(bytes: &[u8]) -> Result<Surface, wasmparser::BinaryReaderError> {
    let mut surface = Surface::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    surface.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    surface.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if depth == 1 => {
                let text = || Some(String::from_utf8_lossy(section.data()).into_owned());
                match (section.name(), section.as_known()) {
                    (MANIFEST_SECTION, _) => surface.manifest = text(),
                    ("version", _) => surface.version = text(),
                    (_, KnownCustom::ComponentName(names)) => {
                        surface.name = component_name(names).or(surface.name);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Ok(surface)
}

fn component_name(names: ComponentNameSectionReader<'_>) -> Option<String> {
    names.into_iter().filter_map(Result::ok).find_map(|name| match name {
        ComponentName::Component { name, .. } => Some(name.to_owned()),
        _ => None,
    })
}

/// How QuickJS and CPython were started when the component was built: a function, and an interface that holds one.
const LEFT_OVER: [&str; 2] = ["init", "exports"];

impl Offers {
    fn of(exports: &[String]) -> Self {
        let mut offers = Self::default();
        for export in exports {
            match export.as_str() {
                "wasi:http/incoming-handler" => {}
                name if name.starts_with("wasi:http/incoming-handler@0.2.") => {
                    // A component with both answers through the newer one.
                    offers.http.get_or_insert(HttpVersion::P2);
                }
                name if name.starts_with("wasi:http/handler@0.3.") => {
                    offers.http = Some(HttpVersion::P3);
                }
                name if name.starts_with("wasi:cli/run@0.") => offers.command = true,
                name if name.starts_with("airssys:component/handler@0.1.") => offers.handler = true,
                name if name.starts_with("airssys:component/lifecycle@0.1.") => {
                    offers.lifecycle = true;
                }
                name if name.starts_with("airssys:component/state@0.1.") => offers.state = true,
                name if name.starts_with("airssys:component/capabilities@0.1.") => {
                    offers.capabilities = true;
                }
                _ => {}
            }
        }
        let standard =
            |name: &str| name.starts_with("wasi:") || name.starts_with("airssys:component/");
        offers.functions = exports.iter().any(|name| !standard(name) && !offers.is_left_over(name));
        offers
    }

    /// Whether an export is what a language's tools left there, which no caller is meant to find: beside what the
    /// component is made for, these names are the runtime's own.
    pub(crate) fn is_left_over(&self, export: &str) -> bool {
        let has_door = self.http.is_some() || self.handler || self.command;
        has_door && LEFT_OVER.contains(&export)
    }

    fn any(&self) -> bool {
        self.http.is_some() || self.handler || self.command || self.functions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_languages_tools_left_is_no_function_beside_a_handler() {
        let offers =
            |names: &[&str]| Offers::of(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        let handler = "airssys:component/handler@0.1.0";
        assert!(!offers(&["init", "exports", handler]).functions);
        assert!(offers(&["init", "other", handler]).functions);
        assert!(offers(&["init"]).functions);
    }

    #[test]
    fn what_is_no_component_is_said_plainly() {
        assert!(matches!(inspect(b""), Err(ArtifactError::NotWasm)));
        assert!(matches!(inspect(b"#!/bin/sh"), Err(ArtifactError::NotWasm)));
        assert!(matches!(inspect(b"\0asm"), Err(ArtifactError::Malformed { .. })));
        assert!(matches!(inspect(b"\0asm\x01\0\0\0"), Err(ArtifactError::CoreModule)));
        assert!(matches!(inspect(b"\0asm\x0d\0\x01\0"), Err(ArtifactError::NoExports)));
        let cut = b"\0asm\x0d\0\x01\0\x07\xff";
        assert!(matches!(inspect(cut), Err(ArtifactError::Malformed { .. })));
    }
}
