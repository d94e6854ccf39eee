//! Wrong tokens, counted by the address that they came from: whoever keeps trying is turned away for a while.
//!
//! No token can be guessed. Whoever tries is told to wait, and what the trail notes of it is bounded there. An address is
//! whoever it belongs to, as for connections: a network of IPv6 is one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::listen::owner;

/// Wrong tokens from one address within [`WINDOW`]: as many as a script with an old token sends before anybody
/// notices.
const AT_MOST: u32 = 30;

const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are counted. Beyond them the one that began first is forgotten: whoever has thousands of addresses
/// is not kept out by counting.
const ADDRESSES_MAX: usize = 1_024;

/// How many wrong tokens came from where.
#[derive(Default)]
pub(super) struct Attempts(Mutex<HashMap<IpAddr, Count>>);

struct Count {
    wrong: u32,
    since: Instant,
}

impl Attempts {
    /// How long an address has to wait before it is listened to again, if it has to.
    pub(super) fn wait(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(&owner(from)).filter(|count| count.wrong >= AT_MOST)?;
        let left = WINDOW.saturating_sub(now.saturating_duration_since(count.since));
        (!left.is_zero()).then_some(left)
    }

    /// Counts a wrong token.
    pub(super) fn wrong(&self, from: IpAddr, now: Instant) {
        let from = owner(from);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= ADDRESSES_MAX && !counts.contains_key(&from) {
            let first = counts.iter().min_by_key(|(_, count)| count.since).map(|(from, _)| *from);
            first.map(|first| counts.remove(&first));
        }
        let count = counts.entry(from).or_insert(Count { wrong: 0, since: now });
        if now.saturating_duration_since(count.since) >= WINDOW {
            *count = Count { wrong: 0, since: now };
        }
        count.wrong = count.wrong.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_keeps_trying_waits_and_nobody_else_does() {
        let attempts = Attempts::default();
        let [here, there] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().unwrap());
        let now = Instant::now();
        for _ in 0..AT_MOST {
            assert_eq!(attempts.wait(here, now), None);
            attempts.wrong(here, now);
        }
        assert_eq!(attempts.wait(here, now), Some(WINDOW));
        assert_eq!(attempts.wait(there, now), None);
        assert_eq!(attempts.wait(here, now + WINDOW), None);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for n in 0..u128::from(AT_MOST) {
            attempts.wrong(IpAddr::from((0x2001_0db8_u128 << 96 | n).to_be_bytes()), now);
        }
        let wait = |text: &str| attempts.wait(text.parse().unwrap(), now);
        assert_eq!(wait("2001:db8::ffff:1"), Some(WINDOW));
        assert_eq!(wait("2001:db8:0:1::1"), None);
    }

    #[test]
    fn addresses_are_bounded_and_the_oldest_goes_first() {
        let attempts = Attempts::default();
        let now = Instant::now();
        let address = |n: u32| IpAddr::from(n.to_be_bytes());
        for n in 0..=ADDRESSES_MAX as u32 {
            attempts.wrong(address(n), now + Duration::from_millis(n.into()));
        }
        let counts = attempts.0.lock().unwrap();
        assert_eq!(counts.len(), ADDRESSES_MAX);
        assert!(!counts.contains_key(&address(0)) && counts.contains_key(&address(1)));
    }
}
