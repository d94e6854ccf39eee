//! What guests keep in blob containers: whose it is, how long, and how much.

mod common;

use airssys_wasm_api::Command;
use airssys_wasm_api::Payload;
use airssys_wasm_api::command::{Invoke, Source, Update};
use airssys_wasm_api::reply::Invoked;
use airssys_wasm_model::StrategyName;
use airssys_wasm_store::{MAX_OPEN_WRITES, Quota};
use common::{Tested, V1, V2, greet, guest, name, named, relabelled, until};

/// Runs commands in one call, written with spaces for tabs; an answer for each.
async fn run(tested: &Tested, service: &str, lines: &[&str]) -> Vec<String> {
    let script = lines.join("\n").replace(' ', "\t");
    let invoke = Invoke {
        service: name(service),
        function: Some("run".to_owned()),
        args: vec![serde_json::Value::String(script).to_string()],
        input: Payload::default(),
        content_type: None,
        metadata: Default::default(),
    };
    let invoked: Invoked = tested.ask(Command::Invoke(invoke)).await.unwrap();
    let answers: String = serde_json::from_slice(&invoked.output.0).unwrap();
    answers.split('\n').map(ToOwned::to_owned).collect()
}

async fn deploy(tested: &Tested, service: &str, grants: &[&str]) {
    let mut deploy = tested.deployment(service, &guest("blobstore"), V1);
    deploy.grants.0 = grants.iter().map(|grant| grant.parse().unwrap()).collect();
    tested.deploy(deploy).await.unwrap();
}

const ALL: &[&str] = &["blobstore:*:read,write"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_was_finished_is_there_after_a_restart_and_goes_with_the_service() {
    let tested = Tested::new().await;
    deploy(&tested, "a", ALL).await;
    let written = ["create images", "put images a one", "fill images b 3000000"];
    let said = run(&tested, "a", &written).await;
    assert_eq!(said[..2], ["ok", "ok"]);
    // One that was not is nowhere.
    run(&tested, "a", &["open images", "begin images c half"]).await;

    let tested = tested.restarted().await;
    let read = ["open images", "read images a", "sum images b", "list images"];
    assert_eq!(run(&tested, "a", &read).await, ["ok", "one", &said[2], "[a b] true"]);
    tested.act(Command::Remove(named("a"))).await.unwrap();
    until("a is removed", async || {
        tested.node.store().blobstore().unwrap().services().unwrap().is_empty()
    })
    .await;
    deploy(&tested, "a", ALL).await;
    assert_eq!(run(&tested, "a", &["exists images"]).await, ["false"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_never_see_each_others_container() {
    let tested = Tested::new().await;
    deploy(&tested, "a", ALL).await;
    deploy(&tested, "a-b", ALL).await;
    run(&tested, "a", &["create s", "put s k mine"]).await;
    let none = "there is no container `s`";
    let theirs = ["exists s", "open s", "copy s k t k", "create s", "list s", "put s k theirs"];
    let said = run(&tested, "a-b", &theirs).await;
    assert_eq!(said, ["false", none, none, "ok", "[] true", "ok"]);
    assert_eq!(run(&tested, "a", &["open s", "read s k"]).await, ["ok", "mine"]);
    // Not by a name either that would lead there if names were joined to paths.
    let said = run(&tested, "a-b", &["exists ../a/s", "exists b/s", "read s ../../a/s/k"]).await;
    assert_eq!(said[..2], ["false", "false"]);
    run(&tested, "a-b", &["remove s"]).await;
    assert_eq!(run(&tested, "a", &["open s", "read s k"]).await, ["ok", "mine"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_of_objects_is_named_and_what_was_there_stays() {
    let tested = Tested::new().await;
    deploy(&tested, "a", ALL).await;
    let long = format!("put s {} x", "k".repeat(1025));
    let said = run(&tested, "a", &["create s", "put s k v", &long]).await;
    assert_eq!(said[2], "the quota of 1024 bytes of a name does not allow 1025");
    // What other calls of the service keep counts: here by the store's own door.
    let store = tested.node.store().blobstore().unwrap();
    let nearly = Quota { value_bytes: Quota::OBJECTS.bytes, ..Quota::OBJECTS };
    let container = store.containers("a", nearly).get("s").unwrap();
    let open: Vec<_> = (0..MAX_OPEN_WRITES).map(|_| container.write("w").unwrap()).collect();
    let said = run(&tested, "a", &["open s", "put s k w", "read s k"]).await;
    let full =
        format!("there are {MAX_OPEN_WRITES} objects being written already, and that is the bound");
    assert_eq!(said[1..], [&*full, "v"]);
    drop(open);
    assert_eq!(run(&tested, "a", &["open s", "put s k w", "read s k"]).await[1..], ["ok", "w"]);
    let mut many = vec!["open s".to_owned()];
    many.extend((1..100).map(|at| format!("create c{at}")));
    many.push("create one-more".to_owned());
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let said = run(&tested, "a", &many).await;
    assert_eq!(said[99..], ["ok", "there are 100 containers already, and that is the bound"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_are_the_services_and_not_a_revisions() {
    let tested = Tested::new().await;
    deploy(&tested, "a", ALL).await;
    run(&tested, "a", &["create s", "put s k v"]).await;
    let source = Some(Source::Artifact(tested.upload(&relabelled(guest("blobstore"), 2))));
    let update = greet("a", "", StrategyName::BlueGreen);
    let update = Update { source, version: Some(V2), config: None, ..update };
    tested.update(update).await.unwrap();
    assert_eq!(run(&tested, "a", &["open s", "read s k"]).await, ["ok", "v"]);
}
