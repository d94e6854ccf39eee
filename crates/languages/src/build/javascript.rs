//! JavaScript and TypeScript: esbuild makes one module of the project and its SDK, and the engine's tool a component of
//! the module: `componentize-qjs`, or `componentize-js` for StarlingMonkey.
//!
//! QuickJS runs no promise jobs while a synchronous export answers, so esbuild turns `async` functions into generators
//! over the SDK's own promises, whose loop the SDK runs. StarlingMonkey runs its own until what an export returns has
//! settled, and the functions stay as they are. The world that is built for imports what the module imports and no more:
//! the tools would import all that a world names. QuickJS is one in which nothing is by chance, so that the same source
//! gives the same bytes.

mod still;
mod thrown;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use airssys_wasm_model::Digest;
use serde::Deserialize;

use self::thrown::Thrown;
use super::{BuildError, Compiled, Job, find, read, run, run_quietly, tell};
use crate::project::SDK_DIR;
use crate::toolchain::{Needed, Package};
use crate::{ComponentKind, Engine, Language};

pub(super) async fn build(language: Language, job: &Job<'_>) -> Result<Compiled, BuildError> {
    let source = format!("src/main.{}", language.word());
    job.check_files(language, &[&source, PACKAGE], PACKAGE)?;
    check_package(job)?;
    let engine = job.engine.unwrap_or(Engine::QuickJs);
    let globals = format!("{}/globals.js", room(engine));
    job.check_files(language, &[], &globals)?;
    Needed::Node.check().await?;
    write(&job.made().join(ENTRY), &entry(job.kind, &source, &globals))?;
    bundle(language, engine, job).await?;
    let imports = imports(job)?;
    write(&job.wit().join("sdk.wit"), &world(job, &imports))?;
    let wasm = match engine {
        Engine::QuickJs => quickjs(language, job).await?,
        Engine::StarlingMonkey => starlingmonkey(language, job).await?,
    };
    Ok(Compiled { wasm, source: Some(Digest::of(&read(job.made().join(BUNDLE))?)) })
}

/// The folder of the SDK with what an engine has of its own.
fn room(engine: Engine) -> &'static str {
    match engine {
        Engine::QuickJs => "runtime",
        Engine::StarlingMonkey => "starlingmonkey",
    }
}

/// By its `imports` the source finds the SDK, and by this file the SDK knows itself.
const PACKAGE: &str = "package.json";

/// Node.js reads the file before it runs anything, and says what is wrong with it among lines of its own.
fn check_package(job: &Job<'_>) -> Result<(), BuildError> {
    let path = PathBuf::from(PACKAGE);
    let text = text(&job.dir.join(&path))?;
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(()),
        Err(error) => Err(BuildError::File { path, error: error.into() }),
    }
}

/// What is made on the way, under `build/airssys/`.
const ENTRY: &str = "entry.js";
const BUNDLE: &str = "bundle.js";
const MAP: &str = "bundle.js.map";
const META: &str = "bundle.json";
const COMPONENT: &str = "component.wasm";
const ENGINE: &str = "engine.wasm";

/// The module that everything else is reached from: the engine is made what JavaScript expects first, then the source
/// runs.
fn entry(kind: ComponentKind, source: &str, globals: &str) -> String {
    let (file, function, exports) = match kind {
        ComponentKind::Handler => {
            ("handler", "handlerExports", "lifecycle, handler, capabilities, state")
        }
        ComponentKind::Http => ("http", "httpExports", "incomingHandler"),
        ComponentKind::Cli => ("cli", "cliExports", "run"),
    };
    format!(
        "import \"../../{SDK_DIR}/{globals}\";\n\
         import * as source from \"../../{source}\";\n\
         import {{ {function} }} from \"../../{SDK_DIR}/entry/{file}.js\";\n\
         export const {{ {exports} }} = {function}(source);\n"
    )
}

/// All of the project in one module. What is told of it is in paths relative to the project, in the module as in the
/// errors, so that a build is the same in any folder.
async fn bundle(language: Language, engine: Engine, job: &Job<'_>) -> Result<(), BuildError> {
    let console = match job.kind {
        ComponentKind::Cli => "console-cli",
        ComponentKind::Handler | ComponentKind::Http => "console",
    };
    let (conditions, injected) = match engine {
        Engine::QuickJs => ("airssys", &["fetch", "crypto", console][..]),
        // Its `crypto` is its own, with `subtle` in it.
        Engine::StarlingMonkey => ("airssys,starlingmonkey", &["fetch", console][..]),
    };
    let mut esbuild = job.toolchains.program(language, Package::Esbuild)?;
    esbuild
        .current_dir(job.dir)
        .arg(format!("build/airssys/{ENTRY}"))
        .args(["--bundle", "--format=esm", "--platform=neutral", "--target=es2023"])
        .args(["--main-fields=module,main", "--charset=utf8", "--supported:top-level-await=false"])
        .arg(format!("--conditions={conditions}"))
        .args(["--external:wasi:*", "--external:airssys:*", "--log-level=warning"])
        .args(injected.iter().map(|name| format!("--inject:{SDK_DIR}/inject/{name}.js")))
        .arg(format!("--outfile=build/airssys/{BUNDLE}"))
        .arg(format!("--metafile=build/airssys/{META}"))
        // Beside the module and not named in it: an error of it is told by the source's own lines.
        .args(["--sourcemap=external", "--sources-content=false"]);
    if engine == Engine::QuickJs {
        esbuild
            .args(["--supported:async-await=false", "--supported:async-generator=false"])
            .arg("--supported:for-await=false");
    }
    run(Package::Esbuild, esbuild).await
}

/// What esbuild tells of its work.
#[derive(Deserialize)]
struct Meta {
    outputs: std::collections::BTreeMap<String, Output>,
}

#[derive(Deserialize)]
struct Output {
    imports: Vec<Import>,
}

#[derive(Deserialize)]
struct Import {
    path: String,
}

/// The interfaces that the module imports.
fn imports(job: &Job<'_>) -> Result<BTreeSet<String>, BuildError> {
    let path = job.made().join(META);
    let meta = read(path.clone())?;
    let meta: Meta = serde_json::from_slice(&meta)
        .map_err(|error| BuildError::File { path, error: error.into() })?;
    let imports = meta.outputs.into_values().flat_map(|output| output.imports);
    Ok(imports.map(|import| import.path).collect())
}

/// The package of streams that `wasi:http` stands on while QuickJS's tool works, and in the component. The tool runs the
/// module once with real streams of its own in the place of `wasi:io` and nothing in that of `wasi:http`, which don't
/// fit together; under a name that it doesn't know both are nothing. Both are of one length, and the second is any
/// host's own: it is compatible with every other 0.2.
const STREAMS: (&str, &str) = ("@9.2.11", "@0.2.11");
const STREAM_INTERFACES: [&str; 3] = ["error", "poll", "streams"];

const _: () = assert!(STREAMS.0.len() == STREAMS.1.len());

/// Has `wasi:http` stand on streams of another name.
fn rename_streams(job: &Job<'_>) -> Result<(), BuildError> {
    let wit = job.wit();
    let streams = text(&wit.join("deps/io.wit"))?;
    let streams =
        streams.replacen("package wasi:io@0.2.12;", &format!("package wasi:io{};", STREAMS.0), 1);
    write(&wit.join("deps/io-of-http.wit"), &streams)?;
    let mut http = text(&wit.join("deps/http.wit"))?;
    for interface in STREAM_INTERFACES {
        let name = |version: &str| format!("wasi:io/{interface}{version}");
        http = http.replace(&name("@0.2.12"), &name(STREAMS.0));
    }
    write(&wit.join("deps/http.wit"), &http)
}

/// The world to build for in the place of the SDKs'.
fn world(job: &Job<'_>, imports: &BTreeSet<String>) -> String {
    let exports = job.exports().iter().map(|name| format!("    export {name};\n"));
    let imports = imports.iter().map(|name| format!("    import {name};\n"));
    let body: String = imports.chain(exports).collect();
    format!("package airssys:sdk@0.1.0;\n\nworld {} {{\n{body}}}\n", job.world())
}

async fn quickjs(language: Language, job: &Job<'_>) -> Result<Vec<u8>, BuildError> {
    rename_streams(job)?;
    let mut qjs = job.toolchains.program(language, Package::Qjs)?;
    still::write(&job.toolchains.home(Package::Qjs), &job.made().join(ENGINE))
        .map_err(|(path, error)| BuildError::File { path, error })?;
    // Relative to a folder that is named alike everywhere: the engine remembers what its module is called.
    qjs.current_dir(job.made())
        .args(["--wit", "wit", "--js", BUNDLE, "--world", job.world(), "--runtime", ENGINE])
        .args(["--output", COMPONENT]);
    let output = qjs.output().await.map_err(|error| BuildError::Run { program: TOOL, error })?;
    if output.status.success() {
        let mut component = read(job.made().join(COMPONENT))?;
        give_names_back(&mut component);
        return Ok(component);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let Some(thrown) = Thrown::found(&said) else {
        tell(&said);
        return Err(BuildError::Compile { program: TOOL, status: output.status });
    };
    if let Some(missed) = thrown.missed() {
        return Err(missed);
    }
    tell(&thrown.told(job).await);
    Err(BuildError::Compile { program: TOOL, status: output.status })
}

async fn starlingmonkey(language: Language, job: &Job<'_>) -> Result<Vec<u8>, BuildError> {
    let mut sm = job.toolchains.program(language, Package::ComponentizeJs)?;
    sm.current_dir(job.made())
        .args([BUNDLE, "--wit", "wit", "--world-name", job.world(), "--out", COMPONENT])
        // Clocks and randomness are any component's, and what the engine says as it ends goes to standard error. Its
        // outbound HTTP would be imported whether it is used or not.
        .args(["--disable", "http", "fetch-event"]);
    run_quietly(Package::ComponentizeJs, sm, |_| None).await?;
    read(job.made().join(COMPONENT))
}

/// The tool's name, to whoever it does not work for.
const TOOL: &str = "componentize-qjs";

/// Puts the streams' names in the component that a host knows. They are of one length, so that nothing moves.
fn give_names_back(component: &mut [u8]) {
    for interface in STREAM_INTERFACES {
        let [from, to] =
            [STREAMS.0, STREAMS.1].map(|version| format!("wasi:io/{interface}{version}"));
        let mut at = 0;
        while let Some(found) = find(&component[at..], from.as_bytes()) {
            at += found;
            component[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
}

fn text(path: &Path) -> Result<String, BuildError> {
    std::fs::read_to_string(path).map_err(|error| BuildError::File { path: path.to_owned(), error })
}

fn write(path: &Path, text: &str) -> Result<(), BuildError> {
    std::fs::write(path, text).map_err(|error| BuildError::File { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_names_are_given_back_in_their_place() {
        let mut component = b"\x16wasi:io/streams@9.2.11, x:io/streams@9.2.11".to_vec();
        give_names_back(&mut component);
        assert_eq!(component, b"\x16wasi:io/streams@0.2.11, x:io/streams@9.2.11");
    }

    #[test]
    fn what_the_module_imports_is_read_from_what_esbuild_tells() {
        let told = r#"{"inputs":{},"outputs":{"b.js":{"bytes":1,"imports":[
            {"path":"wasi:logging/logging@0.1.0-draft","kind":"import-statement","external":true}]}}}"#;
        let meta: Meta = serde_json::from_str(told).unwrap();
        assert_eq!(meta.outputs["b.js"].imports[0].path, "wasi:logging/logging@0.1.0-draft");
    }
}
