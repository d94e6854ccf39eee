//! Go, by its own compiler.
//!
//! The bindings are made for each build and laid over the SDK's folder by the compiler's `-overlay`: the project itself
//! holds nothing generated. What the compiler makes is a core module that names its world. A command too is called by an
//! export, which runs main: with an entry of its own, Go's runtime is asked for memory before it can give any.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{BuildError, Job, bindings, read, run_quietly, tell};
use crate::project::SDK_DIR;
use crate::toolchain::Package;
use crate::{ComponentKind, Language};

pub(super) async fn build(job: &Job<'_>) -> Result<Vec<u8>, BuildError> {
    check_source(job)?;
    let overlay = bind(job)?;
    let module = job.made().join("component.core.wasm");
    run_quietly(Package::Go, compiler(job, &overlay, &module)?, known).await?;
    let module = read(module)?;
    check_entry(job.kind, &module)?;
    bindings::embed(Language::Go, &job.wit(), job.world(), module)
}

/// What the compiler is told that every project has.
fn check_source(job: &Job<'_>) -> Result<(), BuildError> {
    job.check_files(Language::Go, &["go.mod"], "go.mod")?;
    let entries = std::fs::read_dir(job.dir)
        .map_err(|error| BuildError::File { path: job.dir.to_owned(), error })?;
    let source = |name: &str| name.ends_with(".go") && !name.ends_with("_test.go");
    match entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(source)) {
        true => Ok(()),
        false => Err(BuildError::Source { path: "main.go".into(), language: Language::Go }),
    }
}

/// Makes the bindings, and the file that tells the compiler where each of them belongs.
fn bind(job: &Job<'_>) -> Result<PathBuf, BuildError> {
    let bound = job.made().join("bindings");
    let opts = wit_bindgen_go::Opts {
        // A formatter would be looked for on the user's path.
        format: wit_bindgen_go::Format::False,
        pkg_name: Some(PACKAGES.into()),
        ..Default::default()
    };
    bindings::generate(Language::Go, opts.build(), &job.wit(), job.world(), &bound)?;
    let mut replace = BTreeMap::new();
    for source in sources(&bound)? {
        stand_on_sdk(&bound.join(&source))?;
        for sdk in [job.dir.join(SDK_DIR), job.dir.join("vendor").join(SDK_DIR)] {
            replace.insert(sdk.join("internal/wit").join(&source), bound.join(&source));
        }
    }
    // A module of its own: `go vet ./...` in the project leaves it alone.
    let own = bound.join("go.mod");
    std::fs::write(&own, "module bindings\n")
        .map_err(|error| BuildError::File { path: own.clone(), error })?;
    let path = job.made().join("overlay.json");
    let overlay = serde_json::json!({ "Replace": replace });
    std::fs::write(&path, overlay.to_string())
        .map_err(|error| BuildError::File { path: path.clone(), error })?;
    Ok(path)
}

/// The package that the bindings' packages are in.
const PACKAGES: &str = "airssys/internal/wit";

/// The bindings' files, relative to their folder.
fn sources(bound: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let failed = |error| BuildError::File { path: bound.to_owned(), error };
    let mut found = Vec::new();
    for folder in std::fs::read_dir(bound).map_err(failed)? {
        let folder = folder.map_err(failed)?.path();
        for file in std::fs::read_dir(&folder).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "go") {
                found.push(path.strip_prefix(bound).unwrap_or(&path).to_owned());
            }
        }
    }
    Ok(found)
}

/// Lets a file of the bindings find what they stand on in the SDK, where they would have it fetched.
fn stand_on_sdk(path: &Path) -> Result<(), BuildError> {
    let failed = |error| BuildError::File { path: path.to_owned(), error };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let text = text.replace("\"go.bytecodealliance.org/pkg/wit/", &format!("\"{PACKAGES}/"));
    std::fs::write(path, text).map_err(failed)
}

fn compiler(job: &Job<'_>, overlay: &Path, module: &Path) -> Result<Command, BuildError> {
    let mut go = job.toolchains.program(Language::Go, Package::Go)?;
    // Third-party modules are the project's own (`go mod vendor`): a build fetches nothing.
    let modules = match job.dir.join("vendor").is_dir() {
        true => "-mod=vendor",
        false => "-mod=mod",
    };
    go.current_dir(job.dir)
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .env("GOFLAGS", modules)
        .env("GOPROXY", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        .env("GOENV", "off")
        .env_remove("GOEXPERIMENT")
        .env_remove("GOWASM")
        .env_remove("GOROOT")
        .args(["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false"])
        .arg("-ldflags=-s -w -buildid= -checklinkname=0")
        .arg("-overlay")
        .arg(overlay)
        .arg("-o")
        .arg(module)
        .arg(".");
    Ok(go)
}

/// What of the compiler's words is about the project as a whole, and is answered by something to do.
fn known(said: &str) -> Option<BuildError> {
    let undefined = |what: &str, how: &str| {
        tell(said);
        Some(BuildError::Undefined { what: what.into(), how: how.into() })
    };
    if said.contains("requires exactly one main package") {
        return undefined(
            "the project's folder holds no `package main`",
            "a component begins there, with `func main()`; other packages have folders of their own",
        );
    }
    let is_unfetched = |words: &&str| said.contains(*words);
    if ["module lookup disabled by GOPROXY=off", "inconsistent vendoring"].iter().any(is_unfetched)
    {
        return undefined(
            "a module that the project imports is not in it, and a build fetches nothing",
            "put it into the project: `go mod tidy && go mod vendor`",
        );
    }
    None
}

/// What `airssys.Run` and `web.Serve` call, as the compiler names it.
const HANDLER: &str = "\0airssys.run\0";
const SERVICE: &str = "\0airssys/web.serve\0";

/// Looks for the SDK's function that a component of this kind begins with: the compiler leaves it out, and its name,
/// where main does not call it.
fn check_entry(kind: ComponentKind, module: &[u8]) -> Result<(), BuildError> {
    let (function, what, how) = match kind {
        ComponentKind::Handler => (
            HANDLER,
            "call of airssys.Run",
            "a handler begins with `func main() { airssys.Run(open) }`, where `open` makes it from its configuration",
        ),
        ComponentKind::Http => (
            SERVICE,
            "call of web.Serve",
            "an HTTP service begins with `func main() { web.Serve(handler) }`, and imports \"airssys/web\"",
        ),
        ComponentKind::Cli => (
            "\0airssys/internal/wit/runtime.cabiRealloc\0",
            "import of airssys",
            "add `import _ \"airssys\"` to main.go: the host calls main by it",
        ),
    };
    let has =
        |function: &str| module.windows(function.len()).any(|window| window == function.as_bytes());
    if kind == ComponentKind::Cli && (has(HANDLER) || has(SERVICE)) {
        return Err(BuildError::Undefined {
            what: "a command answers no calls, and main calls airssys.Run or web.Serve".into(),
            how: "say what it is under `[build]`: `kind = \"http\"`, or no `kind` for a handler"
                .into(),
        });
    }
    match has(function) {
        true => Ok(()),
        false => {
            let what = format!("the project has no {what}");
            Err(BuildError::Undefined { what, how: how.into() })
        }
    }
}
