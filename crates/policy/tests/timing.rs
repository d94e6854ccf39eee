//! What a decision takes: `cargo test --release -p airssys-wasm-policy --test timing -- --ignored --nocapture`.

mod common;

use std::time::Instant;

use airssys_wasm_policy::{Act, Enforcement, Policy};
use common::{grant, request, token};

/// The default policy and as many rules of one's own, with conditions, as make 64.
fn policy_of_64() -> Policy {
    let own = (0..60).map(|n| {
        format!(
            r#"@id("own-{n}")
            permit (principal in Role::"team-{n}", action in [Action::"grant", Action::"scale"], resource)
            when {{ resource.name like "team-{n}-*" && context.now > datetime("2026-01-01") }};"#
        )
    });
    let text = [Policy::default_text().to_owned()].into_iter().chain(own).collect::<Vec<_>>();
    let policy = Policy::parse(&text.join("\n")).unwrap();
    assert_eq!(policy.rule_names().count(), 64);
    policy
}

#[test]
#[ignore = "a measurement"]
fn a_decision_by_64_rules() {
    let policy = policy_of_64();
    let requests = [
        ("allowed", request(token("t", &["admin"]), Act::Scale)),
        ("denied", request(token("t", &["team-7"]), Act::Scale)),
        ("a grant", grant(token("t", &["team-7"]), "http:api.example.com:8443")),
    ];
    for (name, request) in requests {
        let mut times: Vec<_> = (0..2001)
            .map(|_| {
                let start = Instant::now();
                std::hint::black_box(policy.decide(&request, Enforcement::Enforce));
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("{name}: median {:?}, p99 {:?}", times[1000], times[1980]);
    }
    let start = Instant::now();
    Policy::parse(policy.text()).unwrap();
    println!("reading the policy: {:?}", start.elapsed());
}
