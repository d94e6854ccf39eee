//! The audit trail as an operator meets it: shown, exported, verified, and what happens where it can't be written.

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use common::trail::{trail, verify};
use common::{Node, guest, with_manifest, write};
use serde_json::Value;

const HELLO: &str = "[component]\nname = \"hello\"\nversion = \"1.0.0\"\n[capabilities]\n\
    http = [{ host = \"127.0.0.1:9\", reason = \"tests\" }]\n\
    env = [{ name = \"TZ\", reason = \"tests\" }]\n";

/// A node with a guest that may send to a port of this machine where nobody listens, and to nowhere else.
fn deploy_hello(node: &Node) {
    let hello = with_manifest(node, "http-hello", "hello.wasm", HELLO);
    node.json(&["deploy", &hello, "--grant", "http:127.0.0.1:9", "--grant", "env:TZ=UTC"]);
}

/// The answer's status and the name of the call.
async fn get(node: &Node, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("{}/hello{path}", node.http)).await.unwrap();
    let call = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), call)
}

fn segment(dir: &Path) -> PathBuf {
    let files = std::fs::read_dir(dir.join("audit")).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "jsonl")).collect();
    segments.sort();
    segments.remove(0)
}

#[tokio::test]
async fn a_guests_requests_and_variables_are_in_the_trail_with_the_callers_own_request_id() {
    let node = Node::start();
    deploy_hello(&node);
    let (_, sent) = get(&node, "/outbound?url=http://127.0.0.1:9/prices?key=hidden").await;
    let (status, denied) = get(&node, "/outbound?url=http://user:hidden@elsewhere.example/x").await;
    assert_eq!(status, 403);
    let (status, read) = get(&node, "/env?name=TZ").await;
    assert_eq!(status, 200);
    let entries = trail(&node, &["--service", "hello"]);
    let of =
        |call: &str| entries.iter().find(|entry| entry["call"] == call).expect("it is recorded");
    let (sent, denied, read) = (of(&sent), of(&denied), of(&read));
    assert_eq!((&sent["kind"], &sent["target"]), (&"http".into(), &"127.0.0.1:9/prices".into()));
    assert_eq!((&sent["decision"], &sent["detail"]), (&"allowed".into(), &"GET".into()));
    assert_eq!(denied["decision"], "denied");
    assert_eq!(denied["target"], "elsewhere.example/x");
    assert_eq!(denied["principal"], "127.0.0.1");
    assert_eq!((&read["kind"], &read["target"]), (&"env".into(), &"TZ".into()));
    assert!(entries.iter().all(|entry| !entry.to_string().contains("hidden")), "{entries:?}");
    // The manifest does not ask for it, so a grant alone would not help.
    let help = "ask for it in the manifest, then grant `http:elsewhere.example`";
    assert!(denied["detail"].as_str().unwrap().ends_with(help), "{denied}");
    assert!(node.run(&["logs", "hello"]).out.contains(help));
    let suggested = node.json(&["grants", "suggest", "hello"]);
    assert_eq!(suggested["unasked"], serde_json::json!(["http:elsewhere.example/x:GET"]));
    assert_eq!(suggested["denied"], serde_json::json!([]));
    let text = node.run(&["grants", "suggest", "hello"]).out;
    assert!(
        text.contains("the manifest has to ask") && !text.contains("--grant http:else"),
        "{text}"
    );

    let denials = trail(&node, &["--decision", "denied", "--kind", "http", "--since", "1h"]);
    assert_eq!(denials, std::slice::from_ref(denied));
    assert_eq!(trail(&node, &["--until", "1h"]).len(), 0);
    // What is exported is the trail itself, byte for byte.
    let exported = node.run(&["audit", "--export"]).out;
    let lines = std::fs::read_to_string(segment(node.dir.path())).unwrap();
    let entries = exported.lines().filter(|line| lines.lines().any(|kept| kept == *line)).count();
    assert!(entries > 3 && entries == exported.lines().count(), "{exported}");
}

#[tokio::test]
async fn who_is_not_let_in_at_the_control_port_is_recorded() {
    let node = Node::start();
    let file = std::fs::read_to_string(node.dir.path().join("node.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    let url = format!("{}/v1/services", file["control"].as_str().unwrap());
    let client = reqwest::Client::new();
    assert_eq!(client.get(&url).bearer_auth("0".repeat(64)).send().await.unwrap().status(), 401);
    let entries = trail(&node, &["--kind", "control"]);
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(entry["decision"], "denied");
    assert!(entry["detail"].as_str().unwrap().contains("GET /v1/services"), "{entry}");
}

#[tokio::test]
async fn uploads_are_recorded_and_so_is_who_may_not_bring_or_read_numbers() {
    let node = Node::start();
    deploy_hello(&node);
    let uploads = trail(&node, &["--kind", "upload"]);
    let [upload] = &uploads[..] else { panic!("{uploads:?}") };
    assert!(upload["target"].as_str().unwrap().starts_with("sha256:"), "{upload}");
    assert_eq!((&upload["principal"], &upload["decision"]), (&"local".into(), &"allowed".into()));
    let rules = node.json(&["policy", "show"])["policy"].as_str().unwrap().to_owned()
        + "@id(\"strangers\") forbid (principal in Role::\"stranger\", action, resource);";
    node.json(&["policy", "set", &write(&node, "node.cedar", rules.as_bytes())]);
    let made = node.json(&["token", "create", "stranger", "--role", "stranger"]);
    let token = made["token"].as_str().unwrap();
    let file = std::fs::read_to_string(node.dir.path().join("node.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    let control = file["control"].as_str().unwrap();
    let client = reqwest::Client::new();
    for _ in 0..3 {
        let asked = client.get(format!("{control}/metrics")).bearer_auth(token);
        assert_eq!(asked.send().await.unwrap().status(), 403);
    }
    let brought = client.post(format!("{control}/v1/artifacts")).bearer_auth(token).body("x");
    assert_eq!(brought.send().await.unwrap().status(), 403);
    let refused = trail(&node, &["--kind", "control", "--decision", "denied"]);
    let targets: Vec<_> = refused.iter().map(|entry| entry["target"].as_str().unwrap()).collect();
    assert_eq!(targets, ["metrics", "upload"]);
    assert!(refused.iter().all(|entry| entry["principal"] == "stranger"), "{refused:?}");
}

#[test]
fn a_kind_that_no_entry_has_is_refused_with_those_that_there_are() {
    let node = Node::start();
    for words in [&["audit", "--kind", "nonsense"][..], &["audit", "--kind", "invoke", "--follow"]]
    {
        let refused = node.refused(2, words);
        let help = refused["help"].as_str().unwrap();
        let known = ["deploy", "add-grants", "keyvalue", "call", "control", "upload", "audit"];
        assert!(known.iter().all(|kind| help.contains(kind)), "{refused}");
        for kind in help.trim_start_matches("a kind is one of ").split(", ") {
            assert_eq!(node.run(&["audit", "--kind", kind]).code, Some(0), "{kind}");
        }
    }
}

#[test]
fn who_follows_the_trail_goes_on_after_a_restart_of_the_node_and_misses_nothing() {
    let node = Node::start();
    let mut follower = node.spawn(&["audit", "--follow", "--output", "json"]);
    let lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    node.refused(3, &["remove", "before"]);
    // When what was asked for and what came of it are shown, it follows: the next is on the other node.
    let shown = lines.by_ref().filter(|entry| entry["target"] == "before").nth(1).unwrap();
    let node = Node::start_on(node.kill());
    node.refused(3, &["remove", "after"]);
    let mut last = shown["seq"].as_u64().unwrap();
    loop {
        let entry = lines.next().unwrap();
        last += 1;
        assert_eq!(entry["seq"], last, "{entry}");
        if entry["target"] == "after" {
            break;
        }
    }
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[tokio::test]
async fn a_killed_nodes_trail_is_whole_and_an_edit_is_found_stops_commands_and_no_calls() {
    let node = Node::start();
    deploy_hello(&node);
    get(&node, "/outbound?url=http://elsewhere.example/x").await;
    let entries = trail(&node, &[]);
    let last = entries.last().unwrap();
    let witness = format!("{}:{}", last["seq"], last["hash"].as_str().unwrap());
    let dir = node.kill();
    let (code, report) = verify(dir.path(), &["--witness", &witness]);
    assert_eq!((code, &report["intact"]), (Some(0), &true.into()), "{report}");
    assert!(report["last_seq"].as_u64() >= last["seq"].as_u64());

    let node = Node::start_on(dir);
    let (code, report) = verify(node.dir.path(), &["--witness", &witness]);
    assert_eq!((code, &report["intact"]), (Some(0), &true.into()), "{report}");
    let dir = node.kill();
    let file = segment(dir.path());
    let edited = std::fs::read_to_string(&file).unwrap().replacen(
        "elsewhere",
        "elsewhere".to_uppercase().as_str(),
        1,
    );
    let line = edited.lines().position(|line| line.contains("ELSEWHERE")).unwrap() + 1;
    std::fs::write(&file, edited).unwrap();
    let found = |dir: &Path| {
        let (code, report) = verify(dir, &[]);
        assert_eq!((code, &report["intact"]), (Some(1), &false.into()), "{report}");
        assert_eq!(report["finding"]["line"], line, "{report}");
        let wrong = report["finding"]["wrong"].as_str().unwrap();
        assert!(wrong.contains("segment 1, line") && wrong.contains("edited"), "{wrong}");
    };
    found(dir.path());

    let node = Node::start_on(dir);
    assert_eq!(get(&node, "/").await.0, 200);
    let refused = node.refused(1, &["remove", "hello"]);
    assert!(refused["message"].as_str().unwrap().contains("damaged"), "{refused}");
    assert_eq!(node.json(&["list"]).as_array().unwrap().len(), 1);
    assert_eq!(node.json(&["audit", "--status"])["writable"], false);
    found(node.dir.path());
}

#[tokio::test]
async fn a_full_disk_stops_commands_and_calls_that_must_be_recorded_and_no_others() {
    let required = ["--audit-required", "watched"];
    let node = Node::start_with_files_of_and(4 << 10, &required);
    deploy_hello(&node);
    let watched = write(&node, "watched.wasm", &guest("functions"));
    node.json(&["deploy", &watched, "--name", "watched", "--version", "1.0.0"]);
    let add = ["invoke", "watched", "add", "40", "2"];
    assert_eq!(node.run(&add).out, "42\n");
    assert_eq!(trail(&node, &["--kind", "call", "--service", "watched"]).len(), 1);

    // Each request that may leave is recorded; they fill the trail's file until it may not grow any more.
    let path = "x".repeat(1_100);
    let url = format!("{}/hello/outbound?url=http://127.0.0.1:9/{path}", node.http);
    let client = reqwest::Client::new();
    let full = async || node.json(&["audit", "--status"])["writable"] == false;
    for _ in 0..100 {
        let calls = (0..8).map(|_| async {
            for _ in 0..50 {
                client.get(&url).send().await.unwrap();
            }
        });
        futures_all(calls).await;
        if full().await {
            break;
        }
    }
    assert!(full().await, "the trail's file was never full");
    // What is left is less than the batch of notes that did not fit, and for commands.
    let scale = ["scale", "hello", "--max", "3"];
    assert!((0..5_000).any(|_| node.run(&scale).code == Some(9)), "no command was refused");
    let refused = node.refused(9, &scale);
    assert!(refused["message"].as_str().unwrap().contains("nothing was changed"), "{refused}");
    let refused = node.refused(1, &add);
    assert!(refused["message"].as_str().unwrap().contains("recorded"), "{refused}");
    assert_eq!(get(&node, "/").await.0, 200);
    node.json(&["status", "hello"]);
    let control = node.dir.path().join("node.json");
    let control: Value = serde_json::from_str(&std::fs::read_to_string(control).unwrap()).unwrap();
    let ready = client.get(format!("{}/readyz", control["control"].as_str().unwrap()));
    assert!(ready.send().await.unwrap().text().await.unwrap().contains("refused"));

    let node = Node::start_on(node.kill());
    node.json(&scale);
    let (code, report) = verify(node.dir.path(), &[]);
    assert_eq!((code, &report["intact"]), (Some(0), &true.into()), "{report}");
}

#[test]
fn calls_that_the_policy_wants_recorded_are_and_stop_where_that_is_not_possible() {
    let node = Node::start();
    let file = write(&node, "functions.wasm", &guest("functions"));
    for name in ["watched", "free"] {
        node.json(&["deploy", &file, "--name", name, "--version", "1.0.0"]);
    }
    let add = |node: &Node, name: &str| node.run(&["invoke", name, "add", "40", "2"]);
    let recorded =
        |node: &Node, name: &str| trail(node, &["--kind", "call", "--service", name]).len();
    let calls = |node: &Node| {
        for name in ["watched", "free"] {
            let called = add(node, name);
            assert_eq!(called.out, "42\n", "{name}: {called:?}");
        }
        (recorded(node, "watched"), recorded(node, "free"))
    };
    assert_eq!(calls(&node), (0, 0));

    let rules = node.json(&["policy", "show"])["policy"].as_str().unwrap().to_owned()
        + "@id(\"watch\") @reason(\"each call is on record\")
           forbid (principal, action == Action::\"call-unrecorded\", resource)
           when { resource.name like \"watch*\" };";
    let rules = write(&node, "node.cedar", rules.as_bytes());
    node.json(&["policy", "set", &rules, "--dry-run"]);
    assert_eq!(calls(&node), (0, 0), "nothing is stopped or recorded by a policy that runs dry");
    node.json(&["policy", "set", &rules]);
    assert_eq!(calls(&node), (1, 0));
    let required = |node: &Node| node.json(&["audit", "--status"])["required"].clone();
    assert_eq!(required(&node), serde_json::json!(["watched"]));
    let explained = node.json(&["policy", "explain", "call-unrecorded", "watched"]);
    assert_eq!(explained["decision"], "denied");
    assert!(explained["explanation"].as_str().unwrap().contains("on record"), "{explained}");
    let explained = node.json(&["policy", "explain", "call-unrecorded", "free"]);
    assert_eq!(explained["decision"], "allowed");

    // One that is made afterwards goes by it, and so do all after a restart.
    node.json(&["deploy", &file, "--name", "watcher", "--version", "1.0.0"]);
    assert_eq!(add(&node, "watcher").out, "42\n");
    assert_eq!(recorded(&node, "watcher"), 1);
    let node = Node::start_on(node.kill());
    assert_eq!(calls(&node), (2, 0));

    // A trail that cannot be written stops them, and no others.
    let dir = node.kill();
    let file = segment(dir.path());
    let edited = std::fs::read_to_string(&file).unwrap().replacen("watched", "WATCHED", 1);
    std::fs::write(&file, edited).unwrap();
    let node = Node::start_on(dir);
    let refused = node.refused(1, &["invoke", "watched", "add", "40", "2"]);
    assert!(refused["message"].as_str().unwrap().contains("recorded"), "{refused}");
    assert_eq!(add(&node, "free").out, "42\n");
}

/// Runs them all at once.
async fn futures_all(all: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
