//! What a call carries from where it came in to every import that its guest calls.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The name of one call, 32 hexadecimal digits: what a caller quotes and a log line shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u128);

impl RequestId {
    /// A name that nobody else draws.
    pub fn draw() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Why a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallMode {
    /// Somebody waits for the answer.
    #[default]
    Live,
}

/// The context of one call, kept in its instance's store.
#[derive(Debug, Clone)]
pub struct CallCtx {
    /// The call's name.
    pub request_id: RequestId,
    /// The W3C trace parent that came with the call.
    pub traceparent: Option<Arc<str>>,
    /// When the caller stops waiting, if that is sooner than the revision's own limit.
    pub deadline: Option<Instant>,
    /// Who calls, where that is known.
    pub caller: Option<Arc<str>>,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// Why the call is made.
    pub mode: CallMode,
    /// How many calls of other components led here.
    pub depth: u32,
}

impl CallCtx {
    /// The first attempt of a live call from nobody in particular.
    pub fn new(request_id: RequestId) -> Self {
        Self {
            request_id,
            traceparent: None,
            deadline: None,
            caller: None,
            attempt: 1,
            mode: CallMode::Live,
            depth: 0,
        }
    }
}
