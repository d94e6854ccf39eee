//! Counts its calls: the input `add N` adds N, `get` only reads, `fail` counts and then reports an error,
//! and anything else adds one. The answer is the count.

use airssys_wasm_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[component]
pub struct Counter {
    state: ComponentState<Count>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    count: u64,
}

#[component_impl]
impl Counter {
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self { state: ComponentState::new(config)? })
    }

    #[component_execute]
    pub fn count(&mut self, input: ComponentInput) -> ComponentResult {
        let text = input.text()?;
        let by = match text.strip_prefix("add ") {
            Some(number) => number
                .parse()
                .map_err(|_| ComponentError::invalid_input(format!("`{number}` is no number")))?,
            None if text == "get" => 0,
            None => 1,
        };
        self.state.count += by;
        if text == "fail" {
            return Err(ComponentError::failed(format!("asked to fail at {}", self.state.count)));
        }
        Ok(ComponentOutput::text(self.state.count.to_string()))
    }
}
