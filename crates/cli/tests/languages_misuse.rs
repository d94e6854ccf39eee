//! The mistakes that are made with languages: each is said in a line, with the command or the edit that mends it.
//!
//! No toolchain is needed: programs that are missing, old or broken are small scripts in a folder that is all of the
//! `PATH`. What compilers say of a source is held by `languages/mistakes.rs`.

#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use airssys_wasm_languages::Language;
use common::run_with;
use serde_json::Value;

/// A user's folder: projects, toolchains, and the programs that are in the `PATH`.
struct Place {
    dir: tempfile::TempDir,
}

/// A program in the `PATH`, by its name, and the script that it is.
type Program = (&'static str, &'static str);

const PYTHON: Program = ("python3", "echo Python 3.12.1");
const NODE: Program = ("node", "echo v20.20.2");
const RUSTC: Program = (
    "rustc",
    "[ \"$1\" = --version ] && echo 'rustc 1.95.0 (59807616e 2026-04-14)' || echo /nowhere",
);

/// A Python whose pip "fetches" a zig that says its version.
const PYTHON_WITH_ZIG: Program = (
    "python3",
    r#"[ "$1" = --version ] && { echo Python 3.12.1; exit 0; }
while [ "$1" != --target ]; do shift; done
/bin/mkdir -p "$2/ziglang"
printf '#!/bin/sh\necho 0.17.1\n' > "$2/ziglang/zig"
/bin/chmod +x "$2/ziglang/zig""#,
);

/// Held apart: a process that another test starts meanwhile would have the file open for a moment, and what is open for
/// writing cannot be run.
static STARTING: RwLock<()> = RwLock::new(());

fn write_program(file: &Path, script: &str) {
    let _writing = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    fs::write(file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn toolchains(&self) -> PathBuf {
        self.dir.path().join("toolchains")
    }

    /// Runs a verb in a folder of the place with nothing but these programs.
    fn run(&self, folder: &str, programs: &[Program], words: &[&str]) -> (Option<i32>, Value) {
        let path = tempfile::tempdir_in(self.dir.path()).unwrap();
        for (name, script) in programs {
            write_program(&path.path().join(name), script);
        }
        let _started = STARTING.read().unwrap_or_else(PoisonError::into_inner);
        let ended = run_with(&[words, &["--output", "json"]].concat(), |command| {
            command
                .current_dir(self.dir.path().join(folder))
                .env("PATH", path.path())
                .env("AIRSSYS_WASM_TOOLCHAINS", self.toolchains());
        });
        (ended.code, serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}")))
    }

    /// Runs a verb that must succeed.
    #[track_caller]
    fn done(&self, folder: &str, programs: &[Program], words: &[&str]) -> Value {
        let (code, answer) = self.run(folder, programs, words);
        assert_eq!(code, Some(0), "{words:?}: {answer}");
        answer
    }

    /// Runs a verb that must fail so: with this exit code, these words in what is said, and these in what helps.
    #[track_caller]
    fn refused(
        &self,
        folder: &str,
        programs: &[Program],
        words: &[&str],
        (code, says, helps): (i32, &str, &str),
    ) {
        let (ended, answer) = self.run(folder, programs, words);
        assert_eq!(ended, Some(code), "{words:?}: {answer}");
        let (message, help) = (&answer["error"]["message"], &answer["error"]["help"]);
        let message = message.as_str().unwrap();
        assert!(message.contains(says), "{words:?}: {says:?} is not in {message:?}");
        assert!(!message.contains('\n'), "{words:?}: more than a line: {message:?}");
        let help = help.as_str().unwrap_or_else(|| panic!("{words:?}: no help: {answer}"));
        assert!(help.contains(helps), "{words:?}: {helps:?} is not in {help:?}");
    }

    /// Starts a project that is named after its language.
    fn project(&self, language: Language) {
        let word = language.word();
        self.done("", &[], &["init", &folder(language), "--lang", word]);
    }
}

fn folder(language: Language) -> String {
    format!("in-{}", language.word())
}

#[test]
fn a_name_that_cannot_be_used_is_refused_with_one_that_can() {
    let place = Place::new();
    let long = "a".repeat(64);
    let rows = [
        ("rust", "self", "self-part"),
        ("rust", "fn", "fn-part"),
        ("rust", "test", "test-part"),
        ("rust", "build", "build-part"),
        ("rust", "airssys-wasm-sdk", "airssys-wasm-sdk-part"),
        ("go", "9lives", "part-9lives"),
        ("python", "my_part", "my-part"),
        ("js", "My.Part", "my-part"),
        ("ts", "@scope/part", "scope-part"),
        ("c", "part-", "part"),
        ("zig", "", "my-part"),
        ("cpp", &long, &long[1..]),
    ];
    for (language, name, instead) in rows {
        let helps = format!("`airssys-wasm init {instead} --lang {language}`");
        place.refused("", &[], &["init", name, "--lang", language], (2, "name", &helps));
        place.done("", &[], &["init", instead, "--lang", language]);
        fs::remove_dir_all(place.dir.path().join(instead)).unwrap();
    }
}

/// Of the languages Rust alone makes something of the name.
#[test]
fn a_name_that_a_language_can_use_is_not_refused() {
    let place = Place::new();
    for language in Language::ALL.into_iter().filter(|language| *language != Language::Rust) {
        for name in ["test", "internal", "main", "int", "class", "self"] {
            place.done("", &[], &["init", name, "--lang", language.word()]);
            fs::remove_dir_all(place.dir.path().join(name)).unwrap();
        }
    }
}

#[test]
fn what_is_there_already_is_never_written_over() {
    let place = Place::new();
    fs::create_dir(place.dir.path().join("full")).unwrap();
    fs::write(place.dir.path().join("full/mine"), "").unwrap();
    fs::write(place.dir.path().join("file"), "").unwrap();
    for (name, says) in [("full", "is not empty"), ("file", "is no folder")] {
        for language in Language::ALL {
            let expected = (5, says, "choose another name");
            place.refused("", &[], &["init", name, "--lang", language.word()], expected);
        }
    }
    fs::create_dir(place.dir.path().join("empty")).unwrap();
    place.done("", &[], &["init", "empty", "--lang", "c"]);
}

#[test]
fn a_language_or_a_template_that_is_not_there_is_answered_by_those_that_are() {
    let place = Place::new();
    let all = "rust, c, cpp, go, python, js, ts, zig are there";
    let rows: [(&[&str], &str); 3] = [
        (&["init", "x", "--lang", "cobol"], all),
        (&["toolchain", "install", "cobol"], all),
        (&["init", "x", "--template", "web"], "handler, http and cli are there"),
    ];
    for (words, says) in rows {
        place.refused("", &[], words, (2, says, "--help"));
    }
    place.done("", &[], &["init", "as-written", "--lang", "C++"]);
}

#[test]
fn a_folder_that_is_no_project_is_told_how_to_start_one() {
    let place = Place::new();
    for words in [&["build"][..], &["test"], &["dev"], &["toolchain", "sdk"]] {
        place.refused("", &[], words, (3, "no Component.toml", "airssys-wasm init NAME"));
    }
}

#[test]
fn what_a_project_begins_with_is_named_where_it_is_missing() {
    let place = Place::new();
    let rows = [
        (Language::Rust, "Cargo.toml"),
        (Language::C, "src/main.c"),
        (Language::Cpp, "src/main.cpp"),
        (Language::Go, "go.mod"),
        (Language::Go, "main.go"),
        (Language::Python, "app.py"),
        (Language::Js, "src/main.js"),
        (Language::Js, "package.json"),
        (Language::Ts, "src/main.ts"),
        (Language::Ts, "package.json"),
        (Language::Zig, "src/main.zig"),
    ];
    for (language, file) in rows {
        place.project(language);
        let project = place.dir.path().join(folder(language));
        match file {
            // The template has its class in files of another name.
            "src/main.cpp" => fs::remove_dir_all(project.join("src")).unwrap(),
            file => fs::remove_file(project.join(file)).unwrap(),
        }
        let says = format!("there is no {file}: a project in {language} begins there");
        let helps = format!("`airssys-wasm init NAME --lang {}`", language.word());
        place.refused(&folder(language), &[], &["build"], (8, &says, &helps));
        fs::remove_dir_all(project).unwrap();
    }
}

#[test]
fn a_project_without_its_sdk_gets_it_by_the_command_that_is_named() {
    let place = Place::new();
    for language in Language::ALL.into_iter().filter(|language| *language != Language::Rust) {
        place.project(language);
        let sdk = place.dir.path().join(folder(language)).join("airssys");
        fs::remove_dir_all(&sdk).unwrap();
        let expected = (8, "holds its SDK there", "`airssys-wasm toolchain sdk`");
        place.refused(&folder(language), &[], &["build"], expected);
        place.done(&folder(language), &[], &["toolchain", "sdk"]);
        assert!(sdk.is_dir(), "{language}");
        // Now it is the tools that are missing.
        let programs = [PYTHON, NODE];
        let (code, answer) = place.run(&folder(language), &programs, &["build"]);
        assert_eq!(code, Some(1), "{language}: {answer}");
    }
}

#[test]
fn what_build_says_has_to_be_one_thing() {
    let place = Place::new();
    let rows = [
        ("", (8, "neither a language nor a command", "language = \"rust\"")),
        ("language = \"cobol\"", (8, "no language `cobol`", "by a `command`")),
        ("language = \"c\"\ncommand = \"make\"", (8, "a `language` and a `command`", "leave one")),
        (
            "language = \"c\"\ncommand = \"make\"\noutput = \"o.wasm\"",
            (8, "a `language` and a `command`", "leave one"),
        ),
        ("language = \"c\"\noutput = \"o.wasm\"", (8, "no `command`", "leave it out")),
        ("command = \"make\"", (8, "no `output`", "write `output = ")),
        ("command = \":\"\noutput = \"o.wasm\"", (3, "o.wasm", "did not leave the `output`")),
    ];
    for (build, expected) in rows {
        let manifest =
            format!("[component]\nname = \"odd\"\nversion = \"1.0.0\"\n[build]\n{build}\n");
        fs::write(place.dir.path().join("Component.toml"), manifest).unwrap();
        // The shell, for the command.
        place.refused("", &[("sh", "exec /bin/sh \"$@\"")], &["build"], expected);
    }
}

#[test]
fn a_toolchain_that_is_not_installed_is_installed_by_the_command_that_is_named() {
    let place = Place::new();
    for language in Language::ALL {
        place.project(language);
        let helps = format!("`airssys-wasm toolchain install {}`", language.word());
        let programs = [PYTHON, NODE, RUSTC];
        let expected = (1, "is not installed", helps.as_str());
        place.refused(&folder(language), &programs, &["build"], expected);
    }
}

#[test]
fn a_program_that_is_missing_or_too_old_is_named_with_the_version_that_is_needed() {
    let place = Place::new();
    const PYTHON_HELP: &str = "install Python 3.9 or newer";
    const NODE_HELP: &str = "install Node.js 18 or newer";
    let old_python = ("python3", "echo Python 3.8.20");
    let two = ("python3", "echo Python 2.7.18 >&2");
    let old_node = ("node", "echo v16.20.2");
    let old_rust = ("rustc", "echo 'rustc 1.94.1 (e408947bf 2026-03-25)'");
    let odd = ("python3", "echo 'pyenv: python3: command not found' >&2; exit 127");
    let no_pip = (
        "python3",
        "[ \"$1\" = --version ] && echo Python 3.12.1 || { echo No module named pip >&2; exit 1; }",
    );
    let rows: &[(Language, &[Program], &str, &str)] = &[
        (Language::C, &[], "no `python3` in the PATH: Python 3.9", PYTHON_HELP),
        (Language::Cpp, &[old_python], "Python 3.8.20, and 3.9 or newer", PYTHON_HELP),
        (Language::Zig, &[two], "Python 2.7.18, and 3.9 or newer", PYTHON_HELP),
        (Language::Go, &[odd], "command not found", PYTHON_HELP),
        (Language::Python, &[old_python], "Python 3.8.20, and 3.9 or newer", PYTHON_HELP),
        (Language::Python, &[no_pip], "by pip, which cannot be run", "`python3 -m ensurepip`"),
        (Language::Js, &[], "no `node` in the PATH: Node.js 18", NODE_HELP),
        (Language::Js, &[old_node], "v16.20.2, and 18 or newer", NODE_HELP),
        (Language::Ts, &[NODE], "by npm, which cannot be run", "install Node.js with npm"),
        (Language::Rust, &[], "no `rustc` in the PATH: Rust 1.95", "rustup.rs"),
        (Language::Rust, &[old_rust], "rustc 1.94.1 (e408947bf 2026-03-25)", "`rustup update`"),
        (Language::Rust, &[RUSTC], "by rustup, which cannot be run", "rustup.rs"),
    ];
    for (language, programs, says, helps) in rows {
        let words = ["toolchain", "install", language.word()];
        place.refused("", programs, &words, (1, says, helps));
    }
    let rows: &[(Language, &[Program], &str, &str)] = &[
        (Language::Rust, &[], "no `rustc` in the PATH: Rust 1.95", "rustup.rs"),
        (Language::Rust, &[old_rust], "1.95 or newer is needed", "`rustup update`"),
        (Language::Python, &[], "no `python3` in the PATH", PYTHON_HELP),
        (Language::Python, &[old_python], "Python 3.8.20, and 3.9 or newer", PYTHON_HELP),
        (Language::Js, &[], "no `node` in the PATH", NODE_HELP),
        (Language::Ts, &[old_node], "v16.20.2, and 18 or newer", NODE_HELP),
    ];
    for (language, programs, says, helps) in rows {
        place.project(*language);
        place.refused(&folder(*language), programs, &["build"], (1, says, helps));
        fs::remove_dir_all(place.dir.path().join(folder(*language))).unwrap();
    }
}

/// What pip and npm say, each in its own way, of a network that is not there and of bytes that are others.
#[test]
fn what_could_not_be_fetched_leaves_nothing_and_is_fetched_by_a_second_try() {
    let place = Place::new();
    let fails = |name, said: &str| -> Program {
        let script = format!(
            "[ \"$1\" = --version ] && {{ echo v20.1.0; exit 0; }}\necho \"{said}\" >&2; exit 1"
        );
        (name, Box::leak(script.into_boxed_str()))
    };
    let lost = fails(
        "python3",
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'\n\
         ERROR: No matching distribution found for ziglang==0.17.1",
    );
    let changed = fails("python3", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES");
    let absent = fails("python3", "ERROR: No matching distribution found for ziglang==0.17.1");
    let odd = fails("python3", "Killed");
    let npm = fails("npm", "npm error code ENOTFOUND");
    let rows: &[(&str, &[Program], &str, &str)] = &[
        ("c", &[lost], "there is no network", "try again"),
        ("c", &[changed], "its checksum is not the one that is pinned", "nothing of it was kept"),
        ("c", &[absent], "no such file for this platform", "pip install --upgrade pip"),
        ("c", &[odd], "exit status: 1", "above"),
        ("js", &[NODE, npm], "there is no network", "npm config set registry"),
    ];
    for (language, programs, says, helps) in rows {
        let words = ["toolchain", "install", language];
        place.refused("", programs, &words, (1, says, helps));
        let left: Vec<_> = fs::read_dir(place.toolchains()).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
    let fetched = place.done("", &[PYTHON_WITH_ZIG], &["toolchain", "install", "c"]);
    assert_eq!(fetched["fetched"].as_array().unwrap().len(), 1, "{fetched}");
    let again = place.done("", &[], &["toolchain", "install", "c"]);
    assert_eq!(again["fetched"].as_array().unwrap().len(), 0, "{again}");
}

#[test]
fn a_toolchain_that_is_broken_is_told_and_fetched_anew() {
    let place = Place::new();
    let install = ["toolchain", "install", "zig"];
    place.project(Language::Zig);
    place.done("", &[PYTHON_WITH_ZIG], &install);
    let zig = only(&place.toolchains()).join("ziglang/zig");
    let gone: &dyn Fn() = &|| fs::remove_file(&zig).unwrap();
    let unfit: &dyn Fn() = &|| write_program(&zig, "echo 'error: no lib directory' >&2; exit 1");
    for (breaks, says) in [(gone, "ziglang/zig is gone"), (unfit, "error: no lib directory")] {
        breaks();
        let expected = (1, says, "`airssys-wasm toolchain install zig`");
        place.refused(&folder(Language::Zig), &[], &["build"], expected);
        let fetched = place.done("", &[PYTHON_WITH_ZIG], &install);
        assert_eq!(fetched["fetched"].as_array().unwrap().len(), 1, "{fetched}");
        let again = place.done("", &[], &install);
        assert_eq!(again["fetched"].as_array().unwrap().len(), 0, "{again}");
    }
}

/// The one folder in a folder.
fn only(dir: &Path) -> PathBuf {
    let entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [path] = &entries[..] else { panic!("{entries:?}") };
    path.clone()
}

#[test]
fn doctor_tells_what_is_unfit_from_what_is_there() {
    let place = Place::new();
    place.done("", &[PYTHON_WITH_ZIG], &["toolchain", "install", "c"]);
    let zig = only(&place.toolchains()).join("ziglang/zig");
    let old_node = ("node", "echo v16.20.2");
    let finding = |what: &str| {
        let (_, answer) = place.run("", &[PYTHON, old_node], &["doctor"]);
        let is_it = |finding: &&Value| finding["what"].as_str().unwrap().starts_with(what);
        let found = answer.as_array().unwrap().iter().find(is_it);
        found.unwrap_or_else(|| panic!("{answer}")).clone()
    };
    assert_eq!(finding("zig ")["found"], true);
    assert_eq!(finding("python (")["found"], true);
    let node = finding("node");
    assert_eq!(node["found"], false);
    assert!(node["detail"].as_str().unwrap().contains("v16.20.2"), "{node}");
    assert!(node["install"].as_str().unwrap().contains("Node.js 18"), "{node}");
    write_program(&zig, "exit 1");
    let broken = finding("zig ");
    assert_eq!(broken["found"], false);
    assert_eq!(broken["install"], "airssys-wasm toolchain install c");
}
