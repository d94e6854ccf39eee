//! Texts that nobody meant well.

use rand::Rng;
use rand::rngs::SmallRng;

use super::{for_seeds, pick};
use crate::capability::file_rules::FileRules;
use crate::capability::{FileAccess, Glob, Grant, Grants, HostPattern, PathPattern, Rights};
use crate::manifest::Manifest;

const GRANTS: [&str; 14] = [
    "files:/srv/words=/data:read,write",
    "http:*.Example.com.:8443/v1/**:HEAD,GET,GET",
    "http:[::ffff:1.2.3.4]:80",
    "net:SMTP.example.com:20-30",
    "net:[::ffff:10.0.0.0/104]:*/udp",
    "dns:*.EXAMPLE.com.",
    "listen:5000-5010/tcp",
    "env:GREETING=hello=there",
    "secrets:stripe=API.stripe.com",
    "secrets:stripe:revealed",
    "keyvalue:sessions-*:write,read,read",
    "messaging:orders.*:publish",
    "services:tokenizer#split",
    "process:thumbs",
];
const PIECES: [&str; 24] = [
    ":", "/", "=", ",", "*", "**", "..", ".", "[", "]", "#", "-", "\0", "%2e", "0x7f.1", "é",
    "\u{202e}", "xn--", "999999", "::", "@", " ", "\"", "?",
];

/// One of these texts with pieces put in, cut out and doubled, or no text at all.
fn mangled(rng: &mut SmallRng, good: &[&str]) -> String {
    if rng.random_ratio(1, 8) {
        let bytes: Vec<u8> = (0..rng.random_range(0..64)).map(|_| rng.random()).collect();
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut text: Vec<char> = pick(rng, good).chars().collect();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=text.len());
        let end = rng.random_range(at..=text.len());
        match rng.random_range(0..3) {
            0 => drop(text.drain(at..end)),
            1 => drop(text.splice(at..at, pick(rng, &PIECES).chars())),
            _ => text.extend_from_within(at..end),
        }
    }
    text.into_iter().collect()
}

#[test]
fn what_a_grant_prints_is_read_as_the_same_grant() {
    for text in GRANTS {
        let grant = Grant::read(text).unwrap();
        assert_eq!(Grant::read(&grant.to_string()), Ok(grant), "{text}");
    }
    for_seeds(5_000, |rng| {
        let text = mangled(rng, &GRANTS);
        if let Ok(grant) = Grant::read(&text) {
            let printed = grant.to_string();
            assert_eq!(Grant::read(&printed).as_ref(), Ok(&grant), "{text:?} {printed:?}");
            assert_eq!(grant.meet(&grant).map(|both| both.to_string()).as_ref(), Some(&printed));
        }
    });
}

#[test]
fn the_meeting_of_two_grants_is_the_same_from_either_side() {
    for_seeds(2_000, |rng| {
        let read = |rng: &mut SmallRng| Grant::read(&mangled(rng, &GRANTS));
        let (Ok(one), Ok(other)) = (read(rng), read(rng)) else { return };
        assert_eq!(one.meet(&other).is_some(), other.meet(&one).is_some(), "{one} {other}");
    });
}

#[test]
fn no_text_makes_a_parser_or_a_check_panic() {
    let manifest = "[component]\nname = \"a\"\nversion = \"1.0.0\"\n[capabilities]\n\
        files = [{ path = \"/data/**/*.txt\", access = [\"read\"], reason = \"r\" }]\n\
        net = [{ to = \"[::1]:80\", protocol = \"udp\", reason = \"r\" }]\n\
        listen = [{ port = 80, reason = \"r\" }]\n";
    let everything = Grants(vec![
        Grant::read("files:/=/:read").unwrap(),
        Grant::read("net:*:*").unwrap(),
        Grant::read("dns:*").unwrap(),
        Grant::read("http:*/v1/**").unwrap(),
    ]);
    let rights = Rights::meet(&crate::capability::Asked::unstated(), &everything).unwrap();
    for_seeds(2_000, |rng| {
        let text = mangled(rng, &["/data/**/*.txt", "a.example.com:80", "/v1/%2e%2e/x"]);
        let _ = rights.directories.check(&text, FileAccess::READ);
        let _ = rights.dns.check(&text);
        let _ = rights.http("GET", &text, 80, 80, &text);
        let _ = rights.net.check(Default::default(), "1.2.3.4:80".parse().unwrap(), Some(&text));
        let _ = text.parse::<HostPattern>().map(|host| host.matches(&text, 80, 80));
        let _ = text.parse::<PathPattern>().map(|path| path.covers(&path));
        if let Ok(glob) = Glob::parse_absolute(&text) {
            assert!(glob.covers(&glob));
            let rules = FileRules::compile(&[(glob, FileAccess::READ)]);
            let _ = (rules.access(&text), rules.somewhere_below(&text));
        }
        let _ = Manifest::parse(&mangled(rng, &[manifest]));
        let _ = Grants::parse_toml(&mangled(rng, &["net = [{ to = \"a.org:25\" }]"]));
    });
}
