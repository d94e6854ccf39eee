//! What bounds a service with an actor for each key: how many calls wait for their turn.

mod common;

use airssys_wasm_api::command::Logs;
use airssys_wasm_api::reply::LogLines;
use airssys_wasm_api::{Code, Command};
use common::counting::{limited, say};
use common::{Tested, V1, name};
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
    let mut refused = 0;
    while refused == 0 {
        let calls = join_all((0..8).map(|_| say(&tested, "ada", "add 1"))).await;
        for failure in calls.into_iter().filter_map(Result::err) {
            assert_eq!(failure.code, Code::Saturated, "{failure}");
            refused += 1;
        }
    }
    assert_eq!(metric(&tested, 1, "hits_total", "queue"), refused.to_string());
    let log = log(&tested).await;
    assert!(log.contains("a call was turned away at the limit `queue` of 0"), "{log}");
}
