//! Actors with a key: each key has a state, a mailbox and, while an update is under way, one revision.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use airssys_wasm_api::command::{Invoke, RollbackTo, Source, Update};
use airssys_wasm_api::reply::{Outcome, Removed, RolloutReport, Traffic};
use airssys_wasm_api::{By, Code, Command};
use airssys_wasm_model::{Span, StrategyName, Version};
use common::counting::{Count, counter, deployed, each, said, say, users};
use common::{Tested, V1, V2, back, greet, guest, named, until, with_manifest};
use futures::future::join_all;

/// An update that waits at this share.
async fn canary(tested: &Tested, bytes: &[u8], share: f64) {
    let mut update = greet("counter", "", StrategyName::Canary);
    update.rollout.steps = Some(vec![share.into()]);
    update.rollout.observe = Some(Span(Duration::from_secs(600)));
    let source = Some(Source::Artifact(tested.upload(bytes)));
    let update = Update { source, version: Some(V2), config: None, detached: true, ..update };
    tested.update(update).await.unwrap();
    let has_share = async || {
        let status = tested.status("counter").await;
        status.revisions.iter().any(|line| line.weight == share)
    };
    until("the candidate has its share", has_share).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_has_a_state_of_its_own_which_a_restart_keeps_and_a_removal_ends() {
    let tested = deployed(8).await;
    let long = "x".repeat(4096);
    let hostile =
        ["ada", "Ada", "..", "../counter", "a/b", "größe", "%2e", " ", "\u{0}", "'", &long];
    for (number, user) in hostile.iter().enumerate() {
        let added = say(&tested, user, &format!("add {}", number + 1)).await.unwrap();
        assert_eq!(added.count, number as u64 + 1, "{user}");
    }
    let tested = tested.restarted().await;
    for (number, user) in hostile.iter().enumerate() {
        assert_eq!(say(&tested, user, "get").await.unwrap().count, number as u64 + 1, "{user}");
    }
    tested.ask::<Removed>(Command::Remove(named("counter"))).await.unwrap();
    assert_eq!(tested.node.store().records().keys("state/").unwrap(), []);
    tested.deploy(tested.deployment("counter", &counter("counter", 8), V1)).await.unwrap();
    assert_eq!(say(&tested, "ada", "get").await.unwrap().count, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_says_its_key_and_does_not_choose_its_revision() {
    let tested = deployed(8).await;
    let refused = async |invoke: Invoke| tested.act(Command::Invoke(invoke)).await.unwrap_err();
    for user in [None, Some("")] {
        let failure = refused(said(user, "")).await;
        assert_eq!(failure.code, Code::Usage);
        assert!(failure.message.contains("header:x-user"), "{failure}");
        assert!(failure.help.as_deref().unwrap_or_default().contains("`x-user`"), "{failure:?}");
    }
    let failure = refused(said(Some(&"x".repeat(4097)), "")).await;
    assert_eq!(failure.code, Code::Usage);
    assert!(failure.message.contains("4097 bytes"), "{failure}");
    let mut naming = said(Some("ada"), "");
    naming.metadata.insert("x-airssys-route".to_owned(), "revision=1".to_owned());
    assert_eq!(refused(naming).await.code, Code::Denied);
    assert_eq!(tested.node.store().records().keys("state/").unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calls_of_one_key_are_one_at_a_time_and_none_is_lost() {
    let tested = deployed(8).await;
    let calls = (0..200).map(|call| {
        let user = if call % 2 == 0 { "ada" } else { "bob" };
        say(&tested, user, "add 1")
    });
    let mut counts: Vec<u64> = Vec::new();
    for answer in join_all(calls).await {
        counts.push(answer.unwrap().count);
    }
    for user in [0, 1] {
        let mut own: Vec<_> = counts.iter().skip(user).step_by(2).copied().collect();
        own.sort_unstable();
        assert_eq!(own, (1..=100).collect::<Vec<_>>(), "two calls saw the same state");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_keys_share_four_instances() {
    let tested = deployed(4).await;
    let users = users(2_000);
    let most = async {
        let mut most = 0;
        loop {
            let traffic: Traffic = tested.ask(Command::Monitor(named("counter"))).await.unwrap();
            most = most.max(traffic.revisions[0].instances);
            assert!(most <= 4, "{most} instances");
            tokio::task::yield_now().await;
        }
    };
    let calls = async {
        let first = each(&tested, &users, "add 2").await;
        assert!(first.values().all(|it| it.count == 2));
        let second = each(&tested, &users, "add 1").await;
        assert!(second.values().all(|it| it.count == 3));
    };
    tokio::select! {
        () = calls => {}
        () = most => {}
    }
    let tested = tested.restarted().await;
    let kept = each(&tested, &users[..200], "get").await;
    assert!(kept.values().all(|it| it.count == 3));
}

/// Calls for each user without a pause, until it is told to stop; and what each of them was answered.
async fn load(
    tested: &Tested,
    users: &[String],
    over: &AtomicBool,
) -> BTreeMap<String, Vec<Count>> {
    let one = |user: &String| {
        let user = user.clone();
        async move {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let answer = say(tested, &user, "add 1").await;
                seen.push(answer.unwrap_or_else(|error| panic!("{user}: {error}")));
            }
            (user, seen)
        }
    };
    join_all(users.iter().map(one)).await.into_iter().collect()
}

/// Each call of a key counted one on, on a revision that only ever changed once, and in this direction.
fn assert_in_order(user: &str, seen: &[Count], first: u64) {
    for (at, answer) in seen.iter().enumerate() {
        assert_eq!(answer.count, first + at as u64 + 1, "{user}: {seen:?}");
    }
    assert!(seen.is_sorted_by_key(|it| it.revision), "{user} went back: {seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_takes_its_share_of_the_keys_and_a_promotion_all_with_every_count() {
    let tested = deployed(8).await;
    let users = users(60);
    each(&tested, &users, "add 10").await;
    let over = AtomicBool::new(false);
    let rolling = async {
        canary(&tested, &counter("counter-v2", 8), 30.0).await;
        let before = each(&tested, &users, "get").await;
        let again = each(&tested, &users, "get").await;
        let moved = before.values().filter(|it| it.revision == 2).count();
        // 18 but for the draw, which is past these less than once in a hundred million times.
        assert!((1..=45).contains(&moved), "{moved} of {} keys", users.len());
        for (user, was) in &before {
            assert_eq!(was.revision, again[user].revision, "{user} changed its revision");
        }
        let report: RolloutReport = tested.ask(Command::Promote(named("counter"))).await.unwrap();
        assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
        over.store(true, Ordering::Relaxed);
    };
    let (seen, ()) = tokio::join!(load(&tested, &users, &over), rolling);
    let end = each(&tested, &users, "get").await;
    for (user, seen) in &seen {
        assert_in_order(user, seen, 10);
        let end = end[user];
        assert_eq!((end.count, end.revision), (10 + seen.len() as u64, 2), "{user}");
    }
}

/// The same code under another version reads what the other one saved, so that no write is lost either way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_moves_exactly_the_candidates_keys_back_with_every_count_that_can_be_read() {
    let tested = deployed(8).await;
    let users = users(60);
    each(&tested, &users, "add 10").await;
    canary(&tested, &common::relabelled(counter("counter", 8), 2), 30.0).await;
    let tried = each(&tested, &users, "add 1").await;
    assert!(tried.values().any(|it| it.revision == 2) && tried.values().all(|it| it.count == 11));
    tested.ask::<RolloutReport>(Command::Abort(named("counter"))).await.unwrap();
    let back = each(&tested, &users, "add 1").await;
    assert!(back.values().all(|it| *it == Count { count: 12, revision: 1 }), "{back:?}");
    let tested = tested.restarted().await;
    assert!(each(&tested, &users, "get").await.values().all(|it| it.count == 12));
}

/// The old version cannot read the candidate's state: its keys go on from what it saved last itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_abort_a_state_that_cannot_be_read_gives_way_to_the_one_before() {
    let tested = deployed(8).await;
    let users = users(60);
    each(&tested, &users, "add 10").await;
    canary(&tested, &counter("counter-v2", 8), 30.0).await;
    let tried = each(&tested, &users, "add 5").await;
    assert!(tried.values().all(|it| it.count == 15), "the state was migrated");
    tested.ask::<RolloutReport>(Command::Abort(named("counter"))).await.unwrap();
    let back = each(&tested, &users, "get").await;
    for (user, back) in &back {
        let expected = if tried[user].revision == 2 { 10 } else { 15 };
        assert_eq!(*back, Count { count: expected, revision: 1 }, "{user}");
    }
    let further = each(&tested, &users, "add 1").await;
    let tested = tested.restarted().await;
    assert_eq!(each(&tested, &users, "get").await, further);
    // A second try begins with what the keys have now.
    canary(&tested, &counter("counter-v2", 8), 30.0).await;
    let again = each(&tested, &users, "get").await;
    assert!(again.iter().all(|(user, it)| it.count == further[user].count), "{again:?}");
}

/// An actor without a key has one state, and it is not thrown away to run older code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_to_a_warm_revision_that_cannot_read_the_state_is_refused_and_changes_nothing() {
    let tables = "[instances]\nmodel = \"actor\"\n";
    let [first, second] =
        ["counter", "counter-v2"].map(|it| with_manifest(guest(it), "counter", tables));
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("counter", &first, V1)).await.unwrap();
    say(&tested, "ada", "add 10").await.unwrap();
    let source = Some(Source::Artifact(tested.upload(&second)));
    let update = greet("counter", "", StrategyName::BlueGreen);
    tested.update(Update { source, version: Some(V2), config: None, ..update }).await.unwrap();

    // Within the hold the old one is warm, and would get its calls without a start.
    assert_eq!(say(&tested, "ada", "add 5").await.unwrap(), Count { count: 15, revision: 2 });

    let refused =
        tested.ask::<RolloutReport>(back("counter", RollbackTo::Former)).await.unwrap_err();
    assert_eq!(refused.code, Code::Invalid, "{refused}");
    assert!(refused.message.contains("state"), "{refused}");
    assert_eq!(say(&tested, "ada", "add 1").await.unwrap(), Count { count: 16, revision: 2 });
}

/// Many callers of one actor: some wait for its turn at every moment, also at that of the switch.
async fn an_update_fails_no_call(tables: &str) {
    let tested = Tested::new().await;
    let first = with_manifest(guest("counter"), "counter", tables);
    tested.deploy(tested.deployment("counter", &first, V1)).await.unwrap();
    let tested = Arc::new(tested);
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (tested, over) = (Arc::clone(&tested), Arc::clone(&over));
            tokio::spawn(async move { load(&tested, &["ada".to_owned()], &over).await })
        })
        .collect();
    let second = with_manifest(guest("counter-v2"), "counter", tables);
    let source = Some(Source::Artifact(tested.upload(&second)));
    let update = greet("counter", "", StrategyName::BlueGreen);
    let report = tested.update(Update { source, version: Some(V2), config: None, ..update }).await;
    let report = report.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
    over.store(true, Ordering::Relaxed);
    let mut counts = Vec::new();
    for caller in callers {
        counts.extend(caller.await.unwrap().remove("ada").unwrap().into_iter().map(|it| it.count));
    }
    counts.sort_unstable();
    let total = counts.len() as u64;
    assert_eq!(counts, (1..=total).collect::<Vec<_>>(), "a call was lost, or counted twice");
    assert_eq!(say(&tested, "ada", "get").await.unwrap().count, total);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_an_actor_under_load_fails_no_call_though_its_state_has_another_shape() {
    an_update_fails_no_call("[instances]\nmodel = \"actor\"\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_a_key_under_load_fails_no_call_though_its_state_has_another_shape() {
    an_update_fails_no_call("[instances]\nmodel = \"actor\"\nkey = \"header:x-user\"\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_that_would_give_a_key_two_states_is_refused() {
    let tested = deployed(8).await;
    let update = |rollout: &str| {
        let mut update = greet("counter", "", StrategyName::Canary);
        let settings = airssys_wasm_model::RolloutSettings::parse(rollout).unwrap();
        update.rollout = Default::default();
        update.rollout.settings = Some(Box::new(settings));
        Update { config: None, plan_only: true, ..update }
    };
    for refused in [
        "strategy = \"canary\"\nsteps = [{ match = [\"path=/a\"] }, { observe = \"1s\" }]",
        "strategy = \"shadow\"",
    ] {
        let failure = tested.act(Command::Update(update(refused))).await.unwrap_err();
        assert_eq!(failure.code, Code::Usage, "{refused}: {failure}");
    }
    let rule = "strategy = \"canary\"\nsteps = [{ match = [\"header:x-user=ada\"] }, { observe = \"1s\" }]";
    tested.act(Command::Update(update(rule))).await.unwrap();
    let other = with_manifest(guest("counter"), "counter", "[instances]\nmodel = \"actor\"\n");
    let source = Some(Source::Artifact(tested.upload(&other)));
    let unkeyed = Update { source, version: Some(V2), ..update("strategy = \"blue-green\"") };
    assert_eq!(tested.act(Command::Update(unkeyed)).await.unwrap_err().code, Code::Conflict);
    let stateless = with_manifest(
        guest("echo-handler"),
        "echo",
        "[instances]\nmodel = \"actor\"\nkey = \"key\"\n",
    );
    let stateless = tested.deployment("echo", &stateless, Version::new(1, 0, 0));
    assert_eq!(tested.deploy(stateless).await.unwrap_err().code, Code::Invalid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_has_its_key_in_a_header() {
    let dir = tempfile::tempdir().unwrap();
    let server = common::server(dir.path()).await;
    let node = server.node();
    let artifact = node.store().blobs().put(&counter("counter", 8)).unwrap();
    let deploy = airssys_wasm_api::command::Deploy {
        grant_asked: true,
        ..airssys_wasm_api::command::Deploy::of(Source::Artifact(artifact))
    };
    node.act(Command::Deploy(deploy), By::unwatched("tester", "a-request")).await.unwrap();
    let client = reqwest::Client::new();
    let post = |user: Option<&str>| {
        let request = client.post(format!("{}/counter/", server.http()));
        user.into_iter().fold(request, |request, user| request.header("x-user", user)).send()
    };
    for (user, count) in [("ada", "1"), ("ada", "2"), ("bob", "1")] {
        let answer = post(Some(user)).await.unwrap();
        assert_eq!(answer.headers()["x-airssys-revision"], "1");
        assert_eq!(answer.text().await.unwrap(), count, "{user}");
    }
    let refused = post(None).await.unwrap();
    assert_eq!(refused.status(), reqwest::StatusCode::BAD_REQUEST);
    let problem = refused.text().await.unwrap();
    assert!(problem.contains("x-user"), "{problem}");
    server.stop().await;
}
