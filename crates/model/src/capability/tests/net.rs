//! Connections and lookups against an oracle.

use std::net::{IpAddr, SocketAddr};

use rand::Rng;

use super::{for_seeds, grants, pick};
use crate::capability::{Asked, Decision, DnsAsk, NetAsk, Protocol, Rights};

const NAMES: [&str; 4] = ["*", "*.x.org", "a.x.org", "x.org"];
const BLOCKS: [&str; 6] =
    ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "93.184.216.34", "[::/0]", "[fd00::/8]"];
const PORTS: [&str; 4] = ["25", "20-30", "80", "*"];
const ADDRESSES: [&str; 6] =
    ["10.1.2.3", "10.2.0.1", "93.184.216.34", "2606:4700::1", "fd00::1", "::ffff:10.1.2.3"];
const LOOKED_UP: [Option<&str>; 5] =
    [None, Some("x.org"), Some("A.X.org."), Some("b.a.x.org"), Some("evilx.org")];

/// One side's words: host, ports, protocol.
type Words = (&'static str, &'static str, Protocol);

fn text((host, ports, protocol): Words) -> String {
    format!("{host}:{ports}{}", if protocol == Protocol::Udp { "/udp" } else { "" })
}

fn is_meant(words: Words, protocol: Protocol, address: SocketAddr, name: Option<&str>) -> bool {
    let ports = match words.1 {
        "25" => 25..=25,
        "20-30" => 20..=30,
        "80" => 80..=80,
        _ => 1..=u16::MAX,
    };
    words.2 == protocol && ports.contains(&address.port()) && is_host(words.0, address.ip(), name)
}

fn is_host(host: &str, ip: IpAddr, name: Option<&str>) -> bool {
    let octets = match ip.to_canonical() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    match host {
        "10.0.0.0/8" => octets.len() == 4 && octets[0] == 10,
        "10.1.0.0/16" => octets.len() == 4 && octets[..2] == [10, 1],
        "0.0.0.0/0" => octets.len() == 4,
        "93.184.216.34" => octets == [93, 184, 216, 34],
        "[::/0]" => octets.len() == 16,
        "[fd00::/8]" => octets.len() == 16 && octets[0] == 0xfd,
        pattern => name.is_some_and(|name| is_name(pattern, name)),
    }
}

fn is_name(pattern: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    let labels: Vec<_> = name.trim_end_matches('.').split('.').collect();
    match pattern {
        "*" => true,
        "*.x.org" => labels.len() > 2 && labels.ends_with(&["x", "org"]),
        "a.x.org" => labels == ["a", "x", "org"],
        _ => labels == ["x", "org"],
    }
}

/// Of these addresses, those that only a literal grant reaches, and the blocks that are one.
fn is_private(ip: IpAddr) -> bool {
    is_host("10.0.0.0/8", ip, None) || is_host("[fd00::/8]", ip, None)
}

fn is_literal(host: &str) -> bool {
    ["10.0.0.0/8", "10.1.0.0/16", "[fd00::/8]"].contains(&host)
}

#[test]
fn a_connection_is_allowed_exactly_where_both_sides_name_it() {
    for_seeds(600, |rng| {
        let mut draw = || -> Words {
            let hosts = if rng.random() { &NAMES[..] } else { &BLOCKS[..] };
            let protocol = if rng.random_ratio(1, 5) { Protocol::Udp } else { Protocol::Tcp };
            (*pick(rng, hosts), *pick(rng, &PORTS), protocol)
        };
        let (asks, granted) = ([draw(), draw()], [draw(), draw()]);
        let ask = |(host, ports, protocol): Words| NetAsk {
            to: format!("{host}:{ports}").parse().unwrap(),
            protocol,
            reason: String::new(),
        };
        let asked = Asked { net: asks.map(ask).into(), ..Asked::default() };
        let all = grants(&granted.map(|words| format!("net:{}", text(words))));
        let rights = Rights::meet3(&asked, &all, &all);
        for ip in ADDRESSES {
            let ip: IpAddr = ip.parse().unwrap();
            for (port, name) in
                [25, 29, 80, 81].into_iter().flat_map(|port| LOOKED_UP.map(|name| (port, name)))
            {
                let address = SocketAddr::new(ip, port);
                let protocol = if rng.random() { Protocol::Udp } else { Protocol::Tcp };
                let is_asked = asks.iter().any(|ask| is_meant(*ask, protocol, address, name));
                let meant = granted.iter().filter(|one| is_meant(**one, protocol, address, name));
                let meant: Vec<_> = meant.collect();
                let expected = if !is_asked || meant.is_empty() {
                    Decision::NotGranted
                } else if !is_private(ip) || meant.iter().any(|(host, ..)| is_literal(host)) {
                    Decision::Allowed
                } else {
                    Decision::InsideAddress
                };
                let decided = rights.net.check(protocol, address, name);
                assert_eq!(decided, expected, "{asks:?} {granted:?} {protocol} {address} {name:?}");
            }
        }
    });
}

#[test]
fn a_name_is_looked_up_exactly_where_both_sides_name_it() {
    for_seeds(100, |rng| {
        let (ask, grant) = (*pick(rng, &NAMES), *pick(rng, &NAMES));
        let dns = vec![DnsAsk { name: ask.parse().unwrap(), reason: String::new() }];
        let all = grants(&[format!("dns:{grant}")]);
        let rights = Rights::meet3(&Asked { dns, ..Asked::default() }, &all, &all);
        for name in LOOKED_UP.into_iter().flatten() {
            let both = is_name(ask, name) && is_name(grant, name);
            assert_eq!(rights.dns.check(name).is_allowed(), both, "{ask} {grant} {name}");
        }
    });
}
