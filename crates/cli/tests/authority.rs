//! Who may do what: tokens with roles, and the operator's policy over them.

mod common;

use std::io::{BufRead as _, BufReader};

use common::{Ended, Node, guest, with_manifest, with_section, write};
use serde_json::Value;

const ASKING: &str = "[component]\nname = \"web\"\nversion = \"1.0.0\"\n[capabilities]\n\
    http = [{ host = \"api.example.com\", reason = \"prices\" }]\n";

/// A token's holder, who runs verbs with nothing but the token.
struct Holder<'a> {
    node: &'a Node,
    file: String,
}

impl<'a> Holder<'a> {
    fn new(node: &'a Node, name: &str, role: &str) -> Self {
        Self::with(node, name, &["--role", role])
    }

    fn with(node: &'a Node, name: &str, flags: &[&str]) -> Self {
        let made = node.json(&[&["token", "create", name], flags].concat());
        let token = made["token"].as_str().unwrap();
        assert!(token.starts_with("awt_"), "{made}");
        Self { node, file: write(node, name, token.as_bytes()) }
    }

    fn run(&self, words: &[&str]) -> Ended {
        self.node.run(&[words, &["--token-file", &self.file, "--output", "json"]].concat())
    }

    #[track_caller]
    fn may(&self, words: &[&str]) {
        let ended = self.run(words);
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
    }

    #[track_caller]
    fn may_not(&self, words: &[&str]) -> Value {
        let ended = self.run(words);
        assert_eq!(ended.code, Some(4), "{words:?}: {ended:?}");
        let mut answer: Value = serde_json::from_str(&ended.out).unwrap();
        answer["error"].take()
    }
}

fn component(node: &Node, version: u8) -> String {
    write(node, &format!("{version}.wasm"), &with_section(guest("http-hello"), "mark", &[version]))
}

#[test]
fn a_role_may_do_what_the_policy_says_and_nothing_else() {
    let node = Node::start();
    let [one, two] = [1, 2].map(|version| component(&node, version));
    let deployer = Holder::new(&node, "ci", "deployer");
    let (operator, reader) =
        (Holder::new(&node, "ops", "operator"), Holder::new(&node, "eye", "reader"));
    let deploy = ["deploy", &one, "--name", "web", "--version", "1.0.0"];
    for holder in [&operator, &reader] {
        assert_eq!(holder.may_not(&deploy)["code"], "denied");
    }
    deployer.may(&deploy);
    for holder in [&deployer, &operator, &reader] {
        holder.may(&["status", "web"]);
        holder.may(&["list"]);
        for words in [
            &["token", "list"][..],
            &["policy", "show"],
            &["token", "create", "x", "--role", "admin"],
        ] {
            holder.may_not(words);
        }
    }
    operator.may(&["scale", "web", "--max", "7"]);
    let denied = reader.may_not(&["scale", "web", "--max", "8"]);
    let help = denied["help"].as_str().unwrap();
    assert!(
        help.contains("wants the role `operator`") && help.contains("`eye` has `reader`"),
        "{denied}"
    );
    deployer.may(&[
        "update",
        &two,
        "--name",
        "web",
        "--version",
        "2.0.0",
        "--strategy",
        "all-at-once",
    ]);
    operator.may(&["rollback", "web"]);
    reader.may_not(&["remove", "web"]);
    deployer.may(&["remove", "web"]);
}

#[test]
fn a_role_that_no_rule_names_is_refused_until_one_does() {
    let node = Node::start();
    let lead = ["token", "create", "ada", "--role", "lead", "--role", "reader"];
    let refused = node.refused(2, &lead);
    assert!(refused["message"].as_str().unwrap().contains("the role `lead`"), "{refused}");
    let help = refused["help"].as_str().unwrap();
    assert!(["admin", "deployer", "operator", "reader"].iter().all(|role| help.contains(role)));
    assert_eq!(node.json(&["token", "list"]).as_array().map(Vec::len), Some(0));

    // Named in a condition, it is one.
    let rules = node.json(&["policy", "show"])["policy"].as_str().unwrap().to_owned()
        + "@id(\"leads\") permit (principal, action == Action::\"grant\", resource)
           when { principal in Role::\"lead\" };";
    node.json(&["policy", "set", &write(&node, "node.cedar", rules.as_bytes())]);
    node.json(&lead);
    // A policy that goes by other things than roles leaves them to whoever makes tokens.
    let rules = "@id(\"ada\") permit (principal == Token::\"ada\", action, resource);
                 @id(\"local\") permit (principal == Token::\"local\", action, resource);";
    node.json(&["policy", "set", &write(&node, "node.cedar", rules.as_bytes())]);
    node.json(&["token", "create", "eve", "--role", "whoever"]);
}

#[test]
fn whoever_deploys_does_not_grant() {
    let node = Node::start();
    let file = with_manifest(&node, "http-hello", "asking.wasm", ASKING);
    let deployer = Holder::new(&node, "ci", "deployer");
    let deploy = ["deploy", &file, "--grant", "http:api.example.com"];
    let denied = deployer.may_not(&deploy);
    assert!(
        denied["message"].as_str().unwrap().contains("grant `http:api.example.com`"),
        "{denied}"
    );
    node.json(&deploy);
    // What was granted stays granted: an update to the same needs no grant of its own.
    let other = with_section(std::fs::read(&file).unwrap(), "mark", b"2");
    let other = write(&node, "other.wasm", &other);
    deployer.may(&["update", &other, "--version", "2.0.0", "--strategy", "all-at-once"]);
    let asks =
        node.json(&["policy", "explain", "grant", "web", "--token", "ci", "--grant", "env:TZ"]);
    assert_eq!(asks["decision"], "denied");
}

#[test]
fn what_was_revoked_is_granted_anew_by_whoever_may_grant() {
    let node = Node::start();
    let file = with_manifest(&node, "http-hello", "asking.wasm", ASKING);
    let (deployer, reader) =
        (Holder::new(&node, "ci", "deployer"), Holder::new(&node, "eye", "reader"));
    let grant = ["--grant", "http:api.example.com"];
    node.json(&[&["deploy", &file][..], &grant].concat());
    reader.may(&["grants", "web"]);
    for holder in [&deployer, &reader] {
        holder.may_not(&["grants", "revoke", "web", "--all"]);
        holder.may_not(&["grants", "add", "web", "http:api.example.com/v1"]);
        holder.may_not(&["grants", "suggest", "web"]);
    }
    node.json(&["grants", "revoke", "web", grant[1]]);
    // Without a word of grants it has too little, and the word is not the deployer's.
    deployer.may_not(&["update", "web@1.0.0", "--config", &write(&node, "c.json", b"{}")]);
    deployer.may_not(&[&["update", "web@1.0.0"][..], &grant].concat());
    node.json(&[&["update", "web@1.0.0"][..], &grant].concat());
}

#[test]
fn a_policy_can_ask_for_signatures_or_only_say_what_it_would_deny() {
    let node = Node::start();
    let text = "permit (principal in Role::\"admin\", action, resource);\n\
        @id(\"signed\") @reason(\"only signed releases run here\")\n\
        forbid (principal, action in [Action::\"deploy\", Action::\"update\"], resource)\n\
        unless { context.release.signed };\n";
    let policy = write(&node, "signed.cedar", text.as_bytes());
    let file = component(&node, 1);
    let deploy = ["deploy", &file, "--name", "web", "--version", "1.0.0"];
    node.json(&["policy", "set", &policy]);
    let denied = node.refused(4, &deploy);
    assert!(denied["help"].as_str().unwrap().contains("only signed releases run here"), "{denied}");
    node.json(&["policy", "set", &policy, "--dry-run"]);
    assert_eq!(
        node.json(&["policy", "explain", "deploy", "web", "--version", "1.0.0"])["decision"],
        "would-deny"
    );
    node.json(&deploy);
    node.json(&["policy", "set", &policy]);
    let key = node.dir.path().join("author.key").to_str().unwrap().to_owned();
    node.json(&["keygen", &key]);
    let signed = component(&node, 2);
    let update =
        ["update", &signed, "--name", "web", "--version", "2.0.0", "--strategy", "all-at-once"];
    node.refused(4, &update);
    node.json(&["sign", &signed, "--key", &key]);
    node.json(&update);
}

#[test]
fn tokens_and_the_policy_outlive_the_node_and_a_revoked_token_is_worth_nothing() {
    let node = Node::start();
    let (keeps, goes) =
        (Holder::new(&node, "keeps", "reader"), Holder::new(&node, "goes", "reader"));
    let ends = Holder::with(&node, "ends", &["--role", "reader", "--expires-in", "1ms"]);
    let error = ends.may_not(&["list"]);
    assert!(error["message"].as_str().unwrap().contains("expired"), "{error}");
    assert_eq!(
        node.refused(5, &["token", "create", "keeps", "--role", "admin"])["code"],
        "conflict"
    );
    node.json(&["token", "revoke", "goes"]);
    assert_eq!(goes.may_not(&["list"])["code"], "unauthorized");
    let policy = "@id(\"mine\") permit (principal in Role::\"admin\", action, resource);\n\
        permit (principal in Role::\"reader\", action, resource);";
    let policy = write(&node, "mine.cedar", policy.as_bytes());
    node.json(&["policy", "set", &policy]);
    let files = [keeps.file.clone(), goes.file.clone()];
    let node = Node::start_on(node.kill());
    let [keeps, goes] = files.map(|file| Holder { node: &node, file });
    keeps.may(&["policy", "show"]);
    goes.may_not(&["list"]);
    assert_eq!(node.json(&["policy", "show"])["rules"][0], "mine");
    // A token's secret is nowhere in what the node keeps.
    let secret = std::fs::read_to_string(&keeps.file).unwrap();
    let listed = node.run(&["token", "list"]).out;
    assert!(listed.contains("keeps") && !listed.contains(&secret[12..64]), "{listed}");
}

#[test]
fn whoever_follows_with_a_token_that_is_revoked_ends_with_the_code_of_a_denial() {
    let node = Node::start();
    node.json(&["deploy", &component(&node, 1), "--name", "web", "--version", "1.0.0"]);
    let holder = Holder::new(&node, "goes", "admin");
    let follow = |words: &[&str]| {
        let token = ["--token-file", &*holder.file, "--output", "json"];
        let mut child = node.spawn(&[words, &token].concat());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines.next().unwrap().unwrap();
        (child, lines)
    };
    // The trail shows what was there before, so that the first line of each says that it follows.
    let following = [follow(&["status", "web", "--follow"]), follow(&["audit", "--follow"])];
    node.json(&["token", "revoke", "goes"]);
    for (mut child, lines) in following {
        assert!(lines.count() < 100, "it ends");
        assert_eq!(child.wait().unwrap().code(), Some(4));
    }
}

#[test]
fn whoever_has_the_data_directory_cannot_be_locked_out() {
    let node = Node::start();
    let nobody = "@id(\"nobody\") permit (principal in Role::\"nobody\", action, resource);";
    let nobody = write(&node, "nobody.cedar", nobody.as_bytes());
    node.json(&["policy", "set", &nobody]);
    node.refused(4, &["list"]);
    node.json(&["policy", "show"]);
    node.json(&["policy", "set", "default"]);
    node.json(&["list"]);
}

#[test]
fn a_policy_with_a_mistake_is_refused_with_its_line_and_the_one_in_force_stays() {
    let node = Node::start();
    let wrong = "permit (principal in Role::\"admin\", action, resource);\n\
        permit (principal, action == Action::\"deply\", resource);\n";
    let wrong = write(&node, "wrong.cedar", wrong.as_bytes());
    for words in [["policy", "check", &wrong], ["policy", "set", &wrong]] {
        let error = node.refused(8, &words);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("2:") && message.contains("did you mean"), "{error}");
    }
    assert_eq!(node.json(&["policy", "show"])["rules"][0], "admin");
    node.refused(2, &["policy", "explain", "deply", "web"]);
    node.refused(2, &["policy", "explain", "deploy", "web"]);
}

#[tokio::test]
async fn whoever_keeps_trying_tokens_is_turned_away_and_the_right_one_is_not() {
    let node = Node::start();
    let control = node.client();
    let place = std::fs::read_to_string(node.dir.path().join("node.json")).unwrap();
    let place: Value = serde_json::from_str(&place).unwrap();
    let url = format!("{}/v1/services", place["control"].as_str().unwrap());
    let client = reqwest::Client::new();
    let mut statuses = Vec::new();
    for _ in 0..40 {
        let answer = client.get(&url).bearer_auth("awt_wrong").send().await.unwrap();
        statuses.push(answer.status().as_u16());
    }
    assert_eq!((statuses[0], statuses[39]), (401, 429));
    let list = airssys_wasm_api::command::List {};
    control.act(airssys_wasm_api::Command::List(list)).await.unwrap();
}
