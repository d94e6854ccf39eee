//! The revision that a component in the library is measured as.

use std::sync::Arc;

use airssys_wasm_host::{Backends, NoLog, NoWatch, RevisionSpec};
use airssys_wasm_model::{Determinism, Digest, Instances, Limits, RevisionNumber};
use anyhow::Result;

/// A first revision without rights and with the node's own defaults, which nobody listens to.
pub(crate) fn spec(component: &[u8]) -> Result<RevisionSpec> {
    Ok(RevisionSpec {
        service: "measured".parse()?,
        revision: RevisionNumber(1),
        version: "1.0.0".parse()?,
        digest: Digest::of(component),
        config: serde_json::Map::new(),
        asked: Arc::default(),
        rights: Arc::default(),
        limits: Limits::default(),
        instances: Instances::default(),
        determinism: Determinism::default(),
        sink: Arc::new(NoLog),
        watch: Arc::new(NoWatch),
        state: None,
        backends: Backends::default(),
    })
}
