//! Version 2 of the demo's service: also adds up the sizes of the answers in the log.

use airssys_wasm_sdk::prelude::*;
use serde::Serialize;

#[component]
pub struct WordCounter;

#[derive(Serialize)]
pub struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
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
        let words = text.split_ascii_whitespace().count() as u64;
        let mut counts = Counts { lines: 0, words, bytes: 0 };
        for line in text.lines() {
            counts.lines += 1;
            counts.bytes += size(line).unwrap_or(0);
        }
        Ok(Json(counts))
    }
}

/// The size of the answer: what follows the status, after the request in quotes. An answer without a
/// body has `-` there.
fn size(line: &str) -> Option<u64> {
    let after_request = line.split('"').nth(2)?;
    after_request.split_ascii_whitespace().nth(1)?.parse().ok()
}
