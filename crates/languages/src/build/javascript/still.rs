//! The engine of a component: the tool's own, for which no time passes and nothing happens by chance while it is built.
//!
//! The tool starts the engine and keeps its memory, with the clock's time in it, and with tables that lie as chance had
//! it. It takes an engine from a file, though, so it is given the one that it carries itself, with a function in front of
//! each import that a clock or chance is behind: as long as the tool's start of the engine has not ended it answers
//! zero, and from then on it asks the host.

use std::io;
use std::path::{Path, PathBuf};

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{BlockType, CodeSection, ConstExpr, Function, FunctionSection, GlobalSection};
use wasm_encoder::{GlobalType, MemArg, Module, ValType};
use wasmparser::{BinaryReaderError, ExternalKind, Parser, Payload, TypeRef};

/// Where the tool's packages for each platform are, in its folder.
const PLATFORMS: &str = "node_modules/@andreiltd";

/// What such a package is called, before the platform.
const BINDING: &str = "componentize-qjs-binding-";

/// How each module begins: the preamble, and the section that a linker of libraries reads.
const MODULE: &[u8] = b"\0asm\x01\0\0\0\0";

/// What a compiler writes last.
const LAST_SECTION: &str = "target_features";

/// The function that the tool starts the engine by.
const START: &str = "init";

/// What an engine imports whose functions may be asynchronous in the component.
const OF_ASYNC: &str = "$root";

/// What a clock or chance is behind, whatever the interface's version.
const IMPORTS: [(&str, &str); 3] = [
    ("wasi:random/insecure-seed", "insecure-seed"),
    ("wasi:clocks/monotonic-clock", "now"),
    ("wasi:clocks/wall-clock", "now"),
];

/// Writes the engine to a file. `tool` is the folder that the tool is installed in.
pub(super) fn write(tool: &Path, to: &Path) -> Result<(), (PathBuf, io::Error)> {
    let packages = tool.join(PLATFORMS);
    let library = library(&packages).map_err(|error| (packages, error))?;
    let bytes = std::fs::read(&library).map_err(|error| (library.clone(), error))?;
    let still = engine(&bytes).ok_or_else(|| "there is no engine in it".to_owned());
    let still = still.and_then(still_while_started).map_err(io::Error::other);
    let still = still.map_err(|error| (library, error))?;
    std::fs::write(to, still).map_err(|error| (to.to_owned(), error))
}

/// The library of the tool, which is another for each platform.
fn library(packages: &Path) -> io::Result<PathBuf> {
    let mut folders = std::fs::read_dir(packages)?.collect::<io::Result<Vec<_>>>()?;
    folders.sort_by_key(std::fs::DirEntry::file_name);
    folders.retain(|folder| folder.file_name().to_string_lossy().starts_with(BINDING));
    for folder in folders {
        for file in std::fs::read_dir(folder.path())? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "node") {
                return Ok(path);
            }
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "there is no library of the tool in it"))
}

/// The engine for exports that answer at once. The tool carries four: with asynchronous functions and without, each for
/// speed and, smaller, for size.
fn engine(library: &[u8]) -> Option<&[u8]> {
    let mut found: Option<&[u8]> = None;
    let mut at = 0;
    while let Some(next) = super::find(&library[at..], MODULE) {
        at += next;
        let module = module(&library[at..]).filter(|module| is_for_us(module));
        if module.is_some_and(|module| found.is_none_or(|found| module.len() > found.len())) {
            found = module;
        }
        at += MODULE.len();
    }
    found
}

/// The module that begins here. What follows it is not its own, and nothing says how long it is but its sections.
fn module(bytes: &[u8]) -> Option<&[u8]> {
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::CustomSection(section) = payload.ok()?
            && section.name() == LAST_SECTION
        {
            return bytes.get(..usize::try_from(section.range().end).ok()?);
        }
    }
    None
}

fn is_for_us(module: &[u8]) -> bool {
    Outline::of(module).is_ok_and(|outline| {
        outline.start.is_some() && !outline.imports.iter().any(|(from, ..)| from == OF_ASYNC)
    })
}

/// What of a module has to be known before it is written anew.
#[derive(Default)]
struct Outline {
    /// The imported functions: from where, the name, and the type.
    imports: Vec<(String, String, u32)>,
    /// The types of the module's own functions.
    functions: Vec<u32>,
    globals: u32,
    start: Option<u32>,
    types: Vec<wasmparser::FuncType>,
}

impl Outline {
    fn of(module: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(types) => {
                    outline.types = types.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        outline.import(import?);
                    }
                }
                Payload::FunctionSection(functions) => {
                    outline.functions = functions.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::GlobalSection(globals) => outline.globals += globals.count(),
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if export.name == START && export.kind == ExternalKind::Func {
                            outline.start = Some(export.index);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    fn import(&mut self, import: wasmparser::Import<'_>) {
        match import.ty {
            TypeRef::Func(ty) => {
                self.imports.push((import.module.to_owned(), import.name.to_owned(), ty));
            }
            TypeRef::Global(_) => self.globals += 1,
            _ => {}
        }
    }

    /// The number and the type of an imported function.
    fn imported(&self, (from, name): (&str, &str)) -> Option<(u32, u32)> {
        let is_it = |(module, named, _): &(String, String, u32)| {
            named == name && module.split('@').next() == Some(from)
        };
        let at = self.imports.iter().position(is_it)?;
        Some((u32::try_from(at).ok()?, self.imports[at].2))
    }

    /// The number of the first function that is added.
    fn next_function(&self) -> Option<u32> {
        u32::try_from(self.imports.len() + self.functions.len()).ok()
    }
}

/// The module with what is added to it.
fn still_while_started(module: &[u8]) -> Result<Vec<u8>, String> {
    let outline = Outline::of(module).map_err(|error| error.to_string())?;
    let mut still = Still::new(&outline)?;
    let mut written = Module::new();
    still
        .parse_core_module(&mut written, Parser::new(0), module)
        .map_err(|error| error.to_string())?;
    Ok(written.finish())
}

/// A module that is written anew. Each function that is added stands in for another, wherever that is named.
struct Still {
    added: Vec<Added>,
    /// The number of the first of them.
    first: u32,
    /// The number of the global that says whether the start has ended.
    begun: u32,
}

struct Added {
    of: u32,
    ty: u32,
    does: Does,
}

enum Does {
    /// Says zero until the start has ended.
    Number,
    /// The same for an answer that is written to memory, in two words of 64 bits.
    Pair,
    /// Starts the engine, with so many arguments, and says that this has ended.
    Start(u32),
}

impl Still {
    fn new(outline: &Outline) -> Result<Self, String> {
        let unknown = || "the engine in it is another than was expected".to_owned();
        let first = outline.next_function().ok_or_else(unknown)?;
        let mut added = Vec::new();
        for import in IMPORTS {
            let (of, ty) = outline.imported(import).ok_or_else(unknown)?;
            let known = outline.types.get(ty as usize).ok_or_else(unknown)?;
            let does = match (known.params(), known.results()) {
                ([], [wasmparser::ValType::I64]) => Does::Number,
                ([wasmparser::ValType::I32], []) => Does::Pair,
                _ => return Err(unknown()),
            };
            added.push(Added { of, ty, does });
        }
        let of = outline.start.ok_or_else(unknown)?;
        let own = (of as usize).checked_sub(outline.imports.len()).ok_or_else(unknown)?;
        let ty = *outline.functions.get(own).ok_or_else(unknown)?;
        let arguments = outline.types.get(ty as usize).ok_or_else(unknown)?.params().len();
        let does = Does::Start(u32::try_from(arguments).map_err(|_| unknown())?);
        added.push(Added { of, ty, does });
        Ok(Self { added, first, begun: outline.globals })
    }
}

impl Reencode for Still {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error> {
        let instead = (self.first..).zip(&self.added).find(|(_, added)| added.of == function);
        Ok(instead.map_or(function, |(number, _)| number))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        reencode::utils::parse_function_section(self, functions, section)?;
        for added in &self.added {
            functions.function(added.ty);
        }
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        reencode::utils::parse_global_section(self, globals, section)?;
        let begun = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(begun, &ConstExpr::i32_const(0));
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        reencode::utils::parse_code_section(self, code, section)?;
        for added in &self.added {
            code.function(&added.body(self.begun));
        }
        Ok(())
    }
}

impl Added {
    fn body(&self, begun: u32) -> Function {
        let word = |offset| MemArg { offset, align: 3, memory_index: 0 };
        let mut function = Function::new([]);
        let mut code = function.instructions();
        match self.does {
            Does::Number => {
                code.global_get(begun).if_(BlockType::Result(ValType::I64)).call(self.of);
                code.else_().i64_const(0).end();
            }
            Does::Pair => {
                code.global_get(begun).if_(BlockType::Empty).local_get(0).call(self.of);
                code.else_().local_get(0).i64_const(0).i64_store(word(0));
                code.local_get(0).i64_const(0).i64_store(word(8)).end();
            }
            Does::Start(arguments) => {
                for argument in 0..arguments {
                    code.local_get(argument);
                }
                code.call(self.of).i32_const(1).global_set(begun);
            }
        }
        code.end();
        function
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, CustomSection, EntityType, ExportKind, ExportSection, ImportSection,
        TypeSection,
    };
    use wasmparser::Operator;

    use super::*;

    /// A module with an engine's imports and start, which calls each import; of so many further bytes.
    fn engine_of(imports: &[(&str, &str, u32)], size: usize) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], [ValType::I64]);
        types.ty().function([ValType::I32], []);
        let mut imported = ImportSection::new();
        let mut start = Function::new([]);
        for (number, (from, name, ty)) in (0..).zip(imports) {
            imported.import(from, name, EntityType::Function(*ty));
            match ty {
                0 => start.instructions().call(number).drop(),
                _ => start.instructions().local_get(0).call(number),
            };
        }
        start.instructions().end();
        let mut functions = FunctionSection::new();
        functions.function(1);
        let mut globals = GlobalSection::new();
        let own = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(own, &ConstExpr::i32_const(7));
        let mut exports = ExportSection::new();
        let own = u32::try_from(imports.len()).unwrap();
        exports.export(START, ExportKind::Func, own);
        let mut code = CodeSection::new();
        code.function(&start);
        let custom = |name: &'static str, size| CustomSection {
            name: name.into(),
            data: vec![0; size].into(),
        };
        let mut module = Module::new();
        module.section(&custom("dylink.0", size)).section(&types).section(&imported);
        module.section(&functions).section(&globals).section(&exports).section(&code);
        module.section(&custom(LAST_SECTION, 0));
        module.finish()
    }

    const ITS_OWN: [(&str, &str, u32); 4] = [
        ("wasi:clocks/wall-clock@0.2.0", "now", 1),
        ("wasi:clocks/monotonic-clock@0.2.0", "now", 0),
        ("wasi:clocks/monotonic-clock@0.2.0", "resolution", 0),
        ("wasi:random/insecure-seed@0.2.9", "insecure-seed", 1),
    ];

    #[test]
    fn of_a_tools_engines_the_one_for_speed_whose_functions_answer_at_once_is_taken() {
        let wanted = engine_of(&ITS_OWN, 60);
        let mut of_async = ITS_OWN.to_vec();
        of_async.push((OF_ASYNC, "[context-get-0]", 0));
        let library = [
            b"\0asm\x01\0\0\0\0 no module".as_slice(),
            &engine_of(&of_async, 90),
            &engine_of(&ITS_OWN, 10),
            &wanted,
            MODULE,
            b"\x7fmore of the library",
        ];
        assert_eq!(engine(&library.concat()), Some(wanted.as_slice()));
        assert_eq!(engine(b"a library without an engine"), None);
    }

    /// Which functions each of a module's functions calls.
    fn calls(module: &[u8]) -> Vec<Vec<u32>> {
        let payloads = Parser::new(0).parse_all(module).map(Result::unwrap);
        let bodies = payloads.filter_map(|payload| match payload {
            Payload::CodeSectionEntry(body) => Some(body.get_operators_reader().unwrap()),
            _ => None,
        });
        let called = |operator| match operator {
            Operator::Call { function_index } => Some(function_index),
            _ => None,
        };
        bodies.map(|body| body.into_iter().filter_map(|op| called(op.unwrap())).collect()).collect()
    }

    #[test]
    fn clocks_and_chance_are_asked_by_what_stands_before_them_alone() {
        let module = engine_of(&ITS_OWN, 0);
        assert_eq!(calls(&module), [[0, 1, 2, 3]]);
        let still = still_while_started(&module).unwrap();
        // 4 is the start of before; those added from 5 on stand for the seed, the two clocks, and the start.
        let expected: [&[u32]; 5] = [&[7, 6, 2, 5], &[3], &[1], &[0], &[4]];
        assert_eq!(calls(&still), expected);
        let outline = Outline::of(&still).unwrap();
        assert_eq!((outline.start, outline.globals), (Some(8), 2));
    }

    #[test]
    fn an_engine_of_another_kind_is_refused() {
        assert!(still_while_started(&engine_of(&ITS_OWN[..3], 0)).is_err());
    }
}
