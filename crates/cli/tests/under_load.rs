//! Updates and rollbacks while calls never stop: none may fail, and none may be answered by a revision that the
//! service had left before the call arrived.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use airssys_wasm_api::command::{Deploy, Rollback, RollbackTo, RolloutChoice, Source};
use airssys_wasm_api::reply::{Outcome, RolloutReport};
use airssys_wasm_api::{Client, Command};
use airssys_wasm_model::{RevisionNumber, StrategyName};
use common::{Node, guest};

/// How often the service changes.
const CHANGES: usize = 200;

/// Callers that send one request after the other.
const CALLERS: usize = 8;

/// What the service has been set to, in order. A call that arrives after change `n` was acknowledged may be
/// answered by what change `n` or a later one put in place.
#[derive(Default)]
struct Story {
    revisions: std::sync::RwLock<Vec<u32>>,
    acknowledged: AtomicUsize,
}

impl Story {
    fn check(&self, at_arrival: usize, answered_by: u32) {
        let revisions = self.revisions.read().unwrap();
        assert!(
            revisions[at_arrival..].contains(&answered_by),
            "r{answered_by} answered a call that arrived after change {at_arrival}: {:?}",
            &revisions[at_arrival..]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_or_goes_back_during_200_updates_and_rollbacks() {
    let node = Node::start();
    let client = node.client();
    let artifact = client.upload(guest("http-hello").into(), |_| ()).await.unwrap().digest;
    let deploy = |version: &str| Deploy {
        name: Some("web".parse().unwrap()),
        version: Some(version.parse().unwrap()),
        ..Deploy::of(Source::Artifact(artifact))
    };
    client.act(Command::Deploy(deploy("1.0.0"))).await.unwrap();
    for version in ["2.0.0", "3.0.0"] {
        let push = airssys_wasm_api::command::Push {
            artifact,
            name: Some("web".parse().unwrap()),
            version: Some(version.parse().unwrap()),
            accept_signer: false,
        };
        client.act(Command::Push(push)).await.unwrap();
    }
    let story = Arc::new(Story::default());
    story.revisions.write().unwrap().push(1);
    let over = Arc::new(AtomicBool::new(false));
    let calls = Arc::new(AtomicU64::new(0));
    let url = format!("{}/web/", node.http);
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (story, over, calls) = (Arc::clone(&story), Arc::clone(&over), Arc::clone(&calls));
            tokio::spawn(call_until(url.clone(), story, over, calls))
        })
        .collect();
    for change in 0..CHANGES {
        let next = one_change(&client, change, &story).await;
        assert_eq!(story.revisions.read().unwrap()[change + 1], next);
        story.acknowledged.store(change + 1, Ordering::SeqCst);
    }
    over.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    let calls = calls.load(Ordering::Relaxed);
    assert!(calls > CHANGES as u64, "only {calls} calls were made: this was no load");
    println!("{calls} calls over {CHANGES} changes, none failed");
}

/// Calls without a pause. Panics where a call fails or goes back.
async fn call_until(url: String, story: Arc<Story>, over: Arc<AtomicBool>, calls: Arc<AtomicU64>) {
    let http = reqwest::Client::new();
    while !over.load(Ordering::SeqCst) {
        let at_arrival = story.acknowledged.load(Ordering::SeqCst);
        let answer = http.get(&url).send().await.expect("the connection holds");
        assert_eq!(answer.status().as_u16(), 200);
        let revision = answer.headers()["x-airssys-revision"].to_str().unwrap().parse().unwrap();
        assert!(answer.text().await.expect("the body comes whole").starts_with("hello"));
        story.check(at_arrival, revision);
        calls.fetch_add(1, Ordering::Relaxed);
    }
}

/// Updates, or every third time rolls back, and says which revision has the calls now. What the change
/// will lead to stands in the story before it begins, since its calls arrive before its answer.
async fn one_change(client: &Client, change: usize, story: &Story) -> u32 {
    let service = "web".parse().unwrap();
    let (command, revision) = if change % 3 == 2 {
        let former = {
            let revisions = story.revisions.read().unwrap();
            revisions[revisions.len() - 2]
        };
        let to = RollbackTo::Revision(RevisionNumber(former));
        let rollback = Rollback {
            service,
            to,
            rollout: RolloutChoice::default(),
            detached: false,
            plan_only: false,
        };
        (Command::Rollback(rollback), former)
    } else {
        let next = *story.revisions.read().unwrap().iter().max().unwrap() + 1;
        let version = ["1.0.0", "2.0.0", "3.0.0"][change % 3];
        let strategy = if change.is_multiple_of(2) {
            StrategyName::AllAtOnce
        } else {
            StrategyName::BlueGreen
        };
        let rollout = RolloutChoice { strategy: Some(strategy), ..RolloutChoice::default() };
        (common::update_to(service, version.parse().unwrap(), rollout), next)
    };
    story.revisions.write().unwrap().push(revision);
    let report: RolloutReport = client.ask(command).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
    report.to.revision.0
}
