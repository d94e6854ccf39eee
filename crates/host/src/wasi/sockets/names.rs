//! Names: looked up as rights allow, and remembered with their addresses.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use airssys_wasm_model::{Decision, Denial, Kind, NetRights, Protocol, RemoteHost};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use tokio::sync::Semaphore;

use super::checks::Checks;
use crate::wasi::lookup::addresses;

/// Lookups that one instance may have under way; those of all guests have 64 places.
const LOOKUPS_PER_INSTANCE_MAX: usize = 4;

/// Addresses that an instance remembers the names of. Who talks to more of them looks the oldest up again.
const REMEMBERED_MAX: usize = 256;

/// Why a guest gets no address for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookupError {
    /// No right to the name, or to any address that it leads to.
    Denied,
    /// It is no name.
    NoName,
    /// Nobody knows it.
    Unknown,
}

pub(super) type Lookup = BoxFuture<'static, Result<Vec<IpAddr>, LookupError>>;

impl Checks {
    /// Begins to look a name up. An address is its own answer, and nobody is asked for it.
    pub(super) fn look_up(self: &Arc<Self>, text: &str) -> Result<Lookup, LookupError> {
        let name = match RemoteHost::read(text).ok_or(LookupError::NoName)? {
            RemoteHost::Name(name) => name,
            RemoteHost::Address(address) => return Ok(ready(Ok(vec![address])).boxed()),
        };
        let rights = Arc::clone(&self.revision.rights.now().rights);
        if !rights.look_up(&name).is_allowed() {
            self.denied(Denial::dns(&self.revision.spec.service, &name));
            return Err(LookupError::Denied);
        }
        if self.is_copy() {
            return Err(LookupError::Denied);
        }
        // A lookup for a connection is that right's use, which is told when it is made.
        if rights.dns.check(&name).is_allowed() {
            self.used(Kind::Dns, || name.to_string());
        }
        Ok(Arc::clone(self).resolve(name).boxed())
    }

    async fn resolve(self: Arc<Self>, name: Box<str>) -> Result<Vec<IpAddr>, LookupError> {
        let own = || Arc::new(Semaphore::new(LOOKUPS_PER_INSTANCE_MAX));
        let own = Arc::clone(self.lookups.get_or_init(own));
        let place = own.acquire_owned().await.map_err(|_closed| LookupError::Unknown)?;
        let found = addresses(&**self.revision.resolver(), &name, place).await;
        self.answer(name.into(), found.map_err(|_error| LookupError::Unknown)?)
    }

    /// What the guest is told of these addresses: those that some right lets it use.
    fn answer(&self, name: Arc<str>, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, LookupError> {
        let (spec, now) = (&self.revision.spec, self.revision.rights.now());
        let may = |address: &IpAddr| now.rights.answer(&name, *address).is_allowed();
        let (told, kept): (Vec<_>, Vec<_>) = found.into_iter().partition(may);
        if let (true, Some(address)) = (told.is_empty(), kept.first()) {
            let target = format!("{name} at {address}");
            let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
            let grant = format!("{host}:PORT");
            self.denied(Denial::new(&spec.service, Kind::Net, "reach", &target, &grant));
            return Err(LookupError::Denied);
        }
        self.names().remember(&name, &told);
        Ok(told)
    }
}

/// The addresses that were told to one instance, each with the name it was looked up under, the latest last.
#[derive(Default)]
pub(super) struct Names(VecDeque<(IpAddr, Arc<str>)>);

impl Names {
    fn remember(&mut self, name: &Arc<str>, addresses: &[IpAddr]) {
        for address in addresses {
            self.0.retain(|(known, of)| (known, of) != (address, name));
            self.0.push_back((*address, Arc::clone(name)));
        }
        let over = self.0.len().saturating_sub(REMEMBERED_MAX);
        self.0.drain(..over);
    }

    /// Whether a right leads to the address, by itself or by a name that it was looked up under: that name, or
    /// where none does, the one to say.
    pub(super) fn decide(
        &self,
        rights: &NetRights,
        protocol: Protocol,
        address: SocketAddr,
    ) -> (Decision, Option<Arc<str>>) {
        let ip = address.ip().to_canonical();
        let mut found = (rights.check(protocol, address, None), None);
        for (_, name) in self.0.iter().rev().filter(|(known, _)| *known == ip) {
            if found.0.is_allowed() {
                break;
            }
            let decision = rights.check(protocol, address, Some(name));
            if found.1.is_none() || decision != Decision::NotGranted {
                found = (decision, Some(Arc::clone(name)));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use airssys_wasm_model::{Asked, Grants, Rights};

    use super::*;

    fn rights(grants: &[&str]) -> NetRights {
        let grants = Grants(grants.iter().map(|text| text.parse().unwrap()).collect());
        Rights::intersect(&Asked::unstated(), &grants).unwrap().net
    }

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from(0x5db8_d800 + number).into()
    }

    #[test]
    fn the_least_recent_address_is_forgotten() {
        let (rights, name) = (rights(&["net:a.org:25"]), Arc::from("a.org"));
        let mut names = Names::default();
        let allowed = |names: &Names, number| {
            let to = SocketAddr::new(address(number), 25);
            names.decide(&rights, Protocol::Tcp, to).0.is_allowed()
        };
        for number in 0..256 {
            names.remember(&name, &[address(number)]);
        }
        names.remember(&name, &[address(0)]);
        assert!(allowed(&names, 0) && allowed(&names, 1) && allowed(&names, 255));
        names.remember(&name, &[address(256)]);
        assert!(allowed(&names, 0) && !allowed(&names, 1) && allowed(&names, 256));
        assert_eq!(names.0.len(), REMEMBERED_MAX);
    }

    #[test]
    fn an_address_of_two_names_is_reached_by_the_one_that_is_granted() {
        let rights = rights(&["net:a.org:25"]);
        let mut names = Names::default();
        for name in ["a.org", "b.org"] {
            names.remember(&Arc::from(name), &[address(0)]);
        }
        let decide = |port| names.decide(&rights, Protocol::Tcp, SocketAddr::new(address(0), port));
        assert_eq!(decide(25), (Decision::Allowed, Some("a.org".into())));
        assert_eq!(decide(26), (Decision::NotGranted, Some("b.org".into())));
    }
}
