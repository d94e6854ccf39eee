//! A plugin that answers with its input, unchanged: what the benchmarks call to see what a call costs when
//! the plugin has nothing to do.

use airssys_wasm_sdk::prelude::*;

#[component]
pub struct Bytes;

#[component_impl]
impl Bytes {
    #[component_init]
    pub fn new(_config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self)
    }

    #[component_execute]
    pub fn same(&mut self, input: ComponentInput) -> ComponentResult {
        Ok(ComponentOutput::new(input.into_bytes()))
    }
}
