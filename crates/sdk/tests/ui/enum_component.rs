use airssys_wasm_sdk::prelude::*;

#[component]
enum Greeter {
    Loud,
    Quiet,
}

fn main() {}
