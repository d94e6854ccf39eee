//! Deploying, updating and going back on a real node with real guests, in this process.

mod common;

use std::time::Duration;

use airssys_wasm_api::command::{Inspect, List, Push, RollbackTo, Scale, Source};
use airssys_wasm_api::reply::{
    Inspection, Outcome, Planned, Pushed, Releases, Removed, RolloutReport, Scaled, ServiceHistory,
    Services, Traffic,
};
use airssys_wasm_api::{Code, Command};
use airssys_wasm_model::{Digest, Grants, RevisionNumber, Span, StrategyName};
use common::{Tested, V1, V2, back, config, greet, guest, name, named, relabelled, with_manifest};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_is_deployed_updated_and_taken_back_and_a_restart_remembers() {
    let tested = Tested::new().await;
    let mut deploy = tested.deployment("echo", &guest("echo-handler"), V1);
    deploy.config = Some(config(json!({ "greeting": "hello" })));
    let deployed = tested.deploy(deploy).await.unwrap();
    assert_eq!((deployed.revision, deployed.state.as_str()), (RevisionNumber(1), "active"));
    assert_eq!(tested.echo("you").await.unwrap(), "hello, you");

    let strategies = [StrategyName::BlueGreen, StrategyName::Canary, StrategyName::AllAtOnce];
    for (greeting, strategy) in ["hi", "good day", "ahoy"].into_iter().zip(strategies) {
        let report = tested.update(greet("echo", greeting, strategy)).await.unwrap();
        assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
        assert_eq!(tested.echo("you").await.unwrap(), format!("{greeting}, you"));
    }
    let report: RolloutReport = tested.ask(back("echo", RollbackTo::Former)).await.unwrap();
    assert_eq!((report.from.revision, report.to.revision), (RevisionNumber(4), RevisionNumber(3)));
    assert_eq!(tested.echo("you").await.unwrap(), "good day, you");
    let first = RollbackTo::Revision(RevisionNumber(1));
    tested.ask::<RolloutReport>(back("echo", first)).await.unwrap();

    let tested = tested.restarted().await;
    assert_eq!(tested.echo("you").await.unwrap(), "hello, you");
    let status = tested.status("echo").await;
    assert_eq!(status.active.unwrap().revision, RevisionNumber(1));
    let history: ServiceHistory = tested.ask(Command::History(named("echo"))).await.unwrap();
    assert!(history.0.iter().filter(|line| line.state == "promoted").count() == 6, "{history:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_inside_the_hold_meets_the_revision_still_warm() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    tested.update(greet("echo", "hi", StrategyName::BlueGreen)).await.unwrap();
    let report: RolloutReport = tested.ask(back("echo", RollbackTo::Former)).await.unwrap();
    assert!(report.steps[0].step.starts_with("give r1 100%"), "{:?}", report.steps);
    assert_eq!(tested.echo("you").await.unwrap(), "you");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_that_init_refuses_leaves_what_ran() {
    let tested = Tested::new().await;
    let mut refused = tested.deployment("echo", &guest("echo-handler"), V1);
    refused.config = Some(config(json!({ "reject": true })));
    let failure = tested.deploy(refused.clone()).await.unwrap_err();
    assert_eq!(failure.code, Code::Invalid, "{failure}");
    assert_eq!(tested.status("echo").await.state, "failed");

    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    assert_eq!(tested.deploy(refused).await.unwrap_err().code, Code::Invalid);
    let mut update = greet("echo", "hi", StrategyName::Canary);
    update.config = Some(config(json!({ "unknown": 1 })));
    let report = tested.update(update).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Aborted));
    assert!(report.reason.contains("refuses its configuration"), "{}", report.reason);
    assert_eq!(tested.echo("you").await.unwrap(), "you");
    assert_eq!(tested.status("echo").await.state, "active");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_waits_is_steered_and_stands_alone() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    let mut update = greet("echo", "hi", StrategyName::Canary);
    update.rollout.observe = Some(Span(Duration::from_secs(600)));
    update.detached = true;
    let report = tested.update(update.clone()).await.unwrap();
    assert_eq!(report.outcome, None);
    let deploy = tested.deployment("echo", &guest("echo-handler"), V1);
    for (second, code) in [
        (Command::Update(update), Code::Conflict),
        // The first revision replaced none.
        (back("echo", RollbackTo::Former), Code::NotFound),
        (Command::Deploy(deploy), Code::Conflict),
    ] {
        let failure = tested.act(second).await.unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
    }
    let paused: RolloutReport = tested.ask(Command::Pause(named("echo"))).await.unwrap();
    assert_eq!(paused.outcome, Some(Outcome::Paused));
    assert_eq!(tested.status("echo").await.state, "paused");
    tested.ask::<RolloutReport>(Command::Resume(named("echo"))).await.unwrap();
    let promoted: RolloutReport = tested.ask(Command::Promote(named("echo"))).await.unwrap();
    assert_eq!(promoted.outcome, Some(Outcome::Promoted));
    assert_eq!(tested.echo("you").await.unwrap(), "hi, you");
    for steer in [Command::Promote, Command::Abort, Command::Pause, Command::Resume] {
        let failure = tested.act(steer(named("echo"))).await.unwrap_err();
        assert_eq!(failure.code, Code::Conflict);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_restores_what_was_also_after_a_restart() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    let mut update = greet("echo", "hi", StrategyName::Canary);
    update.rollout.steps = Some(vec![50.0.into()]);
    update.rollout.observe = Some(Span(Duration::from_secs(600)));
    update.detached = true;
    tested.update(update).await.unwrap();
    let tested = tested.restarted().await;
    assert_eq!(tested.status("echo").await.state, "updating");
    let aborted: RolloutReport = tested.ask(Command::Abort(named("echo"))).await.unwrap();
    assert_eq!(aborted.outcome, Some(Outcome::Aborted));
    let traffic: Traffic = tested.ask(Command::Monitor(named("echo"))).await.unwrap();
    let all = traffic.revisions.iter().find(|it| it.revision == RevisionNumber(1)).unwrap();
    assert_eq!(all.weight, 100.0);
    for _ in 0..20 {
        assert_eq!(tested.echo("you").await.unwrap(), "you");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_never_changes() {
    let tested = Tested::new().await;
    let bytes = guest("echo-handler");
    tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap();
    let other = relabelled(bytes.clone(), 1);
    let push = |digest, version| {
        Command::Push(Push {
            artifact: digest,
            name: Some(name("echo")),
            version: Some(version),
            accept_signer: false,
        })
    };
    let digest = tested.upload(&other);
    assert_eq!(tested.act(push(digest, V1)).await.unwrap_err().code, Code::Conflict);
    let again = tested.deploy(tested.deployment("echo", &other, V1)).await.unwrap_err();
    assert_eq!(again.code, Code::Conflict);
    let pushed: Pushed = tested.ask(push(digest, V2)).await.unwrap();
    assert_eq!(pushed.state, "stored");
    let pushed: Pushed = tested.ask(push(digest, V2)).await.unwrap();
    assert_eq!(pushed.state, "known");
    let versions: Releases = tested.ask(Command::Versions(named("echo"))).await.unwrap();
    assert_eq!(versions.0.iter().map(|it| it.version.clone()).collect::<Vec<_>>(), [V1, V2]);

    let mut update = greet("echo", "hi", StrategyName::AllAtOnce);
    update.source = Some(Source::Release("echo@2.0.0".parse().unwrap()));
    let report = tested.update(update.clone()).await.unwrap();
    assert_eq!(report.to.version, V2);
    update.source = Some(Source::Release("echo@3.0.0".parse().unwrap()));
    assert_eq!(tested.update(update).await.unwrap_err().code, Code::NotFound);
    let report: RolloutReport = tested.ask(back("echo", RollbackTo::Version(V1))).await.unwrap();
    assert_eq!(report.to.revision, RevisionNumber(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_and_not_granted_is_denied_with_the_flag_to_add() {
    let tested = Tested::new().await;
    let asks = "[capabilities]\nenv = [{ name = \"TZ\", reason = \"dates\" }]\n";
    let bytes = with_manifest(guest("echo-handler"), "echo", asks);
    let mut deploy = tested.deployment("echo", &bytes, V1);
    deploy.grant_asked = false;
    let failure = tested.deploy(deploy.clone()).await.unwrap_err();
    assert_eq!(failure.code, Code::Denied);
    assert_eq!(failure.help.as_deref(), Some("add --grant env:TZ"));
    let none: Services = tested.ask(Command::List(List {})).await.unwrap();
    assert_eq!(none, Services::default());
    deploy.grants = Grants(vec!["env:TZ".parse().unwrap()]);
    tested.deploy(deploy).await.unwrap();
    let inspect = Command::Inspect(Inspect { service: name("echo"), revision: None });
    let inspection: Inspection = tested.ask(inspect).await.unwrap();
    assert_eq!(inspection.granted.unwrap().0.len(), 1);
    assert_eq!(inspection.shape, ["handler"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_has_one_service() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("hello", &guest("http-hello"), V1)).await.unwrap();
    assert_eq!(tested.status("hello").await.routes, ["/hello", "hello.localhost"]);
    let taken = with_manifest(guest("http-hello"), "other", "[http]\nroute = \"/hello\"\n");
    let failure = tested.deploy(tested.deployment("other", &taken, V1)).await.unwrap_err();
    assert_eq!(failure.code, Code::Conflict, "{failure}");
    let tested = tested.restarted().await;
    let failure = tested.deploy(tested.deployment("other", &taken, V1)).await.unwrap_err();
    assert_eq!(failure.code, Code::Conflict, "{failure}");
    tested.ask::<Removed>(Command::Remove(named("hello"))).await.unwrap();
    let other = tested.deploy(tested.deployment("other", &taken, V1)).await.unwrap();
    assert_eq!(other.routes, ["/hello", "other.localhost"]);
    let echo = tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    assert_eq!(echo.routes, ["/echo", "echo.localhost"]);
    let functions = tested.deployment("functions", &guest("functions"), V1);
    assert!(tested.deploy(functions).await.unwrap().routes.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_changes_nothing() {
    let tested = Tested::new().await;
    let mut deploy = tested.deployment("echo", &guest("echo-handler"), V1);
    deploy.plan_only = true;
    let planned = tested.deploy(deploy.clone()).await.unwrap();
    assert_eq!((planned.state.as_str(), planned.plan.len()), ("planned", 3));
    let none: Services = tested.ask(Command::List(List {})).await.unwrap();
    assert_eq!(none, Services::default());
    deploy.plan_only = false;
    tested.deploy(deploy).await.unwrap();
    let mut update = greet("echo", "hi", StrategyName::Canary);
    update.plan_only = true;
    let planned: Planned = tested.ask(Command::Update(update.clone())).await.unwrap();
    assert_eq!(planned.plan.len(), 14);
    update.rollout.steps = Some(vec![50.0.into(), 5.0.into()]);
    assert_eq!(tested.act(Command::Update(update)).await.unwrap_err().code, Code::Usage);
    assert_eq!(tested.status("echo").await.revisions.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_service_is_gone_and_can_come_back() {
    let tested = Tested::new().await;
    let bytes = guest("echo-handler");
    tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap();
    tested.ask::<Removed>(Command::Remove(named("echo"))).await.unwrap();
    assert_eq!(tested.act(Command::Status(named("echo"))).await.unwrap_err().code, Code::NotFound);
    let tested = tested.restarted().await;
    assert_eq!(tested.act(Command::Status(named("echo"))).await.unwrap_err().code, Code::NotFound);
    let deployed = tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap();
    assert_eq!(deployed.revision, RevisionNumber(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scale_is_kept_within_reason() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    let scale = |min, max| Command::Scale(Scale { service: name("echo"), min, max });
    let scaled: Scaled = tested.ask(scale(None, Some(3))).await.unwrap();
    assert_eq!(scaled.instances.max, 3);
    assert_eq!(tested.act(scale(Some(4), None)).await.unwrap_err().code, Code::Usage);
    let tested = tested.restarted().await;
    let inspect = Command::Inspect(Inspect { service: name("echo"), revision: None });
    let inspection: Inspection = tested.ask(inspect).await.unwrap();
    assert_eq!(inspection.instances.max, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_component_is_refused_and_nothing_is_left() {
    let tested = Tested::new().await;
    let cut = &guest("echo-handler")[..1_000];
    for bytes in [b"not wasm".as_slice(), b"\0asm\x01\0\0\0", cut] {
        let failure = tested.deploy(tested.deployment("echo", bytes, V1)).await.unwrap_err();
        assert_eq!(failure.code, Code::Invalid, "{failure}");
    }
    let mut missing = tested.deployment("echo", b"x", V1);
    missing.source = Source::Artifact(Digest::of(b"never uploaded"));
    assert_eq!(tested.deploy(missing).await.unwrap_err().code, Code::NotFound);
    let none: Services = tested.ask(Command::List(List {})).await.unwrap();
    assert_eq!(none, Services::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_nothing_enforces_is_refused_by_its_name() {
    let tested = Tested::new().await;
    let asks = "[capabilities]\nmessaging = [{ topic = \"orders\", access = [\"publish\"], reason = \"r\" }]\n";
    let bytes = with_manifest(guest("echo-handler"), "echo", asks);
    let failure = tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap_err();
    assert_eq!(failure.code, Code::Denied);
    assert!(failure.message.contains("`messaging`"), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_keeps_its_state_over_an_update_and_its_calls_are_not_split() {
    let tested = Tested::new().await;
    let actor = "[instances]\nmodel = \"actor\"\n";
    let bytes = with_manifest(guest("counter"), "echo", actor);
    tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap();
    assert_eq!(tested.echo("").await.unwrap(), "1");
    let mut update = greet("echo", "", StrategyName::Canary);
    update.config = None;
    assert_eq!(tested.update(update.clone()).await.unwrap_err().code, Code::Usage);
    update.rollout.strategy = Some(StrategyName::BlueGreen);
    let report = tested.update(update).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
    assert_eq!(tested.echo("").await.unwrap(), "2");
    let tested = tested.restarted().await;
    assert_eq!(tested.echo("").await.unwrap(), "3");
}
