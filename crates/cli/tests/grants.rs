//! Grants through the command line: given and revoked while the service runs, and after a kill.

mod common;

use common::{Node, guest, with_manifest, write};

const MANIFEST: &str = r#"
[component]
name = "notes"
version = "1.0.0"

[capabilities]
keyvalue = [{ bucket = "a", access = ["read", "write"], reason = "its notes" }]
"#;

fn use_it(node: &Node) -> String {
    let script = "\"open\\ta\\nset\\ta\\tk\\t1\"";
    let got = node.json(&["invoke", "notes", "run", script]);
    got["output"].as_str().unwrap().trim_matches('"').to_owned()
}

#[test]
fn a_revocation_that_was_acknowledged_holds_after_a_kill() {
    let node = Node::start();
    let file = with_manifest(&node, "keyvalue", "notes.wasm", MANIFEST);
    let grant = "keyvalue:a:read,write";
    node.json(&["deploy", &file, "--grant", grant]);
    assert_eq!(use_it(&node), "ok\\nok");
    let report = node.json(&["grants", "revoke", "notes", grant]);
    assert_eq!(report["revisions"][0]["granted"][0]["grant"], grant);
    assert!(report["revisions"][0]["granted"][0]["revoked"]["by"].is_string(), "{report}");
    let node = Node::start_on(node.kill());
    assert!(use_it(&node).starts_with("access-denied"));

    node.json(&["grants", "add", "notes", grant]);
    assert_eq!(use_it(&node), "ok\\nok");
    let node = Node::start_on(node.kill());
    assert_eq!(use_it(&node), "ok\\nok");
    let text = node.run(&["grants", "notes"]).out;
    assert!(text.contains("its notes") && text.contains(grant), "{text}");
    let trail = node.run(&["audit", "--service", "notes", "--output", "json"]).out;
    let commands = ["revoke-grants", "add-grants"];
    assert!(commands.iter().all(|command| trail.contains(command)), "{trail}");
}

#[test]
fn what_changes_nothing_is_refused_and_says_what_to_do() {
    let node = Node::start();
    let file = with_manifest(&node, "keyvalue", "notes.wasm", MANIFEST);
    node.json(&["deploy", &file, "--grant", "keyvalue:*:read,write"]);
    let unasked = node.refused(2, &["grants", "add", "notes", "http:a.org"]);
    assert!(unasked["help"].is_string(), "{unasked}");
    let part = node.refused(2, &["grants", "revoke", "notes", "keyvalue:a:read"]);
    let help = part["help"].as_str().unwrap();
    assert!(help.starts_with("revoke `keyvalue:*:read,write`"), "{part}");
    node.refused(3, &["grants", "revoke", "notes", "http:a.org"]);
    node.refused(5, &["grants", "add", "notes", "keyvalue:*:read,write"]);
    node.refused(3, &["grants", "nobody"]);
    for words in [&["grants", "add", "notes"][..], &["grants", "revoke", "notes"], &["grants"]] {
        assert_eq!(node.run(words).code, Some(2), "{words:?}");
    }
    node.json(&["grants", "revoke", "notes", "--all"]);
    assert!(use_it(&node).starts_with("access-denied"));
}

#[test]
fn an_update_that_asks_for_more_says_so_in_its_plan_and_waits() {
    let node = Node::start();
    let file = with_manifest(&node, "keyvalue", "notes.wasm", MANIFEST);
    node.json(&["deploy", &file, "--grant", "keyvalue:*:read,write"]);
    let words = r#"{ bucket = "b", access = ["read"], reason = "its words" }"#;
    let more = MANIFEST.replace("1.0.0", "2.0.0").replace("\" }]", &format!("\" }}, {words}]"));
    let next = with_manifest(&node, "keyvalue", "next.wasm", &more);
    let plan = node.json(&["update", &next, "--plan"]);
    let first = plan["plan"][0].as_str().unwrap();
    assert!(
        first.contains("it asks for more than before") && first.contains("its words"),
        "{plan}"
    );
    let waiting = node.run(&["update", &next, "--output", "json"]);
    assert_eq!(waiting.code, Some(1), "{waiting:?}");
    assert!(waiting.out.contains("\"outcome\":\"paused\""), "{waiting:?}");
    let status = node.run(&["status", "notes"]).out;
    assert!(status.contains("it asks for more than before"), "{status}");
    let done = node.json(&["promote", "notes"]);
    assert_eq!((&done["outcome"], &done["to"]["version"]), (&"promoted".into(), &"2.0.0".into()));
    let history = node.run(&["history", "notes"]).out;
    assert!(history.contains("which asks for more"), "{history}");
}

#[test]
fn what_is_granted_as_asked_has_its_methods_and_paths_and_nothing_else() {
    let node = Node::start();
    let asks = "http = [{ host = \"a.org\", methods = [\"GET\"], path = \"/v1/**\", reason = \"prices\" }]";
    let manifest = format!("{MANIFEST}{asks}\n");
    let file = with_manifest(&node, "keyvalue", "notes.wasm", &manifest);
    node.json(&["deploy", &file, "--grant", "asked"]);
    let report = node.json(&["grants", "notes"]);
    let granted = report["revisions"][0]["granted"].as_array().unwrap();
    let granted: Vec<_> = granted.iter().map(|line| line["grant"].as_str().unwrap()).collect();
    assert_eq!(granted, ["http:a.org/v1/**:GET", "keyvalue:a:read,write"]);

    // A later version that asks for another path is not covered by it.
    let next = manifest.replace("1.0.0", "2.0.0").replace("/v1/**", "/v2/**");
    let next = with_manifest(&node, "keyvalue", "next.wasm", &next);
    let refused = node.refused(4, &["update", &next]);
    assert!(refused["help"].as_str().unwrap().contains("http:a.org/v2/**:GET"), "{refused}");
}

#[test]
fn a_suggestion_is_a_file_that_the_next_deploy_takes() {
    let node = Node::start();
    let file = write(&node, "notes.wasm", &guest("keyvalue"));
    let deploy = ["deploy", &file, "--name", "notes", "--version", "1.0.0"];
    node.json(&[&deploy[..], &["--grant", "keyvalue:*:read,write"]].concat());
    use_it(&node);
    let found = node.json(&["grants", "suggest", "notes", "--since", "1h"]);
    assert_eq!(found["grants"][0], "keyvalue:a:write", "{found}");
    let grants = write(&node, "grants.toml", found["grants_toml"].as_str().unwrap().as_bytes());
    node.json(&["update", "notes", "--grants", &grants]);
    assert_eq!(use_it(&node), "ok\\nok");
    let text = node.run(&["grants", "suggest", "notes"]).out;
    assert!(text.contains("--grant keyvalue:a:write") && text.contains("grants.toml:"), "{text}");
}
