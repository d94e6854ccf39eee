use airssys_wasm_sdk::prelude::*;

#[component]
struct Counter {
    state: ComponentState<Count>,
}

#[derive(Default)]
struct Count;

#[component_impl]
impl Counter {
    #[component_init]
    fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self { state: ComponentState::new(config)? })
    }

    #[component_execute]
    fn process(&mut self, _input: ComponentInput) -> ComponentResult {
        Ok(ComponentOutput::default())
    }
}

fn main() {}
