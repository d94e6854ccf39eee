//! Zig: the SDK's entry file as the root, and the project's source and the SDK as modules of it.
//!
//! The SDK speaks the canonical ABI itself, so that there are no bindings to make and no C to compile: a first build
//! takes seconds, where `zig translate-c` and `zig build` compile themselves first.

use std::path::Path;

use super::{BuildError, Job, bindings, read, run_quietly};
use crate::project::SDK_DIR;
use crate::toolchain::Package;
use crate::{ComponentKind, Language};

/// Where a project begins.
const SOURCE: &str = "src/main.zig";

/// The SDK's root, in its folder.
const SDK: &str = "airssys.zig";

/// Zig reserves 16 MiB of each instance's memory for the stack unless told otherwise.
const STACK_BYTES: &str = "262144";

pub(super) async fn build(job: &Job<'_>) -> Result<Vec<u8>, BuildError> {
    job.check_files(Language::Zig, &[SOURCE], SDK)?;
    let sdk = Path::new(SDK_DIR).join(SDK);
    let made = job.made();
    let wasm = made.join("component.wasm");
    let mut zig = job.toolchains.program(Language::Zig, Package::Zig)?;
    // Errors and panics name files as the project does, wherever it lies.
    zig.current_dir(job.dir)
        .args(["build-exe", "-target", "wasm32-wasi", "-O", "safe", "-fstrip", "-fsingle-threaded"])
        .args(["--stack", STACK_BYTES, "--name", "component"])
        .arg("--cache-dir")
        .arg(made.join("zig-cache"))
        .arg(format!("-femit-bin={}", wasm.display()));
    match entry(job) {
        Some(entry) => {
            zig.args(["-mexec-model=reactor", "-fno-entry", "-rdynamic"])
                .args(["--dep", "airssys", "--dep", "component"])
                .arg(format!("-Mroot={SDK_DIR}/entry/{entry}.zig"))
                .args(["--dep", "airssys"])
                .arg(format!("-Mcomponent={SOURCE}"));
        }
        None => {
            zig.args(["--dep", "airssys"]).arg(format!("-Mroot={SOURCE}"));
        }
    }
    zig.arg(format!("-Mairssys={}", sdk.display()));
    // What is said is held back: with nothing to begin with the linker names a symbol of its own.
    run_quietly(Package::Zig, zig, |said| said.contains("entry symbol not defined").then(no_main))
        .await?;
    bindings::embed(Language::Zig, &job.wit(), job.compiled_world(), read(wasm)?)
}

/// The SDK's file that exports what a component of this kind has to; none for a command, which Zig makes itself.
fn entry(job: &Job<'_>) -> Option<&'static str> {
    match job.kind {
        ComponentKind::Handler if job.stateful => Some("stateful"),
        ComponentKind::Handler => Some("handler"),
        ComponentKind::Http => Some("http"),
        ComponentKind::Cli => None,
    }
}

fn no_main() -> BuildError {
    BuildError::Undefined {
        what: "src/main.zig has no `main`, which a command begins with".into(),
        how: "write `pub fn main(init: std.process.Init) !u8`, or the `kind` that it is under `[build]`"
            .into(),
    }
}
