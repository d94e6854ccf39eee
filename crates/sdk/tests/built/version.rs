//! Compiled as `airssys-wasm build` compiles, with the version in `Component.toml` named.

use airssys_wasm_sdk::Stateful;
use airssys_wasm_sdk::prelude::*;

#[component]
struct Keeper {
    state: ComponentState<u64>,
}

#[component_impl]
impl Keeper {
    #[component_init]
    fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self { state: ComponentState::new(config)? })
    }

    #[component_execute]
    fn count(&mut self, _: ComponentInput) -> ComponentResult {
        Ok(ComponentOutput::default())
    }
}

fn main() {
    assert_eq!(<Keeper as Stateful<u64>>::VERSION, "7.8.9");
}
