use airssys_wasm_sdk::prelude::*;

#[component]
struct Greeter<T> {
    name: T,
}

fn main() {}
