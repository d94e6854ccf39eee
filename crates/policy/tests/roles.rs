//! What the default policy lets each role do: every act of the vocabulary, for every role.

mod common;

use airssys_wasm_policy::{Act, Enforcement, Policy, Verdict};
use common::{request, token};

/// `a`dmin, `d`eployer, `o`perator, `r`eader, and `-` for a token with a role that no rule names.
const TABLE: [(&str, &str); 31] = [
    ("list", "ador"),
    ("status", "ador"),
    ("history", "ador"),
    ("inspect", "ador"),
    ("versions", "ador"),
    ("monitor", "ador"),
    ("logs", "ador"),
    ("upload", "ad"),
    ("push", "ad"),
    ("deploy", "ad"),
    ("update", "ad"),
    ("remove", "ad"),
    ("promote", "ado"),
    ("abort", "ado"),
    ("pause", "ado"),
    ("resume", "ado"),
    ("rollback", "ado"),
    ("scale", "ado"),
    ("invoke", "ado"),
    ("grant", "a"),
    ("revoke", "a"),
    ("set-secret", "a"),
    ("remove-secret", "a"),
    ("read-secrets", "a"),
    ("create-token", "a"),
    ("revoke-token", "a"),
    ("read-tokens", "a"),
    ("read-policy", "a"),
    ("set-policy", "a"),
    ("read-audit", "a"),
    ("rotate-keys", "a"),
];

#[test]
fn every_act_is_decided_for_every_role_as_the_table_says() {
    let policy = Policy::parse(Policy::default_text()).unwrap();
    let roles = [("admin", 'a'), ("deployer", 'd'), ("operator", 'o'), ("reader", 'r')];
    let roles = roles.into_iter().chain([("visitor", '-')]);
    for (role, letter) in roles {
        for (name, allowed) in TABLE {
            let request = request(token("t", &[role]), name.parse().unwrap());
            let decision = policy.decide(&request, Enforcement::Enforce);
            assert_eq!(decision.is_allowed(), allowed.contains(letter), "{role}: {name}");
            assert_eq!(decision.errors, [], "{role}: {name}");
            let by: Vec<_> = decision.because.iter().map(|rule| rule.rule.as_str()).collect();
            let expected: &[&str] = if decision.is_allowed() { &[role] } else { &[] };
            assert_eq!(by, expected, "{role}: {name}");
        }
    }
}

#[test]
fn the_table_leaves_out_no_act() {
    let named: Vec<_> = TABLE.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, Act::ALL.map(Act::name));
}

#[test]
fn two_roles_may_do_what_either_may() {
    let policy = Policy::parse(Policy::default_text()).unwrap();
    let both = token("t", &["reader", "operator"]);
    let decision = policy.decide(&request(both, Act::Status), Enforcement::Enforce);
    let by: Vec<_> = decision.because.iter().map(|rule| rule.rule.as_str()).collect();
    assert_eq!(by, ["operator", "reader"]);
}

#[test]
fn nothing_is_permitted_by_an_empty_policy() {
    let policy = Policy::parse("").unwrap();
    for act in Act::ALL {
        let request = request(airssys_wasm_policy::Principal::local(), act);
        let decision = policy.decide(&request, Enforcement::Enforce);
        assert_eq!((decision.verdict, decision.because.len()), (Verdict::Denied, 0), "{act}");
    }
}

#[test]
fn a_dry_run_lets_pass_and_says_what_it_would_deny() {
    let policy = Policy::parse(Policy::default_text()).unwrap();
    let request = request(token("t", &["reader"]), Act::Remove);
    let decision = policy.decide(&request, Enforcement::DryRun);
    assert!(decision.is_allowed() && decision.would_deny());
    assert_eq!(decision.verdict, Verdict::WouldDeny);
}
