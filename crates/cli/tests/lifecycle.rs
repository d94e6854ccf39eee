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
    let updated = node.json(&updated);
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

    node.json(&["remove", "shapes"]);
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
    let ended = node.run(&["update", "echo", "--config", &refused]);
    assert!(matches!(ended.code, Some(6 | 8)), "{ended:?}");
    assert_eq!(node.run(&["invoke", "echo", "--input", "x"]).out, "two, x");
}
