//! A library that takes chance out of a build.
//!
//! Python chooses at random, once for each process, how it hashes texts, and so how its dictionaries lie in memory;
//! the memory of a build is what becomes the component. The variable that makes the choice can't be set from outside,
//! since the tool passes none on. It links what it finds as native extensions, though, and what they do first they do
//! before Python begins: this one sets the variable, and is nothing else.

use std::io;
use std::path::Path;

/// By its ending the tool knows it as an extension of its Python.
const NAME: &str = "seed.cpython-314-wasm32-wasi.so";

const NAME_AND_VALUE: &[u8] = b"PYTHONHASHSEED\x000\x00";

/// Where the value begins, in those bytes.
const VALUE_AT: u8 = 15;

pub(super) fn write(dir: &Path) -> io::Result<()> {
    std::fs::write(dir.join(NAME), module())
}

/// `setenv("PYTHONHASHSEED", "0", 1)` in a constructor, as a WebAssembly dynamic library (the tool conventions'
/// `dylink.0`). All of it is shorter than 128 bytes a piece, so that each length is one byte.
fn module() -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    // What it needs of memory, without alignment or a table; and the library that it needs.
    let memory = part(1, &[len(NAME_AND_VALUE), 0, 0, 0]);
    let needed = part(2, &[&[1], text("libc.so").as_slice()].concat());
    module.extend(part(0, &[text("dylink.0"), memory, needed].concat()));
    // Types: three numbers to one, and nothing to nothing.
    module.extend(part(1, b"\x02\x60\x03\x7f\x7f\x7f\x01\x7f\x60\x00\x00"));
    let import = |name: &str, what: &[u8]| [text("env"), text(name), what.to_vec()].concat();
    let imports = [
        vec![3],
        import("memory", b"\x02\x00\x01"),
        import("__memory_base", b"\x03\x7f\x00"),
        import("setenv", b"\x00\x00"),
    ];
    module.extend(part(2, &imports.concat()));
    module.extend(part(3, b"\x01\x01"));
    module.extend(part(7, &[vec![1], text("__wasm_call_ctors"), vec![0, 1]].concat()));
    // global.get 0; global.get 0; i32.const VALUE_AT; i32.add; i32.const 1; call 0; drop; end
    let body = [0, 0x23, 0, 0x23, 0, 0x41, VALUE_AT, 0x6a, 0x41, 1, 0x10, 0, 0x1a, 0x0b];
    module.extend(part(10, &[&[1, len(&body)], body.as_slice()].concat()));
    let data = [&[1, 0, 0x23, 0, 0x0b, len(NAME_AND_VALUE)], NAME_AND_VALUE];
    module.extend(part(11, &data.concat()));
    module
}

/// A section, or a part of one: what it is, how long, and its bytes.
fn part(id: u8, bytes: &[u8]) -> Vec<u8> {
    [&[id, len(bytes)], bytes].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&[len(text.as_bytes())], text.as_bytes()].concat()
}

fn len(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_short_enough_for_a_length_of_one_byte() {
        let module = module();
        let mut at = 8;
        while at < module.len() {
            assert!(module[at + 1] < 0x80);
            at += 2 + usize::from(module[at + 1]);
        }
        assert_eq!(at, module.len());
        assert_eq!(NAME_AND_VALUE[usize::from(VALUE_AT)], b'0');
    }
}
