//! How many connections each address has, so that none takes all places.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The connections that are open, by the address that they came from.
///
/// An IPv6 network of 64 bits is one address: its owner has all of it (RFC 6177). No more of them are known than there
/// are connections.
#[derive(Clone, Default)]
pub(super) struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection's place among those of its address.
pub(super) struct Counted {
    addresses: Addresses,
    from: IpAddr,
}

impl Addresses {
    /// Counts a connection in; `None` if its address has so many already.
    pub(super) fn count(&self, from: IpAddr, most: usize) -> Option<Counted> {
        let from = owner(from);
        let mut counts = self.counts();
        let count = counts.entry(from).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted { addresses: self.clone(), from })
    }

    /// Held for an addition.
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts();
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}

/// Whose an address is: the last half of an IPv6 one is its owner's to choose.
pub(crate) fn owner(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_bound_and_gives_places_back() {
        let addresses = Addresses::default();
        let count = |from: &str| addresses.count(from.parse().unwrap(), 2);
        let (first, second) = (count("10.0.0.1").unwrap(), count("::ffff:10.0.0.1").unwrap());
        assert!(count("10.0.0.1").is_none() && count("10.0.0.2").is_some());
        drop(first);
        assert!(count("10.0.0.1").is_some());
        drop(second);
        let network = (count("2001:db8::1").unwrap(), count("2001:db8::ffff:2").unwrap());
        assert!(count("2001:db8::3").is_none() && count("2001:db8:0:1::3").is_some());
        drop(network);
        assert!(addresses.counts().is_empty());
    }
}
