//! The keys of the audit trail: replaced, known from elsewhere, and the private one kept from whoever it is not for.

mod common;

use std::path::Path;

use common::trail::{trail, verify};
use common::{Node, guest, run_with, write};

fn close_to_others(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn the_key_of_the_trail_is_replaced_and_what_was_signed_before_is_verified() {
    let node = Node::start();
    let hello = write(&node, "hello.wasm", &guest("http-hello"));
    node.json(&["deploy", &hello, "--name", "hello", "--version", "1.0.0"]);
    let key = node.dir.path().join("audit.key");
    let former_key = std::fs::read(&key).unwrap();
    let before = node.json(&["audit", "--status"])["public_key"].clone();
    let rotated = node.json(&["audit", "--rotate-key"]);
    let current = &rotated["current"];
    assert_eq!(rotated["former"], before);
    assert_eq!(node.json(&["audit", "--status"])["public_key"], *current);
    assert_ne!(std::fs::read(&key).unwrap(), former_key);
    node.json(&["scale", "hello", "--max", "3"]);
    let entries = trail(&node, &["--kind", "rotate-audit-key"]);
    assert_eq!(entries.len(), 2, "{entries:?}");
    let whole = |dir: &Path| {
        let (code, report) = verify(dir, &[]);
        assert_eq!((code, &report["intact"]), (Some(0), &true.into()), "{report}");
    };
    whole(node.dir.path());
    let node = Node::start_on(node.kill());
    assert_eq!(node.json(&["audit", "--status"])["public_key"], *current);
    whole(node.dir.path());

    // Killed when the trail had gone over to the new key, and before that was put in its place.
    let dir = node.kill();
    let next = dir.path().join("audit.key.next");
    std::fs::rename(dir.path().join("audit.key"), &next).unwrap();
    std::fs::write(dir.path().join("audit.key"), &former_key).unwrap();
    close_to_others(&dir.path().join("audit.key"));
    whole(dir.path());
    let node = Node::start_on(dir);
    assert!(!next.exists());
    assert_eq!(node.json(&["audit", "--status"])["public_key"], *current);
    node.json(&["scale", "hello", "--max", "4"]);
    whole(node.dir.path());

    // Killed before it had: a key that never signed anything is forgotten.
    let dir = node.kill();
    let next = dir.path().join("audit.key.next");
    std::fs::write(&next, "07".repeat(32)).unwrap();
    close_to_others(&next);
    let node = Node::start_on(dir);
    assert!(!next.exists());
    assert_eq!(node.json(&["audit", "--status"])["public_key"], *current);
    node.json(&["audit", "--rotate-key"]);
    whole(node.dir.path());
}

#[test]
fn a_trail_that_another_key_has_signed_anew_is_found_by_a_key_from_elsewhere_and_by_no_other_way() {
    let public_key = |node: &Node| {
        let standing = node.json(&["audit", "--status"]);
        standing["public_key"].as_str().unwrap().to_owned()
    };
    let node = Node::start();
    node.refused(3, &["remove", "mine"]);
    let mine = public_key(&node);
    let (code, report) = verify(node.dir.path(), &["--key", &mine]);
    assert_eq!((code, report["key"].as_str()), (Some(0), Some(&*mine)), "{report}");
    let dir = node.kill();

    // Somebody puts another trail in its place, wholly signed, with the key that signed it.
    let node = Node::start();
    node.refused(3, &["remove", "other"]);
    let other = public_key(&node);
    let others = node.kill();
    std::fs::remove_dir_all(dir.path().join("audit")).unwrap();
    for name in ["audit", "audit.key"] {
        std::fs::rename(others.path().join(name), dir.path().join(name)).unwrap();
    }
    let in_a_file = dir.path().join("mine.pub");
    std::fs::write(&in_a_file, format!("{mine}\n")).unwrap();
    let found = |dir: &Path| {
        let (code, report) = verify(dir, &[]);
        assert_eq!((code, &report["intact"]), (Some(0), &true.into()), "{report}");
        assert!(report.get("key").is_none(), "{report}");
        for key in [&*mine, in_a_file.to_str().unwrap()] {
            let (code, report) = verify(dir, &["--key", key]);
            assert_eq!((code, &report["intact"]), (Some(1), &false.into()), "{report}");
            let wrong = report["finding"]["wrong"].as_str().unwrap();
            assert!(wrong.contains("segment 1, line 1") && wrong.contains(&other), "{wrong}");
            // What verified nothing may be a secret that was given in the place of a public key.
            assert!(!report.to_string().contains(&mine), "{report}");
        }
    };
    found(dir.path());
    let node = Node::start_on(dir);
    found(node.dir.path());
}

#[test]
fn a_key_from_elsewhere_may_be_any_of_those_that_followed_one_another_and_needs_no_key_beside_it() {
    let node = Node::start();
    let first = node.json(&["audit", "--rotate-key"])["former"].clone();
    let rotated = node.json(&["audit", "--rotate-key"]);
    let keys = [&first, &rotated["former"], &rotated["current"]].map(|key| key.as_str().unwrap());
    for key in keys {
        let (code, report) = verify(node.dir.path(), &["--key", key]);
        assert_eq!((code, &report["intact"]), (Some(0), &true.into()), "{report}");
    }
    // A copy of the trail alone, as an auditor gets it.
    let dir = node.kill();
    let copy = tempfile::tempdir().unwrap();
    std::fs::rename(dir.path().join("audit"), copy.path().join("audit")).unwrap();
    for key in keys {
        let (code, report) = verify(copy.path(), &["--key", key]);
        assert_eq!((code, &report["intact"]), (Some(0), &true.into()), "{report}");
    }
    let (code, error) = verify(copy.path(), &[]);
    assert_eq!((code, &error["error"]["code"]), (Some(3), &"not_found".into()), "{error}");
    let (code, error) = verify(dir.path(), &["--key", keys[0]]);
    assert_eq!((code, &error["error"]["code"]), (Some(3), &"not_found".into()), "{error}");
    // What is no public key is said to be none, and not what it is.
    let secret = dir.path().join("audit.key");
    for wrong in [secret.to_str().unwrap(), &"0A".repeat(32)] {
        let (code, error) = verify(copy.path(), &["--key", wrong]);
        assert_eq!((code, &error["error"]["code"]), (Some(2), &"usage".into()), "{error}");
    }
}

#[test]
fn a_private_key_is_refused_under_any_name_before_anything_is_sent() {
    let dir = Node::start().kill();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let notes = dir.path().join("public.txt");
    std::fs::rename(dir.path().join("audit.key"), &notes).unwrap();
    // Those of no public key: the first of these numbers is no point of the curve.
    let digits = dir.path().join("digits.txt");
    std::fs::write(&digits, format!("{:0<64}\n", "02")).unwrap();
    for file in [&notes, &digits] {
        let words = ["audit", "--verify", "--output", "json", "--node", &url, "--key"];
        let ended = run_with(&[&words[..], &[file.to_str().unwrap()]].concat(), |command| {
            command.env("AIRSSYS_WASM_TOKEN", "a-token");
        });
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.out.contains("private key, which nobody else is to know"), "{ended:?}");
        let key = std::fs::read_to_string(file).unwrap();
        assert!(key.lines().all(|line| !ended.out.contains(line)), "it is not repeated");
    }
    let heard = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(heard, Err(std::io::ErrorKind::WouldBlock), "nobody was asked for anything");
}

#[test]
fn the_key_that_a_node_signs_with_is_refused_also_where_its_digits_could_be_those_of_a_public_one()
{
    let digits = |number: u8| format!("{number:02x}").repeat(32);
    let could_be = |digits: &String| airssys_wasm::TrailKey::read(digits).is_ok();
    let digits = (0..=u8::MAX).map(digits).find(could_be).expect("one of sixteen is");
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("audit.key");
    std::fs::write(&key, &digits).unwrap();
    close_to_others(&key);
    let node = Node::start_on(dir);
    let entries = || trail(&node, &[]).len();
    let before = entries();
    let refused = node.refused(2, &["audit", "--verify", "--key", &digits]);
    assert!(!refused.to_string().contains(&digits), "{refused}");
    assert_eq!(entries(), before);
    // Of another node its file is refused as one that nobody else may read. Said as digits, or in a file for all, it is a
    // key like any other, which has signed nothing there.
    let other = Node::start();
    let refused = other.refused(2, &["audit", "--verify", "--key", key.to_str().unwrap()]);
    assert!(!refused.to_string().contains(&digits), "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("private key"), "{refused}");
    let public = write(&other, "other.pub", digits.as_bytes());
    let (code, report) = verify(other.dir.path(), &["--key", &public]);
    assert_eq!((code, &report["intact"]), (Some(1), &false.into()), "{report}");
    let (code, report) = verify(other.dir.path(), &["--key", &digits]);
    assert_eq!((code, &report["intact"]), (Some(1), &false.into()), "{report}");
}
