use airssys_wasm_sdk::prelude::*;

struct Greeter;

#[component]
impl Greeter {}

fn main() {}
