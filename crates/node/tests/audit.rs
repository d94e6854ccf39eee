//! What real guests do with their rights, and what the node is told to do, as the audit trail has it.

mod common;

use std::fs;

use airssys_wasm_api::command::{Audit, AuditVerify, Invoke};
use airssys_wasm_api::reply::{AuditDecision, AuditEntries, AuditEntry, AuditReport, Invoked};
use airssys_wasm_api::{Code, Command, Payload};
use airssys_wasm_model::Grants;
use common::{Tested, V1, guest, name, named, with_manifest};

/// One of them right below `/data`, so that this is the directory that the guest gets.
const ASKS: &str = r#"
[[capabilities.files]]
path = "/data/open/**"
access = ["read"]
reason = "tests"

[[capabilities.files]]
path = "/data/top-*.txt"
access = ["read"]
reason = "tests"
"#;

/// A node with the guest that does with files what a script says; `/data/open` is granted to it.
async fn with_files() -> Tested {
    let tested = Tested::new().await;
    let data = tested.dir.path().join("granted");
    fs::create_dir_all(data.join("open")).unwrap();
    fs::write(data.join("open/a.txt"), "a").unwrap();
    fs::write(data.join("secret.txt"), "secret").unwrap();
    let artifact = with_manifest(guest("files"), "files", ASKS);
    let mut deploy = tested.deployment("files", &artifact, V1);
    let grant = format!("files:{}=/data:read", data.display());
    deploy.grants = Grants(vec![grant.parse().unwrap()]);
    tested.deploy(deploy).await.unwrap();
    tested
}

impl Tested {
    async fn run(&self, lines: &[&str]) -> String {
        let script = lines.join("\n").replace(' ', "\t");
        let invoke = Invoke {
            service: name("files"),
            function: Some("run".into()),
            args: vec![format!("{script:?}")],
            input: Payload::default(),
            content_type: None,
            metadata: Default::default(),
        };
        let invoked: Invoked = self.ask(Command::Invoke(invoke)).await.unwrap();
        String::from_utf8(invoked.output.0.to_vec()).unwrap()
    }

    async fn trail(&self, asked: Audit) -> Vec<AuditEntry> {
        let asked = Audit { limit: Some(Audit::MAX_LIMIT), ..asked };
        self.ask::<AuditEntries>(Command::Audit(asked)).await.unwrap().entries
    }

    async fn uses(&self) -> Vec<AuditEntry> {
        self.trail(Audit { kind: Some("files".into()), ..Audit::default() }).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_allowed_and_a_denied_access_are_in_the_trail_with_whose_they_are() {
    let tested = with_files().await;
    assert_eq!(
        tested.run(&["read /data open/a.txt", "read /data secret.txt"]).await,
        "\"a\\nnot-permitted\""
    );
    assert_eq!(tested.run(&["read /data open/a.txt"]).await, "\"a\"");
    let entries = tested.uses().await;
    let [allowed, denied, again] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((allowed.decision, &*allowed.target), (AuditDecision::Allowed, "/data/open/a.txt"));
    assert_eq!((denied.decision, &*denied.target), (AuditDecision::Denied, "/data/secret.txt"));
    let why = denied.detail.as_deref().unwrap();
    assert!(why.contains("grant `files:HOST_DIRECTORY=/data/secret.txt:read`"), "{why}");
    for entry in &entries {
        assert_eq!((entry.service.as_deref(), entry.revision), (Some("files"), Some(1)));
        assert_eq!(entry.principal.as_deref(), Some("tester"));
    }
    assert!(allowed.call.is_some() && allowed.instance.is_some());
    assert_eq!((&allowed.call, allowed.instance), (&denied.call, denied.instance));
    assert_ne!((&allowed.call, allowed.instance), (&again.call, again.instance));
    let denials = Audit { decision: Some(AuditDecision::Denied), ..Audit::default() };
    assert_eq!(tested.trail(denials).await, std::slice::from_ref(denied));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_in_a_loop_of_denials_is_counted_exactly_and_cannot_fill_the_trail() {
    const ROUNDS: usize = 40;
    let tested = with_files().await;
    let same = ["read /data secret.txt"; 50];
    let varied: Vec<String> = (0..50).map(|number| format!("read /data no-{number}")).collect();
    let varied: Vec<&str> = varied.iter().map(String::as_str).collect();
    for _ in 0..ROUNDS {
        tested.run(&[&same[..], &varied[..]].concat()).await;
    }
    // What is still being counted is written when the node stops.
    let tested = tested.restarted().await;
    let entries = tested.uses().await;
    let counted: u64 = entries.iter().map(|entry| entry.count).sum();
    assert_eq!(counted, (ROUNDS * (same.len() + varied.len())) as u64);
    // 20 a second and instance one by one, and two for the rest of each: the like ones and the various.
    assert!(entries.len() <= ROUNDS * 24, "{} entries", entries.len());
    let report: AuditReport =
        tested.ask(Command::AuditVerify(AuditVerify::default())).await.unwrap();
    assert!(report.intact, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_recorded_with_who_asked_before_it_is_done_and_with_what_came_of_it() {
    let tested = with_files().await;
    let failed = tested.act(Command::Remove(named("nobody"))).await.unwrap_err();
    assert_eq!(failed.code, Code::NotFound);
    let entries = tested.trail(Audit::default()).await;
    let of = |kind: &str| -> Vec<_> { entries.iter().filter(|entry| entry.kind == kind).collect() };
    let deploys = of("deploy");
    let [asked, done] = &deploys[..] else { panic!("{entries:?}") };
    assert!(asked.detail.as_ref().unwrap().starts_with("asked for, granting files:"), "{asked:?}");
    assert!(done.detail.as_ref().unwrap().starts_with("done"), "{done:?}");
    assert_eq!((asked.revision, done.revision), (None, Some(1)));
    assert!(asked.target.starts_with("sha256:"), "{asked:?}");
    let removals = of("remove");
    let [_, failed] = &removals[..] else { panic!("{entries:?}") };
    assert!(failed.detail.as_ref().unwrap().starts_with("failed (not_found)"), "{failed:?}");
    for entry in [asked, done, failed] {
        assert_eq!(entry.principal.as_deref(), Some("tester"));
        assert_eq!(entry.call.as_deref(), Some("a-request"));
    }
    // A question is none, and neither is a plan.
    tested.status("files").await;
    let mut plan = tested.deployment("files", &guest("files"), V1);
    plan.plan_only = true;
    let _ = tested.deploy(plan).await;
    assert_eq!(tested.trail(Audit::default()).await.len(), entries.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_the_trail_is_told_of_the_next_entry_that_is_asked_for() {
    let tested = with_files().await;
    let last = tested.trail(Audit::default()).await.last().unwrap().seq;
    let next = Audit {
        decision: Some(AuditDecision::Denied),
        after_seq: Some(last),
        wait_ms: Some(Audit::MAX_WAIT_MS),
        ..Audit::default()
    };
    let (found, _) = tokio::join!(tested.trail(next), async {
        tested.run(&["read /data open/a.txt"]).await;
        tested.run(&["read /data secret.txt"]).await
    });
    assert_eq!(found.iter().map(|entry| &*entry.target).collect::<Vec<_>>(), ["/data/secret.txt"]);
}
