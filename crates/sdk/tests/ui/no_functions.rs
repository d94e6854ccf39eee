use airssys_wasm_sdk::prelude::*;

#[component]
struct Greeter;

fn main() {}
