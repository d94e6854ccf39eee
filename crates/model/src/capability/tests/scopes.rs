//! Buckets, secrets, ports, services and programs against an oracle.

use std::net::SocketAddr;

use super::{for_seeds, grants, pick, some};
use crate::capability::{
    Asked, DataAccess, KeyvalueAsk, ListenAsk, ProcessAsk, Protocol, Rights, SecretAsk, ServiceAsk,
};

const PATTERNS: [&str; 5] = ["a", "ab", "a*", "ab*", "*"];
const NAMES: [&str; 4] = ["a", "ab", "abc", "b"];
const ACCESS: [(DataAccess, &str); 2] = [(DataAccess::Read, "read"), (DataAccess::Write, "write")];

fn is_meant(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |head| name.starts_with(head))
}

#[test]
fn a_bucket_is_open_exactly_where_both_sides_name_it() {
    for_seeds(300, |rng| {
        let mut draw = || {
            [
                (*pick(rng, &PATTERNS), some(rng, &ACCESS)),
                (*pick(rng, &PATTERNS), some(rng, &ACCESS)),
            ]
        };
        let (asks, granted) = (draw(), draw());
        let keyvalue = asks.iter().map(|(bucket, access)| KeyvalueAsk {
            bucket: bucket.parse().unwrap(),
            access: access.iter().map(|(access, _)| *access).collect(),
            reason: String::new(),
        });
        let asked = Asked { keyvalue: keyvalue.collect(), ..Asked::default() };
        let all = grants(&granted.each_ref().map(|(bucket, access)| {
            let words: Vec<_> = access.iter().map(|(_, word)| *word).collect();
            format!("keyvalue:{bucket}:{}", words.join(","))
        }));
        let rights = Rights::meet3(&asked, &all, &all);
        for (name, (access, word)) in
            NAMES.into_iter().flat_map(|name| ACCESS.map(|one| (name, one)))
        {
            let says = |side: &[(&str, Vec<(DataAccess, &str)>)]| {
                side.iter().any(|(pattern, access)| {
                    is_meant(pattern, name) && access.iter().any(|(_, one)| *one == word)
                })
            };
            let both = says(&asks) && says(&granted);
            assert_eq!(rights.keyvalue.check(name, access).is_allowed(), both, "{name} {word}");
        }
        for bad in ["", "a:b", "a b", "é", &"a".repeat(129)] {
            assert!(!rights.keyvalue.check(bad, DataAccess::Read).is_allowed(), "{bad:?}");
        }
    });
}

#[test]
fn a_secret_that_may_be_sent_may_not_be_seen() {
    let ask = SecretAsk {
        name: "stripe".parse().unwrap(),
        hosts: vec!["*.stripe.com".parse().unwrap()],
        revealed: true,
        reason: "payments".into(),
    };
    let asked = Asked { secrets: vec![ask], ..Asked::default() };
    let of = |grant: &str| Rights::meet(&asked, &grants(&[grant.to_owned()])).unwrap().secrets;
    let sent = of("secrets:stripe=api.stripe.com");
    assert!(sent.check_handle("stripe").is_allowed());
    assert!(sent.check_send("stripe", "api.stripe.com", 443, 443).is_allowed());
    assert!(!sent.check_send("stripe", "b.stripe.com", 443, 443).is_allowed());
    assert!(!sent.check_send("stripe", "api.stripe.com", 8443, 443).is_allowed());
    assert!(!sent.check_reveal("stripe").is_allowed());
    let seen = of("secrets:stripe:revealed");
    assert!(seen.check_reveal("stripe").is_allowed());
    assert!(!seen.check_send("stripe", "api.stripe.com", 443, 443).is_allowed());
    assert!(!seen.check_reveal("other").is_allowed());
    let missing = Rights::meet(&asked, &grants(&[])).unwrap_err().to_string();
    assert!(missing.contains("secrets:stripe=*.stripe.com") && missing.contains(":revealed"));
}

#[test]
fn ports_services_and_programs_are_those_that_both_sides_name() {
    let reason = String::new;
    let asked = Asked {
        listen: vec![ListenAsk {
            address: None,
            port: "8000-8010".parse().unwrap(),
            protocol: Protocol::Tcp,
            reason: reason(),
        }],
        services: vec![ServiceAsk {
            name: "tokenizer".parse().unwrap(),
            function: None,
            reason: reason(),
        }],
        process: vec![ProcessAsk { name: "thumbs".parse().unwrap(), reason: reason() }],
        ..Asked::default()
    };
    let all = ["listen:8005-9000", "services:tokenizer#split", "process:thumbs"];
    let rights = Rights::meet(&asked, &grants(&all.map(ToOwned::to_owned))).unwrap();
    let listens = |protocol, port| {
        rights.listen.check(protocol, SocketAddr::from(([127, 0, 0, 1], port))).is_allowed()
    };
    assert!(listens(Protocol::Tcp, 8005) && listens(Protocol::Tcp, 8010));
    assert!(!listens(Protocol::Tcp, 8004) && !listens(Protocol::Tcp, 8011));
    assert!(!listens(Protocol::Udp, 8005) && !listens(Protocol::Tcp, 0));
    let tokenizer = "tokenizer".parse().unwrap();
    assert!(rights.services.check(&tokenizer, Some("split")).is_allowed());
    assert!(!rights.services.check(&tokenizer, Some("join")).is_allowed());
    assert!(!rights.services.check(&tokenizer, None).is_allowed());
    assert!(
        rights.process.check("thumbs").is_allowed() && !rights.process.check("sh").is_allowed()
    );
}
