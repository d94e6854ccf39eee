use airssys_wasm_sdk::prelude::*;

#[component]
struct Greeter;

#[component_impl]
impl Greeter {
    #[component_execute]
    fn process(&mut self, _input: ComponentInput) -> ComponentResult {
        Ok(ComponentOutput::default())
    }
}

fn main() {}
