//! Rollouts from the command line: the flags of each strategy, what is refused, and what happens told on the way.

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use common::{Node, guest, with_manifest, write};
use serde_json::Value;

/// A node whose service `echo` answers, and a file with another configuration.
fn deployed() -> (Node, String) {
    let node = Node::start();
    let file = write(&node, "echo.wasm", &guest("echo-handler"));
    node.json(&["deploy", &file, "--name", "echo", "--version", "1.0.0"]);
    let config = write(&node, "config.json", br#"{ "greeting": "hi" }"#);
    (node, config)
}

#[test]
fn what_makes_no_rollout_is_refused_and_changes_nothing() {
    let (node, config) = deployed();
    let settings = write(&node, "rollout.toml", b"strategy = \"canary\"\nsteps = [5, 120]\n");
    for (words, about) in [
        (&["--strategy", "canary", "--steps", "5,120"][..], "120"),
        (&["--strategy", "shadow", "--mirror", "120"], "120"),
        (&["--strategy", "canary", "--steps", "50,25"], "rise"),
        (&["--match", "header:x=1 & header:x=2"], "exclude one another"),
        (&["--sticky", "weather"], "nothing to stick by"),
        (&["--success", "applause"], "no success"),
        (&["--rollout", &settings], "120"),
    ] {
        let error = node.refused(2, &[&["update", "echo", "--config", &config], words].concat());
        assert!(error["message"].as_str().unwrap().contains(about), "{words:?}: {error}");
    }
    node.refused(3, &["rollback", "echo", "--to-revision", "9"]);
    for verb in ["promote", "abort", "pause", "resume"] {
        let error = node.refused(5, &[verb, "echo"]);
        assert!(error["message"].as_str().unwrap().contains("no rollout is under way"), "{error}");
    }
    assert_eq!(node.json(&["status", "echo"])["revisions"].as_array().unwrap().len(), 1);
}

#[test]
fn addresses_of_a_manifest_alone_are_denied_with_the_flag_that_allows_them() {
    let node = Node::start();
    let manifest = "[component]\nname = \"echo\"\nversion = \"1.0.0\"\n\
        [rollout]\ngates = [{ url = \"http://127.0.0.1:1/\", timeout = \"1ms\", on_timeout = \"continue\" }]\n";
    let file = with_manifest(&node, "echo-handler", "echo.wasm", manifest);
    node.json(&["deploy", &file]);
    let config = write(&node, "config.json", br#"{ "greeting": "hi" }"#);
    let error = node.refused(4, &["update", "echo", "--config", &config]);
    assert!(error["message"].as_str().unwrap().contains("http://127.0.0.1:1/"), "{error}");
    assert!(error["help"].as_str().unwrap().contains("--rollout FILE"), "{error}");
    let said = manifest.split_once("[rollout]").unwrap().1;
    let rollout = write(&node, "rollout.toml", said.as_bytes());
    let report = node.json(&["update", "echo", "--config", &config, "--rollout", &rollout]);
    assert_eq!(report["outcome"], "promoted");
}

#[test]
fn a_plan_prints_the_steps_of_an_experiment_a_shadow_and_a_rule() {
    let (node, config) = deployed();
    let plan = |words: &[&str]| {
        let update = ["update", "echo", "--config", &config, "--plan"];
        let ended = node.run(&[&update, words].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.out
    };
    let rule = ["--match", "header:x-beta=1"];
    let experiment = plan(&[&["--strategy", "ab", "--sticky", "cookie:id"], &rule[..]].concat());
    insta::assert_snapshot!("plan_of_an_experiment", experiment);
    insta::assert_snapshot!("plan_of_a_shadow", plan(&["--strategy", "shadow", "--mirror", "20"]));
    let canary = ["--strategy", "canary", "--steps", "50", "--observe", "5s"];
    insta::assert_snapshot!("plan_of_a_canary_with_a_rule", plan(&[&canary[..], &rule].concat()));
}

#[test]
fn who_follows_a_status_is_told_of_a_rollout_until_the_service_is_removed() {
    let (node, config) = deployed();
    for (format, began, ended, removed) in [
        ("json", "\"event\":\"begun\"", "\"event\":\"outcome\"", "\"event\":\"removed\""),
        ("text", "by all-at-once", ": promoted after", "the service was removed"),
    ] {
        let mut following = Command::new(env!("CARGO_BIN_EXE_airssys-wasm"))
            .args(["status", "echo", "--follow", "--output", format])
            .env("AIRSSYS_WASM_DATA", node.dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
        let mut until = |words: &str| {
            let mut lines = lines.by_ref().map_while(Result::ok);
            lines.find(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words}"))
        };
        // The status comes first, so that what follows is after it.
        let status = until("echo");
        if format == "json" {
            let status: Value = serde_json::from_str(&status).unwrap();
            assert_eq!(status["service"], "echo");
        }
        node.json(&["update", "echo", "--config", &config]);
        until(began);
        until(ended);
        node.json(&["remove", "echo"]);
        until(removed);
        assert!(following.wait().unwrap().success());
        let file = node.dir.path().join("echo.wasm");
        node.json(&["deploy", file.to_str().unwrap(), "--name", "echo", "--version", "1.0.0"]);
    }
}
