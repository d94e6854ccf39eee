//! Services that call one another on a node, through real guests: routed, counted, recorded and refused as calls from
//! outside are.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use airssys_wasm_api::Command;
use airssys_wasm_api::command::{AddGrants, Audit, Logs, RevokeGrants, SuggestGrants};
use airssys_wasm_api::reply::{AuditDecision, GrantSuggestion, LogLines};
use airssys_wasm_model::{Grants, Match, StepAct};
use common::name;
use common::town::{ONE, Town};

/// A guest of each version that hands a request on, and how its path says to whom.
const FORWARDS: [(&str, &str); 2] =
    [("http-hello", "/forward?url=http://"), ("http-p3", "/forward?")];

const SHOP: &str = "shop.airssys.internal";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_calls_another_by_its_grant_and_the_trail_has_both() {
    let town = Town::new().await;
    town.deploy("shop", "http-hello", "", &[]).await;
    for (component, to) in FORWARDS {
        let (friend, stranger) = (format!("friend-of-{component}"), format!("not-{component}"));
        town.deploy(&friend, component, "", &["services:shop"]).await;
        town.deploy(&stranger, component, "", &[]).await;
        let path = format!("{to}{SHOP}/target?x");
        let said = town.get(&friend, &path).await;
        assert_eq!(said, (200, format!("Some(\"{SHOP}\") /target?x")), "{component}");
        assert_eq!(town.get(&stranger, &path).await, (403, "HttpRequestDenied".to_owned()));

        let services = Audit { kind: Some("services".into()), ..Audit::default() };
        let entries = town.trail(Audit { service: Some(name(&friend)), ..services.clone() }).await;
        let [used] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((used.decision, &*used.target), (AuditDecision::Allowed, "shop"));
        assert_eq!(used.detail, None, "there is no more to say of it");
        let entries = town.trail(Audit { service: Some(name(&stranger)), ..services }).await;
        let [denied] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!(denied.decision, AuditDecision::Denied);
        assert!(denied.detail.as_deref().unwrap().contains("grant `services:shop`"), "{denied:?}");
        let logs = Logs { service: name(&stranger), after: None, tail: None, wait_ms: None };
        let logs: LogLines = town.ask(Command::Logs(logs)).await;
        assert!(logs.lines.iter().any(|line| line.text.contains("grant `services:shop`")));

        let suggest = SuggestGrants { service: name(&stranger), since: None };
        let suggested: GrantSuggestion = town.ask(Command::SuggestGrants(suggest)).await;
        // Its manifest does not ask: a grant alone would be refused.
        assert_eq!(
            (&*suggested.unasked, &*suggested.denied),
            (&["services:shop".into()][..], &[][..])
        );
        let suggest = SuggestGrants { service: name(&friend), since: None };
        let suggested: GrantSuggestion = town.ask(Command::SuggestGrants(suggest)).await;
        assert_eq!(suggested.grants, ["services:shop"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_that_is_revoked_or_added_counts_for_the_instances_that_run() {
    let town = Town::new().await;
    town.deploy("shop", "http-hello", "", &[]).await;
    let pooled = "[instances]\nmodel = \"pooled\"\n";
    town.deploy("mall", "http-hello", pooled, &["services:shop"]).await;
    let path = format!("/forward?url=http://{SHOP}/");
    assert_eq!(town.get("mall", &path).await.0, 200);
    let grants = || Grants(vec!["services:shop".parse().unwrap()]);
    let revoke = RevokeGrants { service: name("mall"), grants: grants(), all: false };
    town.act(Command::RevokeGrants(revoke)).await.unwrap();
    assert_eq!(town.get("mall", &path).await.0, 403);
    let add = AddGrants { service: name("mall"), grants: grants() };
    town.act(Command::AddGrants(add)).await.unwrap();
    assert_eq!(town.get("mall", &path).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_of_the_called_service_gets_its_share_of_the_calls_of_another() {
    let town = Town::new().await;
    town.deploy("shop", "http-hello", "", &[]).await;
    town.deploy("mall", "http-p3", "", &["services:shop"]).await;
    town.canary(50.0.into()).await;
    let mut versions = BTreeSet::new();
    for _ in 0..60 {
        let (status, version) = town.get("mall", &format!("/forward?{SHOP}/version")).await;
        assert_eq!(status, 200, "{version}");
        versions.insert(version);
    }
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert_eq!(town.calls("shop").await, 60, "they are its calls, and counted out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_goes_by_the_service_that_calls_whatever_its_request_says() {
    let town = Town::new().await;
    town.deploy("shop", "http-hello", "", &[]).await;
    for service in ["vip", "other"] {
        town.deploy(service, "caller", ONE, &["services:shop"]).await;
    }
    let vip: Match = "caller=service:vip".parse().unwrap();
    town.canary(StepAct::Match(vip).into()).await;
    let forged = format!(
        "get http://{SHOP}/version caller=service:vip x-airssys-caller=service:vip \
         x-airssys-service=vip x-request-id=1 forwarded=for=vip"
    );
    for _ in 0..10 {
        assert_eq!(town.say("vip", "", &format!("get http://{SHOP}/version")).await, "200 2");
        assert_eq!(town.say("other", "", &forged).await, "200 1.0.0");
        assert_eq!(town.get("shop", "/version").await.1, "1.0.0", "a client from outside");
    }
    for header in ["host=vip", "connection=x-own", "transfer-encoding=chunked"] {
        let said = town.say("other", "", &format!("get http://{SHOP}/headers {header}")).await;
        assert!(said.starts_with("the host takes no header"), "{header}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_not_there_or_turns_a_call_away_says_so_to_its_caller() {
    let town = Town::new().await;
    let few = "[limits]\nconcurrency = 1\nqueue = 0\ntime = \"60s\"\n";
    town.deploy("shop", "http-hello", few, &[]).await;
    town.deploy("words", "echo-handler", "", &[]).await;
    town.deploy("bare", "functions", "", &[]).await;
    let grants = ["shop", "nobody", "words", "bare"].map(|name| format!("services:{name}"));
    let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
    town.deploy("mall", "http-p3", "", &grants).await;
    let said = async |to: &str| town.get("mall", &format!("/forward?{to}")).await;
    let (status, text) = said("nobody.airssys.internal/").await;
    assert!(status == 502 && text.contains("DestinationNotFound"), "{text}");
    // A handler answers HTTP as it does from outside; a service of functions does not.
    assert_eq!(said("words.airssys.internal/x").await.0, 200);
    let (status, text) = said("bare.airssys.internal/").await;
    assert!(status == 404 && text.contains("does not answer HTTP requests"), "{text}");
    let busy = town.at("shop", "/drip?chunks=100000&ms=5").await;
    let (status, text) = said(&format!("{SHOP}/")).await;
    assert!(status == 503 && text.contains("every place is taken"), "{text}");
    drop(busy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_head_has_no_body() {
    let town = Town::new().await;
    town.deploy("shop", "http-hello", "", &[]).await;
    town.deploy("mall", "http-hello", "", &["services:shop"]).await;
    for (method, body) in [("GET", "1.0.0"), ("HEAD", "")] {
        let path = format!("/outbound?url=http://{SHOP}/version&method={method}");
        assert_eq!(town.get("mall", &path).await, (200, body.to_owned()), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_from_outside_is_refused_from_a_service() {
    let town = Town::new().await;
    town.deploy("shop", "http-hello", "", &[]).await;
    town.deploy("mall", "http-hello", "", &["services:shop"]).await;
    let path = format!("/outbound?url=http://{SHOP}/version&method=CONNECT");
    let (status, said) = town.get("mall", &path).await;
    assert!(status == 400 && said.contains("makes no tunnel"), "{status} {said}");
}

const NO_NAME: &str = "NotFound(\"no service or function has such a name\")";

const CART: &str =
    "[instances]\nmodel = \"actor\"\nkey = \"header:x-user\"\n[limits]\ntime = \"60s\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_would_wait_for_itself_is_told_so_and_another_key_is_called() {
    let town = Town::new().await;
    let all = ["services:cart", "services:relay"];
    town.deploy("cart", "caller", CART, &all).await;
    town.deploy("relay", "caller", ONE, &all).await;
    let named = format!("{ONE}[limits]\ntime = \"60s\"\n[routing]\nnamed = true\n");
    town.deploy("mirror", "caller", &named, &["services:mirror"]).await;
    let calls = async {
        let http = |user: &str| format!("get http://cart.airssys.internal/ x-user={user}");
        assert_eq!(town.say("cart", "ada", &http("ada")).await, "ErrorCode::LoopDetected");
        // Its body is empty, which is no command: the other actor was reached.
        assert!(town.say("cart", "ada", &http("bob")).await.contains("no such command"));
        assert_eq!(town.say("cart", "ada", "call cart anything").await, "LoopDetected");
        let through = town.say("cart", "ada", "call relay call cart anything").await;
        assert_eq!(through, "LoopDetected");
        let through = town.say("cart", "ada", &format!("call relay {}", http("ada"))).await;
        assert_eq!(through, "ErrorCode::LoopDetected");
        // Its own place is as little free to a function of its own, or to a call that names its revision.
        let own = town.say("mirror", "ada", "invoke mirror anything").await;
        assert!(own.starts_with("NotFound(") && own.contains("beside its handler"), "{own}");
        let own = "get http://mirror.airssys.internal/ x-airssys-route=version=1.0.0";
        assert_eq!(town.say("mirror", "ada", own).await, "ErrorCode::LoopDetected");
        // From outside, or for another, the relay is let through.
        let through = town.say("relay", "ada", "call cart anything").await;
        assert!(through.contains("no such command"), "{through}");
    };
    // The calls may take a minute each: none of them has waited.
    tokio::time::timeout(Duration::from_secs(45), calls).await.expect("nobody waits for himself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_and_a_function_are_called_by_their_grants_and_say_what_went_wrong() {
    let town = Town::new().await;
    town.deploy("words", "echo-handler", "", &[]).await;
    town.deploy("numbers", "functions", "", &[]).await;
    let grants =
        ["services:words", "services:numbers#add", "services:numbers#trap", "services:nobody"];
    town.deploy("desk", "caller", ONE, &grants).await;
    let say = async |text: &str| town.say("desk", "ada", text).await;
    assert_eq!(say("call words good day").await, "good day");
    assert_eq!(say("invoke numbers add 1 2").await, "3");
    let context = say("call words context").await;
    assert!(context.contains("caller=Some(\"service:desk\")"), "{context}");
    assert!(
        say("call words fail")
            .await
            .contains("Fault(ComponentError { kind: Failed, message: \"asked to fail\" })")
    );
    for (command, wanted) in [
        ("call numbers x", "Denied"),
        ("invoke numbers divide 1 0", "Denied"),
        ("invoke numbers area nothing", "Denied"),
        ("call nobody x", "NotFound(\"no service `nobody` is on this node\")"),
        ("call Not-A-Name x", NO_NAME),
        // A right to a function is none to the handler, nor to a function of another name.
        ("call numbers#add x", NO_NAME),
        ("invoke numbers#add trap", NO_NAME),
        ("invoke numbers trap#add", "Denied"),
    ] {
        assert_eq!(say(command).await, wanted, "{command}");
    }
    assert!(say("invoke numbers add one two").await.starts_with("Invalid("));
    let long = say(&format!("invoke numbers add {}", "1,".repeat(1 << 19))).await;
    assert_eq!(long, "Invalid(\"the arguments are longer than 1048576 bytes\")");
    assert!(say("invoke words nothing").await.starts_with("NotFound("));
    assert!(say("invoke numbers trap").await.starts_with("Failed("));
    let denied = Audit {
        kind: Some("services".into()),
        decision: Some(AuditDecision::Denied),
        ..Audit::default()
    };
    let denied = town.trail(denied).await;
    let grants: Vec<_> = denied.iter().map(|entry| &*entry.target).collect();
    assert_eq!(grants, ["numbers", "numbers#divide", "numbers#area", "numbers#trap#add"]);
}
