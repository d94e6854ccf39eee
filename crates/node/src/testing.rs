//! What the tests of this crate share.

use std::path::Path;
use std::sync::Arc;

use airssys_wasm_deploy::RevisionSettings;
use airssys_wasm_host::Pooling;
use airssys_wasm_model::{Digest, Version};

use crate::node::{Node, NodeSettings};

/// A node without services, on memory on demand: tests run many at once.
pub(crate) async fn node(dir: &Path) -> Arc<Node> {
    let settings = NodeSettings { pooling: Pooling::Never, ..NodeSettings::new(dir) };
    Node::open(settings).await.expect("a node over an empty directory")
}

/// A revision of an artifact that no store has, with nothing asked for.
pub(crate) fn revision() -> RevisionSettings {
    RevisionSettings {
        version: Version::new(1, 0, 0),
        digest: Digest::of(b"a component"),
        config: Default::default(),
        config_set: Default::default(),
        grants: Default::default(),
        limits: Default::default(),
        instances: Default::default(),
        determinism: Default::default(),
        http: Default::default(),
        routing: Default::default(),
        signers: Vec::new(),
    }
}
