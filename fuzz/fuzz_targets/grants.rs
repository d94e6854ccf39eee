//! Lines as grants, and as what a guest then tries. What is printed is read again as the same grant; two grants give
//! nothing that one of them alone does not; and what a revocation leaves is never more than was there.

#![no_main]

use std::net::SocketAddr;

use airssys_wasm_model::{Asked, DataAccess, Decision, Grant, Grants, Protocol, Rights};
use libfuzzer_sys::fuzz_target;

/// Grants of one input: more are no more interesting.
const GRANTS_MAX: usize = 8;

fuzz_target!(|text: &str| {
    let grants: Vec<Grant> =
        text.lines().filter_map(|line| line.parse().ok()).take(GRANTS_MAX).collect();
    for grant in &grants {
        let printed = grant.to_string();
        assert_eq!(printed.parse::<Grant>().as_ref(), Ok(grant), "{printed}");
    }
    let all = rights(&grants);
    let each: Vec<_> = grants.iter().map(|grant| rights(std::slice::from_ref(grant))).collect();
    for tried in text.lines() {
        let together = allowed(&all, tried);
        for (what, is) in together.iter().enumerate() {
            let alone = each.iter().any(|rights| allowed(rights, tried)[what]);
            assert!(!is || alone, "`{tried}` ({what}) is allowed by no grant alone");
        }
    }
    let (asked, half) = (Asked::unstated(), Grants(grants[..grants.len() / 2].to_vec()));
    let Ok(left) = Rights::intersect3(&asked, &Grants(grants), &half) else { return };
    for tried in text.lines() {
        for (before, after) in allowed(&all, tried).into_iter().zip(allowed(&left, tried)) {
            assert!(before || !after, "`{tried}` is allowed by a revocation");
        }
    }
});

fn rights(grants: &[Grant]) -> Rights {
    Rights::intersect(&Asked::unstated(), &Grants(grants.to_vec())).unwrap_or_default()
}

/// What a guest may do with this text, in each way that takes one.
fn allowed(rights: &Rights, text: &str) -> [bool; 9] {
    let (host, path) = text.split_once('/').unwrap_or((text, ""));
    let address: Option<SocketAddr> = text.parse().ok();
    let connects = |protocol| {
        address
            .is_some_and(|address| rights.net.check(protocol, address, None) == Decision::Allowed)
    };
    [
        rights.http("GET", host, 443, 443, &format!("/{path}")).is_some(),
        rights.http("POST", host, 80, 80, &format!("/{path}")).is_some(),
        rights.look_up(text).is_allowed(),
        connects(Protocol::Tcp),
        connects(Protocol::Udp),
        rights.keyvalue.check(text, DataAccess::Read).is_allowed(),
        rights.keyvalue.check(text, DataAccess::Write).is_allowed(),
        rights.secrets.check_handle(text).is_allowed(),
        rights.secrets.check_reveal(text).is_allowed(),
    ]
}
