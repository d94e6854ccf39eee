//! What is refused: each with its exit code and what to do, and what ran before still runs.

mod common;

use std::process::Stdio;

use common::{Node, guest, run_with, with_manifest, with_section, write};

#[test]
fn bytes_that_are_no_component_are_refused_before_anything_is_sent() {
    let node = Node::start();
    let core = write(&node, "core.wasm", b"\0asm\x01\0\0\0");
    let text = write(&node, "text.wasm", b"#!/bin/sh");
    let cut = write(&node, "cut.wasm", &guest("functions")[..5000]);
    let empty = write(&node, "empty.wasm", b"\0asm\x0d\0\x01\0");
    for file in [&core, &text, &cut, &empty] {
        for verb in ["deploy", "push", "inspect"] {
            let error = node.refused(8, &[verb, file]);
            assert_eq!(error["code"], "invalid", "{verb} {file}");
        }
    }
    assert_eq!(node.refused(3, &["deploy", "/nowhere/at/all.wasm"])["code"], "not_found");
}

#[test]
fn a_component_that_is_too_large_is_refused_before_it_is_read() {
    let node = Node::start();
    let path = node.dir.path().join("huge.wasm");
    std::fs::File::create(&path).unwrap().set_len(500 << 20).unwrap();
    let error = node.refused(9, &["deploy", path.to_str().unwrap()]);
    assert_eq!(error["code"], "too_large");
}

#[test]
fn a_manifest_with_a_mistake_is_refused_with_its_place() {
    let node = Node::start();
    let mistakes = [
        ("[component]\nname = \"a\"\nversion = \"1.0.0\"\n[limits]\nmemry = \"1MiB\"\n", "line 5"),
        ("[component]\nname = \"../a\"\nversion = \"1.0.0\"\n", "line 2"),
        ("[component]\nname = \"a\"\nversion = 7\n", "line 3"),
    ];
    for (manifest, place) in mistakes {
        let file = with_manifest(&node, "functions", "bad.wasm", manifest);
        let error = node.refused(8, &["deploy", &file]);
        assert!(error["message"].as_str().unwrap().contains(place), "{manifest}: {error}");
    }
}

#[test]
fn a_version_never_changes_its_bytes() {
    let node = Node::start();
    let one = write(&node, "one.wasm", &guest("functions"));
    let other = write(&node, "other.wasm", &with_section(guest("functions"), "x", b"y"));
    let flags = ["--name", "shapes", "--version", "1.0.0"];
    node.json(&[&["deploy", &one][..], &flags].concat());
    assert_eq!(node.refused(5, &[&["push", &other][..], &flags].concat())["code"], "conflict");
    node.refused(5, &[&["deploy", &other][..], &flags].concat());
    assert_eq!(node.run(&["invoke", "shapes", "add", "1", "1"]).out, "2\n");
}

#[test]
fn what_is_not_there_is_not_found() {
    let node = Node::start();
    let one = write(&node, "one.wasm", &guest("functions"));
    node.json(&["deploy", &one, "--name", "shapes", "--version", "1.0.0"]);
    for words in [
        &["update", "shapes@9.9.9"][..],
        &["update", "nobody@1.0.0"],
        &["rollback", "shapes", "--to-version", "9.9.9"],
        &["rollback", "shapes", "--to-revision", "9"],
        &["status", "nobody"],
        &["history", "nobody"],
        &["logs", "nobody"],
        &["monitor", "nobody", "--once"],
        &["remove", "nobody"],
        &["versions", "nobody"],
        &["promote", "nobody"],
    ] {
        assert_eq!(node.refused(3, words)["code"], "not_found", "{words:?}");
    }
}

#[test]
fn what_cannot_be_understood_is_a_usage_error_in_the_format_asked_for() {
    let node = Node::start();
    for words in [
        &["teleport"][..],
        &["status", "../etc"],
        &["update", "shapes@1.0.0", "--strategy", "teleport"],
        &["deploy", "x.wasm", "--grant", "teleport:x"],
        &["update", "shapes"],
        &["scale", "shapes"],
        &["deploy", "shapes@1.0.0", "--version", "2.0.0"],
        &["update", "shapes@1.0.0", "--version", "2.0.0"],
        &["update", "shapes", "--version", "2.0.0"],
    ] {
        assert_eq!(node.refused(2, words)["code"], "usage", "{words:?}");
    }
    // What is missing is named, in JSON too.
    let missing = node.refused(2, &["deploy"]);
    assert!(missing["message"].as_str().unwrap().contains("FILE.wasm"), "{missing}");
    let text = node.run(&["status", "../etc"]);
    assert!(text.out.is_empty() && text.err.starts_with("error: "), "{text:?}");
}

#[test]
fn a_capability_that_nobody_granted_is_refused_with_the_flags_to_add() {
    let node = Node::start();
    let manifest = "[component]\nname = \"echo\"\nversion = \"1.0.0\"\n\
        [capabilities]\nenv = [{ name = \"TZ\", reason = \"dates\" }]\n";
    let file = with_manifest(&node, "echo-handler", "echo.wasm", manifest);
    let error = node.refused(4, &["deploy", &file]);
    assert!(error["help"].as_str().unwrap().contains("--grant env:TZ"), "{error}");
    // The node refuses too, whatever a client checks.
    node.json(&["push", &file]);
    node.refused(4, &["deploy", "echo@1.0.0"]);
    let said = node.run(&["deploy", &file, "--grant", "asked"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("granting env:TZ"), "{said:?}");
}

#[test]
fn a_kind_that_nothing_enforces_is_refused_by_name() {
    let node = Node::start();
    let manifest = "[component]\nname = \"echo\"\nversion = \"1.0.0\"\n\
        [capabilities]\nmessaging = [{ topic = \"t\", access = [\"publish\"], reason = \"r\" }]\n";
    let file = with_manifest(&node, "echo-handler", "echo.wasm", manifest);
    for words in [&["deploy", &file][..], &["deploy", &file, "--grant", "asked"]] {
        let error = node.refused(4, words);
        assert!(error["message"].as_str().unwrap().contains("messaging"), "{error}");
    }
}

#[test]
fn without_a_node_every_client_verb_says_how_to_start_one() {
    let empty = tempfile::tempdir().unwrap();
    for words in [&["list"][..], &["status", "a"], &["logs", "a"], &["rollback", "a"]] {
        let ended = run_with(words, |command| {
            command.env("AIRSSYS_WASM_DATA", empty.path());
        });
        assert_eq!(ended.code, Some(7), "{words:?}: {ended:?}");
        assert!(ended.err.contains("airssys-wasm serve"), "{ended:?}");
    }
    let nobody = run_with(&["list", "--node", "http://127.0.0.1:1"], |command| {
        command.env("AIRSSYS_WASM_TOKEN", "x");
    });
    assert_eq!(nobody.code, Some(7), "{nobody:?}");
}

/// Whoever listens at the port of a node that was killed must not get its token.
#[test]
fn what_a_killed_node_left_behind_is_not_asked() {
    let node = Node::start();
    let file = std::fs::read_to_string(node.dir.path().join("node.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    let port = file["control"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let left = node.kill();
    let listener = std::net::TcpListener::bind(port).unwrap();
    listener.set_nonblocking(true).unwrap();
    let ended = run_with(&["list"], |command| {
        command.env("AIRSSYS_WASM_DATA", left.path());
    });
    assert_eq!(ended.code, Some(7), "{ended:?}");
    assert!(ended.err.contains("airssys-wasm serve"), "{ended:?}");
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn what_a_component_says_of_itself_cannot_act_on_the_terminal() {
    let node = Node::start();
    let manifest = "[component]\nname = \"echo\"\nversion = \"1.0.0\"\n\
        [capabilities]\nenv = [{ name = \"TZ\", reason = \"\\u001b[1A\\u001b[2Kdates\" }]\n";
    let file = with_manifest(&node, "echo-handler", "echo.wasm", manifest);
    for words in
        [&["inspect", &file][..], &["deploy", &file], &["deploy", &file, "--grant", "asked"]]
    {
        let ended = node.run(words);
        assert!(!ended.out.contains('\u{1b}') && !ended.err.contains('\u{1b}'), "{ended:?}");
    }
}

#[test]
fn a_log_level_that_is_none_keeps_a_node_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["serve", "--http", "127.0.0.1:0", "--control", "127.0.0.1:0", "--data"];
    let ended = run_with(&[&words[..], &[dir.path().to_str().unwrap()]].concat(), |command| {
        command.env("AIRSSYS_WASM_LOG", "info,=bogus");
    });
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn a_wrong_token_is_denied() {
    let node = Node::start();
    let wrong = write(&node, "wrong", b"0123456789abcdef");
    assert_eq!(node.refused(4, &["list", "--token-file", &wrong])["code"], "unauthorized");
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let node = Node::start();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = run_with(&["list"], |command| {
        command.env("AIRSSYS_WASM_DATA", node.dir.path()).stdout(Stdio::from(writer));
    });
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
}

#[test]
fn a_second_node_and_a_taken_port_are_conflicts_and_the_first_node_goes_on() {
    let node = Node::start();
    let dir = node.dir.path().to_str().unwrap();
    let ports = ["--http", "127.0.0.1:0", "--control", "127.0.0.1:0"];
    node.refused(5, &[&["serve", "--data", dir][..], &ports].concat());
    let taken = node.http.trim_start_matches("http://");
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = elsewhere.path().to_str().unwrap();
    let error = node
        .refused(5, &["serve", "--data", elsewhere, "--control", "127.0.0.1:0", "--http", taken]);
    assert!(error["message"].as_str().unwrap().contains(taken), "{error}");
    node.json(&["list"]);
}
