//! A store on a directory of its own.

use airssys_wasm_store::Store;
use tempfile::{TempDir, tempdir};

/// A new store; it goes with its directory.
pub(crate) fn fresh() -> (TempDir, Store) {
    let dir = tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}
