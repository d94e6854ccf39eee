//! `wasi:config/store`: a revision's configuration, and under `secrets/` what it holds of its secrets.
//!
//! Configuration is fixed for a revision; a secret is looked up at each call, so that a new value needs no new one.
//! `get-all` lists the configuration alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::wasi::config::store::{self, Error};
use crate::guest::Guest;

/// What the keys of secrets begin with. A configuration's own keys of this kind can't be got.
const SECRETS: &str = "secrets/";

/// A configuration as guests see it: a string as it is, anything else as JSON.
pub(crate) fn config_variables(config: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    config.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}

impl store::Host for Guest {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        Ok(match key.strip_prefix(SECRETS) {
            Some(name) => self.secrets.show(name).map_err(Error::Upstream),
            None => Ok(self.revision().config.get(&key).cloned()),
        })
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, Error>> {
        let all = self.revision().config.iter();
        Ok(Ok(all.map(|(key, value)| (key.clone(), value.clone())).collect()))
    }
}

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    store::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}
