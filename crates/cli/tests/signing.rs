//! Components that are signed: by whom, whether they were changed since, and who may follow.

mod common;

use airssys_wasm_api::command::Push;
use airssys_wasm_api::{Code, Command};
use common::{Node, guest, with_section, write};
use std::os::unix::fs::PermissionsExt as _;

/// Who signs, with a key in the node's directory.
struct Author {
    key: String,
    signer: String,
}

impl Author {
    fn new(node: &Node, name: &str) -> Self {
        let key = node.dir.path().join(name).to_str().unwrap().to_owned();
        let made = node.json(&["keygen", &key]);
        Self { key, signer: made["signer"].as_str().unwrap().to_owned() }
    }

    /// A version of a component, signed.
    fn release(&self, node: &Node, version: u8) -> String {
        let file = unsigned(node, version);
        node.json(&["sign", &file, "--key", &self.key]);
        file
    }
}

/// Each version has bytes of its own.
fn unsigned(node: &Node, version: u8) -> String {
    write(node, &format!("{version}.wasm"), &with_section(guest("http-hello"), "mark", &[version]))
}

#[test]
fn a_component_that_was_changed_after_it_was_signed_is_refused() {
    let node = Node::start();
    let author = Author::new(&node, "author.key");
    let file = author.release(&node, 1);
    assert_eq!(node.json(&["verify", &file])["signers"][0], author.signer.as_str());
    node.json(&["verify", &file, "--signer", &format!("{}.pub", author.key)]);

    let mut bytes = std::fs::read(&file).unwrap();
    let longer = write(&node, "longer.wasm", &with_section(bytes.clone(), "more", b"x"));
    let mark = bytes.windows(5).position(|five| five == b"mark\x01").unwrap() + 4;
    bytes[mark] = 2;
    let changed = write(&node, "changed.wasm", &bytes);
    for file in [&changed, &longer] {
        for verb in ["verify", "inspect", "push", "deploy"] {
            assert_eq!(node.refused(8, &[verb, file])["code"], "invalid", "{verb} {file}");
        }
    }
}

#[tokio::test]
async fn a_node_does_not_take_a_changed_component_from_anybody() {
    let node = Node::start();
    let author = Author::new(&node, "author.key");
    let mut bytes = std::fs::read(author.release(&node, 1)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let client = node.client();
    let artifact = client.upload(bytes.into(), |_| {}).await.unwrap().digest;
    let (name, version) = (Some("a".parse().unwrap()), Some("1.0.0".parse().unwrap()));
    let push = Push { artifact, name, version, accept_signer: true };
    let refused = client.act(Command::Push(push)).await.unwrap_err();
    assert_eq!(refused.code, Code::Invalid, "{refused:?}");
}

#[test]
fn a_name_that_is_signed_keeps_its_author() {
    let node = Node::start();
    let (author, other) = (Author::new(&node, "author.key"), Author::new(&node, "other.key"));
    let named = |file: &str, version: &str| {
        ["push", file, "--name", "web", "--version", version].map(str::to_owned)
    };
    let push = |file: &str, version: &str| {
        let words = named(file, version);
        node.json(&words.each_ref().map(String::as_str));
    };
    let refused = |file: &str, version: &str| {
        let words = named(file, version);
        let error = node.refused(4, &words.each_ref().map(String::as_str));
        assert!(error["help"].as_str().unwrap().contains("--accept-signer"), "{error}");
    };
    push(&unsigned(&node, 1), "1.0.0");
    push(&author.release(&node, 2), "2.0.0");
    refused(&unsigned(&node, 3), "3.0.0");
    let file = other.release(&node, 3);
    refused(&file, "3.0.0");
    // A second signature is enough, and so is the operator's word.
    node.json(&["sign", &file, "--key", &author.key]);
    push(&file, "3.0.0");
    let last = unsigned(&node, 4);
    let words = ["push", &last, "--name", "web", "--version", "4.0.0", "--accept-signer"];
    node.json(&words);
    let versions = node.json(&["versions", "web"]);
    let signers: Vec<_> = versions.as_array().unwrap().iter().map(|it| &it["signers"]).collect();
    let (author, other) = (author.signer.as_str(), other.signer.as_str());
    let expected = serde_json::json!([null, [author], [other, author], null]);
    assert_eq!(serde_json::json!(signers), expected);
}

#[test]
fn who_signed_a_revision_is_shown() {
    let node = Node::start();
    let author = Author::new(&node, "author.key");
    let file = author.release(&node, 1);
    node.json(&["deploy", &file, "--name", "web", "--version", "1.0.0"]);
    let other = unsigned(&node, 2);
    let words = ["update", &other, "--name", "web", "--version", "2.0.0"];
    assert_eq!(node.refused(4, &words)["code"], "denied");
    for verb in ["status", "history", "inspect"] {
        let shown = node.run(&[verb, "web"]);
        assert!(shown.out.contains(&author.signer), "{verb}: {shown:?}");
    }
}

#[test]
fn a_key_is_private_and_never_overwritten() {
    let node = Node::start();
    let author = Author::new(&node, "author.key");
    let mode = std::fs::metadata(&author.key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(node.refused(5, &["keygen", &author.key])["code"], "conflict");
    let error =
        node.refused(2, &["sign", &unsigned(&node, 1), "--key", &format!("{}.pub", author.key)]);
    assert!(error["message"].as_str().unwrap().contains("private key"), "{error}");
    assert_eq!(node.refused(4, &["verify", &unsigned(&node, 2)])["code"], "denied");
}

/// The files are what they claim to be, where there is an OpenSSL to say so.
#[test]
fn keys_are_those_of_other_tools() {
    let node = Node::start();
    let author = Author::new(&node, "author.key");
    let Ok(read) = std::process::Command::new("openssl")
        .args(["pkey", "-pubout", "-in", &author.key])
        .output()
    else {
        return;
    };
    let public = std::fs::read(format!("{}.pub", author.key)).unwrap();
    assert_eq!(String::from_utf8_lossy(&read.stdout), String::from_utf8_lossy(&public));
}
