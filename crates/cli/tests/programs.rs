//! Programs of the host through the command line: listed for the node, asked, granted, run and recorded.

mod common;

use std::path::Path;

use common::{Node, found, run_with, with_manifest, write};

const MANIFEST: &str = r#"
[component]
name = "shouts"
version = "1.0.0"

[[capabilities.process]]
name = "upper"
reason = "it shouts"
"#;

/// A node with a list of programs, each with the command that a shell runs.
fn with_programs(commands: &[(&str, &str)]) -> Node {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("programs.toml");
    let entry = |(name, command): &(&str, &str)| {
        let command = command.replace("DIR", dir.path().to_str().unwrap());
        format!("[{name}]\nprogram = \"/bin/sh\"\narguments = [\"-c\", '''{command}''']\n")
    };
    std::fs::write(&list, commands.iter().map(entry).collect::<String>()).unwrap();
    Node::start_at("127.0.0.1:0", dir, &["--programs", list.to_str().unwrap()])
}

#[test]
fn a_listed_program_runs_once_it_is_granted_and_is_recorded() {
    let node = with_programs(&[("upper", "tr a-z A-Z"), ("lower", "tr A-Z a-z")]);
    let file = with_manifest(&node, "process", "shouts.wasm", MANIFEST);
    node.refused(4, &["deploy", &file]);
    let missing = node.run(&["deploy", &file]);
    assert!(missing.err.contains("--grant process:upper"), "{missing:?}");
    node.json(&["deploy", &file, "--grant", "process:upper"]);
    let said = node.json(&["invoke", "shouts", "--input", "upper\nhello"]);
    assert!(said.to_string().contains("0 out[HELLO] err[]"), "{said}");
    let said = node.json(&["invoke", "shouts", "--input", "lower\nHELLO"]);
    assert!(said.to_string().contains("the program is not granted"), "{said}");
    let trail = node.run(&["audit", "--kind", "process"]);
    let lines: Vec<_> = trail.out.lines().filter(|line| line.contains("shouts")).collect();
    let [allowed, denied] = lines[..] else { panic!("{trail:?}") };
    assert!(allowed.contains("upper") && allowed.contains("allowed"), "{allowed}");
    assert!(denied.contains("process:lower") && denied.contains("denied"), "{denied}");
}

#[test]
fn a_program_does_not_outlive_a_node_that_is_killed() {
    let node = with_programs(&[("upper", "echo $$ > DIR/leader; exec sleep 1000")]);
    let file = with_manifest(&node, "process", "shouts.wasm", MANIFEST);
    node.json(&["deploy", &file, "--grant", "process:upper"]);
    let leader = node.dir.path().join("leader");
    let data = node.dir.path().to_owned();
    let calling = std::thread::spawn(move || {
        run_with(&["invoke", "shouts", "--input", "upper"], |command| {
            command.env("AIRSSYS_WASM_DATA", data);
        })
    });
    let number = found("the program runs", || {
        let found = std::fs::read_to_string(&leader).unwrap_or_default();
        found.strip_suffix('\n').map(str::to_owned)
    });
    let _dir = node.kill();
    assert_ne!(calling.join().unwrap().code, Some(0));
    let stat = Path::new("/proc").join(number).join("stat");
    found("the program is gone", || {
        let stat = std::fs::read_to_string(&stat).unwrap_or_default();
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        matches!(state, None | Some('Z' | 'X')).then_some(())
    });
}

#[test]
fn a_list_that_cannot_be_used_is_refused_at_the_start() {
    let node = Node::start();
    let data = node.dir.path().join("other");
    let serve = |list: &str| {
        let file = write(&node, "programs.toml", list.as_bytes());
        let words = ["serve", "--data", data.to_str().unwrap(), "--programs", &file];
        run_with(&words, |_| {})
    };
    let ended = serve("[upper]\nprogram = \"tr\"");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("the program of `upper` has no absolute path"), "{ended:?}");
    let ended = serve("[upper]\nprogram = \"/bin/tr\"\nshell = true");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("unknown field `shell`"), "{ended:?}");
    assert!(!data.exists(), "nothing was begun");
}
