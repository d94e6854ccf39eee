//! `dev` in a language whose builds are the same each time and in one whose are not: it builds when a source has changed,
//! goes on through an error, and takes nothing for a change that a build or an editor wrote.

use std::fs;

use airssys_wasm_languages::Language;
use airssys_wasm_model::ComponentKind;

use crate::common::Node;
use crate::common::dev::Dev;
use crate::guest::{fetch, with_toolchains};
use crate::projects::made;

/// What builds, tests and editors leave in a project, and what nothing is built of.
const NOISE: &[&str] = &[
    "build/left.c",
    "node_modules/left/index.js",
    "__pycache__/left.pyc",
    ".git/index",
    "src/.main.swp",
    "src/main~",
    "src/#main#",
    "NOTES.md",
];

/// Where the template's handler greets, and the two sides of the comma there.
struct Greeting {
    file: &'static str,
    before: &'static str,
    after: &'static str,
    /// Where the compiler says that it stopped, once a bracket stands at the end.
    place: &'static str,
}

fn follows(language: Language, greeting: &Greeting) {
    fetch(language);
    let (node, dir) = (Node::start(), tempfile::tempdir().unwrap());
    let project = made(language, ComponentKind::Handler, dir.path());
    let greets = |answer: &str| {
        let ended = node.run(&["invoke", "my-part", "--input", "ada"]);
        assert_eq!(ended.out, answer, "{language}: {ended:?}");
    };
    let Greeting { file, before, after, place } = greeting;
    let source = project.join(file);
    let text = fs::read_to_string(&source).unwrap();
    let comma = format!("{before}, {after}");
    assert!(text.contains(&comma), "{language}");
    let with = |words: &str| text.replace(&comma, &format!("{before}{words}, {after}"));

    let mut dev = Dev::start(&node, &project, with_toolchains);
    assert_eq!(dev.next()["done"], "deployed");
    greets("hello, ada!");

    fs::write(&source, with(" to you")).unwrap();
    assert_eq!(dev.next()["done"], "updated");
    greets("hello to you, ada!");

    fs::write(&source, text.clone() + "\n)\n").unwrap();
    dev.says(place);
    assert_eq!(dev.next()["error"]["code"], "failed");
    greets("hello to you, ada!");

    for noise in NOISE {
        let path = project.join(noise);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "left").unwrap();
    }
    fs::write(&source, with(" once more")).unwrap();
    assert_eq!(dev.next()["done"], "updated");
    greets("hello once more, ada!");

    // The notes are a change, and not of what is built.
    fs::write(project.join("NOTES.md"), "more").unwrap();
    fs::write(&source, with(" again")).unwrap();
    assert_eq!(dev.next()["done"], "updated");
    greets("hello again, ada!");
    let history = node.json(&["history", "my-part"]);
    let revisions = history.as_array().unwrap().iter().map(|line| line["revision"].as_u64());
    assert_eq!(revisions.max(), Some(Some(4)), "{language}: {history}");
}

#[test]
fn dev_follows_a_project_in_c() {
    let greeting =
        Greeting { file: "src/main.c", before: "%s", after: "%s!", place: "src/main.c:36:1" };
    follows(Language::C, &greeting);
}

#[test]
fn dev_follows_a_project_in_javascript() {
    let greeting = Greeting {
        file: "src/main.js",
        before: "${this.greeting}",
        after: "${name}!",
        place: "src/main.js:20:0",
    };
    follows(Language::Js, &greeting);
}
