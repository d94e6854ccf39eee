//! Several services updated as one, on a real node with real guests, in this process.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use airssys_wasm_api::command::{Invoke, JointUpdate, Source, Update, UpdateOrder, Updates};
use airssys_wasm_api::reply::{
    Invoked, Joined, JointPlan, JointReport, Outcome, RolloutReport, ServiceStatus,
};
use airssys_wasm_api::{Code, Command, Failure, Payload};
use airssys_wasm_model::{ReleaseRef, Span, StrategyName};
use common::{Tested, V1, V2, config, greet, guest, name, named, until};
use serde_json::json;

/// Callers of each service while it is updated.
const CALLERS: usize = 2;

/// A node with two services that say `hello`.
async fn two() -> Tested {
    let tested = Tested::new().await;
    for service in ["left", "right"] {
        let mut deploy = tested.deployment(service, &guest("echo-handler"), V1);
        deploy.config = Some(config(json!({ "greeting": "hello" })));
        tested.deploy(deploy).await.unwrap();
    }
    tested
}

async fn say(tested: &Tested, service: &str) -> Result<String, Failure> {
    let invoke = Invoke {
        service: name(service),
        function: None,
        args: Vec::new(),
        input: Payload("you".to_owned().into()),
        content_type: Some("text/plain".to_owned()),
        metadata: Default::default(),
    };
    let invoked: Invoked = tested.ask(Command::Invoke(invoke)).await?;
    Ok(String::from_utf8(invoked.output.0.to_vec()).unwrap())
}

async fn both_say(tested: &Tested, greeting: &str) {
    for service in ["left", "right"] {
        assert_eq!(say(tested, service).await.unwrap(), format!("{greeting}, you"), "{service}");
    }
}

fn joint(updates: [Update; 2], order: UpdateOrder) -> Updates {
    Updates { updates: updates.to_vec(), order, detached: false, plan_only: false }
}

fn together(updates: [Update; 2]) -> Updates {
    joint(updates, UpdateOrder::Together)
}

async fn updated(tested: &Tested, updates: Updates) -> Result<JointReport, Failure> {
    tested.ask(Command::Updates(updates)).await
}

/// A canary that goes on until somebody says a word.
fn long_canary(service: &str) -> Update {
    let mut update = greet(service, "hi", StrategyName::Canary);
    update.rollout.observe = Some(Span(Duration::from_secs(600)));
    update
}

async fn joined(tested: &Tested, service: &str) -> Option<Joined> {
    tested.status(service).await.joined
}

fn waits_for(joined: Option<Joined>) -> Vec<String> {
    joined.iter().flat_map(|joined| &joined.waits_for).map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_are_updated_as_one_and_no_call_fails() {
    let tested = Arc::new(two().await);
    let (over, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers = ["left", "right"].repeat(CALLERS).into_iter().map(|service| {
        let (tested, over, calls) = (Arc::clone(&tested), Arc::clone(&over), Arc::clone(&calls));
        tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                say(&tested, service).await.expect("no call fails");
                calls.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    let rounds = [
        ("hi", UpdateOrder::Together, [StrategyName::AllAtOnce, StrategyName::BlueGreen]),
        ("good day", UpdateOrder::InOrder, [StrategyName::BlueGreen, StrategyName::AllAtOnce]),
        ("ahoy", UpdateOrder::Together, [StrategyName::Canary, StrategyName::AllAtOnce]),
    ];
    for (greeting, order, [left, right]) in rounds {
        let updates = [greet("left", greeting, left), greet("right", greeting, right)];
        let report = updated(&tested, joint(updates, order)).await.unwrap();
        assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
        assert!(report.services.iter().all(|it| it.outcome == Some(Outcome::Promoted)));
        both_say(&tested, greeting).await;
        assert_eq!(joined(&tested, "left").await, None, "it is over");
    }
    over.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    assert!(calls.load(Ordering::Relaxed) > 20, "this was no load");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_candidate_that_fails_takes_both_back() {
    let tested = two().await;
    for order in [UpdateOrder::Together, UpdateOrder::InOrder] {
        let mut refuses = greet("right", "hi", StrategyName::AllAtOnce);
        refuses.config = Some(config(json!({ "unknown": 1 })));
        let updates = [greet("left", "hi", StrategyName::AllAtOnce), refuses];
        let report = updated(&tested, joint(updates, order)).await.unwrap();
        assert_eq!(report.outcome, Some(Outcome::Aborted), "{report:?}");
        assert!(report.reason.contains("`right` was taken back"), "{}", report.reason);
        let left = &report.services[0];
        assert_eq!(left.outcome, Some(Outcome::Aborted));
        assert!(left.reason.contains("refuses its configuration"), "{}", left.reason);
        both_say(&tested, "hello").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_ready_waits_for_the_others_and_says_for_whom() {
    let tested = two().await;
    let quick = greet("left", "hi", StrategyName::AllAtOnce);
    let mut updates = together([quick.clone(), long_canary("right")]);
    updates.detached = true;
    let report = updated(&tested, updates).await.unwrap();
    assert_eq!((report.outcome, report.services.len()), (None, 2));
    until("left waits", async || waits_for(joined(&tested, "left").await) == ["right"]).await;
    assert_eq!(waits_for(joined(&tested, "right").await), Vec::<String>::new());
    assert_eq!(say(&tested, "left").await.unwrap(), "hello, you");
    let refused = tested.act(Command::Update(quick)).await.unwrap_err();
    assert_eq!(refused.code, Code::Conflict, "{refused}");
    let waiting: RolloutReport = tested.ask(Command::Promote(named("left"))).await.unwrap();
    assert_eq!(waiting.outcome, None, "it is answered, and waits on");

    // What waits goes on waiting after a restart, and a word lets the other join it.
    let tested = tested.restarted().await;
    until("left waits again", async || waits_for(joined(&tested, "left").await) == ["right"]).await;
    let promoted: RolloutReport = tested.ask(Command::Promote(named("right"))).await.unwrap();
    assert_eq!(promoted.outcome, Some(Outcome::Promoted));
    let number = JointUpdate { update: report.update };
    until("it ends", async || {
        let status: JointReport = tested.ask(Command::UpdateStatus(number.clone())).await.unwrap();
        status.outcome == Some(Outcome::Promoted)
    })
    .await;
    both_say(&tested, "hi").await;
    let late = tested.act(Command::AbortUpdate(number)).await.unwrap_err();
    assert_eq!(late.code, Code::Conflict, "{late}");
    both_say(&tested, "hi").await;
}

fn rollback(service: &str) -> airssys_wasm_api::command::Rollback {
    airssys_wasm_api::command::Rollback {
        service: name(service),
        to: Default::default(),
        rollout: Default::default(),
        detached: false,
        plan_only: false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_order_what_was_promoted_goes_back_with_one_word() {
    let tested = two().await;
    let updates = [greet("left", "hi", StrategyName::AllAtOnce), long_canary("right")];
    let mut updates = joint(updates, UpdateOrder::InOrder);
    updates.detached = true;
    updated(&tested, updates).await.unwrap();
    let is_tried = async || {
        let status: ServiceStatus = tested.status("right").await;
        status.revisions.iter().any(|it| it.state == "candidate")
    };
    until("right is tried", is_tried).await;
    assert_eq!(say(&tested, "left").await.unwrap(), "hi, you", "left came first");
    assert_eq!(waits_for(joined(&tested, "left").await), ["right"]);
    let update = Command::Update(greet("left", "ahoy", StrategyName::AllAtOnce));
    for refused in [update, Command::Rollback(rollback("left"))] {
        let refused = tested.act(refused).await.unwrap_err();
        assert_eq!(refused.code, Code::Conflict, "it may have to go back: {refused}");
    }

    let aborted: RolloutReport = tested.ask(Command::Abort(named("left"))).await.unwrap();
    assert_eq!(aborted.outcome, Some(Outcome::Aborted), "{aborted:?}");
    assert!(aborted.reason.contains("went back"), "{}", aborted.reason);
    both_say(&tested, "hello").await;
    let report = updated(
        &tested,
        together([
            greet("left", "hi", StrategyName::AllAtOnce),
            greet("right", "hi", StrategyName::AllAtOnce),
        ]),
    );
    assert_eq!(report.await.unwrap().outcome, Some(Outcome::Promoted), "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_member_is_said_to_rest_and_a_removed_one_aborts_the_others() {
    let tested = Arc::new(two().await);
    let mut inconclusive = greet("right", "hi", StrategyName::Canary);
    inconclusive.rollout.min_calls = Some(1_000_000);
    let updates = together([greet("left", "hi", StrategyName::AllAtOnce), inconclusive]);
    let report = updated(&tested, updates).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Inconclusive), "{report:?}");
    tested.act(Command::Remove(named("right"))).await.unwrap();
    let number = JointUpdate { update: report.update };
    until("it ends", async || {
        let status: JointReport = tested.ask(Command::UpdateStatus(number.clone())).await.unwrap();
        status.outcome == Some(Outcome::Aborted)
    })
    .await;
    assert_eq!(say(&tested, "left").await.unwrap(), "hello, you");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_service_that_is_refused_refuses_all_and_changes_nothing() {
    let tested = two().await;
    let fine = greet("left", "hi", StrategyName::AllAtOnce);
    let unknown = Update {
        source: Some(Source::Release(ReleaseRef { name: name("right"), version: V2 })),
        ..greet("right", "hi", StrategyName::AllAtOnce)
    };
    let detached = Update { detached: true, ..greet("right", "hi", StrategyName::AllAtOnce) };
    for (other, code) in [
        (greet("nobody", "hi", StrategyName::AllAtOnce), Code::NotFound),
        (unknown, Code::NotFound),
        (fine.clone(), Code::Usage),
        (detached, Code::Usage),
        // It ends without a promotion, so the other would wait for nothing.
        (greet("right", "hi", StrategyName::Shadow), Code::Usage),
    ] {
        let failure = updated(&tested, together([fine.clone(), other])).await.unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
    }
    let mut plan = together([fine, greet("right", "hi", StrategyName::BlueGreen)]);
    plan.plan_only = true;
    let plan: JointPlan = tested.ask(Command::Updates(plan)).await.unwrap();
    assert_eq!(plan.plans.len(), 2);
    let wait = "wait for the other services of joint update 1".to_owned();
    assert!(plan.plans.iter().all(|it| it.plan.contains(&wait)), "{plan:?}");
    for service in ["left", "right"] {
        assert_eq!(tested.status(service).await.revisions.len(), 1);
    }
    let none = tested
        .act(Command::UpdateStatus(JointUpdate {
            update: airssys_wasm_api::command::UpdateNumber(1),
        }))
        .await;
    assert_eq!(none.unwrap_err().code, Code::NotFound, "nothing was recorded");
}
