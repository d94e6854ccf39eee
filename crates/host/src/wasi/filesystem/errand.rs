//! What one import of a guest does, on a thread where it may block: each step checked, what was allowed kept
//! for whoever watches.

use airssys_wasm_model::FileAccess;

use super::mount::{Mount, allowed};
use super::refusal::Refusal;
use super::walk::Found;
use crate::context::Mode;

/// One import under way.
pub(super) struct Errand {
    /// What the call may do at all.
    bounds: FileAccess,
    /// Whether allowed uses are kept.
    watched: bool,
    uses: Vec<FileUse>,
}

/// A path that was used as a right allows.
pub(super) struct FileUse {
    pub(super) path: String,
    pub(super) access: FileAccess,
}

/// What came of it.
pub(super) struct Report<T> {
    pub(super) result: Result<T, Refusal>,
    pub(super) uses: Vec<FileUse>,
}

impl Errand {
    pub(super) fn new(mode: Mode, watched: bool) -> Self {
        Self { bounds: allowed(mode), watched, uses: Vec::new() }
    }

    /// Does the work where it may block.
    pub(super) async fn run<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Refusal> + Send + 'static,
    ) -> Report<T> {
        let working = tokio::task::spawn_blocking(move || {
            let result = work(&mut self);
            Report { result, uses: self.uses }
        });
        working.await.unwrap_or_else(|error| {
            let error = wasmtime::Error::from(error);
            Report { result: Err(Refusal::Trap(error)), uses: Vec::new() }
        })
    }

    /// Whether all this may be done there.
    pub(super) fn may(&self, found: &Found, wanted: FileAccess) -> bool {
        found.mount.access(&found.path).and(self.bounds).contains(wanted)
    }

    /// The check: all of `wanted`, or a refusal that says what would allow it.
    pub(super) fn check(&mut self, found: &Found, wanted: FileAccess) -> Result<(), Refusal> {
        if !found.mount.access(&found.path).contains(wanted) {
            return Err(found.mount.denied(&found.path, wanted));
        }
        if !self.bounds.contains(wanted) {
            return Err(Refusal::Copied);
        }
        self.used(&found.mount, &found.path, wanted);
        Ok(())
    }

    /// What was allowed so far did not happen.
    pub(super) fn was_in_vain(&mut self) {
        self.uses.clear();
    }

    /// Keeps an allowed use for whoever watches.
    pub(super) fn used(&mut self, mount: &Mount, path: &str, access: FileAccess) {
        if self.watched {
            self.uses.push(FileUse { path: mount.seen(path), access });
        }
    }
}
