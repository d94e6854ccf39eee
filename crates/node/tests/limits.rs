//! Limits as operators meet them: set in the manifest, shown with their use, named when they are reached.

mod common;

use airssys_wasm_api::command::{Invoke, Logs};
use airssys_wasm_api::reply::{LogLines, Traffic};
use airssys_wasm_api::{Code, Command, Payload};
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
    assert_eq!(shown("airssys_limit_used", "keyvalue"), "0", "also where nothing has a bucket");
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

#[tokio::test(flavor = "multi_thread")]
async fn what_a_services_buckets_hold_is_shown_beside_its_limit() {
    let tested = Tested::new().await;
    let mut deploy = tested.deployment("notes", &guest("keyvalue"), V1);
    deploy.grants.0.push("keyvalue:*:read,write".parse().unwrap());
    tested.deploy(deploy).await.unwrap();
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    let used = |tested: &Tested, service: &str| {
        let begin = format!("airssys_limit_used{{service=\"{service}\",");
        let metrics = tested.node.metrics();
        let mut lines = metrics.lines().filter(|line| line.starts_with(&begin));
        let line = lines.find(|line| line.contains("limit=\"keyvalue\"")).map(str::to_owned);
        line.unwrap().rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    assert_eq!((used(&tested, "notes"), used(&tested, "echo")), (0, 0));
    let invoke = Invoke {
        service: name("notes"),
        function: Some("run".to_owned()),
        args: vec![r#""open\ta\nset\ta\tk\t0123456789""#.to_owned()],
        input: Payload::default(),
        content_type: None,
        metadata: Default::default(),
    };
    tested.act(Command::Invoke(invoke)).await.unwrap();
    let kept = used(&tested, "notes");
    assert!((11..1_000).contains(&kept) && used(&tested, "echo") == 0, "{kept}");
    let tested = tested.restarted().await;
    assert_eq!((used(&tested, "notes"), used(&tested, "echo")), (kept, 0));
}
