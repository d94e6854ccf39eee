//! What one guest holds: its open sockets, counted.

use std::collections::HashMap;
use std::sync::Arc;

use airssys_wasm_model::{Denial, Kind, Protocol};

use super::checks::{Checks, Place};
use crate::context::CallCtx;

/// The sockets of one instance.
///
/// A socket has its place from before it is made until its handle is let go of and its streams have ended. The
/// place of an accepted connection is taken before the guest has a handle for it, and given to whichever handle
/// turns up that has none: it is their number that counts. One that no handle was made for before its listener went
/// stays taken until the instance ends.
pub(crate) struct HeldSockets {
    pub(super) checks: Arc<Checks>,
    /// By the number of the handle in the instance's table, whose bound bounds these too.
    places: HashMap<u32, Arc<Place>>,
}

/// Why no socket is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSocket {
    /// It could be used for nothing.
    Denied,
    /// The limit on open sockets.
    TooMany,
}

impl HeldSockets {
    pub(crate) fn new(checks: Arc<Checks>) -> Self {
        Self { checks, places: HashMap::new() }
    }

    /// A reused instance begins another call.
    pub(crate) fn begin(&self, call: &CallCtx) {
        self.checks.begin(call);
    }

    /// A place for a socket that is to be made.
    pub(super) fn open(&self, protocol: Protocol) -> Result<Place, NoSocket> {
        let checks = &self.checks;
        if !checks.uses(protocol) {
            let (what, grant) = match protocol {
                Protocol::Tcp => ("a TCP socket", "HOST:PORT"),
                Protocol::Udp => ("a UDP socket", "HOST:PORT/udp"),
            };
            let service = &checks.revision.spec.service;
            checks.denied(&Denial::new(service, Kind::Net, "open", what, grant));
            return Err(NoSocket::Denied);
        }
        checks.place().ok_or(NoSocket::TooMany)
    }

    /// The socket was made, with this number.
    pub(super) fn keep(&mut self, number: u32, place: Place) {
        self.places.insert(number, Arc::new(place));
    }

    /// The place of a socket, for a stream of it that may outlive its handle.
    pub(super) fn place(&mut self, number: u32) -> Option<Arc<Place>> {
        if !self.places.contains_key(&number) {
            let place = Arc::new(self.checks.accepted()?);
            self.places.insert(number, place);
        }
        self.places.get(&number).cloned()
    }

    /// The guest let go of this handle.
    pub(super) fn forget(&mut self, number: u32) {
        if self.places.remove(&number).is_none() {
            drop(self.checks.accepted());
        }
    }
}
