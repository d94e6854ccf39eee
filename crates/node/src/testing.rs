//! What the tests of this crate share.

use std::path::Path;
use std::sync::Arc;

use airssys_wasm_host::Pooling;

use crate::node::{Node, NodeSettings};

/// A node without services, on memory on demand: tests run many at once.
pub(crate) async fn node(dir: &Path) -> Arc<Node> {
    let settings = NodeSettings { pooling: Pooling::Never, ..NodeSettings::new(dir) };
    Node::open(settings).await.expect("a node over an empty directory")
}
