//! What bounds a service with an actor for each key: how many calls wait for their turn, and how many keys there are.

mod common;

use airssys_wasm_api::command::{Deploy, Logs, RollbackTo, Source, Update};
use airssys_wasm_api::reply::{LogLines, Outcome, Removed, RolloutReport, Traffic};
use airssys_wasm_api::{By, Code, Command, Failure};
use airssys_wasm_model::StrategyName;
use common::counting::{Count, limited, say};
use common::{Tested, V1, V2, back, greet, name, named, within};
use futures::future::join_all;

/// A counter for each user with this limit.
async fn deployed(limit: &str) -> Tested {
    let tested = Tested::new().await;
    let counter = limited("counter", limit);
    tested.deploy(tested.deployment("counter", &counter, V1)).await.unwrap();
    tested
}

/// What `/metrics` says of a limit of the counter.
fn metric(tested: &Tested, revision: u32, what: &str, limit: &str) -> String {
    let of = format!("service=\"counter\",revision=\"{revision}\",version=\"{revision}.0.0\"");
    let begin = format!("airssys_limit_{what}{{{of},limit=\"{limit}\"}} ");
    let metrics = tested.node.metrics();
    let found = metrics.lines().find_map(|line| line.strip_prefix(&begin));
    found.unwrap_or_else(|| panic!("no {begin}: {metrics}")).to_owned()
}

async fn log(tested: &Tested) -> String {
    let logs = Logs { service: name("counter"), after: None, tail: None, wait_ms: None };
    let logs: LogLines = tested.ask(Command::Logs(logs)).await.unwrap();
    logs.lines.iter().map(|line| format!("{}\n", line.text)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_a_full_mailbox_turns_away_is_counted_and_named_as_a_full_queues_is() {
    // Nobody may wait, so of calls at the same time one is served.
    let tested = deployed("queue = 0").await;
    say(&tested, "ada", "add 1").await.unwrap();
    assert_eq!(metric(&tested, 1, "hits_total", "queue"), "0");
    assert_eq!(metric(&tested, 1, "used", "queue"), "0");
    let calling = async {
        let mut refused = 0;
        while refused == 0 {
            let calls = join_all((0..8).map(|_| say(&tested, "ada", "add 1"))).await;
            for failure in calls.into_iter().filter_map(Result::err) {
                assert_eq!(failure.code, Code::Saturated, "{failure}");
                refused += 1;
            }
        }
        refused
    };
    let refused = within("a call that is turned away", calling).await;
    assert_eq!(metric(&tested, 1, "hits_total", "queue"), refused.to_string());
    let log = log(&tested).await;
    assert!(log.contains("a call was turned away at the limit `queue` of 0"), "{log}");
}

async fn counts(tested: &Tested, user: &str) -> u64 {
    say(tested, user, "add 1").await.unwrap().count
}

async fn refused(tested: &Tested, user: &str) -> Failure {
    let failure = say(tested, user, "add 1").await.unwrap_err();
    assert_eq!(failure.code, Code::Saturated, "{failure}");
    assert!(
        failure.message.contains("a new key") && failure.message.contains("actors"),
        "{failure}"
    );
    failure
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_past_the_limit_is_refused_before_it_runs_and_those_there_are_go_on() {
    let tested = deployed("actors = 3").await;
    for user in ["ada", "bob", "eve", "ada"] {
        counts(&tested, user).await;
    }
    assert_eq!(metric(&tested, 1, "hits_total", "actors"), "0");
    let failure = refused(&tested, "mallory").await;
    assert!(failure.help.unwrap().contains("raise `actors` under [limits]"));
    assert_eq!(counts(&tested, "ada").await, 3);
    assert_eq!(metric(&tested, 1, "used", "actors"), "3");
    assert_eq!(metric(&tested, 1, "hits_total", "actors"), "1");
    // Who makes up keys has no candidate taken back.
    let traffic: Traffic = tested.ask(Command::Monitor(named("counter"))).await.unwrap();
    assert_eq!((traffic.revisions[0].calls, traffic.revisions[0].errors), (6, 0));
    let log = log(&tested).await;
    assert!(log.contains("a call with a new key was refused at the limit `actors` of 3"), "{log}");
    assert_eq!(tested.node.store().records().count("state/counter/").unwrap(), 3);

    // The next node counts what there is.
    let tested = tested.restarted().await;
    assert_eq!(metric(&tested, 1, "used", "actors"), "3");
    refused(&tested, "mallory").await;
    assert_eq!(counts(&tested, "bob").await, 2);

    // What goes with a service makes room.
    tested.ask::<Removed>(Command::Remove(named("counter"))).await.unwrap();
    let counter = limited("counter", "actors = 1");
    tested.deploy(tested.deployment("counter", &counter, V2)).await.unwrap();
    assert_eq!(counts(&tested, "mallory").await, 1);
    refused(&tested, "ada").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_keys_at_the_same_time_are_no_more_than_the_limit() {
    let tested = deployed("actors = 5").await;
    let users: Vec<_> = (0..40).map(|number| format!("user-{number}")).collect();
    let answers = join_all(users.iter().map(|user| say(&tested, user, "add 1"))).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(taken, 5);
    assert_eq!(tested.node.store().records().count("state/counter/").unwrap(), 5);
    for (user, answer) in users.iter().zip(answers) {
        match answer {
            Ok(_) => assert_eq!(counts(&tested, user).await, 2),
            Err(_) => drop(refused(&tested, user).await),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revisions_share_the_keys_there_are_and_each_has_its_own_limit() {
    let tested = deployed("actors = 1").await;
    counts(&tested, "ada").await;
    refused(&tested, "bob").await;
    let update = async |bytes: &[u8], strategy| {
        let source = Some(Source::Artifact(tested.upload(bytes)));
        let update = greet("counter", "", strategy);
        tested.update(Update { source, version: Some(V2), config: None, ..update }).await.unwrap()
    };
    let more = limited("counter-v2", "actors = 2");
    let report = update(&more, StrategyName::BlueGreen).await;
    assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
    assert_eq!(metric(&tested, 2, "used", "actors"), "1");
    assert_eq!(counts(&tested, "bob").await, 1);
    refused(&tested, "eve").await;
    assert_eq!(say(&tested, "ada", "add 1").await.unwrap(), Count { count: 2, revision: 2 });
    // Back to where there may be fewer than there are: none of them is lost.
    let report: RolloutReport = tested.ask(back("counter", RollbackTo::Former)).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
    for user in ["ada", "bob"] {
        let answer = say(&tested, user, "get").await;
        assert!(!matches!(&answer, Err(failure) if failure.code == Code::Saturated), "{answer:?}");
    }
    refused(&tested, "eve").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_with_a_new_key_past_the_limit_is_told_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = common::server(dir.path()).await;
    let node = server.node();
    let artifact = node.store().blobs().put(&limited("counter", "actors = 1")).unwrap();
    let deploy = Deploy { grant_asked: true, ..Deploy::of(Source::Artifact(artifact)) };
    node.act(Command::Deploy(deploy), By::unwatched("tester", "a-request")).await.unwrap();
    let client = reqwest::Client::new();
    let post = async |user: &str| {
        let request = client.post(format!("{}/counter/", server.http())).header("x-user", user);
        request.body("add 1").send().await.unwrap()
    };
    assert_eq!(post("ada").await.status(), 200);
    let refused = post("bob").await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    let problem = refused.text().await.unwrap();
    assert!(problem.contains("\"saturated\"") && problem.contains("raise `actors`"), "{problem}");
    assert_eq!(post("ada").await.text().await.unwrap(), "2");
}
