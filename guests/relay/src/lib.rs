//! Calls other services and keeps nothing, so that its calls can be copied: `call SERVICE INPUT` their handler, and `invoke
//! SERVICE FUNCTION ARGUMENT…` one of their functions. It answers with what they say.

use airssys_wasm_sdk::prelude::*;
use airssys_wasm_sdk::services;

#[component]
pub struct Relay {
    state: ComponentState,
}

#[component_impl]
impl Relay {
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self { state: ComponentState::new(config)? })
    }

    #[component_execute]
    pub fn call(&self, input: ComponentInput) -> ComponentResult {
        let words: Vec<&str> = input.text()?.split(' ').collect();
        let said = match &words[..] {
            ["call", service, rest @ ..] => {
                let called = services::call(service, ComponentInput::from_text(rest.join(" ")));
                called.map(|output| output.as_text().unwrap_or("no text").to_owned())
            }
            ["invoke", service, function, arguments @ ..] => {
                services::invoke(service, function, arguments)
            }
            _ => return Err(ComponentError::invalid_input("no such command")),
        };
        Ok(ComponentOutput::text(said.unwrap_or_else(|error| format!("{error:?}"))))
    }
}
