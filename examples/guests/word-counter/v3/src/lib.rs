//! Version 3 of the demo's service: also tells which page was asked for most.

use std::collections::BTreeMap;

use airssys_wasm_sdk::prelude::*;
use serde::Serialize;

#[component]
pub struct WordCounter;

#[derive(Serialize)]
pub struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
    busiest_page: Option<String>,
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
        let mut counts = Counts { lines: 0, words, bytes: 0, busiest_page: None };
        let mut pages = BTreeMap::<&str, u64>::new();
        for line in text.lines() {
            counts.lines += 1;
            counts.bytes += size(line).unwrap_or(0);
            if let Some(page) = page(line) {
                *pages.entry(page).or_default() += 1;
            }
        }
        let busiest = pages.into_iter().max_by_key(|(_, asked)| *asked);
        counts.busiest_page = busiest.map(|(page, _)| page.to_owned());
        Ok(Json(counts))
    }
}

/// The size of the answer: what follows the status, after the request in quotes. An answer without a
/// body has `-` there.
fn size(line: &str) -> Option<u64> {
    let after_request = line.split('"').nth(2)?;
    after_request.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The page: the second word of the request in quotes.
fn page(line: &str) -> Option<&str> {
    line.split('"').nth(1)?.split_ascii_whitespace().nth(1)
}
