//! Decisions in words.

mod common;

use airssys_wasm_policy::{Act, Enforcement, Policy, Principal, Request};
use common::{grant, request, token};

fn explain(text: &str, request: &Request, enforcement: Enforcement) -> String {
    let policy = Policy::parse(text).unwrap();
    let decision = policy.decide(request, enforcement);
    policy.explain(request, &decision).to_string()
}

#[test]
fn what_is_allowed_names_the_rule_and_its_reason() {
    let request = request(Principal::local(), Act::Deploy);
    let text = explain(Policy::default_text(), &request, Enforcement::Enforce);
    insta::assert_snapshot!(text, @r#"
    token `local`: deploy `shop` with `shop@2.0.0`: allowed
      `admin` (line 3) permits it: admins may do everything
    "#);
}

#[test]
fn what_no_rule_permits_names_those_that_come_near() {
    let request = request(token("dashboard", &["reader"]), Act::Rollback);
    let text = explain(Policy::default_text(), &request, Enforcement::Enforce);
    insta::assert_snapshot!(text, @r#"
    token `dashboard`: rollback `shop`: denied
      no rule permits it
      `admin` (line 3) wants the role `admin`; token `dashboard` has `reader`
      `deployer` (line 7) wants the role `deployer`; token `dashboard` has `reader`
      `operator` (line 15) wants the role `operator`; token `dashboard` has `reader`
    "#);
}

#[test]
fn the_first_condition_that_fails_is_named() {
    let text = r#"
@id("http")
permit (principal in Role::"lead", action == Action::"grant", resource == Service::"shop")
when { context.kind == "http" && !context.wildcard && context has host && context.host like "*.example.com" }
unless { resource.signed };
@id("elsewhere")
permit (principal in Role::"lead", action == Action::"grant", resource == Service::"mail");"#;
    let lead = || token("l", &["lead"]);
    for (n, asked) in ["http:*.example.com", "http:example.org", "env:TZ"].into_iter().enumerate() {
        let said = explain(text, &grant(lead(), asked), Enforcement::Enforce);
        match n {
            0 => insta::assert_snapshot!(said, @r#"
            token `l`: grant `http:*.example.com` on `shop`: denied
              no rule permits it
              `http` (line 2) wants `when { !context.wildcard }`
              `elsewhere` (line 6) wants `== Service::"mail"`
            "#),
            1 => insta::assert_snapshot!(said, @r#"
            token `l`: grant `http:example.org` on `shop`: denied
              no rule permits it
              `http` (line 2) wants `when { context.host like "*.example.com" }`
              `elsewhere` (line 6) wants `== Service::"mail"`
            "#),
            _ => insta::assert_snapshot!(said, @r#"
            token `l`: grant `env:TZ` on `shop`: denied
              no rule permits it
              `http` (line 2) wants `when { context.kind == "http" }`
              `elsewhere` (line 6) wants `== Service::"mail"`
            "#),
        }
    }
}

#[test]
fn what_a_rule_forbids_names_that_rule() {
    let text = format!(
        "{}\n{}",
        Policy::default_text(),
        r#"@id("freeze") @reason("no changes before the fair")
        forbid (principal, action in Action::"release", resource);"#
    );
    let request = request(token("ci", &["deployer"]), Act::Update);
    insta::assert_snapshot!(explain(&text, &request, Enforcement::Enforce), @r#"
    token `ci`: update `shop` with `shop@2.0.0`: denied
      `freeze` (line 27) forbids it: no changes before the fair
    "#);
    insta::assert_snapshot!(explain(&text, &request, Enforcement::DryRun), @r#"
    token `ci`: update `shop` with `shop@2.0.0`: allowed in this dry run, denied otherwise
      `freeze` (line 27) forbids it: no changes before the fair
    "#);
}
