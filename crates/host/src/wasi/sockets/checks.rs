//! What a use of an address is checked against.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use airssys_wasm_model::{
    AddressBlock, Decision, Denial, Destination, Hosts, Kind, ListenGrant, NetGrant, Ports,
    Protocol,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, oneshot};
use wasmtime_wasi::sockets::SocketAddrUse;

use super::names::Names;
use crate::context::Mode;
use crate::gauges::Gauges;
use crate::limit::{Level, Limit};
use crate::pool::Pool;
use crate::prepare::Revision;
use crate::rights::{Hold, Needs};
use crate::wasi::transfer::Allowance;
use crate::watch::{CurrentTeller, Use};

/// Sockets that all guests may have open: each holds a descriptor, of which a process often has 1,024.
static SOCKETS: Semaphore = Semaphore::const_new(256);

/// Datagrams that one instance may wait for at once, each with a buffer of 64 KiB.
const RECEIVING_MAX: usize = 32;

/// The sockets of one instance, as the runtime sees them: it asks with an address and nothing else.
pub(crate) struct Checks {
    pub(super) revision: Arc<Revision>,
    telling: CurrentTeller,
    /// Of a guest for copied calls: what would have left is counted here.
    refusing: Option<Arc<Gauges>>,
    /// A place for each open socket, made with the first.
    places: OnceLock<Arc<Semaphore>>,
    /// A place for each lookup under way, likewise.
    pub(super) lookups: OnceLock<Arc<Semaphore>>,
    /// A place for each datagram that is waited for by itself, as only WASI 0.3 does.
    pub(super) receiving: Semaphore,
    /// What was looked up. Never held across an await.
    pub(super) names: Mutex<Names>,
    /// The places of connections that were accepted and that the guest has not used yet. Never held across an
    /// await. No longer than there are places.
    accepted: Mutex<Vec<Place>>,
    /// What the call may still send and receive.
    transfer: Arc<Allowance>,
}

/// What a guest is told that has sent and received as much as it may.
pub(super) const USED_UP: &str = "the limit `transfer` is reached";

/// A place among the instance's open sockets and among all guests', and what its socket listens at.
pub(crate) struct Place {
    _permits: (OwnedSemaphorePermit, SemaphorePermit<'static>),
    /// Where the socket was bound by a right to listen; a port of the system's choice is none.
    listens_at: OnceLock<SocketAddr>,
    /// Dropped with it.
    end: OnceLock<oneshot::Sender<()>>,
    /// After the permits: what is not shown as taken any more is free.
    _shown: Shown,
}

/// That a place is taken, as it is shown among what is used of the limit.
struct Shown(Arc<Revision>);

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.meters.closed(Level::Sockets, 1);
    }
}

impl Place {
    /// The socket listens there from now on, for as long as there is any of it.
    pub(super) fn listens(&self, at: SocketAddr) {
        // No socket is bound twice.
        let _is_the_first = self.listens_at.set(at);
    }

    /// Whoever gets this learns when it is given back. There is one for a place: another is told at once.
    pub(super) fn until_given_back(&self) -> oneshot::Receiver<()> {
        let (end, over) = oneshot::channel();
        // The second one is dropped here, which tells.
        let _unless_there_is_one = self.end.set(end);
        over
    }
}

impl Checks {
    pub(crate) fn new(
        pool: &Pool,
        telling: CurrentTeller,
        mode: Mode,
        transfer: Arc<Allowance>,
    ) -> Self {
        Self {
            revision: Arc::clone(&pool.revision),
            telling,
            refusing: (mode == Mode::Shadow).then(|| Arc::clone(&pool.gauges)),
            places: OnceLock::new(),
            lookups: OnceLock::new(),
            receiving: Semaphore::new(RECEIVING_MAX),
            names: Mutex::default(),
            accepted: Mutex::default(),
            transfer,
        }
    }

    /// Whether there is anything that sockets of this protocol may do.
    pub(crate) fn uses(&self, protocol: Protocol) -> bool {
        let now = self.revision.rights.now();
        now.rights.net.uses(protocol) || now.rights.listen.uses(protocol)
    }

    /// The check that the runtime makes of each address, for the socket of this place where that is known.
    pub(crate) fn allow(
        &self,
        place: Option<&Place>,
        address: SocketAddr,
        how: SocketAddrUse,
    ) -> bool {
        match how {
            // The end of a connection that the guest begins. The system chooses a port that nobody expects; a
            // TCP socket that is then to listen there is checked as that, and a UDP socket does not listen.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind if address.port() == 0 => true,
            SocketAddrUse::TcpBind => self.may_listen(Protocol::Tcp, address),
            SocketAddrUse::TcpListen => self.listens(Protocol::Tcp, address),
            // It listens from here on.
            SocketAddrUse::UdpBind => self.listens(Protocol::Udp, address),
            SocketAddrUse::TcpConnect => self.reach(Protocol::Tcp, address),
            SocketAddrUse::UdpSend => self.reach(Protocol::Udp, address),
            SocketAddrUse::TcpAccept => self.accept(),
            SocketAddrUse::UdpReceive => self.may_receive(place, address),
        }
    }

    /// Whether an address may be taken; tells of a denial.
    fn may_listen(&self, protocol: Protocol, at: SocketAddr) -> bool {
        let allowed = self.revision.rights.now().rights.listen.check(protocol, at).is_allowed();
        if allowed {
            return !self.is_copy();
        }
        self.denied(Denial::listen(&self.revision.spec.service, protocol, at));
        false
    }

    /// The same where it is listened on, which is told too.
    fn listens(&self, protocol: Protocol, at: SocketAddr) -> bool {
        let may = self.may_listen(protocol, at);
        if may {
            self.used(Kind::Listen, || ListenGrant::at(protocol, at).to_string());
        }
        may
    }

    fn reach(&self, protocol: Protocol, address: SocketAddr) -> bool {
        let (decision, name) = self.decide(protocol, address);
        if !decision.is_allowed() {
            let (service, name) = (&self.revision.spec.service, name.as_deref());
            self.denied(Denial::net(service, decision, protocol, address, name));
            return false;
        }
        if self.is_copy() {
            return false;
        }
        self.used(Kind::Net, || said(protocol, address, name.as_deref()));
        true
    }

    /// Whether a datagram from there reaches a socket of the guest: from anywhere where the socket listens by a right
    /// to, else from whom the guest may send to. The rest is not there for it, and nobody's denial.
    fn may_receive(&self, place: Option<&Place>, from: SocketAddr) -> bool {
        let may_listen = |at: &SocketAddr| {
            self.revision.rights.now().rights.listen.check(Protocol::Udp, *at).is_allowed()
        };
        place.and_then(|place| place.listens_at.get()).is_some_and(may_listen)
            || self.decide(Protocol::Udp, from).0 == Decision::Allowed
    }

    /// Whether an address may be reached, and by which name.
    fn decide(&self, protocol: Protocol, address: SocketAddr) -> (Decision, Option<Arc<str>>) {
        let now = self.revision.rights.now();
        self.names().decide(&now.rights.net, protocol, address)
    }

    /// What a socket needs that was let reach this address.
    pub(super) fn reaching(&self, protocol: Protocol, address: SocketAddr) -> Arc<Hold> {
        let (_, name) = self.decide(protocol, address);
        self.hold(Needs::Reaching { protocol, address, name })
    }

    /// What is held open from now on.
    pub(super) fn hold(&self, needs: Needs) -> Arc<Hold> {
        Hold::new(self.telling.now(), needs)
    }

    fn accept(&self) -> bool {
        let Some(place) = self.place() else { return false };
        self.accepted.lock().expect(WHOLE).push(place);
        true
    }

    /// A place for one more socket; says so when there is none.
    pub(super) fn place(&self) -> Option<Place> {
        let limit = self.revision.spec.limits.sockets as usize;
        let own = self.places.get_or_init(|| Arc::new(Semaphore::new(limit)));
        let Ok(own) = Arc::clone(own).try_acquire_owned() else {
            self.revision.meters.hit(Limit::Sockets);
            self.telling.warns("its limit `sockets` is reached: no further socket is opened");
            return None;
        };
        let Ok(of_all) = SOCKETS.try_acquire() else {
            self.telling.warns("the sockets for all guests of this node are in use");
            return None;
        };
        self.revision.meters.opened(Level::Sockets);
        Some(Place {
            _permits: (own, of_all),
            listens_at: OnceLock::new(),
            end: OnceLock::new(),
            _shown: Shown(Arc::clone(&self.revision)),
        })
    }

    /// Whether so many bytes may still come or leave; counts them, or that there were too many.
    pub(super) fn moves(&self, bytes: usize) -> bool {
        let moves = self.transfer.take(bytes as u64);
        if !moves {
            self.transfer.exceeded(&self.telling.now());
        }
        moves
    }

    /// The place of a connection that was accepted and is now used under its own handle.
    pub(super) fn accepted(&self) -> Option<Place> {
        self.accepted.lock().expect(WHOLE).pop()
    }

    /// Whether this is done for the copy of a call, and so not at all; counts it.
    pub(super) fn is_copy(&self) -> bool {
        if let Some(gauges) = &self.refusing {
            gauges.refuses();
        }
        self.refusing.is_some()
    }

    pub(super) fn names(&self) -> std::sync::MutexGuard<'_, Names> {
        self.names.lock().expect(WHOLE)
    }

    /// Tells of a use, whose target is written where somebody wants it.
    pub(super) fn used(&self, kind: Kind, target: impl FnOnce() -> String) {
        if self.revision.spec.watch.sees_uses(kind) {
            self.telling.used(Use { kind, access: "", target: &target() });
        }
    }

    pub(super) fn denied(&self, denial: Denial) {
        self.telling.denied(denial);
    }
}

/// Nothing panics under these locks.
const WHOLE: &str = "the lock is whole";

/// What was reached, as a grant of it is written.
fn said(protocol: Protocol, address: SocketAddr, name: Option<&str>) -> String {
    let named = name.and_then(|name| name.parse().ok()).map(Hosts::Named);
    let hosts = named.unwrap_or_else(|| Hosts::At(AddressBlock::one(address.ip())));
    let to = Destination { hosts, ports: Ports::one(address.port()) };
    NetGrant { to, protocol }.to_string()
}
