//! Which services' calls a policy wants recorded.

mod common;

use airssys_wasm_model::Signer;
use airssys_wasm_policy::{Policy, PolicyError, Service};
use common::shop;

fn demands(text: &str, service: &Service) -> Vec<String> {
    let because = Policy::parse(text).unwrap().demands_record(service);
    because.into_iter().map(|because| because.rule).collect()
}

fn named(name: &str) -> Service {
    Service::unsigned(name.parse().unwrap())
}

#[test]
fn calls_of_the_services_that_a_rule_names_must_not_go_unrecorded() {
    let text = r#"
        @id("payments") forbid (principal, action == Action::"call-unrecorded", resource)
        when { resource.name like "pay*" };
        @id("strangers") forbid (principal, action in [Action::"call-unrecorded"], resource)
        unless { resource.signed };
    "#;
    let signed = Service { signers: vec![Signer::from_bytes([7; 32])], ..named("payments") };
    assert_eq!(demands(text, &named("payments")), ["payments", "strangers"]);
    assert_eq!(demands(text, &signed), ["payments"]);
    assert_eq!(demands(text, &named("shop")), ["strangers"]);
    let quiet = Service { name: "shop".parse().unwrap(), ..signed };
    assert!(demands(text, &quiet).is_empty());
}

#[test]
fn what_says_nothing_of_records_demands_none() {
    for text in [
        Policy::default_text(),
        r#"forbid (principal, action, resource);"#,
        r#"forbid (principal, action, resource) unless { principal in Role::"admin" };"#,
        r#"forbid (principal, action, resource)
           when { context.now < datetime("2030-01-01T00:00:00Z") };"#,
        r#"permit (principal, action == Action::"call-unrecorded", resource);"#,
    ] {
        assert!(demands(text, &shop(None)).is_empty(), "{text}");
    }
}

#[test]
fn a_rule_about_records_that_asks_for_the_moment_is_refused() {
    let text = r#"forbid (principal, action == Action::"call-unrecorded", resource)
        when { context.now < datetime("2030-01-01T00:00:00Z") };"#;
    let Err(PolicyError::Invalid(found)) = Policy::parse(text) else { panic!("it was taken") };
    assert!(found[0].to_string().contains("leave out `context`"), "{}", found[0]);
    // A text that only looks like it is one.
    let text = r#"forbid (principal, action == Action::"call-unrecorded", resource)
        when { resource.name == "{\"Var\":\"context\"}" };"#;
    Policy::parse(text).unwrap();
}

#[test]
fn a_permit_of_what_nobody_asks_for_is_warned_of() {
    let text =
        r#"permit (principal, action == Action::"call-unrecorded", resource == Service::"a");"#;
    let warnings: Vec<_> =
        Policy::parse(text).unwrap().warnings().iter().map(ToString::to_string).collect();
    assert!(warnings.iter().any(|it| it.contains("nobody is asked for a permit")), "{warnings:?}");
}

#[test]
fn a_rule_that_cannot_be_evaluated_demands_it() {
    let text = r#"@id("broken") forbid (principal, action == Action::"call-unrecorded", resource)
        when { 9223372036854775807 + (if resource.signed then 1 else 2) > 0 };"#;
    assert_eq!(demands(text, &shop(None)), ["broken"]);
}
