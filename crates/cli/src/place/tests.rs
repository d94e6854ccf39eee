//! Which source decides, and which token goes where.

use super::*;

/// A data directory on which a node runs, until it is let go.
struct Data {
    dir: tempfile::TempDir,
    lock: File,
}

impl Data {
    fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A data directory in which a node at this URL wrote its token.
fn data(url: &str, token: &str) -> Data {
    let dir = tempfile::tempdir().unwrap();
    let node = serde_json::json!({ "pid": 1, "http": "http://h", "control": url });
    std::fs::write(dir.path().join("node.json"), node.to_string()).unwrap();
    std::fs::write(dir.path().join("token"), format!("{token}\n")).unwrap();
    let lock = File::create(dir.path().join("lock")).unwrap();
    lock.lock().unwrap();
    Data { dir, lock }
}

fn find(
    flags: &NodeFlags,
    variables: &[(&str, &str)],
    config: Config,
    default_data: &Path,
) -> Result<(String, String), Failure> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(one, _)| *one == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let default_data = Some(default_data.to_owned());
    let around = Surroundings { variable: &variable, config, default_data };
    flags.find(&around).map(|place| (place.node, place.token))
}

#[test]
fn flags_come_before_the_environment_before_the_config_file_before_the_default() {
    let (flag, env, config, default) = (
        data("http://f", "tf"),
        data("http://e", "te"),
        data("http://c", "tc"),
        data("http://d", "td"),
    );
    let flags = NodeFlags { data: Some(flag.path().into()), ..NodeFlags::default() };
    let variables = [("AIRSSYS_WASM_DATA", env.path().to_str().unwrap())];
    let file = || Config { data: Some(config.path().into()), ..Config::default() };
    let silent = NodeFlags::default();
    let found = |flags, variables, config| find(flags, variables, config, default.path()).unwrap();
    assert_eq!(found(&flags, &variables, file()), ("http://f".into(), "tf".into()));
    assert_eq!(found(&silent, &variables, file()), ("http://e".into(), "te".into()));
    assert_eq!(found(&silent, &[], file()), ("http://c".into(), "tc".into()));
    assert_eq!(found(&silent, &[], Config::default()), ("http://d".into(), "td".into()));
}

#[test]
fn a_flag_for_the_data_directory_beats_a_variable_for_the_url() {
    let flag = data("http://f", "tf");
    let flags = NodeFlags { data: Some(flag.path().into()), ..NodeFlags::default() };
    let variables = [("AIRSSYS_WASM_NODE", "http://e"), ("AIRSSYS_WASM_TOKEN", "te")];
    let found = find(&flags, &variables, Config::default(), Path::new("/nowhere"));
    assert_eq!(found.unwrap(), ("http://f".into(), "tf".into()));
}

#[test]
fn a_token_is_never_sent_to_another_node_than_its_own() {
    let local = data("http://127.0.0.1:7070", "secret");
    let named = |url: &str| NodeFlags { node: Some(url.into()), ..NodeFlags::default() };
    let found = |flags| find(&flags, &[], Config::default(), local.path());
    assert_eq!(found(named("http://127.0.0.1:7070/")).unwrap().1, "secret");
    assert_eq!(found(named("http://evil.example")).unwrap_err().code, Code::Unauthorized);
}

#[test]
fn a_token_beside_another_node_or_below_a_directory_is_not_taken() {
    let own = data("http://own", "own");
    let prod = own.path().join("prod.token");
    std::fs::write(&prod, "prod").unwrap();
    let config = |node: Option<&str>| Config {
        node: node.map(Into::into),
        token_file: Some(prod.clone()),
        ..Config::default()
    };
    let silent = NodeFlags::default();
    let nowhere = Path::new("/nowhere");
    // The environment names a directory, the config file the token of another node.
    let variables = [("AIRSSYS_WASM_DATA", own.path().to_str().unwrap())];
    for config in [config(Some("http://prod")), config(None)] {
        let found = find(&silent, &variables, config, nowhere).unwrap();
        assert_eq!(found, ("http://own".into(), "own".into()));
    }
    // A flag names a node, the environment another with its token.
    let flags = NodeFlags { node: Some("http://other".into()), ..NodeFlags::default() };
    let variables = [("AIRSSYS_WASM_NODE", "http://env"), ("AIRSSYS_WASM_TOKEN", "te")];
    let refused = find(&flags, &variables, config(Some("http://prod")), nowhere).unwrap_err();
    assert_eq!(refused.code, Code::Unauthorized);
    // A token that stands by itself is for the node that is named.
    let found = find(&flags, &variables[1..], Config::default(), nowhere).unwrap();
    assert_eq!(found, ("http://other".into(), "te".into()));
    let found = find(&silent, &variables, config(None), nowhere).unwrap();
    assert_eq!(found, ("http://env".into(), "te".into()));
}

#[test]
fn what_a_killed_node_left_is_not_believed() {
    let left = data("http://127.0.0.1:7070", "secret");
    left.lock.unlock().unwrap();
    let named = NodeFlags { node: Some("http://127.0.0.1:7070".into()), ..NodeFlags::default() };
    for (flags, code) in [(NodeFlags::default(), Code::Unreachable), (named, Code::Unauthorized)] {
        let failure = find(&flags, &[], Config::default(), left.path()).unwrap_err();
        assert_eq!(failure.code, code);
    }
}

#[test]
fn an_authority_is_for_the_node_that_it_was_named_for() {
    let local = data("https://127.0.0.1:7070", "secret");
    let certificate = Digest::of(b"its certificate");
    let node =
        serde_json::json!({ "control": "https://127.0.0.1:7070", "certificate": certificate });
    std::fs::write(local.path().join("node.json"), node.to_string()).unwrap();
    let ca = local.path().join("ca.pem");
    std::fs::write(&ca, "an authority").unwrap();
    let trust = |flags: NodeFlags, variables: &[(&str, &str)], config: Config| {
        let variable = |name: &str| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let default_data = Some(local.path().to_owned());
        let around = Surroundings { variable: &variable, config, default_data };
        match flags.find(&around).unwrap().trust {
            Trust::Public => "public",
            Trust::Authorities(text) if text == b"an authority" => "the authority",
            Trust::Certificate(pinned) if pinned == certificate => "the certificate",
            other => panic!("{other:?}"),
        }
    };
    let named = |url: &str| NodeFlags { node: Some(url.into()), ..NodeFlags::default() };
    let (token, ca_file) = (("AIRSSYS_WASM_TOKEN", "t"), ("AIRSSYS_WASM_CA", ca.to_str().unwrap()));
    let none = Config::default;
    // The node of a directory is known by what it presents, however it is named.
    assert_eq!(trust(NodeFlags::default(), &[], none()), "the certificate");
    assert_eq!(trust(named("https://127.0.0.1:7070"), &[], none()), "the certificate");
    // Another is believed by the authority that is named for it, or by the public ones.
    let flags = NodeFlags { ca: Some(ca.clone()), ..named("https://there") };
    assert_eq!(trust(flags, &[token], none()), "the authority");
    assert_eq!(trust(named("https://there"), &[token, ca_file], none()), "the authority");
    assert_eq!(trust(named("https://there"), &[token], none()), "public");
    let beside_another =
        Config { node: Some("https://other".into()), ca: Some(ca.clone()), ..none() };
    assert_eq!(trust(named("https://there"), &[token], beside_another), "public");
    // One for a node elsewhere is not asked about the node of a directory.
    let alone = Config { ca: Some(ca.clone()), ..none() };
    assert_eq!(trust(NodeFlags::default(), &[ca_file], alone), "the certificate");
}

#[test]
fn who_names_a_node_needs_no_home() {
    let flags = NodeFlags { node: Some("http://there".into()), ..NodeFlags::default() };
    let token = |name: &str| (name == "AIRSSYS_WASM_TOKEN").then(|| "t".to_owned());
    let around = Surroundings { variable: &token, config: Config::default(), default_data: None };
    assert_eq!(flags.find(&around).unwrap().token, "t");
    assert_eq!(NodeFlags::default().find(&around).err().unwrap().code, Code::Usage);
}

#[test]
fn without_a_node_the_failure_says_how_to_start_one() {
    let empty = tempfile::tempdir().unwrap();
    let failure = find(&NodeFlags::default(), &[], Config::default(), empty.path()).unwrap_err();
    assert_eq!(failure.code.exit_code(), 7);
    assert!(failure.help.unwrap().contains("airssys-wasm serve"));
}
