//! Mistakes in a source: the compiler says where, in lines of the project's own, or the error says what to write.

use std::fs;
use std::path::Path;

use airssys_wasm_languages::Language;
use airssys_wasm_model::ComponentKind;

use crate::guest::{command_in, fetch};
use crate::projects::made;

/// A mistake in the handler's template.
struct Mistake {
    /// The file, and what is done to it.
    file: &'static str,
    edit: Edit,
    code: i32,
    /// What is said in the end or by the compiler: a place, or what is wrong.
    says: &'static str,
    /// What is to be done.
    helps: &'static str,
}

enum Edit {
    /// This is all of it.
    Is(&'static str),
    /// This stands below it.
    Ends(&'static str),
    /// The first is replaced by the second.
    Replaces(&'static str, &'static str),
}

use Edit::{Ends, Is, Replaces};

/// What is said where the compiler has said the rest.
const ABOVE: &str = "the compiler's errors are above";

/// What makes a project another kind than its source.
const NO_KIND: &str = "[build]\n";
const CLI: &str = "[build]\nkind = \"cli\"\n";
const HTTP: &str = "[build]\nkind = \"http\"\n";

const fn compile(file: &'static str, edit: Edit, says: &'static str) -> Mistake {
    Mistake { file, edit, code: 1, says, helps: ABOVE }
}

const fn undefined(
    file: &'static str,
    edit: Edit,
    says: &'static str,
    helps: &'static str,
) -> Mistake {
    Mistake { file, edit, code: 8, says, helps }
}

const MANIFEST: &str = "Component.toml";

fn mistakes(language: Language) -> Vec<Mistake> {
    match language {
        Language::Rust => vec![
            compile("src/lib.rs", Is("fn broken( {\n"), "src/lib.rs:1:"),
            compile("src/lib.rs", Is("\nconst N: u32 = \"a\";\n"), "src/lib.rs:2:16"),
            undefined("src/lib.rs", Is(""), "exports nothing that can be called", "init NAME"),
            undefined("Cargo.toml", Replaces("crate-type", "# "), "no .wasm", "cdylib"),
        ],
        Language::C => vec![
            compile("src/main.c", Is("int broken( {\n"), "src/main.c:1:13: error"),
            compile("src/main.c", Is("\nchar *p = 5.0;\n"), "src/main.c:2:7: error"),
            undefined(
                "src/main.c",
                Is(""),
                "no `airssys_handle`",
                "airssys_result airssys_handle(",
            ),
            undefined(MANIFEST, Replaces(NO_KIND, HTTP), "no `airssys_serve`", "airssys_serve("),
            undefined(MANIFEST, Replaces(NO_KIND, CLI), "no `main`", "int main("),
        ],
        Language::Cpp => vec![
            compile("src/greeter.cpp", Is("int broken( {\n"), "src/greeter.cpp:1:14: error"),
            undefined("src/greeter.cpp", Is(""), "no handler", "AIRSSYS_COMPONENT(Class)"),
            undefined(
                MANIFEST,
                Replaces(NO_KIND, HTTP),
                "no HTTP service",
                "AIRSSYS_SERVICE(Class)",
            ),
            undefined(MANIFEST, Replaces(NO_KIND, CLI), "no `main`", "int main("),
        ],
        Language::Go => vec![
            compile("main.go", Ends("func broken( {\n"), "main.go:"),
            compile(
                "main.go",
                Is("package main\nvar n int = \"a\"\nfunc main() {}\n"),
                "main.go:2:13",
            ),
            compile("go.mod", Replaces("go 1.24", "go 1.99"), "requires go >= 1.99"),
            undefined(
                "main.go",
                Is("package main\nfunc main() {}\n"),
                "no call of airssys.Run",
                "airssys.Run(open)",
            ),
            undefined("main.go", Is("package part\n"), "no `package main`", "func main()"),
            undefined(
                "main.go",
                Is("package main\nimport _ \"example.com/x\"\nfunc main() {}\n"),
                "a build fetches nothing",
                "go mod vendor",
            ),
            undefined(MANIFEST, Replaces(NO_KIND, CLI), "answers no calls", "`kind = \"http\"`"),
        ],
        Language::Python => vec![
            compile("app.py", Ends("def broken(:\n"), "app.py\", line 25"),
            compile("app.py", Ends("1 / 0\n"), "ZeroDivisionError"),
            compile("app.py", Ends("import nothing_of_this_name\n"), "app.py\", line 25"),
            undefined("app.py", Is(""), "app.py has no component", "class Name(airssys.Component)"),
            undefined("app.py", Replaces("handle", "handel"), "answers no calls", "def handle("),
            undefined(MANIFEST, Replaces(NO_KIND, CLI), "no command", "def main("),
        ],
        Language::Js | Language::Ts => vec![
            compile(main(language), Is("function broken) {\n"), place(language, 1)),
            compile(main(language), Is("\nimport \"nothing-of-this-name\";\n"), place(language, 2)),
            compile(main(language), Ends("\n\nnull.x;\n"), "cannot read property 'x' of null"),
            compile(main(language), Is("\n\nnull.x;\n"), place(language, 3)),
            undefined(main(language), Is(""), "has no component", "export default component("),
            undefined(MANIFEST, Replaces(NO_KIND, CLI), "no command", "function main(args)"),
            undefined(MANIFEST, Replaces(NO_KIND, HTTP), "no service", "fetch(request)"),
            Mistake {
                file: "package.json",
                edit: Is("{\n"),
                code: 1,
                says: "package.json: EOF",
                helps: "",
            },
        ],
        Language::Zig => vec![
            compile("src/main.zig", Is("fn broken( {\n"), "src/main.zig:1:12: error"),
            compile(
                "src/main.zig",
                Ends("comptime { const n: u32 = \"a\"; _ = n; }\n"),
                "expected type",
            ),
            compile("src/main.zig", Is(""), "declares no component: write"),
            undefined(MANIFEST, Replaces(NO_KIND, CLI), "no `main`", "pub fn main("),
        ],
    }
}

fn main(language: Language) -> &'static str {
    if language == Language::Ts { "src/main.ts" } else { "src/main.js" }
}

fn place(language: Language, line: u32) -> &'static str {
    match (language, line) {
        (Language::Ts, 1) => "src/main.ts:1:",
        (Language::Ts, 2) => "src/main.ts:2:",
        (Language::Ts, _) => "src/main.ts:3:",
        (_, 1) => "src/main.js:1:",
        (_, 2) => "src/main.js:2:",
        (_, _) => "src/main.js:3:",
    }
}

fn told(language: Language) {
    fetch(language);
    let dir = tempfile::tempdir().unwrap();
    let project = made(language, ComponentKind::Handler, dir.path());
    if language == Language::Go {
        // It is of the package that the mistakes take away.
        fs::remove_file(project.join("main_test.go")).unwrap();
    }
    for mistake in mistakes(language) {
        is_told(language, &project, &mistake);
    }
}

fn is_told(language: Language, project: &Path, mistake: &Mistake) {
    let file = project.join(mistake.file);
    let text = fs::read_to_string(&file).unwrap();
    let edited = match mistake.edit {
        Is(all) => all.to_owned(),
        Ends(end) => text.clone() + end,
        Replaces(from, to) => text.replace(from, to),
    };
    assert_ne!(edited, text, "{language}: {}", mistake.says);
    fs::write(&file, edited).unwrap();
    let ended = command_in(project, &["build"]);
    let Mistake { code, says, helps, .. } = mistake;
    assert_eq!(ended.code, Some(*code), "{language}, {says}: {ended:?}");
    assert!(ended.err.contains(says), "{language}: {says:?} is not in {}", ended.err);
    let last = ended.err.lines().last().unwrap();
    assert!(last.contains(helps), "{language}: {helps:?} is not in {last:?}");
    fs::write(&file, text).unwrap();
}

each_of! {
    told,
    rust_mistakes_are_told: Rust,
    c_mistakes_are_told: C,
    cpp_mistakes_are_told: Cpp,
    go_mistakes_are_told: Go,
    python_mistakes_are_told: Python,
    javascript_mistakes_are_told: Js,
    typescript_mistakes_are_told: Ts,
    zig_mistakes_are_told: Zig,
}
