//! Every guest language: one table of behaviours that its conformance guest is held to, the projects that `init`
//! writes, what is said of mistakes in them, and the examples.
//!
//! The toolchains are fetched once, by the command that users have, into `target/toolchains`.

/// A test a language, which is one call.
macro_rules! each_of {
    ($run:ident, $($test:ident: $language:ident,)*) => {
        $(
            #[test]
            fn $test() {
                $run(Language::$language);
            }
        )*
    };
}

#[path = "languages/behaviours.rs"]
mod behaviours;
mod common;
#[path = "languages/dev.rs"]
mod dev;
#[path = "languages/guest.rs"]
mod guest;
#[path = "languages/mistakes.rs"]
mod mistakes;
#[path = "languages/peer.rs"]
mod peer;
#[path = "languages/projects.rs"]
mod projects;
#[path = "languages/still.rs"]
mod still;
#[path = "languages/table.rs"]
mod table;

use airssys_wasm_languages::Language;

/// The guest of a language shows every behaviour of the table, and none that the table says it doesn't show.
fn conforms(language: Language) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let found = runtime.block_on(async {
        let guest = guest::Guest::built(language);
        behaviours::all(&guest).await
    });
    table::check(language, &found);
}

each_of! {
    conforms,
    rust_conforms: Rust,
    c_conforms: C,
    cpp_conforms: Cpp,
    go_conforms: Go,
    python_conforms: Python,
    javascript_conforms: Js,
    zig_conforms: Zig,
}
