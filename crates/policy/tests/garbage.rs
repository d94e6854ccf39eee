//! Any text is a policy, a token or an error: nothing panics, and nothing overflows the stack.

use airssys_wasm_policy::{Capability, Policy, Presented};
use rand::prelude::*;

/// What the texts are made of: pieces that Cedar knows, in an order that it does not.
const PIECES: [&str; 48] = [
    "permit",
    "forbid",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "principal",
    "action",
    "resource",
    "context",
    "when",
    "unless",
    "in",
    "has",
    "like",
    "is",
    "if",
    "then",
    "else",
    "==",
    "!=",
    "&&",
    "||",
    "!",
    "-",
    "+",
    "*",
    "<",
    "<=",
    ".",
    ",",
    ";",
    "::",
    "Role::\"admin\"",
    "Action::\"read\"",
    "\"a*\"",
    "@id(\"x\")",
    "?principal",
    "9223372036854775808",
    "ip(\"::1\")",
    "datetime(\"x\")",
    "name",
    "ä\u{202e}",
    "\"",
    "//",
    "\n",
];

#[test]
fn no_text_makes_it_panic() {
    for seed in 0..400 {
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let length = random.random_range(0..200);
        let text: Vec<_> = (0..length).map(|_| *PIECES.choose(&mut random).unwrap()).collect();
        let text = text.join(if random.random() { " " } else { "" });
        let _ = Policy::parse(&text);
        let _ = Capability::of_text(&text);
        let _ = text.parse::<Presented>();
    }
}

#[test]
fn no_damage_to_a_policy_makes_it_panic() {
    for seed in 0..200 {
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let mut text = Policy::default_text().as_bytes().to_vec();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..text.len());
            match random.random_range(0..3) {
                0 => text[at] = random.random(),
                1 => drop(text.drain(at..(at + random.random_range(0..9)).min(text.len()))),
                _ => text.insert(at, *b"(){}\";&!".choose(&mut random).unwrap()),
            }
        }
        let _ = Policy::parse(&String::from_utf8_lossy(&text));
    }
}

/// Just below the bound on depth, on a thread with the stack of a worker.
#[test]
fn the_deepest_rules_that_are_read_do_not_overflow_the_stack() {
    let condition =
        |text: String| format!("permit (principal, action, resource) when {{ {text} }};");
    let deepest = [
        condition(format!("{}true{}", "(".repeat(7), ")".repeat(7))),
        condition(format!("{}1{} == 1", "[".repeat(7), "]".repeat(7))),
        condition(format!("{}true", "if true then true else ".repeat(7))),
        condition(format!("true{}", "&&true".repeat(31))),
        condition(format!("1{} == 1", "+1".repeat(62))),
        condition(format!("context{}", ".a".repeat(62))),
        condition(format!("context{} == 1", ".a()".repeat(31))),
        format!("permit (principal, action, resource) {};", "when {true}".repeat(62)),
    ];
    assert!(deepest.iter().filter(|text| Policy::parse(text).is_ok()).count() >= 4);
    for text in deepest {
        let read = move || {
            if let Ok(policy) = Policy::parse(&text) {
                let now = std::time::UNIX_EPOCH;
                let list = airssys_wasm_policy::Request::new(
                    airssys_wasm_policy::Principal::local(),
                    airssys_wasm_policy::Act::List,
                    airssys_wasm_policy::Subject::Node,
                    now,
                );
                let list = list.unwrap();
                let decision = policy.decide(&list, Default::default());
                let _ = policy.explain(&list, &decision).to_string();
            }
        };
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(read).unwrap();
        thread.join().unwrap();
    }
}
