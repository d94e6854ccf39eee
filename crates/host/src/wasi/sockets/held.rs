//! What one guest holds: its open sockets, counted, each with what it is open by.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

use airssys_wasm_model::{Denial, Protocol};

use super::checks::{Checks, Place};
use crate::rights::{Hold, Needs};

/// The sockets of one instance.
///
/// A socket has its place from before it is made until its handle is let go of and its streams have ended. The
/// place of an accepted connection is taken before the guest has a handle for it, and given to whichever handle
/// turns up that has none: it is their number that counts. One that no handle was made for before its listener went
/// stays taken until the instance ends. In WASI 0.3 the runtime keeps the check that it was given with a socket in
/// whatever it makes of it, and the place is kept in that check: so a port counts until its stream of connections has
/// ended, and they with it.
pub(crate) struct HeldSockets {
    pub(super) checks: Arc<Checks>,
    /// By the number of the handle in the instance's table, whose bound bounds these too.
    sockets: HashMap<u32, Socket>,
    /// Which socket a pollable of 0.2 waits at, likewise.
    waits: HashMap<u32, u32>,
}

/// What a socket without an address is at. Nobody may listen at port 0.
pub(super) const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

/// An open socket, for its handle and for its streams.
#[derive(Clone)]
pub(super) struct Socket {
    pub(super) place: Arc<Place>,
    pub(super) hold: Arc<Hold>,
}

/// Why no socket is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSocket {
    /// It could be used for nothing.
    Denied,
    /// The limit on open sockets.
    TooMany,
}

/// The right to what a socket does was revoked, which is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Revoked;

/// What the call may send and receive is used up, which was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UsedUp;

impl HeldSockets {
    pub(crate) fn new(checks: Arc<Checks>) -> Self {
        Self { checks, sockets: HashMap::new(), waits: HashMap::new() }
    }

    /// A place for a socket that is to be made.
    pub(super) fn open(&self, protocol: Protocol) -> Result<Arc<Place>, NoSocket> {
        let checks = &self.checks;
        if !checks.uses(protocol) {
            checks.denied(Denial::sockets(&checks.revision.spec.service, protocol));
            return Err(NoSocket::Denied);
        }
        checks.place().map(Arc::new).ok_or(NoSocket::TooMany)
    }

    /// The socket was made, with this number.
    pub(super) fn keep(&mut self, number: u32, place: Arc<Place>, protocol: Protocol) {
        let hold = self.checks.hold(Needs::Sockets(protocol));
        self.sockets.insert(number, Socket { place, hold });
    }

    /// The socket reaches this address from now on. One with a port of its own stays open by that.
    pub(super) fn reaches(&mut self, number: u32, protocol: Protocol, to: SocketAddr) {
        let hold = self.checks.reaching(protocol, to);
        if let Some(socket) = self.sockets.get_mut(&number)
            && !matches!(socket.hold.needs(), Needs::Listening(..) | Needs::Accepted(..))
        {
            socket.hold = hold;
        }
    }

    /// The socket listens at this address from now on. The system's choice for the end of a connection is none.
    pub(super) fn listens(&mut self, number: u32, protocol: Protocol, at: SocketAddr) {
        if let Some(socket) = self.sockets.get_mut(&number).filter(|_| at.port() != 0) {
            socket.place.listens(at);
            socket.hold = self.checks.hold(Needs::Listening(protocol, at));
        }
    }

    /// The connection was accepted at this address of the machine.
    pub(super) fn accepted(&mut self, number: u32, at: SocketAddr) -> Option<Socket> {
        let place = Arc::new(self.checks.accepted()?);
        let hold = self.checks.hold(Needs::Accepted(at));
        let socket = Socket { place, hold };
        self.sockets.insert(number, socket.clone());
        Some(socket)
    }

    /// What there is of a socket, for a stream of it that may outlive its handle.
    pub(super) fn socket(&self, number: u32) -> Option<Socket> {
        self.sockets.get(&number).cloned()
    }

    /// A part of a socket with a handle of its own, which is open by the same right.
    pub(super) fn shares(&mut self, part: u32, of: u32) {
        if let Some(socket) = self.socket(of) {
            self.sockets.insert(part, socket);
        }
    }

    /// The check of what is done with an open socket.
    pub(super) fn may(&self, number: u32) -> Result<(), Revoked> {
        match self.sockets.get(&number) {
            Some(socket) if !socket.hold.check() => Err(Revoked),
            _ => Ok(()),
        }
    }

    /// So many bytes come or leave.
    pub(super) fn moves(&self, bytes: usize) -> Result<(), UsedUp> {
        if self.checks.moves(bytes) { Ok(()) } else { Err(UsedUp) }
    }

    /// A pollable waits at a socket, or a part of one.
    pub(super) fn waits(&mut self, pollable: u32, at: u32) {
        self.waits.insert(pollable, at);
    }

    /// What the socket needs that a pollable waits at, if it does.
    pub(in crate::wasi) fn waited(&self, pollable: u32) -> Option<Arc<Hold>> {
        let at = self.waits.get(&pollable)?;
        self.sockets.get(at).map(|socket| Arc::clone(&socket.hold))
    }

    /// The guest let go of this pollable.
    pub(in crate::wasi) fn forget_wait(&mut self, pollable: u32) {
        self.waits.remove(&pollable);
    }

    /// The guest let go of this handle.
    pub(super) fn forget(&mut self, number: u32) {
        if self.sockets.remove(&number).is_none() {
            drop(self.checks.accepted());
        }
    }

    /// The guest let go of this part of a socket.
    pub(super) fn forget_part(&mut self, number: u32) {
        self.sockets.remove(&number);
    }
}
