//! Calls other services as its input says, and answers with what they say: `get URL NAME=VALUE…` over HTTP with these
//! headers, `call SERVICE INPUT` their handler, with the metadata of its own call, and `invoke SERVICE FUNCTION
//! ARGUMENT…` one of their functions. `A then B` does one after the other. It counts its calls, which lets it be an actor.

mod http;

use airssys_wasm_sdk::prelude::*;
use airssys_wasm_sdk::services;
use serde::{Deserialize, Serialize};

#[component]
pub struct Caller {
    state: ComponentState<Count>,
}

#[derive(Default, Serialize, Deserialize)]
struct Count {
    count: u64,
}

#[component_impl]
impl Caller {
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self { state: ComponentState::new(config)? })
    }

    #[component_execute]
    pub fn call(&mut self, input: ComponentInput) -> ComponentResult {
        self.state.count += 1;
        let commands = input.text()?.split(" then ").map(|command| said(command, &input));
        let said: Vec<String> = commands.collect::<Result<_, _>>()?;
        Ok(ComponentOutput::text(said.join(" then ")))
    }
}

fn said(command: &str, input: &ComponentInput) -> Result<String, ComponentError> {
    let words: Vec<&str> = command.split(' ').collect();
    Ok(match &words[..] {
        ["get", url, headers @ ..] => http::get(url, headers),
        ["call", service, rest @ ..] => {
            let metadata = input.all_metadata().iter();
            let onward = metadata.fold(ComponentInput::from_text(rest.join(" ")), |to, it| {
                to.with_metadata(&it.0, &it.1)
            });
            match services::call(service, onward) {
                Ok(output) => output.as_text().unwrap_or("no text").to_owned(),
                Err(error) => format!("{error:?}"),
            }
        }
        ["invoke", service, function, arguments @ ..] => {
            services::invoke(service, function, arguments)
                .unwrap_or_else(|error| format!("{error:?}"))
        }
        _ => return Err(ComponentError::invalid_input("no such command")),
    })
}
