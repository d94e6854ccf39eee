//! A component whose memory holds nothing that was the build's alone.
//!
//! What the tool kept of Python's memory has places that nobody reads again, or nobody before writing: the stack that
//! has ended, the free blocks of the heap, and when the clocks began. They hold times, random bytes and what files were
//! called by on the machine, and are made empty here. All that lives is left as it is.

mod memory;

use std::ops::Range;

use wasm_encoder::{RawSection, Section};
use wasmparser::{
    BinaryReader, BinaryReaderError, KnownCustom, Name, Operator, Parser, Payload, TypeRef,
};

use self::memory::Memory;

/// What a module is among a component's sections.
const MODULE: u8 = 1;

/// What Python alone exports.
const PYTHON: &str = "PyImport_Inittab";

/// The function in which Python's other allocator begins. Nothing is allocated by it, but it asks for the time.
const OTHER_ALLOCATOR: &str = "mi_process_init";

pub(super) fn settled(component: &[u8]) -> Result<Vec<u8>, String> {
    let failed = |error: BinaryReaderError| error.to_string();
    let unknown = || "the component in it is another than was expected".to_owned();
    let modules: Vec<_> = sections(component)
        .map_err(failed)?
        .into_iter()
        .filter(|section| section.id == MODULE)
        .collect();
    let mut found = None;
    let mut began = Vec::new();
    for section in &modules {
        let module = &component[section.content.clone()];
        if let Some(memory) = Memory::of(module).map_err(failed)? {
            found = Some((section, memory));
        }
        began.extend(times(module).map_err(failed)?);
    }
    let (section, mut memory) = found.ok_or_else(unknown)?;
    memory.empty(&began).ok_or_else(unknown)?;
    let module = memory.module(&component[section.content.clone()]).map_err(failed)?;
    let mut written = component[..section.all.start].to_vec();
    RawSection { id: MODULE, data: &module }.append_to(&mut written);
    written.extend(&component[section.all.end..]);
    Ok(written)
}

/// A section, and what is in it.
struct Found {
    id: u8,
    all: Range<usize>,
    content: Range<usize>,
}

/// Those of a component or a module, not those in them.
fn sections(bytes: &[u8]) -> Result<Vec<Found>, BinaryReaderError> {
    let mut reader = BinaryReader::new(bytes, 0);
    reader.read_bytes(8)?;
    let mut all = Vec::new();
    while !reader.eof() {
        let start = bytes.len() - reader.bytes_remaining();
        let id = reader.read_u8()?;
        let content = reader.read_reader()?;
        let end = bytes.len() - reader.bytes_remaining();
        let content = end - content.bytes_remaining()..end;
        all.push(Found { id, all: start..end, content });
    }
    Ok(all)
}

/// Where Python's own memory holds when its other allocator began: numbers of 64 bits that are written if they are
/// zero. None in another module, which may have the same allocator in it.
fn times(module: &[u8]) -> Result<Vec<usize>, BinaryReaderError> {
    let (mut imported, mut bodies, mut wanted, mut is_python) = (0, Vec::new(), None, false);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    is_python |= export?.name == PYTHON;
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    wanted = named(names)?;
                }
            }
            _ => {}
        }
    }
    let own =
        wanted.filter(|_| is_python).and_then(|number| (number as usize).checked_sub(imported));
    let Some(body) = own.and_then(|number| bodies.get(number)) else {
        return Ok(Vec::new());
    };
    let all = body.get_operators_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(all.windows(6).filter_map(written_once).collect())
}

/// The number of the function in which the other allocator begins.
fn named(names: wasmparser::NameSectionReader<'_>) -> Result<Option<u32>, BinaryReaderError> {
    for name in names {
        if let Name::Function(functions) = name? {
            for function in functions {
                let function = function?;
                if function.name == OTHER_ALLOCATOR {
                    return Ok(Some(function.index));
                }
            }
        }
    }
    Ok(None)
}

/// Of "if this number is not zero, go on".
fn written_once(operators: &[Operator<'_>]) -> Option<usize> {
    match operators {
        [
            Operator::I32Const { value },
            Operator::I32Add,
            Operator::I64Load { memarg },
            Operator::I64Const { value: 0 },
            Operator::I64Ne,
            Operator::BrIf { .. },
        ] => Some(value.cast_unsigned() as usize + usize::try_from(memarg.offset).ok()?),
        _ => None,
    }
}
