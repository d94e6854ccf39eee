//! What is refused in a policy's text and what is warned of, each with its place.

use airssys_wasm_policy::{Policy, PolicyError};

fn errors(text: &str) -> Vec<String> {
    match Policy::parse(text) {
        Err(PolicyError::Invalid(findings)) => findings.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn warnings(text: &str) -> Vec<String> {
    // So that the warning about nobody who may set the policy stays out of the way.
    let text = format!(
        "{text}\npermit (principal in Role::\"keeper\", action == Action::\"set-policy\", resource);"
    );
    Policy::parse(&text).unwrap().warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn the_default_policy_is_without_a_warning() {
    let policy = Policy::parse(Policy::default_text()).unwrap();
    assert_eq!(policy.warnings(), []);
    let names: Vec<_> = policy.rule_names().collect();
    assert_eq!(names, ["admin", "deployer", "operator", "reader"]);
}

#[test]
fn errors_of_form_come_with_their_places() {
    insta::assert_debug_snapshot!(errors("permit (principal, action resource);"), @r#"
    [
        "1:27: error: unexpected token `resource`",
    ]
    "#);
    insta::assert_debug_snapshot!(
        errors("// ä\npermit (principal, action, resource)\n  when { principal.name == };"), @r#"
        [
            "3:28: error: unexpected token `}`",
        ]
        "#
    );
}

#[test]
fn every_unknown_word_is_found_at_once() {
    let text = r#"
permit (principal in Role::"admin", action == Action::"deply", resource);
permit (principal is Usr, action, resource);
permit (principal, action == Action::"scale", resource) when { resource.nam == "a" };
permit (principal, action == Action::"scale", resource) when { resource.name == 3 };
permit (principal, action == Action::"scale", resource) when { resource.signers == "a" };
"#;
    insta::assert_debug_snapshot!(errors(text), @r#"
    [
        "2:47: error: unrecognized action `Action::\"deply\"`; did you mean `Action::\"deploy\"`?",
        "3:22: error: unrecognized entity type `Usr`; did you mean `User`?",
        "4:64: error: attribute `nam` on entity type `Service` not found; did you mean `name`?",
        "5:64: error: the types Long and String are not compatible; for policy `line-5-1`, both operands to a `==` expression must have compatible types. Types must be exactly equal to be compatible",
        "6:64: error: the types String and Set<String> are not compatible; for policy `line-6-1`, both operands to a `==` expression must have compatible types. Types must be exactly equal to be compatible",
    ]
    "#);
}

#[test]
fn two_rules_of_one_name_and_slots_are_refused() {
    let rule = r#"@id("a") permit (principal in Role::"x", action, resource);"#;
    insta::assert_debug_snapshot!(errors(&format!("{rule}\n{rule}")), @r#"
    [
        "2:1: error: there are two rules with the id `a`",
    ]
    "#);
    insta::assert_debug_snapshot!(
        errors("permit (principal == ?principal, action, resource);"), @r#"
        [
            "1:22: error: a rule with a slot such as `?principal` has no use here",
        ]
        "#
    );
}

#[test]
fn text_beyond_its_bounds_is_refused() {
    let long = " ".repeat(Policy::MAX_BYTES + 1);
    assert!(matches!(Policy::parse(&long), Err(PolicyError::TooLong { .. })));
    let many = "permit (principal, action, resource);".repeat(Policy::MAX_RULES + 1);
    assert!(errors(&many)[0].contains("more than 512 rules"));
    for nested in [
        format!("permit (principal, action, resource) when {{ {} }};", "(".repeat(100_000)),
        format!(
            "permit (principal, action, resource) when {{ true{} }};",
            " && true".repeat(9_000)
        ),
        format!("permit (principal, action, resource) {};", "when { true } ".repeat(9_000)),
    ] {
        assert!(errors(&nested)[0].contains("split it"), "{}", errors(&nested)[0]);
    }
}

#[test]
fn rules_for_everyone_are_warned_of() {
    insta::assert_debug_snapshot!(warnings("permit (principal, action, resource);"), @r#"
    [
        "1:1: warning: this lets everyone do everything; name a role: `principal in Role::\"admin\"`",
        "2:1: warning: this adds nothing: `line-1-1` permits all of it; remove it",
    ]
    "#);
    insta::assert_debug_snapshot!(
        warnings(r#"permit (principal, action in Action::"read", resource);"#), @r#"
        [
            "1:1: warning: this is for everyone, also for a token without a role; name a role: `principal in Role::\"reader\"`",
        ]
        "#
    );
    insta::assert_debug_snapshot!(warnings("@id(\"stop\") forbid (principal, action, resource);"), @r#"
    [
        "1:1: warning: this forbids everything to everyone; name what is forbidden, or add `when`",
        "2:1: warning: this never permits anything: `stop` forbids all of it; remove one of them, or narrow the forbid",
    ]
    "#);
}

#[test]
fn rules_without_effect_are_warned_of() {
    let shadowed = r#"
@id("ops") permit (principal in Role::"ops", action in [Action::"scale", Action::"pause"], resource);
@id("freeze") forbid (principal, action in Action::"steer", resource);"#;
    insta::assert_debug_snapshot!(warnings(shadowed), @r#"
    [
        "2:1: warning: this never permits anything: `freeze` forbids all of it; remove one of them, or narrow the forbid",
    ]
    "#);
    let repeated = r#"
@id("a") permit (principal in Role::"ops", action in Action::"read", resource);
@id("b") permit (principal in Role::"ops", action == Action::"logs", resource);
@id("c") permit (principal in Role::"ops", action in [Action::"read"], resource);"#;
    insta::assert_debug_snapshot!(warnings(repeated), @r#"
    [
        "3:1: warning: this adds nothing: `a` permits all of it; remove it",
        "4:1: warning: this adds nothing: `a` permits all of it; remove it",
    ]
    "#);
    let impossible = r#"
@id("never") permit (principal in Role::"ops", action == Action::"scale", resource is Node);
@id("no") permit (principal in Role::"ops", action, resource) when { false };"#;
    insta::assert_debug_snapshot!(warnings(impossible), @r#"
    [
        "2:1: warning: unable to find an applicable action given the policy scope constraints",
        "2:1: warning: policy is impossible: the policy expression evaluates to false for all valid requests",
        "3:1: warning: policy is impossible: the policy expression evaluates to false for all valid requests",
    ]
    "#);
}

#[test]
fn a_policy_that_nobody_may_replace_is_warned_of() {
    let policy =
        Policy::parse(r#"permit (principal in Role::"a", action == Action::"logs", resource);"#);
    insta::assert_debug_snapshot!(
        policy.unwrap().warnings().iter().map(ToString::to_string).collect::<Vec<_>>(), @r#"
        [
            "1:1: warning: nobody may replace this policy: no rule permits `set-policy`; permit it to a role",
        ]
        "#
    );
}
