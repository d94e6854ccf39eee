//! Version 1 of the demo's service: counts the lines and words of the log it is sent.

use airssys_wasm_sdk::prelude::*;
use serde::Serialize;

#[component]
pub struct WordCounter;

#[derive(Serialize)]
pub struct Counts {
    lines: u64,
    words: u64,
}

#[component_impl]
impl WordCounter {
    #[component_init]
    pub fn new(_config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self)
    }

    #[component_execute]
    pub fn count(&mut self, input: ComponentInput) -> Result<Json<Counts>, ComponentError> {
        let text = input.text()?;
        let lines = text.lines().count() as u64;
        let words = text.split_ascii_whitespace().count() as u64;
        Ok(Json(Counts { lines, words }))
    }
}
