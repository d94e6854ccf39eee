//! The smallest component with the SDK. Its init logs a line before anything else, so that `bench start`
//! can tell when its first instruction runs.

use airssys_wasm_sdk::prelude::*;

#[component]
pub struct Hello;

#[component_impl]
impl Hello {
    #[component_init]
    pub fn new(_config: ComponentConfig) -> Result<Self, ComponentError> {
        log::info!("here");
        Ok(Self)
    }

    #[component_execute]
    pub fn hello(&mut self, _input: ComponentInput) -> ComponentResult {
        Ok(ComponentOutput::text("Hello from a component\n"))
    }
}
