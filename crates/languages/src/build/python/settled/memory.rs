//! The memory of a build: read from a module's segments, emptied, and written as segments again.

use std::ops::Range;

use wasm_encoder::{ConstExpr, DataCountSection, DataSection, Module, RawSection};
use wasmparser::{BinaryReaderError, DataKind, ExternalKind, Operator, Parser, Payload, TypeRef};

use super::sections;
use crate::build::find;

/// The sections of a module that change.
const DATA_COUNT: u8 = 12;
const DATA: u8 = 11;

/// How much empty memory ends a segment at first. A segment's own head is about eight bytes long.
const GAP: usize = 16;

/// How many segments engines take.
const MOST_SEGMENTS: usize = 100_000;

/// What libc's clock of the process began at: two words of 64 bits, behind a first one.
const CLOCK: (&str, Range<usize>) = ("libwasi-emulated-process-clocks.so:memory_base", 8..24);

/// Where Python's own memory begins, and where it has ended.
const PYTHON: (&str, &str) = ("libpython3.14.so:memory_base", "libc.so:memory_base");

/// How the random numbers of Python's other allocator begin, by which nothing is allocated. The same text stands once among Python's constants, before
/// these.
const RANDOM: &[u8] = b"expand 32-byte k";
const CONSTANTS: &[u8] = &[0, 1, 2, 3];

/// So many bytes before that text a cookie and two keys begin that were drawn by chance; behind it are the key, the
/// numbers that come next, and how many of them are left.
const DRAWN_BEFORE: usize = 12;
const DRAWN_BEHIND: usize = 48 + 64 + 4;

/// A block of libc's heap: the size of the one before it if that is free, its own size and these bits, and, where it is
/// free itself, links to others, more of them from a size on.
const IN_USE: u32 = 2;
const ONE_BEFORE_IN_USE: u32 = 1;
const HEAD: usize = 8;
const LINKS: usize = 8;
const LARGE: usize = 256;
const LINKS_OF_LARGE: usize = 24;
const ALIGNED: usize = 16;

/// The memory that a component begins with, and what its module says of places in it.
pub(super) struct Memory {
    bytes: Vec<u8>,
    places: Vec<(String, usize)>,
}

impl Memory {
    /// That of a module, if it has one that is not empty.
    pub(super) fn of(module: &[u8]) -> Result<Option<Self>, BinaryReaderError> {
        let mut memory = Self { bytes: Vec::new(), places: Vec::new() };
        let mut globals = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        if matches!(import?.ty, TypeRef::Global(_)) {
                            globals.push(None);
                        }
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        globals.push(constant(&global?.init_expr)?);
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        let global = globals.get(export.index as usize).copied().flatten();
                        if let (ExternalKind::Global, Some(at)) = (export.kind, global) {
                            memory.places.push((export.name.to_owned(), at));
                        }
                    }
                }
                Payload::DataSection(segments) => {
                    for segment in segments {
                        let segment = segment?;
                        if let DataKind::Active { offset_expr, .. } = segment.kind
                            && let Some(at) = constant(&offset_expr)?
                        {
                            memory.write(at, segment.data);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(Some(memory).filter(|memory| !memory.bytes.is_empty()))
    }

    fn write(&mut self, at: usize, data: &[u8]) {
        let end = at + data.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[at..end].copy_from_slice(data);
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.places.iter().find(|(known, _)| known == name).map(|(_, at)| *at)
    }

    fn clear(&mut self, range: Range<usize>) {
        let end = range.end.min(self.bytes.len());
        if let Some(bytes) = self.bytes.get_mut(range.start..end) {
            bytes.fill(0);
        }
    }

    /// Makes empty what nobody reads. `began` are places in Python's own memory.
    pub(super) fn empty(&mut self, began: &[usize]) -> Option<()> {
        let python = self.place(PYTHON.0)?..self.place(PYTHON.1)?;
        self.clear(self.place("__stack_low")?..self.place("__stack_pointer")?);
        let clock = self.place(CLOCK.0)?;
        self.clear(clock + CLOCK.1.start..clock + CLOCK.1.end);
        for place in began {
            self.clear(python.start + place..python.start + place + 8);
        }
        self.empty_random(python);
        self.empty_heap(self.place("__heap_base")?);
        Some(())
    }

    fn empty_random(&mut self, python: Range<usize>) {
        let mut at = python.start;
        while let Some(next) = self.bytes.get(at..python.end).and_then(|rest| find(rest, RANDOM)) {
            let state = at + next;
            at = state + RANDOM.len();
            if !self.bytes[at..].starts_with(CONSTANTS) {
                self.clear(state - DRAWN_BEFORE..state);
                self.clear(at..at + DRAWN_BEHIND);
            }
        }
    }

    /// Goes from block to block. Where one does not fit the one before it the heap has ended, or is none that is known.
    fn empty_heap(&mut self, base: usize) {
        let mut at = (base + HEAD).next_multiple_of(ALIGNED) - HEAD;
        let mut before = IN_USE;
        while let Some(head) = self.word(at + 4) {
            let size = (head & !7) as usize;
            let fits = (head & ONE_BEFORE_IN_USE != 0) == (before & IN_USE != 0);
            if !fits || size < ALIGNED || !size.is_multiple_of(ALIGNED) {
                return;
            }
            if head & IN_USE == 0 {
                let links = if size < LARGE { LINKS } else { LINKS_OF_LARGE };
                self.clear(at + HEAD + links..at + size);
            }
            before = head;
            at += size;
        }
    }

    fn word(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// The module with this memory in place of its own.
    pub(super) fn module(&self, module: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
        let segments = self.segments();
        let mut data = DataSection::new();
        for segment in &segments {
            // An address has 32 bits, whichever sign they give it.
            let at = ConstExpr::i32_const((segment.start as u32).cast_signed());
            data.active(0, &at, self.bytes[segment.clone()].iter().copied());
        }
        let count = u32::try_from(segments.len()).unwrap_or(u32::MAX);
        let mut written = Module::new();
        for section in sections(module)? {
            match section.id {
                DATA => written.section(&data),
                DATA_COUNT => written.section(&DataCountSection { count }),
                id => written.section(&RawSection { id, data: &module[section.content] }),
            };
        }
        Ok(written.finish())
    }

    /// What is not empty, in no more pieces than engines take.
    fn segments(&self) -> Vec<Range<usize>> {
        let mut gap = GAP;
        loop {
            let segments = filled(&self.bytes, gap);
            if segments.len() <= MOST_SEGMENTS {
                return segments;
            }
            gap *= 2;
        }
    }
}

/// The pieces between gaps of at least so many zeros.
fn filled(bytes: &[u8], gap: usize) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte != 0) {
        match pieces.last_mut() {
            Some(piece) if at - piece.end < gap => piece.end = at + 1,
            _ => pieces.push(at..at + 1),
        }
    }
    pieces
}

/// The value of a number that is said as a constant.
fn constant(expression: &wasmparser::ConstExpr<'_>) -> Result<Option<usize>, BinaryReaderError> {
    match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => Ok(Some(value.cast_unsigned() as usize)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(places: &[(&str, usize)]) -> Memory {
        let places = places.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect();
        Memory { bytes: vec![7; 1024], places }
    }

    fn cleared(memory: &Memory) -> Vec<Range<usize>> {
        let empty: Vec<u8> = memory.bytes.iter().map(|byte| u8::from(*byte == 0)).collect();
        filled(&empty, 1)
    }

    const PLACES: [(&str, usize); 6] = [
        ("__stack_low", 0),
        ("__stack_pointer", 64),
        (PYTHON.0, 100),
        (PYTHON.1, 600),
        (CLOCK.0, 700),
        ("__heap_base", 1000),
    ];

    #[test]
    fn the_stack_the_clocks_and_what_was_drawn_are_emptied_and_no_more() {
        let mut memory = memory(&PLACES);
        // A constant, what was drawn, and a text of the same words that is the project's own.
        for at in [200, 400, 800] {
            memory.write(at, RANDOM);
        }
        memory.write(200 + RANDOM.len(), CONSTANTS);
        memory.bytes[216] = 1;
        memory.write(200, &[RANDOM, &[0, 1, 2, 3]].concat());
        memory.empty(&[10]).unwrap();
        // The first of the constants is a zero itself.
        assert_eq!(cleared(&memory), [0..64, 110..118, 216..217, 388..400, 416..532, 708..724]);
    }

    #[test]
    fn free_blocks_are_emptied_but_for_their_links_and_blocks_in_use_are_not() {
        let mut memory = memory(&[]);
        let mut block = |at: usize, head: u32| memory.write(at + 4, &head.to_le_bytes());
        let (free, used) = (ONE_BEFORE_IN_USE, ONE_BEFORE_IN_USE | IN_USE);
        block(8, 32 | used);
        block(40, 64 | free);
        // After a free one, and a large one that is free.
        block(104, 32 | IN_USE);
        block(136, 512 | free);
        // This one would have to say that the one before it is free: here the heap has ended.
        block(648, 64 | used);
        memory.empty_heap(0);
        let heads: Vec<usize> = [8, 40, 104, 136, 648].iter().map(|at| at + 4).collect();
        let beside_heads =
            |range: &Range<usize>| !heads.iter().any(|head| range.start / 4 == head / 4);
        let ranges: Vec<_> = cleared(&memory).into_iter().filter(beside_heads).collect();
        let others: Vec<_> = ranges.into_iter().filter(|range| range.len() > 3).collect();
        assert_eq!(others, [56..104, 168..648]);
    }

    #[test]
    fn what_is_not_empty_is_written_in_no_more_segments_than_engines_take() {
        let mut memory = memory(&[]);
        memory.bytes = vec![0; 40 * MOST_SEGMENTS];
        for byte in memory.bytes.iter_mut().step_by(20) {
            *byte = 1;
        }
        assert_eq!(filled(&memory.bytes, GAP).len(), 2 * MOST_SEGMENTS);
        let whole = 0..memory.bytes.len() - 19;
        assert_eq!(memory.segments(), [whole]);
        memory.bytes.truncate(30);
        assert_eq!(memory.segments(), [0..1, 20..21]);
    }
}
