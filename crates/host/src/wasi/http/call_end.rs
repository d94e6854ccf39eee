//! The end of one call, for what its guest began and left open.

use tokio_util::sync::CancellationToken;

/// The end of one call: it comes when this is dropped. A reused instance keeps the handles that its guest did not let
/// go of, so what stands behind them cannot wait for that.
#[derive(Default)]
pub(crate) struct CallEnd(CancellationToken);

impl CallEnd {
    /// What waits for it.
    pub(super) fn token(&self) -> CancellationToken {
        self.0.clone()
    }
}

impl Drop for CallEnd {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
