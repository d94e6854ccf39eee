use airssys_wasm_sdk::prelude::*;

#[component_execute]
fn process(_input: ComponentInput) -> ComponentResult {
    Ok(ComponentOutput::default())
}

fn main() {}
