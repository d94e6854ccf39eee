use airssys_wasm_sdk::prelude::*;

#[component(name = "greeter")]
struct Greeter;

fn main() {}
