//! A service's life through the command line: each answer as the contract has it.

mod common;

use common::{Node, guest, with_section, write};
use serde_json::{Value, json};

/// The functions guest as this version: other bytes that do the same.
fn version(node: &Node, number: &str) -> String {
    let bytes = with_section(guest("functions"), "version", number.as_bytes());
    write(node, &format!("shapes-{number}.wasm"), &bytes)
}

#[track_caller]
fn has(answer: &Value, fields: &[&str]) {
    for field in fields {
        assert!(answer.get(field).is_some(), "no `{field}` in {answer}");
    }
}

#[test]
fn a_service_is_deployed_called_updated_rolled_back_and_removed() {
    let node = Node::start();
    let (one, two) = (version(&node, "1"), version(&node, "2"));

    let planned = node.json(&["deploy", &one, "--name", "shapes", "--version", "1.0.0", "--plan"]);
    assert_eq!(planned["state"], "planned");
    assert_eq!(node.json(&["list"]), json!([]));

    let deployed = node.json(&["deploy", &one, "--name", "shapes", "--version", "v1.0.0"]);
    has(&deployed, &["service", "revision", "version", "digest", "state", "plan", "timings_ms"]);
    has(&deployed["timings_ms"], &["compile", "start", "total"]);
    assert_eq!((&deployed["revision"], &deployed["version"]), (&json!(1), &json!("1.0.0")));

    let called = node.run(&["invoke", "shapes", "add", "40", "2"]);
    assert_eq!((called.code, called.out.as_str()), (Some(0), "42\n"), "{called:?}");
    let called = node.json(&["invoke", "shapes", "greet", r#"{name: "Ann", age: 7, tags: []}"#]);
    has(&called, &["service", "revision", "version", "output"]);

    let pushed = node.json(&["push", &two, "--name", "shapes", "--version", "2.0.0"]);
    has(&pushed, &["name", "version", "digest"]);
    let versions = node.json(&["versions", "shapes"]);
    assert_eq!(versions.as_array().map(Vec::len), Some(2));

    let updated = ["update", "shapes@2.0.0", "--strategy", "blue-green", "--hold", "10ms"];
    let updated = node.run(&[&updated[..], &["--output", "json"]].concat());
    assert_eq!(updated.code, Some(0), "{updated:?}");
    // Without a terminal each step is a line of its own beside the answer.
    for line in ["plan: start r2", "compiling", "  done     start r2"] {
        assert!(updated.err.lines().any(|said| said.starts_with(line)), "{line}: {updated:?}");
    }
    let updated: Value = serde_json::from_str(&updated.out).unwrap();
    has(
        &updated,
        &["service", "rollout", "from", "to", "strategy", "reason", "steps", "timings_ms"],
    );
    assert_eq!(
        (&updated["outcome"], &updated["to"]["version"]),
        (&json!("promoted"), &json!("2.0.0"))
    );
    has(&updated["steps"][0], &["step", "state", "at"]);

    let status = node.json(&["status", "shapes"]);
    has(&status, &["service", "state", "active", "revisions", "rollout", "routes"]);
    assert_eq!(status["active"], json!({ "revision": 2, "version": "2.0.0" }));
    has(&status["revisions"][0], &["revision", "version", "state", "weight", "instances"]);

    let back = node.json(&["rollback", "shapes", "--to-version", "v1.0.0"]);
    assert_eq!((&back["outcome"], &back["to"]["version"]), (&json!("promoted"), &json!("1.0.0")));

    let listed = node.json(&["list"]);
    has(&listed[0], &["service", "version", "revision", "state"]);
    assert_eq!(listed[0]["version"], "1.0.0");
    has(
        &node.json(&["history", "shapes"])[0],
        &["revision", "version", "at", "by", "why", "state"],
    );

    let seen = node.json(&["monitor", "shapes", "--once"]);
    has(&seen, &["service", "at", "revisions"]);
    let fields = [
        "revision",
        "version",
        "weight",
        "calls",
        "errors",
        "latency_ms",
        "cpu_ms",
        "memory_bytes",
        "instances",
        "queued",
    ];
    has(&seen["revisions"][0], &fields);

    let inspected = node.json(&["inspect", "shapes"]);
    has(&inspected, &["exports", "imports", "asked", "granted"]);
    assert_eq!(node.json(&["scale", "shapes", "--max", "3"])["instances"]["max"], 3);

    // Nobody to ask without a terminal; who is asked may have answered before.
    node.json(&["remove", "shapes", "--yes"]);
    assert_eq!(node.json(&["list"]), json!([]));
    assert_eq!(node.refused(3, &["status", "shapes"])["code"], "not_found");
}

#[test]
fn a_handler_gets_bytes_and_its_bytes_come_back_untouched() {
    let node = Node::start();
    let manifest = "[component]\nname = \"echo\"\nversion = \"1.0.0\"\n";
    let file = common::with_manifest(&node, "echo-handler", "echo.wasm", manifest);
    node.json(&["deploy", &file]);
    let said = node.run(&["invoke", "echo", "--input", "hello"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "hello"), "{said:?}");
    let input = write(&node, "input", b"from a file");
    assert_eq!(node.run(&["invoke", "echo", "--input", &format!("@{input}")]).out, "from a file");
    let failed = node.refused(1, &["invoke", "echo", "--input", "fail"]);
    assert!(failed["message"].as_str().unwrap().contains("asked to fail"), "{failed}");
    let logs = node.run(&["logs", "echo"]);
    assert_eq!(logs.code, Some(0));
    assert!(logs.out.lines().all(|line| line.contains(" r1 ")), "{logs:?}");
    assert!(logs.out.contains("ready, greeting None"), "{logs:?}");
}

#[tokio::test]
async fn a_handler_answers_http_requests_and_its_failures_name_its_version() {
    let node = Node::start();
    let manifest = "[component]\nname = \"echo\"\nversion = \"1.0.0\"\n";
    let file = common::with_manifest(&node, "echo-handler", "echo.wasm", manifest);
    node.json(&["deploy", &file]);
    assert_eq!(node.json(&["status", "echo"])["routes"], json!(["/echo", "echo.localhost"]));
    let url = format!("{}/echo/some/path?q=1", node.http);
    let post = |body: &str| reqwest::Client::new().post(&url).body(body.to_owned()).send();

    let request = reqwest::Client::new().post(&url).header("x-user", "ada").body("hello");
    let answer = request.header("content-type", "text/x-mine").send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(answer.status(), 200);
    assert_eq!((header("content-type"), header("x-user")), ("text/x-mine".into(), "ada".into()));
    assert_eq!(header("http-target"), "/some/path?q=1");
    assert_eq!(header("x-airssys-version"), "1.0.0");
    assert_eq!(answer.text().await.unwrap(), "hello");

    for (asked, status) in [("invalid", 400), ("denied", 403), ("unavailable", 503), ("fail", 502)]
    {
        let refused = post(asked).await.unwrap();
        assert_eq!(refused.status(), status, "{asked}");
        assert_eq!(refused.headers()["x-airssys-version"], "1.0.0", "{asked}");
        assert_eq!(refused.headers()["content-type"], "application/problem+json", "{asked}");
    }
    let large = post(&"x".repeat((16 << 20) + 1)).await.unwrap();
    assert_eq!(large.status(), 413);
    assert_eq!(post("still there").await.unwrap().text().await.unwrap(), "still there");
}

#[test]
fn a_configuration_is_rolled_out_like_code_and_one_that_init_refuses_changes_nothing() {
    let node = Node::start();
    let manifest =
        "[component]\nname = \"echo\"\nversion = \"1.0.0\"\n[config]\ngreeting = \"one\"\n";
    let file = common::with_manifest(&node, "echo-handler", "echo.wasm", manifest);
    node.json(&["deploy", &file]);
    assert_eq!(node.run(&["invoke", "echo", "--input", "x"]).out, "one, x");
    let two = write(&node, "two.json", b"{\"greeting\": \"two\"}");
    assert_eq!(node.json(&["update", "echo", "--config", &two])["outcome"], "promoted");
    assert_eq!(node.run(&["invoke", "echo", "--input", "x"]).out, "two, x");
    let refused = write(&node, "bad.json", b"{\"reject\": true}");
    // An update is a rollout that was taken back; a first deployment has nothing to go back to.
    let ended = node.run(&["update", "echo", "--config", &refused]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    node.refused(8, &["deploy", &file, "--name", "other", "--config", &refused]);
    assert_eq!(node.run(&["invoke", "echo", "--input", "x"]).out, "two, x");
}

#[test]
fn an_update_that_grants_what_is_asked_keeps_what_the_operator_chose() {
    let node = Node::start();
    let asking = |version: &str, names: &[&str]| {
        let asks = names.iter().map(|name| format!("{{ name = \"{name}\", reason = \"r\" }}"));
        let asks = asks.collect::<Vec<_>>().join(", ");
        let manifest = format!(
            "[component]\nname = \"echo\"\nversion = \"{version}\"\n[capabilities]\nenv = [{asks}]\n"
        );
        common::with_manifest(&node, "echo-handler", &format!("{version}.wasm"), &manifest)
    };
    let granted = || node.json(&["inspect", "echo"])["granted"].take();
    node.json(&["deploy", &asking("1.0.0", &["TZ"]), "--grant", "env:TZ=abc"]);
    let two = asking("2.0.0", &["TZ", "HOME"]);
    node.refused(4, &["update", &two]);
    let updated = node.run(&["update", &two, "--grant", "asked"]);
    assert_eq!(updated.code, Some(0), "{updated:?}");
    assert!(updated.err.contains("granted env:HOME"), "{updated:?}");
    assert_eq!(granted(), json!(["env:TZ=abc", "env:HOME"]));
    // A name replaces them all.
    node.json(&["update", "echo", "--grant", "env:TZ", "--grant", "env:HOME"]);
    assert_eq!(granted(), json!(["env:TZ", "env:HOME"]));
}

#[test]
fn a_detached_update_says_how_to_follow_it() {
    let node = Node::start();
    node.json(&["deploy", &version(&node, "1"), "--name", "shapes", "--version", "1.0.0"]);
    let two = version(&node, "2");
    let words = ["update", &two, "--name", "shapes", "--version", "2.0.0", "--detach"];
    let words =
        [&words[..], &["--strategy", "canary", "--steps", "50", "--observe", "1h"]].concat();
    let begun = node.run(&words);
    assert_eq!(begun.code, Some(0), "{begun:?}");
    assert!(begun.err.contains("airssys-wasm status shapes"), "{begun:?}");
    assert_eq!(node.json(&["abort", "shapes"])["outcome"], "aborted");
}
