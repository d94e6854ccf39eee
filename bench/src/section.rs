//! What a measurement adds to a component without touching its code: custom sections, which a component may
//! end with any number of.

use airssys_wasm_model::MANIFEST_SECTION;
use bytes::Bytes;

/// The component as a release with a manifest that holds these tables beside its name and version.
pub(crate) fn with_manifest(component: &[u8], name: &str, tables: &str) -> Bytes {
    let manifest = format!("[component]\nname = \"{name}\"\nversion = \"1.0.0\"\n\n{tables}");
    appended(component, MANIFEST_SECTION, manifest.as_bytes())
}

/// The component with one more section: its id 0, its size, then its name and its data.
pub(crate) fn appended(component: &[u8], name: &str, data: &[u8]) -> Bytes {
    let mut content = leb128(name.len());
    content.extend(name.as_bytes());
    content.extend(data);
    let mut bytes = component.to_vec();
    bytes.push(0);
    bytes.extend(leb128(content.len()));
    bytes.extend(content);
    bytes.into()
}

/// A number as WebAssembly writes it, seven bits a byte.
fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_told_by_its_size() {
        assert_eq!(&appended(b"code", "ab", b"c")[..], b"code\x00\x04\x02abc");
        let long = appended(b"", "ab", &[b'x'; 200]);
        assert_eq!(&long[..6], [0, 0xcb, 0x01, 2, b'a', b'b']);
        assert_eq!(long.len(), 6 + 200);
    }
}
