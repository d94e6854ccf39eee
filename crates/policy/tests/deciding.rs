//! What a policy can ask about: signatures, grants, addresses, times, roles of new tokens.

mod common;

use airssys_wasm_model::Signer;
use std::time::Duration;

use airssys_wasm_policy::{
    Act, Capability, Effect, Enforcement, Policy, Principal, Request, RequestError, Subject,
    VOCABULARY,
};
use common::{decide, grant, noon, request, shop, shop_2, token};

const ADMIN: &str = r#"@id("all") permit (principal in Role::"admin", action, resource);"#;

fn admin() -> Principal {
    token("root", &["admin"])
}

#[test]
fn a_signature_can_be_required() {
    let text = format!(
        r#"{ADMIN}
        @id("signed") @reason("only signed releases run here")
        forbid (principal, action in [Action::"deploy", Action::"update"], resource)
        unless {{ context.release.signed }};"#
    );
    let deploy = |signer| {
        let subject = Subject::Rollout(shop(None), shop_2(signer));
        decide(&text, &Request::new(admin(), Act::Deploy, subject, noon()).unwrap())
    };
    assert!(deploy(Some(Signer::from_bytes([1; 32]))).is_allowed());
    let denied = deploy(None);
    assert!(!denied.is_allowed());
    assert_eq!(denied.because.len(), 1);
    assert_eq!(denied.because[0].effect, Effect::Forbid);
    assert_eq!(denied.because[0].reason.as_deref(), Some("only signed releases run here"));
}

#[test]
fn a_signer_can_be_kept_to() {
    let text = format!(
        r#"{ADMIN}
        forbid (principal, action == Action::"update", resource)
        when {{ resource.signed }}
        unless {{ resource.signers.containsAny(context.release.signers) }};"#
    );
    let update = |before, after| {
        let subject = Subject::Rollout(shop(before), shop_2(after));
        decide(&text, &Request::new(admin(), Act::Update, subject, noon()).unwrap()).is_allowed()
    };
    let [one, other] = [1, 2].map(|byte| Signer::from_bytes([byte; 32]));
    assert!(update(Some(one), Some(one)) && update(None, Some(other)));
    assert!(!update(Some(one), Some(other)) && !update(Some(one), None));
}

#[test]
fn what_may_be_granted_to_what_can_be_said() {
    let text = r#"
        permit (principal in Role::"lead", action == Action::"grant", resource == Service::"shop")
        when {
            context.kind == "http" && !context.wildcard &&
            context has host && context.host like "*.example.com"
        };
        permit (principal in Role::"lead", action == Action::"grant", resource)
        when { context.kind == "files" && context.access == ["read"] };
        permit (principal in Role::"lead", action == Action::"grant", resource)
        when { context.kind == "net" && context has port && context.port == 25 };"#;
    let may = |grant_text| decide(text, &grant(token("l", &["lead"]), grant_text)).is_allowed();
    for allowed in ["http:api.example.com", "files:/srv/a=/data:read", "net:smtp.x:25"] {
        assert!(may(allowed), "{allowed}");
    }
    for denied in [
        "http:*.example.com",
        "http:example.org",
        "files:/srv/a=/data:read,write",
        "net:smtp.x:26",
        "env:PATH",
    ] {
        assert!(!may(denied), "{denied}");
    }
}

#[test]
fn an_address_and_an_hour_can_be_asked_for() {
    let text = r#"
        permit (principal in Role::"admin", action, resource)
        when {
            context has source && context.source.isInRange(ip("10.0.0.0/8")) &&
            context.now.toTime() < duration("18h")
        };"#;
    let ask = |source: Option<&str>, at| {
        let request = Request::new(admin(), Act::List, Subject::Node, at).unwrap();
        let request = match source {
            Some(source) => request.from_address(source.parse().unwrap()),
            None => request,
        };
        decide(text, &request).is_allowed()
    };
    assert!(ask(Some("10.1.2.3"), noon()));
    assert!(ask(Some("::ffff:10.1.2.3"), noon()), "an IPv4 address through an IPv6 socket");
    assert!(!ask(Some("11.1.2.3"), noon()) && !ask(None, noon()));
    assert!(!ask(Some("10.1.2.3"), noon() + Duration::from_secs(7 * 3600)));
}

#[test]
fn nobody_needs_to_make_a_token_mightier_than_their_own() {
    let text = r#"
        permit (principal in Role::"deployer", action == Action::"create-token", resource)
        when { [Role::"reader", Role::"operator"].containsAll(context.roles) };"#;
    let create = |roles: &[&str]| {
        let roles = roles.iter().map(|role| role.parse().unwrap()).collect();
        let subject = Subject::Token { name: "ci".parse().unwrap(), roles };
        let who = token("d", &["deployer"]);
        decide(text, &Request::new(who, Act::CreateToken, subject, noon()).unwrap()).is_allowed()
    };
    assert!(create(&["reader"]) && !create(&["admin"]) && !create(&["reader", "admin"]));
}

#[test]
fn users_tokens_and_nodes_are_told_apart() {
    let text = r#"
        permit (principal == User::"ann@example.com", action, resource in Node::"edge-1");
        permit (principal == Token::"ci", action == Action::"push", resource in Service::"shop");"#;
    let ann = || Principal::user("ann@example.com".parse().unwrap(), []);
    let at_edge = |who, act| request(who, act).at_node("edge-1".parse().unwrap());
    assert!(decide(text, &at_edge(ann(), Act::Scale)).is_allowed());
    assert!(decide(text, &at_edge(ann(), Act::Push)).is_allowed());
    assert!(!decide(text, &request(ann(), Act::Scale)).is_allowed());
    assert!(!decide(text, &at_edge(token("ann", &[]), Act::Scale)).is_allowed());
    assert!(decide(text, &request(token("ci", &[]), Act::Push)).is_allowed());
    assert!(!decide(text, &request(token("ci", &[]), Act::Deploy)).is_allowed());
}

/// Cedar itself would skip the rule and allow.
#[test]
fn a_forbid_that_cannot_be_evaluated_forbids() {
    let text = format!(
        r#"{ADMIN}
        @id("odd") forbid (principal, action == Action::"grant", resource)
        when {{ context has port && context.port * 9223372036854775807 == 1 }};"#
    );
    let decision = decide(&text, &grant(admin(), "net:smtp.x:25"));
    assert!(!decision.is_allowed());
    assert_eq!(decision.because[0].rule, "odd");
    assert_eq!(decision.errors[0].rule, "odd");
    assert!(decide(&text, &grant(admin(), "net:smtp.x")).is_allowed());
}

#[test]
fn an_act_is_done_to_its_own_kind_of_subject() {
    let asked = Request::new(admin(), Act::Deploy, Subject::Node, noon());
    assert!(matches!(asked, Err(RequestError::Subject { act: Act::Deploy, .. })));
    let roles = (0..=Request::MAX_ROLES).map(|n| format!("r{n}").parse().unwrap());
    let many = Principal::token("t".parse().unwrap(), roles);
    let asked = Request::new(many, Act::List, Subject::Node, noon());
    assert!(matches!(asked, Err(RequestError::Roles { .. })));
    let long = Capability::of_text(&format!("env:{}", "x".repeat(Request::MAX_TEXT_BYTES + 1)));
    let asked = Request::new(admin(), Act::Grant, Subject::Grant(shop(None), long), noon());
    assert!(matches!(asked, Err(RequestError::TooLong { .. })));
}

/// The vocabulary and the acts are written twice: for Cedar and for the compiler.
#[test]
fn every_act_is_in_the_vocabulary_with_its_group_and_no_other_is() {
    let schema: cedar_policy::Schema = VOCABULARY.parse().unwrap();
    let groups: Vec<_> = schema.action_groups().map(|group| group.id().unescaped()).collect();
    let mut declared: Vec<_> = schema.actions().map(|action| action.id().unescaped()).collect();
    declared.retain(|action| !groups.contains(action));
    declared.sort_unstable();
    // The one that nobody does: what is decided about a service.
    let acts = Act::ALL.iter().map(|act| act.name());
    let mut acts: Vec<_> = acts.chain([airssys_wasm_policy::CALL_UNRECORDED]).collect();
    acts.sort_unstable();
    assert_eq!(declared, acts);
    let entities = schema.action_entities().unwrap();
    for act in Act::ALL {
        let uid = schema.actions().find(|action| action.id().unescaped() == act.name()).unwrap();
        let found: Vec<_> = entities
            .ancestors(uid)
            .unwrap()
            .map(|group| group.id().unescaped().to_owned())
            .collect();
        let expected: Vec<_> =
            act.group().map(|group| group.name().to_owned()).into_iter().collect();
        assert_eq!(found, expected, "{act}");
    }
}

#[test]
fn broken_clocks_are_clamped() {
    let text =
        r#"permit (principal, action, resource) when { context.now >= datetime("1970-01-01") };"#;
    let policy = Policy::parse(text).unwrap();
    let age = std::time::UNIX_EPOCH - Duration::from_secs(9);
    let end = noon() + Duration::from_secs(9_000 * 366 * 86_400);
    for now in [age, end] {
        let request = Request::new(admin(), Act::List, Subject::Node, now).unwrap();
        assert!(policy.decide(&request, Enforcement::Enforce).is_allowed());
    }
}
