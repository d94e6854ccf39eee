//! What `init` writes in each language, and the examples: they build, their case files pass, and so do their unit
//! tests where the language's own tool is here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use airssys_wasm_languages::Language;
use airssys_wasm_model::ComponentKind;
use serde_json::Value;

use crate::guest::{build, command, command_in, repository};

/// Builds a project and runs its case files.
fn passes(language: Language, project: &Path) {
    build(language, project);
    let ended = command(&[
        "test",
        "--no-build",
        "--project",
        project.to_str().unwrap(),
        "--output",
        "json",
    ]);
    assert_eq!(ended.code, Some(0), "{}: {ended:?}", project.display());
    let tested: Value = serde_json::from_str(&ended.out).unwrap();
    assert!(tested["passed"].as_u64().unwrap() > 0 && tested["failed"] == 0, "{tested}");
}

/// Every template of a language; the handler's twice, since the same source gives the same bytes.
fn templates(language: Language) {
    for kind in ComponentKind::ALL {
        let dir = tempfile::tempdir().unwrap();
        let project = made(language, kind, dir.path());
        passes(language, &project);
        unit_tests(language, &project);
        if kind == ComponentKind::Handler {
            let elsewhere = tempfile::tempdir().unwrap();
            let again = build(language, &made(language, kind, elsewhere.path()));
            let is_same = std::fs::read(again).unwrap()
                == std::fs::read(project.join("build/my-part.wasm")).unwrap();
            assert!(is_same, "{language}: two builds of the same source differ");
        }
    }
}

/// A project that `init` wrote.
pub(crate) fn made(language: Language, kind: ComponentKind, dir: &Path) -> PathBuf {
    let words = ["init", "my-part", "--lang", language.word(), "--template", kind.word()];
    let ended = command_in(dir, &words);
    assert_eq!(ended.code, Some(0), "{language} {kind}: {ended:?}");
    dir.join("my-part")
}

/// What a command says of its build and of now, whose source has been put in the place of the template's.
fn told(language: Language, file: &str, source: &str) -> [Vec<Value>; 2] {
    let dir = tempfile::tempdir().unwrap();
    let project = made(language, ComponentKind::Cli, dir.path());
    std::fs::write(project.join(file), source).unwrap();
    let component = build(language, &project);
    [(); 2].map(|()| {
        let ended = command(&["run", component.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str(&ended.out).unwrap()
    })
}

#[test]
fn what_stood_still_in_a_build_goes_in_an_instance() {
    let source = "const built = [Date.now(), performance.now(), Math.random()];\n\
                  export default function main() {\n\
                  console.log(JSON.stringify([built, Date.now(), Math.random(), crypto.randomUUID()]));\n\
                  }\n";
    let [first, second] = told(Language::Js, "src/main.js", source);
    assert_eq!(first[0], second[0]);
    assert_eq!((&first[0][0], &first[0][1]), (&0.into(), &0.into()));
    // A moment of this century, and a later one.
    let moments = [&first, &second].map(|told| told[1].as_u64().unwrap());
    assert!(1_700_000_000_000 < moments[0] && moments[0] < moments[1], "{moments:?}");
    assert!(first[2] != second[2] && first[2] != first[0][2] && first[3] != second[3]);
}

#[test]
fn what_stood_still_in_a_build_in_python_goes_in_an_instance() {
    let source = r#"
import json, logging, os, random, time, uuid

def now():
    return [time.time(), time.time_ns(), time.monotonic(), random.random()]

built = now()
file = os.stat(__file__)
built_of = [file.st_mtime, file.st_ino, file.st_size, logging._startTime, os.listdir("/0")]

def main(argv):
    print(json.dumps([built, built_of, now(), str(uuid.uuid4()), time.process_time()]))
"#;
    let [first, second] = told(Language::Python, "app.py", source);
    assert_eq!(first[0].as_array().unwrap()[..3], [Value::from(0.0), 0.into(), Value::from(0.0)]);
    let files = ["Component.toml", "README.md", "airssys", "app.py", "pyproject.toml"];
    assert_eq!(first[1], serde_json::json!([0.0, 0, source.len(), 0, files]));
    assert_eq!((&first[0], &first[1]), (&second[0], &second[1]));
    // A moment of this century, and a later one.
    let moments = [&first, &second].map(|told| told[2][1].as_u64().unwrap());
    assert!(1_700_000_000_000_000_000 < moments[0] && moments[0] < moments[1], "{moments:?}");
    assert!([&first, &second].iter().all(|told| told[2][2].as_f64() > Some(0.0)));
    assert!([&first, &second].iter().all(|told| told[4].as_f64() >= Some(0.0)), "{first:?}");
    let drawn = [&first[0][3], &first[2][3], &second[2][3]];
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2], "{drawn:?}");
    assert_ne!(first[3], second[3]);
}

/// Runs a project's own unit tests by the language's own tool, natively.
fn unit_tests(language: Language, project: &Path) {
    let command = match language {
        Language::Rust => "cargo test --quiet",
        Language::C | Language::Cpp => "make test",
        Language::Go => "go test ./...",
        Language::Python => "python3 -m unittest",
        Language::Js | Language::Ts => "npm test --silent",
        // As `zig build test` does, which compiles itself for minutes first.
        Language::Zig => "zig test --dep airssys -Mroot=src/main.zig -Mairssys=airssys/airssys.zig",
    };
    let ended = Command::new("sh")
        .args(["-c", command])
        .current_dir(project)
        .env("PATH", path_with_toolchains())
        .env("CARGO_TARGET_DIR", repository().join("target/projects"))
        .output()
        .unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{language}: {}", String::from_utf8_lossy(&said));
}

/// Where programs are looked for: among the tests' own toolchains first.
fn path_with_toolchains() -> OsString {
    let toolchains = repository().join("target/toolchains");
    let homes = std::fs::read_dir(&toolchains).into_iter().flatten().filter_map(Result::ok);
    let programs = ["go/bin", "ziglang", "node_modules/.bin"];
    let mut paths: Vec<PathBuf> =
        homes.flat_map(|home| programs.map(|folder| home.path().join(folder))).collect();
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    std::env::join_paths(paths).unwrap()
}

/// What only StarlingMonkey has: a stream, a digest of Web Crypto's, and a timer that the engine waits for.
const WITH_A_DIGEST: &str = r##"
import { component, text } from "#airssys";
import greeter from "./greeter.js";

export default component({
  ...greeter,

  async handle(input, context) {
    if (input.text() !== "digest") return greeter.handle.call(this, input, context);
    const stream = new Blob([input.bytes]).stream();
    const { value } = await stream.getReader().read();
    await new Promise((resolve) => setTimeout(resolve, 1));
    return text(new Uint8Array(await crypto.subtle.digest("SHA-256", value)).toHex());
  },
});
"##;
const DIGEST: &str = r#"
[[call]]
input = "digest"
output = "0bf474896363505e5ea5e5d6ace8ebfb13a760a409b1fb467d428fc716f9f284"
"#;

#[test]
fn a_handler_in_javascript_passes_its_cases_on_starlingmonkey_and_has_what_that_engine_has() {
    let dir = tempfile::tempdir().unwrap();
    let project = made(Language::Js, ComponentKind::Handler, dir.path());
    let manifest = project.join("Component.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let text = text.replace("\"js\"", "\"js\"\nengine = \"starlingmonkey\"");
    std::fs::write(&manifest, text).unwrap();
    std::fs::rename(project.join("src/main.js"), project.join("src/greeter.js")).unwrap();
    std::fs::write(project.join("src/main.js"), WITH_A_DIGEST).unwrap();
    std::fs::write(project.join("tests/cases/digest.toml"), DIGEST).unwrap();
    let ended = command(&["toolchain", "install", "js", "--engine", "starlingmonkey"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    passes(Language::Js, &project);
}

macro_rules! language {
    ($name:ident: $language:ident $(, $example:literal)?) => {
        mod $name {
            use super::*;

            #[test]
            fn templates_build_and_pass_their_cases_and_unit_tests() {
                templates(Language::$language);
            }

            $(
                #[test]
                fn its_example_builds_and_passes_its_cases() {
                    let example = repository().join("examples/languages").join($example);
                    passes(Language::$language, &example);
                }
            )?
        }
    };
}

language!(rust: Rust, "markdown");
language!(c: C, "qr-maker");
language!(cpp: Cpp);
language!(go: Go, "json-to-csv");
language!(python: Python, "text-classifier");
language!(javascript: Js, "template-renderer");
language!(typescript: Ts, "webhook-verifier");
language!(zig: Zig, "checksum");
