//! C and C++: the SDK, the bindings and the project's sources by the clang that zig carries.
//!
//! Every `.c` below `src/` is compiled, in a C++ project every `.cpp`, `.cc` and `.cxx` too, each with the flags of
//! `compile_flags.txt`, which editors read as well. Paths are given relative to the project, so that what is made is
//! the same in any folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{BuildError, Job, bindings, read, run, run_quietly};
use crate::project::SDK_DIR;
use crate::toolchain::Package;
use crate::{ComponentKind, Language};

/// What the bindings' files and types are called, whatever the world.
const BINDINGS: &str = "airssys_bindings";

/// What is compiled of the SDK, which includes the rest of it.
const SDK: &str = "component.c";

/// The flags that a project without `compile_flags.txt` is compiled with: the SDK of C++ is written in this standard.
const DEFAULT_FLAGS: &[&str] = &["-Wall", "-Wextra"];
const DEFAULT_FLAGS_CPP: &[&str] = &["-std=c++23", "-Wall", "-Wextra"];

/// Of a module's memory the stack's part: clang's in zig would be 16 MiB.
const STACK: &str = "-Wl,-z,stack-size=262144";

pub(super) async fn build(language: Language, job: &Job<'_>) -> Result<Vec<u8>, BuildError> {
    let sources = sources(language, job.dir)?;
    job.check_files(language, &[], SDK)?;
    let bound = job.made().join("bindings");
    let opts = wit_bindgen_c::Opts { rename_world: Some(BINDINGS.into()), ..Default::default() };
    bindings::generate(language, opts.build(), &job.wit(), job.compiled_world(), &bound)?;
    let project = Project { language, job, flags: flags(language, job.dir)? };
    let mut own = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        own.push(project.compile_source(place, source).await?);
    }
    if job.kind == ComponentKind::Cli {
        check_main(language, job.dir, &own)?;
    }
    let sdk = [project.compile_bindings().await?, project.compile_sdk().await?];
    project.link(&[&sdk[..], &own].concat()).await?;
    read(job.made().join("component.wasm"))
}

/// A project with what its sources are compiled with.
struct Project<'a> {
    language: Language,
    job: &'a Job<'a>,
    flags: Vec<String>,
}

impl Project<'_> {
    /// What the bindings would free lies in the memory of the call, which the SDK frees as a whole.
    async fn compile_bindings(&self) -> Result<PathBuf, BuildError> {
        let source = made(&format!("bindings/{BINDINGS}.c"));
        let flags = ["-std=gnu17", "-w", "-Dfree=airssys_leave"].map(str::to_owned);
        self.compile("cc", &source, &made("bindings.o"), &flags).await
    }

    async fn compile_sdk(&self) -> Result<PathBuf, BuildError> {
        let source = Path::new(SDK_DIR).join(SDK);
        let mut flags = vec![
            "-std=gnu17".to_owned(),
            format!("-I{}", made("bindings").display()),
            match self.job.kind {
                ComponentKind::Handler => "-DAIRSSYS_HANDLER".into(),
                ComponentKind::Http => "-DAIRSSYS_HTTP".into(),
                ComponentKind::Cli => "-DAIRSSYS_CLI".into(),
            },
        ];
        if self.job.stateful {
            flags.push("-DAIRSSYS_STATEFUL".into());
        }
        self.compile("cc", &source, &made("sdk.o"), &flags).await
    }

    /// A `.c` in a C++ project is C all the same, and takes no standard of C++.
    async fn compile_source(&self, place: usize, source: &Path) -> Result<PathBuf, BuildError> {
        let object = made(&format!("source-{place}.o"));
        if source.extension() == Some(OsStr::new("c")) {
            let flags = self.flags.iter().filter(|flag| !flag.starts_with("-std=") || c_std(flag));
            let flags: Vec<_> = flags.cloned().collect();
            return self.compile("cc", source, &object, &flags).await;
        }
        let flags = [&self.flags[..], &["-fno-exceptions".to_owned()]].concat();
        self.compile("c++", source, &object, &flags).await
    }

    async fn compile(
        &self,
        compiler: &str,
        source: &Path,
        object: &Path,
        flags: &[String],
    ) -> Result<PathBuf, BuildError> {
        let mut zig = self.zig(compiler)?;
        zig.args(["-Os", "-g0", "-ffunction-sections", "-fdata-sections"]).args(flags);
        zig.arg(format!("-I{SDK_DIR}")).arg("-c").arg(source).arg("-o").arg(object);
        run(Package::Zig, zig).await?;
        Ok(object.to_owned())
    }

    /// Links all into `component.wasm`. A linker that misses what the kind of component begins with is not let speak.
    async fn link(&self, objects: &[PathBuf]) -> Result<(), BuildError> {
        let mut zig = self.zig(if self.language == Language::C { "cc" } else { "c++" })?;
        if self.job.kind != ComponentKind::Cli {
            zig.arg("-mexec-model=reactor");
        }
        zig.args(["-Os", STACK, "-Wl,--strip-all", "-Wl,--gc-sections"]).args(objects);
        zig.arg(made(&format!("bindings/{BINDINGS}_component_type.o")));
        zig.arg("-o").arg(made("component.wasm"));
        let (function, undefined) = entry(self.language, self.job.kind);
        let missing = format!("undefined symbol: {function}");
        run_quietly(Package::Zig, zig, |said| said.contains(&missing).then_some(undefined)).await
    }

    fn zig(&self, compiler: &str) -> Result<Command, BuildError> {
        let mut zig = self.job.toolchains.program(self.language, Package::Zig)?;
        zig.args([compiler, "-target", "wasm32-wasi"]).current_dir(self.job.dir);
        Ok(zig)
    }
}

/// The function that a kind of component begins with, and what is said where it is missing.
fn entry(language: Language, kind: ComponentKind) -> (&'static str, BuildError) {
    let (function, what, how) = match (kind, language) {
        (ComponentKind::Cli, _) => ("main", "`main`", "write `int main(int argc, char **argv)`"),
        (ComponentKind::Handler, Language::Cpp) => (
            "airssys_handle",
            "handler",
            "write a class with `handle`, and `AIRSSYS_COMPONENT(Class)` below it",
        ),
        (ComponentKind::Http, Language::Cpp) => (
            "airssys_serve",
            "HTTP service",
            "write a class with `serve`, and `AIRSSYS_SERVICE(Class)` below it",
        ),
        (ComponentKind::Handler, _) => (
            "airssys_handle",
            "`airssys_handle`",
            "write `airssys_result airssys_handle(const airssys_context *context, const airssys_input *input, \
             airssys_output *output)`",
        ),
        (ComponentKind::Http, _) => (
            "airssys_serve",
            "`airssys_serve`",
            "write `airssys_result airssys_serve(const airssys_request *request, airssys_response *response)`",
        ),
    };
    let what = format!("the project has no {what}");
    (function, BuildError::Undefined { what, how: format!("{how} in `src`") })
}

/// What the compiler calls `main`, by what it takes.
const MAINS: [&[u8]; 2] = [b"__main_argc_argv", b"__main_void"];

/// Looks for `main` among the symbols of a command's objects: its libraries do without, and what is made does nothing.
fn check_main(language: Language, dir: &Path, objects: &[PathBuf]) -> Result<(), BuildError> {
    for object in objects {
        let object = read(dir.join(object))?;
        if MAINS.iter().any(|main| object.windows(main.len()).any(|part| part == *main)) {
            return Ok(());
        }
    }
    Err(entry(language, ComponentKind::Cli).1)
}

/// A path among what is made on the way, relative to the project.
fn made(name: &str) -> PathBuf {
    Path::new("build").join("airssys").join(name)
}

fn c_std(flag: &str) -> bool {
    !flag.contains("++")
}

/// The flags of `compile_flags.txt`, one a line.
fn flags(language: Language, dir: &Path) -> Result<Vec<String>, BuildError> {
    let path = dir.join("compile_flags.txt");
    if !path.exists() {
        let flags = if language == Language::Cpp { DEFAULT_FLAGS_CPP } else { DEFAULT_FLAGS };
        return Ok(flags.iter().map(|&flag| flag.to_owned()).collect());
    }
    let text = std::fs::read_to_string(&path).map_err(|error| BuildError::File { path, error })?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

/// The project's sources by their paths in it, in their order.
fn sources(language: Language, dir: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let extensions: &[&str] = match language {
        Language::C => &["c"],
        _ => &["c", "cc", "cpp", "cxx"],
    };
    let mut found = Vec::new();
    if dir.join("src").is_dir() {
        collect(dir, Path::new("src"), extensions, &mut found)?;
    }
    if found.is_empty() {
        let main = if language == Language::C { "src/main.c" } else { "src/main.cpp" };
        return Err(BuildError::Source { path: main.into(), language });
    }
    found.sort();
    Ok(found)
}

/// Links to folders are not followed: a circle of them would have no end.
fn collect(
    dir: &Path,
    below: &Path,
    extensions: &[&str],
    found: &mut Vec<PathBuf>,
) -> Result<(), BuildError> {
    let path = dir.join(below);
    let failed = |error| BuildError::File { path: path.clone(), error };
    for entry in std::fs::read_dir(&path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = below.join(entry.file_name());
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(dir, &name, extensions, found)?;
        } else if name
            .extension()
            .and_then(OsStr::to_str)
            .is_some_and(|it| extensions.contains(&it))
        {
            found.push(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        dir
    }

    #[test]
    fn sources_are_found_in_one_order_and_headers_and_notes_are_none() {
        let dir = project(&["src/z.c", "src/a/b.c", "src/a.h", "src/notes.txt", "tests/t.c"]);
        let found = sources(Language::C, dir.path()).unwrap();
        assert_eq!(found, [PathBuf::from("src/a/b.c"), PathBuf::from("src/z.c")]);
    }

    #[test]
    fn c_takes_no_source_of_cpp_and_cpp_takes_both() {
        let dir = project(&["src/a.cpp", "src/b.c"]);
        assert_eq!(sources(Language::C, dir.path()).unwrap(), [PathBuf::from("src/b.c")]);
        assert_eq!(sources(Language::Cpp, dir.path()).unwrap().len(), 2);
    }

    #[test]
    fn a_project_without_sources_is_told_where_it_begins() {
        let error = sources(Language::Cpp, project(&["src/notes.txt"]).path()).unwrap_err();
        assert!(error.to_string().contains("src/main.cpp"), "{error}");
    }

    #[test]
    fn flags_are_one_a_line() {
        let dir = project(&[]);
        assert_eq!(flags(Language::C, dir.path()).unwrap(), DEFAULT_FLAGS);
        std::fs::write(dir.path().join("compile_flags.txt"), "-std=c17\n\n -Wall \n").unwrap();
        assert_eq!(flags(Language::C, dir.path()).unwrap(), ["-std=c17", "-Wall"]);
    }
}
