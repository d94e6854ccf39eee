//! The counter with another shape of state: the count by who called, and which version it was migrated from.

use std::collections::BTreeMap;

use airssys_wasm_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[component]
pub struct Counter {
    state: ComponentState<Counts>,
}

/// The shape of version 1.
#[derive(Deserialize)]
struct Count {
    count: u64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    by_caller: BTreeMap<String, u64>,
    migrated_from: Option<String>,
}

#[component_impl]
impl Counter {
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self { state: ComponentState::new(config)? })
    }

    #[component_execute]
    pub fn count(&mut self, input: ComponentInput) -> ComponentResult {
        let caller = input.context().caller().unwrap_or("anybody").to_owned();
        let text = input.text()?;
        let by = match text.strip_prefix("add ") {
            Some(number) => number
                .parse()
                .map_err(|_| ComponentError::invalid_input(format!("`{number}` is no number")))?,
            None if text == "get" => 0,
            None => 1,
        };
        if by > 0 {
            *self.state.by_caller.entry(caller).or_default() += by;
        }
        let total: u64 = self.state.by_caller.values().sum();
        let from = self.state.migrated_from.as_deref();
        let output = ComponentOutput::text(total.to_string());
        Ok(match from {
            Some(from) => output.with_metadata("migrated-from", from),
            None => output,
        })
    }

    #[component_migrate]
    fn migrate(saved: SavedState, from: Version) -> Result<Counts, ComponentError> {
        if saved.bytes().is_empty() {
            return Err(ComponentError::failed("nothing was saved"));
        }
        let old: Count = saved.json()?;
        Ok(Counts {
            by_caller: BTreeMap::from([("before".to_owned(), old.count)]),
            migrated_from: Some(from.to_string()),
        })
    }
}
