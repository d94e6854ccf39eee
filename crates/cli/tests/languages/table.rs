//! The table of what holds in which language: what the tests expect, and what the guide shows.

use airssys_wasm_languages::Language;

use crate::behaviours::ALL;
use crate::guest::repository;

/// The columns; TypeScript is JavaScript once it is built.
pub(crate) const COLUMNS: [Language; 7] = [
    Language::Rust,
    Language::C,
    Language::Cpp,
    Language::Go,
    Language::Python,
    Language::Js,
    Language::Zig,
];

/// What doesn't hold: the language, the row, and why.
const EXCEPTIONS: &[(Language, &str, &str)] = &[];

/// Fails for a row that doesn't hold and should, or holds and is said not to.
pub(crate) fn check(language: Language, found: &[Option<String>]) {
    let mut wrong = Vec::new();
    for (behaviour, found) in ALL.iter().zip(found) {
        let says = behaviour.says;
        match (exception(language, says), found) {
            (None, Some(why)) => wrong.push(format!("{says}: {why}")),
            (Some(_), None) => wrong.push(format!("{says}: it holds, and is said not to")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{language}:\n  {}", wrong.join("\n  "));
}

fn exception(language: Language, says: &str) -> Option<&'static str> {
    let of =
        |(in_language, row, _): &&(Language, &str, &str)| *in_language == language && *row == says;
    EXCEPTIONS.iter().find(of).map(|(_, _, why)| *why)
}

/// The table as the guide has it.
fn rendered() -> String {
    let head: Vec<String> = COLUMNS.iter().map(|language| language.to_string()).collect();
    let mut lines = vec![
        format!("| | {} |", head.join(" | ")),
        format!("|---|{}", "---|".repeat(COLUMNS.len())),
    ];
    for behaviour in ALL {
        let cell = |language: &Language| match exception(*language, behaviour.says) {
            None => "yes".to_owned(),
            Some(why) => why.to_owned(),
        };
        let cells: Vec<String> = COLUMNS.iter().map(cell).collect();
        lines.push(format!("| {} | {} |", behaviour.says, cells.join(" | ")));
    }
    lines.join("\n")
}

const BEGIN: &str = "<!-- What holds, as the conformance tests have it: begin -->\n";
const END: &str = "\n<!-- end -->";

/// `UPDATE_GUIDE=1` writes it.
#[test]
fn the_guide_shows_the_table_that_is_tested() {
    let path = repository().join("docs/guide/languages/README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the table's begin");
    let (shown, after) = rest.split_once(END).expect("the table's end");
    if std::env::var_os("UPDATE_GUIDE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", rendered())).unwrap();
        return;
    }
    assert_eq!(shown, rendered(), "UPDATE_GUIDE=1 writes it anew");
}
