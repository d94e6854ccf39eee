use airssys_wasm_sdk::prelude::*;

#[component]
struct Greeter;

#[component_impl]
impl Greeter {
    #[component_init]
    fn new(_config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self)
    }

    #[component_execute]
    fn process(&mut self, _input: u32) -> ComponentResult {
        Ok(ComponentOutput::default())
    }
}

fn main() {}
