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
    fn process(&mut self, _input: ComponentInput) -> ComponentResult {
        Ok(ComponentOutput::default())
    }

    #[component_migrate]
    fn migrate(saved: u32, _from: Version) -> Result<u64, ComponentError> {
        Ok(saved.into())
    }
}

fn main() {}
