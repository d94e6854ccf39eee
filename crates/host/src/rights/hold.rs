//! What an open handle needs: looked at again on its next use after the rights have changed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use airssys_wasm_model::{AccessWord as _, DataAccess, Denial, FileAccess, Kind, Name, Protocol};

use super::Standing;
use crate::wasi::Mount;
use crate::watch::Teller;

/// An open file, socket, connection or request of a guest, or a program that runs for it, and by what right it is open.
pub(crate) struct Hold {
    /// As of the call that opened it.
    teller: Teller,
    needs: Needs,
    /// The epoch of the rights under which it was last found to be allowed.
    seen: AtomicU64,
    /// The one under which its denial was told: once for each change, so that a guest that tries again and again
    /// fills no log.
    told: AtomicU64,
}

/// What has to be allowed for as long as a handle is used.
pub(crate) enum Needs {
    /// A file at this path below a mount.
    File { mount: Arc<Mount>, path: String, access: FileAccess },
    /// Anything at all with sockets of this protocol.
    Sockets(Protocol),
    /// An address of the machine and a port.
    Listening(Protocol, SocketAddr),
    /// What comes by a connection that came to this address.
    Accepted(SocketAddr),
    /// An address, by the name it was looked up under.
    Reaching { protocol: Protocol, address: SocketAddr, name: Option<Arc<str>> },
    /// A container.
    Container { name: Arc<str>, access: DataAccess },
    /// An entry of the operator's list of programs.
    Running(Arc<str>),
    /// Calls of a service, or of one of its functions.
    Calling { service: Name, function: Option<Arc<str>> },
    /// A request.
    Sending { method: String, host: String, port: u16, default_port: u16, path: String },
}

/// No epoch: the rights may change between a check and the handle that came of it, so the first use looks.
const NEVER: u64 = u64::MAX;

impl Hold {
    pub(crate) fn new(teller: Teller, needs: Needs) -> Arc<Self> {
        let (seen, told) = (AtomicU64::new(NEVER), AtomicU64::new(NEVER));
        Arc::new(Self { teller, needs, seen, told })
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Whether the rights still allow it.
    pub(crate) fn is_allowed(&self) -> bool {
        let rights = &self.teller.revision().rights;
        let epoch = rights.epoch();
        if self.seen.load(Ordering::Relaxed) == epoch {
            return true;
        }
        let allowed = self.needs.are_met(&rights.now());
        if allowed {
            self.seen.store(epoch, Ordering::Relaxed);
        }
        allowed
    }

    /// The check of a use: tells of a denial.
    pub(crate) fn check(&self) -> bool {
        let allowed = self.is_allowed();
        let epoch = self.teller.revision().rights.epoch();
        if !allowed && self.told.swap(epoch, Ordering::Relaxed) != epoch {
            self.teller.denied(self.denial());
        }
        allowed
    }

    /// Waits until the rights allow it no more.
    pub(crate) async fn revoked(self: Arc<Self>) {
        while self.is_allowed() {
            let seen = self.seen.load(Ordering::Relaxed);
            self.teller.revision().rights.changed_since(seen).await;
        }
    }

    /// The same for what uses it meanwhile: tells of the denial that ends the use.
    pub(crate) async fn revoked_in_use(self: Arc<Self>) {
        Arc::clone(&self).revoked().await;
        self.check();
    }

    fn denial(&self) -> Denial {
        let service = &self.teller.spec().service;
        match &self.needs {
            Needs::File { mount, path, access } => {
                Denial::file(service, &mount.seen(path), *access)
            }
            Needs::Sockets(protocol) => Denial::sockets(service, *protocol),
            Needs::Listening(protocol, at) => Denial::listen(service, *protocol, *at),
            Needs::Accepted(at) => Denial::listen(service, Protocol::Tcp, *at),
            Needs::Reaching { protocol, address, name } => {
                let now = self.teller.revision().rights.now();
                let decision = now.rights.net.check(*protocol, *address, name.as_deref());
                Denial::net(service, decision, *protocol, *address, name.as_deref())
            }
            Needs::Container { name, access } => denial_of_container(service, name, *access),
            Needs::Running(name) => denial_of_program(service, name),
            Needs::Calling { service: to, function } => {
                Denial::call(service, to, function.as_deref())
            }
            Needs::Sending { method, host, port, default_port, path } => {
                Denial::http(service, method, &authority(host, *port, *default_port), path)
            }
        }
    }
}

impl Needs {
    fn are_met(&self, now: &Standing) -> bool {
        let rights = &now.rights;
        match self {
            Self::File { mount, path, access } => {
                now.granted.now(mount).access(path).contains(*access)
            }
            Self::Sockets(protocol) => rights.net.uses(*protocol) || rights.listen.uses(*protocol),
            Self::Listening(protocol, at) => rights.listen.check(*protocol, *at).is_allowed(),
            Self::Accepted(at) => rights.listen.check_taken(Protocol::Tcp, *at).is_allowed(),
            Self::Reaching { protocol, address, name } => {
                let reaches = |name| rights.net.check(*protocol, *address, name).is_allowed();
                reaches(None) || name.as_deref().is_some_and(|name| reaches(Some(name)))
            }
            Self::Container { name, access } => rights.blobstore.access(name).contains(*access),
            Self::Running(name) => rights.process.check(name).is_allowed(),
            Self::Calling { service, function } => {
                rights.services.check(service, function.as_deref()).is_allowed()
            }
            Self::Sending { method, host, port, default_port, path } => {
                rights.http(method, host, *port, *default_port, path).is_some()
            }
        }
    }
}

/// Where a request goes, as grants and people write it: the port is said where it is not the usual one.
pub(crate) fn authority(host: &str, port: u16, default_port: u16) -> String {
    if port == default_port { host.to_owned() } else { format!("{host}:{port}") }
}

/// What a guest is not allowed to do with a container.
pub(crate) fn denial_of_container(service: &Name, name: &str, access: DataAccess) -> Denial {
    let act = match access {
        DataAccess::Read => "read in the container",
        DataAccess::Write => "write to the container",
    };
    Denial::new(service, Kind::Blobstore, act, name, &format!("{name}:{}", access.as_str()))
}

/// What a guest is not allowed to run.
pub(crate) fn denial_of_program(service: &Name, name: &str) -> Denial {
    Denial::new(service, Kind::Process, "run the program", name, name)
}
