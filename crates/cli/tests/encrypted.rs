//! A control port that can be reached from elsewhere: whose certificate it has, and who believes it.

mod common;

use std::path::{Path, PathBuf};

use common::{Ended, Node, run_with};
use serde_json::Value;

fn node_file(dir: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(dir.join("node.json")).unwrap()).unwrap()
}

/// `list`, as somebody elsewhere gives it who has the token: by the node's URL alone.
fn list_from_elsewhere(node: &Node, url: &str, ca: Option<&Path>) -> Ended {
    let token = node.dir.path().join("token");
    let mut words = vec!["list", "--output", "json", "--node", url, "--token-file"];
    words.push(token.to_str().unwrap());
    if let Some(ca) = ca {
        words.extend(["--ca", ca.to_str().unwrap()]);
    }
    // A directory of its own, in which no node is found.
    run_with(&words, |command| {
        command.env("XDG_DATA_HOME", "/nonexistent");
    })
}

fn failure(ended: &Ended) -> (Option<i32>, String) {
    let answer: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
    (ended.code, answer["error"].to_string())
}

fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node/tests/fixtures/outside");
    folder.join(name)
}

#[test]
fn a_port_for_others_is_encrypted_and_is_believed_by_its_authority_alone() {
    let node = Node::start_at("0.0.0.0:0", tempfile::tempdir().unwrap(), &[]);
    let file = node_file(node.dir.path());
    let url = file["control"].as_str().unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{file}");
    // On the same machine the data directory says what to believe.
    assert_eq!(node.json(&["list"]), Value::Array(Vec::new()));
    // From elsewhere the authority's file does.
    let ca = node.dir.path().join("control-ca.pem");
    let listed = list_from_elsewhere(&node, url, Some(&ca));
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let (code, said) = failure(&list_from_elsewhere(&node, url, None));
    assert_eq!(code, Some(7), "{said}");
    assert!(said.contains("not believed") && said.contains("control-ca.pem"), "{said}");
    let other = Node::start_at("0.0.0.0:0", tempfile::tempdir().unwrap(), &[]);
    let others = other.dir.path().join("control-ca.pem");
    let (code, said) = failure(&list_from_elsewhere(&node, url, Some(&others)));
    assert_eq!(code, Some(7), "{said}");
    // Without encryption, neither the node nor the client has anything to do with the token.
    let (code, said) = failure(&list_from_elsewhere(&node, &url.replace("https", "http"), None));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("https://"), "{said}");
    let (code, said) = failure(&list_from_elsewhere(&node, "http://node.example:7070", None));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("unencrypted"), "{said}");
}

#[test]
fn the_authority_outlives_a_restart_and_gets_the_names_that_it_is_told() {
    let node = Node::start_at("0.0.0.0:0", tempfile::tempdir().unwrap(), &["--tls-name", "a.test"]);
    let ca = node.dir.path().join("control-ca.pem");
    let first = std::fs::read(&ca).unwrap();
    let kept = node.dir.path().join("kept.pem");
    std::fs::write(&kept, &first).unwrap();
    let node = Node::start_at("0.0.0.0:0", node.kill(), &["--tls-name", "b.test"]);
    assert_eq!(std::fs::read(&ca).unwrap(), first);
    let url = node_file(node.dir.path())["control"].as_str().unwrap().to_owned();
    let by = |name: &str| list_from_elsewhere(&node, &url.replace("127.0.0.1", name), Some(&kept));
    assert_eq!(by("localhost").code, Some(0));
    // Any address of the loopback network leads to the node; this one is in no certificate of it.
    let (code, said) = failure(&by("127.0.0.2"));
    assert_eq!(code, Some(7), "{said}");
    assert!(said.contains("--tls-name"), "{said}");
}

#[test]
fn a_certificate_that_is_given_is_presented_also_on_loopback_and_read_at_each_start() {
    let files = tempfile::tempdir().unwrap();
    let [certificate, key] = ["server.pem", "server.key"].map(|name| {
        std::fs::copy(fixture(name), files.path().join(name)).unwrap();
        files.path().join(name)
    });
    let flags = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let node = Node::start_at("127.0.0.1:0", tempfile::tempdir().unwrap(), &flags);
    let file = node_file(node.dir.path());
    let url = file["control"].as_str().unwrap();
    assert!(url.starts_with("https://"), "{file}");
    assert_eq!(node.json(&["list"]), Value::Array(Vec::new()));
    let listed = list_from_elsewhere(&node, url, Some(&fixture("authority.pem")));
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(!node.dir.path().join("control-ca.pem").exists());

    // Another certificate under the same names, here that of another node's authority.
    let other = Node::start_at("0.0.0.0:0", tempfile::tempdir().unwrap(), &[]);
    for (from, to) in [("control-ca.pem", &certificate), ("control-ca.key", &key)] {
        std::fs::write(to, std::fs::read(other.dir.path().join(from)).unwrap()).unwrap();
    }
    let node = Node::start_at("127.0.0.1:0", node.kill(), &flags);
    assert_ne!(node_file(node.dir.path())["certificate"], file["certificate"]);
    assert_eq!(node.json(&["list"]), Value::Array(Vec::new()));
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_before_anything_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "nothing\n").unwrap();
    let serve = |certificate: &Path, key: &Path| {
        let words = ["serve", "--output", "json", "--http", "127.0.0.1:0"];
        let files = [certificate.to_str().unwrap(), key.to_str().unwrap()];
        let words = [&words[..], &["--tls-cert", files[0], "--tls-key", files[1]]].concat();
        failure(&run_with(&words, |command| {
            command.env("AIRSSYS_WASM_DATA", &data);
        }))
    };
    let (certificate, key) = (fixture("server.pem"), fixture("server.key"));
    let missing = dir.path().join("missing.pem");
    for (given, says) in [
        ((&certificate, &empty), ["no key", "empty.pem"]),
        ((&empty, &key), ["no certificate", "empty.pem"]),
        ((&missing, &key), ["cannot read", "missing.pem"]),
        ((&fixture("authority.pem"), &key), ["not that of the first certificate", "authority.pem"]),
    ] {
        let (code, said) = serve(given.0, given.1);
        assert_eq!(code, Some(2), "{said}");
        assert!(says.iter().all(|word| said.contains(word)), "{said}");
    }
    assert!(!data.exists());
}
