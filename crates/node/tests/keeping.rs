//! What guests keep in the store, and the secrets that they use: whose it is, how long, and how much.

mod common;

use airssys_wasm_api::command::{
    Invoke, ListSecrets, NamedSecret, SecretInput, SetSecret, Source, Update,
};
use airssys_wasm_api::reply::{Invoked, SecretList, SecretSet};
use airssys_wasm_api::{Code, Command, Failure, Payload};
use airssys_wasm_model::StrategyName;
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
    let mut deploy = tested.deployment(service, &guest("keyvalue"), V1);
    deploy.grants.0 = grants.iter().map(|grant| grant.parse().unwrap()).collect();
    tested.deploy(deploy).await.unwrap();
}

const SESSIONS: &[&str] = &["keyvalue:sessions:read,write"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_there_after_a_restart_and_goes_with_the_service() {
    let tested = Tested::new().await;
    deploy(&tested, "a", SESSIONS).await;
    let written = ["open sessions", "set sessions ada 1", "increment sessions n 2"];
    assert_eq!(run(&tested, "a", &written).await, ["ok", "ok", "2"]);

    let tested = tested.restarted().await;
    let read = ["open sessions", "get sessions ada", "list sessions"];
    assert_eq!(run(&tested, "a", &read).await, ["ok", "1", "[ada n] None"]);
    tested.act(Command::Remove(named("a"))).await.unwrap();
    until("a is removed", async || {
        tested.node.store().key_value().unwrap().services().unwrap().is_empty()
    })
    .await;
    deploy(&tested, "a", SESSIONS).await;
    assert_eq!(run(&tested, "a", &read).await, ["ok", "none", "[] None"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_never_see_each_others_bucket() {
    let tested = Tested::new().await;
    deploy(&tested, "a", &["keyvalue:*:read,write"]).await;
    deploy(&tested, "a-b", &["keyvalue:*:read,write"]).await;
    let (mine, theirs) =
        (["open s", "set s k mine"], ["open s", "get s k", "list s", "set s k theirs"]);
    run(&tested, "a", &mine).await;
    assert_eq!(run(&tested, "a-b", &theirs).await, ["ok", "none", "[] None", "ok"]);
    assert_eq!(run(&tested, "a", &["open s", "get s k"]).await, ["ok", "mine"]);
    // Not by a name either that would lead there if names were joined to paths.
    let said = run(&tested, "a-b", &["open ../a/s", "get ../a/s k", "open b/s", "get b/s k"]).await;
    assert_eq!(said, ["ok", "none", "ok", "none"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_is_reached_is_named_and_what_was_there_stays() {
    let tested = Tested::new().await;
    deploy(&tested, "a", SESSIONS).await;
    let said = run(
        &tested,
        "a",
        &["open sessions", "set sessions k v", "fill sessions k 1048577", "get sessions k"],
    )
    .await;
    let refused = "other: the quota of 1048576 bytes of a value does not allow 1048577";
    assert_eq!(said, ["ok", "ok", refused, "v"]);
    let key = format!("set sessions {} v", "k".repeat(513));
    let said = run(&tested, "a", &["open sessions", &key]).await;
    assert_eq!(said[1], "other: the quota of 512 bytes of a name does not allow 513");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buckets_are_the_services_and_not_a_revisions() {
    let tested = Tested::new().await;
    deploy(&tested, "a", SESSIONS).await;
    run(&tested, "a", &["open sessions", "set sessions k v"]).await;
    let source = Some(Source::Artifact(tested.upload(&relabelled(guest("keyvalue"), 2))));
    let update = greet("a", "", StrategyName::BlueGreen);
    let update = Update { source, version: Some(V2), config: None, ..update };
    tested.update(update).await.unwrap();
    assert_eq!(run(&tested, "a", &["open sessions", "get sessions k"]).await, ["ok", "v"]);
}

async fn set(tested: &Tested, name: &str, value: &str) -> Result<SecretSet, Failure> {
    let value = SecretInput(Payload(value.to_owned().into()));
    tested.ask(Command::SetSecret(SetSecret { name: name.parse().unwrap(), value })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_used_at_once_after_a_restart_too_and_its_key_lies_apart() {
    let tested = Tested::new().await;
    let key = tested.dir.path().with_extension("secrets-key");
    deploy(&tested, "a", &["secrets:db:revealed"]).await;
    assert_eq!(run(&tested, "a", &["config secrets/db"]).await, ["none"]);
    assert!(!key.exists(), "nobody has set a secret yet");
    assert_eq!(set(&tested, "db", "correct-horse").await.unwrap().version, 1);
    assert!(key.exists());
    assert_eq!(run(&tested, "a", &["config secrets/db"]).await, ["correct-horse"]);
    assert_eq!(set(&tested, "db", "battery-staple").await.unwrap().version, 2);
    assert_eq!(run(&tested, "a", &["config secrets/db"]).await, ["battery-staple"]);

    let tested = tested.restarted().await;
    assert_eq!(run(&tested, "a", &["config secrets/db"]).await, ["battery-staple"]);
    let list: SecretList = tested.ask(Command::ListSecrets(ListSecrets {})).await.unwrap();
    assert_eq!((list.secrets.len(), list.secrets[0].version, list.secrets[0].kept), (1, 2, 2));
    let remove = || Command::RemoveSecret(NamedSecret { name: "db".parse().unwrap() });
    tested.act(remove()).await.unwrap();
    assert_eq!(tested.act(remove()).await.unwrap_err().code, Code::NotFound);
    assert_eq!(run(&tested, "a", &["config secrets/db"]).await, ["none"]);
    std::fs::remove_file(key).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_gone_is_named_and_services_run_without_the_secrets() {
    let tested = Tested::new().await;
    let key = tested.dir.path().with_extension("secrets-key");
    deploy(&tested, "a", &["secrets:db:revealed", "keyvalue:s:read,write"]).await;
    set(&tested, "db", "correct-horse").await.unwrap();
    let away = key.with_extension("away");
    std::fs::rename(&key, &away).unwrap();
    let tested = tested.restarted().await;
    let said = run(&tested, "a", &["config secrets/db", "open s"]).await;
    assert_eq!(said, ["Error::Upstream(\"the secret `db` cannot be read\")", "ok"]);
    let failure = set(&tested, "db", "battery-staple").await.unwrap_err();
    assert!(failure.message.contains("put the file back"), "{failure}");
    assert!(!key.exists(), "a new key would not open the old secrets");
    std::fs::rename(&away, &key).unwrap();
    assert_eq!(run(&tested, "a", &["config secrets/db"]).await, ["correct-horse"]);
    std::fs::remove_file(key).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_is_none_is_refused_without_being_repeated() {
    let tested = Tested::new().await;
    assert_eq!(set(&tested, "db", "").await.unwrap_err().code, Code::Usage);
    let large = "x".repeat((64 << 10) + 1);
    let failure = set(&tested, "db", &large).await.unwrap_err();
    assert!(failure.code == Code::TooLarge && !failure.message.contains("xxx"), "{failure}");
    let _ = std::fs::remove_file(tested.dir.path().with_extension("secrets-key"));
}
