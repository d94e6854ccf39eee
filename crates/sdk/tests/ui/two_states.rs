use airssys_wasm_sdk::prelude::*;

#[component]
struct Counter {
    one: ComponentState<u32>,
    other: ComponentState<u64>,
}

fn main() {}
