//! Who asks.

use crate::progress::Progress;

/// Who asks for a command, under which request, and who watches it.
#[derive(Debug, Clone)]
pub struct By {
    /// For the history: `token` over the control port, `embedded` from a program.
    pub who: String,
    /// For the log and for failures.
    pub request_id: String,
    /// Where to tell how far it is.
    pub progress: Progress,
}

impl By {
    /// Somebody who watches nothing.
    pub fn unwatched(who: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self { who: who.into(), request_id: request_id.into(), progress: Progress::unwatched() }
    }
}
