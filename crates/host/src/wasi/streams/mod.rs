//! Streams of what a guest holds open, which end when the right that they are open by is revoked: those of WASI 0.2
//! with an error, those of 0.3 by being at their end, with the error in the future beside them. Whoever waits at one
//! is woken for it. Of 0.3 what a peer sends comes by a stream that nobody but the runtime can end: an instance that
//! waits there is ended itself.

mod p2;
mod p3;

pub(super) use self::p2::{hold_input, hold_output};
pub(super) use self::p3::{Cut, hold, hold_counted, hold_end, revoked};
