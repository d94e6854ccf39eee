//! Limits as operators meet them: set in the manifest, shown with their use, named when they are reached.

mod common;

use airssys_wasm_api::command::Logs;
use airssys_wasm_api::reply::{LogLines, Traffic};
use airssys_wasm_api::{Code, Command};
use common::{Tested, V1, guest, name, named, with_manifest};

const LIMITS: &str = "[limits]\nmemory = \"16MiB\"\noutput = \"1MiB\"\nkeyvalue_rate = 7\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_set_by_the_manifest_shown_with_its_use_and_named_when_it_is_reached() {
    let tested = Tested::new().await;
    let hostile = with_manifest(guest("hostile"), "echo", LIMITS);
    tested.deploy(tested.deployment("echo", &hostile, V1)).await.unwrap();

    for (harm, limit) in [("alloc 64", "memory"), ("big-output 2", "output")] {
        let stopped = tested.echo(harm).await.unwrap_err();
        assert_eq!(stopped.code, Code::Limit, "{harm}");
        assert!(stopped.message.contains(limit), "{}", stopped.message);
        let help = stopped.help.unwrap();
        assert!(help.contains(&format!("raise `{limit}`")), "{help}");
    }
    let deep = tested.echo("recurse").await.unwrap_err();
    assert!(!deep.help.unwrap().contains("[limits]"), "the stack is no setting");
    assert_eq!(tested.echo("still here").await.unwrap(), "still here");

    let metrics = tested.node.metrics();
    let line = |family: &str, limit: &str| {
        let begin = format!(
            "{family}{{service=\"echo\",revision=\"1\",version=\"1.0.0\",limit=\"{limit}\"}} "
        );
        metrics.lines().find_map(|line| line.strip_prefix(&begin)).map(str::to_owned)
    };
    let shown = |family: &str, limit: &str| line(family, limit).unwrap();
    assert_eq!(shown("airssys_limit", "memory"), "16777216");
    assert_eq!(shown("airssys_limit", "keyvalue_rate"), "7");
    assert_eq!(shown("airssys_limit", "time"), "5", "a default, in seconds");
    assert_eq!(shown("airssys_limit_used", "concurrency"), "0");
    for (limit, hits) in [("memory", "1"), ("output", "1"), ("stack", "1"), ("sockets", "0")] {
        assert_eq!(shown("airssys_limit_hits_total", limit), hits, "{limit}");
    }
    assert_eq!(line("airssys_limit", "stack"), None);
    assert_eq!(line("airssys_limit_used", "output"), None, "an answer's length is no level");

    let traffic: Traffic = tested.ask(Command::Monitor(named("echo"))).await.unwrap();
    let hit = traffic.revisions[0].limits_hit.iter().map(|(limit, hits)| (&**limit, *hits));
    assert_eq!(hit.collect::<Vec<_>>(), [("memory", 1), ("output", 1), ("stack", 1)]);

    let logs = Logs { service: name("echo"), after: None, tail: None, wait_ms: None };
    let logs: LogLines = tested.ask(Command::Logs(logs)).await.unwrap();
    let said = |words: &str| logs.lines.iter().any(|line| line.text.contains(words));
    assert!(said("limits: a call was stopped at its limit `memory` of 16.0 MiB"), "{logs:?}");
    assert!(said("limits: a call was stopped: it has used up its stack"), "{logs:?}");
}
