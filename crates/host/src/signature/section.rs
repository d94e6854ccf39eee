//! The sections of a component from its outside: where each begins, and which of them are signatures.

use wasmparser::BinaryReader;

use super::{SignatureError, is_component};

/// The custom section that a signature is in: the public key, then the signature.
const NAME: &str = "airssys:signature";

/// The magic number and the version.
const HEADER_BYTES: usize = 8;

/// The id of custom sections.
const CUSTOM: u8 = 0;

pub(super) struct Section<'a> {
    pub(super) offset: usize,
    /// What is in it, if it is a signature.
    pub(super) signature: Option<&'a [u8]>,
}

/// The sections of a component in their order; none of what is no component.
pub(super) struct Sections<'a>(BinaryReader<'a>);

impl<'a> Sections<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let body = if is_component(bytes) { &bytes[HEADER_BYTES..] } else { &[] };
        Self(BinaryReader::new(body, HEADER_BYTES))
    }

    fn read(&mut self, offset: usize) -> wasmparser::Result<Section<'a>> {
        let id = self.0.read_u8()?;
        let mut content = self.0.read_reader()?;
        let signed = id == CUSTOM && content.read_string()? == NAME;
        let signature =
            if signed { Some(content.read_bytes(content.bytes_remaining())?) } else { None };
        Ok(Section { offset, signature })
    }
}

impl<'a> Iterator for Sections<'a> {
    type Item = Result<Section<'a>, SignatureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.eof() {
            return None;
        }
        let offset = self.0.original_position();
        Some(self.read(offset).map_err(|_| SignatureError::Malformed { offset }))
    }
}

/// Where the signatures of an artifact begin: at its end, if it has none.
pub(super) fn first_signature(bytes: &[u8]) -> Result<usize, SignatureError> {
    for section in Sections::of(bytes) {
        let section = section?;
        if section.signature.is_some() {
            return Ok(section.offset);
        }
    }
    Ok(bytes.len())
}

/// Adds a signature at the end.
pub(super) fn append(bytes: &mut Vec<u8>, key: &[u8; 32], signature: &[u8; 64]) {
    // Both lengths are below 128, and are a byte each therefore.
    let size = 1 + NAME.len() + key.len() + signature.len();
    bytes.extend([CUSTOM, size as u8, NAME.len() as u8]);
    bytes.extend(NAME.as_bytes());
    bytes.extend(key);
    bytes.extend(signature);
}

const _: () = assert!(1 + NAME.len() + 32 + 64 < 128);
