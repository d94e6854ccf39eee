//! Where a grant to listen leads: one address, blocks of them, and the one that stands for all.

use std::net::SocketAddr;

use rand::Rng;
use rand::rngs::SmallRng;

use super::{for_seeds, pick};
use crate::capability::Protocol;
use crate::capability::listen::{ListenAsk, ListenGrant, ListenRights};
use crate::capability::meeting::Ask as _;

fn grant(text: &str) -> ListenGrant {
    text.parse().unwrap()
}

fn allows(grant: ListenGrant, at: &str) -> bool {
    ListenRights::compile(vec![grant]).check(Protocol::Tcp, at.parse().unwrap()).is_allowed()
}

#[test]
fn a_grant_with_an_address_is_for_that_address_alone() {
    for (text, allowed, denied) in [
        ("8443", "127.0.0.1:8443 0.0.0.0:8443 [::]:8443 [::1]:8443", "127.0.0.1:8444"),
        (
            "127.0.0.1:8443",
            "127.0.0.1:8443 [::ffff:127.0.0.1]:8443",
            "0.0.0.0:8443 [::]:8443 [::ffff:0.0.0.0]:8443 127.0.0.2:8443 127.0.0.1:8444 \
             [::1]:8443",
        ),
        ("[::1]:8443", "[::1]:8443", "[::]:8443 127.0.0.1:8443 [::2]:8443"),
        ("10.0.0.0/8:80-90", "10.1.2.3:80 10.255.0.1:90", "11.0.0.1:80 10.1.2.3:91 10.1.2.3:0"),
        ("0.0.0.0/0:80", "127.0.0.1:80 192.0.2.1:80", "0.0.0.0:80 [::]:80 [::1]:80"),
        ("[::/0]:80", "[::1]:80", "[::]:80 127.0.0.1:80 [::ffff:127.0.0.1]:80"),
        ("0.0.0.0:80", "0.0.0.0:80 [::ffff:0.0.0.0]:80", "127.0.0.1:80 [::]:80"),
        ("[::]:80", "[::]:80", "[::1]:80 0.0.0.0:80"),
    ] {
        assert_eq!(grant(text).to_string(), text);
        for at in allowed.split_whitespace() {
            assert!(allows(grant(text), at), "{text} does not allow {at}");
        }
        for at in denied.split_whitespace() {
            assert!(!allows(grant(text), at), "{text} allows {at}");
        }
    }
}

#[test]
fn what_is_no_address_of_a_machine_is_no_grant() {
    for text in
        ["localhost:80", "*:80", ":80", "::1:80", "[127.0.0.1]:80", "127.0.0.1", "127.0.0.1:0"]
    {
        assert!(text.parse::<ListenGrant>().is_err(), "{text}");
    }
}

#[test]
fn a_connection_is_had_by_listening_at_its_address_or_at_all_of_them() {
    let taken = |text: &str, at: &str| {
        let rights = ListenRights::compile(vec![grant(text)]);
        rights.check_taken(Protocol::Tcp, at.parse().unwrap()).is_allowed()
    };
    assert!(taken("0.0.0.0:80", "127.0.0.1:80") && taken("[::]:80", "[::1]:80"));
    assert!(taken("80", "[::1]:80") && taken("127.0.0.1:80", "127.0.0.1:80"));
    assert!(!taken("[::]:80", "127.0.0.1:80") && !taken("0.0.0.0:80", "[::1]:80"));
    assert!(!taken("127.0.0.2:80", "127.0.0.1:80") && !taken("0.0.0.0:80", "127.0.0.1:81"));
}

#[test]
fn what_was_recorded_without_an_address_means_each_and_is_recorded_so_again() {
    let recorded = r#"{"port":"80","protocol":"tcp","reason":"web"}"#;
    let ask: ListenAsk = serde_json::from_str(recorded).unwrap();
    assert_eq!(serde_json::to_string(&ask).unwrap(), recorded);
    let rights = ListenRights::compile(vec![ask.meet(&grant("80")).unwrap()]);
    for at in ["0.0.0.0:80", "[::]:80", "127.0.0.1:80", "[2001:db8::1]:80"] {
        assert!(rights.check(Protocol::Tcp, at.parse().unwrap()).is_allowed(), "{at}");
    }
}

#[test]
fn an_ask_without_an_address_is_more_than_one_with_it() {
    let ask = |text: &str| ListenAsk::of(&grant(text));
    assert!(ask("127.0.0.1:80").is_covered(&[ask("80")]));
    assert!(ask("127.0.0.1:80").is_covered(&[ask("127.0.0.0/8:80")]));
    assert!(!ask("80").is_covered(&[ask("0.0.0.0/0:80"), ask("[::/0]:80")]));
    assert!(!ask("0.0.0.0:80").is_covered(&[ask("0.0.0.0/0:80")]));
}

/// Grants of every form, so few ports and addresses that two often have something in common.
fn any(rng: &mut SmallRng) -> ListenGrant {
    let address = match rng.random_range(0..4) {
        0 => None,
        1 => Some(pick(rng, &BLOCKS).parse().unwrap()),
        _ => Some(pick(rng, &ADDRESSES).parse().unwrap()),
    };
    let port = pick(rng, &["1", "2", "1-3", "2-5", "*"]).parse().unwrap();
    let protocol = *pick(rng, &[Protocol::Tcp, Protocol::Tcp, Protocol::Udp]);
    ListenGrant { address, port, protocol }
}

const ADDRESSES: [&str; 10] = [
    "0.0.0.0",
    "::",
    "127.0.0.1",
    "127.0.0.2",
    "::1",
    "10.0.0.1",
    "10.1.0.1",
    "fe80::1",
    "::ffff:127.0.0.1",
    "::ffff:0.0.0.0",
];

const BLOCKS: [&str; 8] = [
    "0.0.0.0/0",
    "0.0.0.0/8",
    "::/0",
    "::/96",
    "127.0.0.0/8",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "fe80::/10",
];

#[test]
fn what_two_grants_meet_in_is_what_both_allow() {
    for_seeds(2_000, |rng| {
        let (one, other) = (any(rng), any(rng));
        let both = one.meet(&other);
        assert_eq!(both, other.meet(&one), "{one} and {other}");
        if let Some(both) = both {
            assert_eq!(both.to_string().parse(), Ok(both));
        }
        let tried =
            ADDRESSES.into_iter().flat_map(|address| [0, 1, 2, 3, 6].map(|it| (address, it)));
        for (address, port) in tried {
            let at = SocketAddr::new(address.parse().unwrap(), port);
            let allowed = |grant| {
                let rights = ListenRights::compile(vec![grant]);
                rights.check(Protocol::Tcp, at).is_allowed()
            };
            let by_both = both.is_some_and(allowed);
            assert_eq!(by_both, allowed(one) && allowed(other), "{one}, {other} at {at}");
        }
    });
}
