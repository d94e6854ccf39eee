//! What real guests do with their rights, and what the node is told to do, as the audit trail has it.

mod common;

use std::fs;

use airssys_wasm_api::command::{
    Audit, AuditVerify, Invoke, RolloutChoice, Scale, SetPolicy, Update,
};
use airssys_wasm_api::reply::{
    AuditDecision, AuditEntries, AuditEntry, AuditReport, Invoked, Outcome, RolloutReport,
};
use airssys_wasm_api::{By, Code, Command, Payload};
use airssys_wasm_model::{Grants, RolloutSettings, StrategyName};
use common::{Tested, V1, V2, greet, guest, name, named, until, with_manifest};

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
    // It is decided in the service's record first, and in the trail a moment later.
    tested.decided(1).await;
    tested
}

impl Tested {
    /// What rollouts decided by themselves, when so much of it is in the trail.
    async fn decided(&self, count: usize) -> Vec<AuditEntry> {
        let decided = Audit { kind: Some("rollout".into()), ..Audit::default() };
        let is_there = async || self.trail(decided.clone()).await.len() >= count;
        until(&format!("decision {count} in the trail"), is_there).await;
        self.trail(decided).await
    }

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
    // A question is none.
    tested.status("files").await;
    assert_eq!(tested.trail(Audit::default()).await.len(), entries.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_one_entry_that_says_that_nothing_was_changed() {
    let tested = with_files().await;
    let before = tested.trail(Audit::default()).await.len();
    let mut plan = tested.deployment("files", &guest("files"), V2);
    plan.plan_only = true;
    tested.deploy(plan.clone()).await.unwrap();
    // This version is there with other bytes.
    plan.version = Some(V1);
    let failed = tested.deploy(plan).await.unwrap_err();
    let entries = tested.trail(Audit::default()).await;
    let [planned, refused] = &entries[before..] else { panic!("{entries:?}") };
    for entry in [planned, refused] {
        assert_eq!((&*entry.kind, entry.decision), ("deploy", AuditDecision::Allowed));
        assert_eq!(entry.principal.as_deref(), Some("tester"));
    }
    assert!(planned.detail.as_deref().unwrap().ends_with("a plan, and nothing was changed"));
    let why = refused.detail.as_deref().unwrap();
    assert!(why.starts_with("no plan (conflict)") && why.contains(&failed.message), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rollout_decides_by_itself_is_in_the_trail_with_its_evidence() {
    let tested = with_files().await;
    let entries = tested.decided(1).await;
    let [promoted] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((promoted.service.as_deref(), promoted.revision), (Some("files"), Some(1)));
    assert_eq!((&*promoted.target, &promoted.principal), ("rollout 1 to r1 (1.0.0)", &None));
    let words = promoted.detail.as_deref().unwrap();
    assert!(words.starts_with("promoted") && words.ends_with("asked for by tester"), "{words}");
    // Nobody calls it, so that its window says too little: it waits by itself, and goes on by an operator's word.
    let settings = RolloutSettings::parse(
        "strategy = \"canary\"\nsteps = [50]\nobserve = \"1ms\"\nmin_calls = 5\n",
    );
    let rollout =
        RolloutChoice { settings: Some(Box::new(settings.unwrap())), ..RolloutChoice::default() };
    let update = Update { rollout, ..greet("files", "hi", StrategyName::Canary) };
    let report = tested.update(update).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Inconclusive), "{report:?}");
    let entries = tested.decided(2).await;
    let [_, paused] = &entries[..] else { panic!("{entries:?}") };
    let words = paused.detail.as_deref().unwrap();
    assert!(words.starts_with("paused: ") && words.contains("evidence: 0 calls"), "{words}");
    tested.ask::<RolloutReport>(Command::Promote(named("files"))).await.unwrap();
    let entries = tested.decided(3).await;
    let last = entries.last().unwrap();
    assert!(last.detail.as_deref().unwrap().starts_with("promoted"), "{last:?}");
    assert_eq!(last.principal.as_deref(), Some("tester"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_not_deploy_is_counted_and_cannot_fill_the_trail() {
    let tested = with_files().await;
    let before = tested.trail(Audit::default()).await.len();
    let reader = By { roles: ["reader".parse().unwrap()].into(), ..By::unwatched("mallory", "r") };
    let mut deployment = tested.deployment("files", &guest("files"), V1);
    for number in 0..200 {
        deployment.version = Some(format!("1.0.{number}").parse().unwrap());
        let refused =
            tested.node.act(Command::Deploy(deployment.clone()), reader.clone()).await.unwrap_err();
        assert_eq!(refused.code, Code::Denied);
    }
    let tested = tested.restarted().await;
    let entries = tested.trail(Audit::default()).await;
    let refused: Vec<_> =
        entries[before..].iter().filter(|entry| entry.decision == AuditDecision::Denied).collect();
    assert_eq!(refused.iter().map(|entry| entry.count).sum::<u64>(), 200);
    // The first and, every ten seconds, how many like it there were.
    assert!(refused.len() < 20, "{} entries", refused.len());
    assert!(refused.iter().all(|entry| entry.principal.as_deref() == Some("mallory")));
    assert!(
        entries
            .iter()
            .all(|entry| entry.kind != "deploy" || entry.principal.as_deref() == Some("tester"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_policy_that_runs_dry_would_deny_is_in_the_trail_and_done() {
    let tested = with_files().await;
    let policy = airssys_wasm::default_policy().to_owned();
    let set = SetPolicy { policy, dry_run: true };
    tested.act(Command::SetPolicy(set)).await.unwrap();
    let reader = By { roles: ["reader".parse().unwrap()].into(), ..By::unwatched("eve", "r") };
    let scale = Scale { service: name("files"), min: None, max: Some(3) };
    tested.node.act(Command::Scale(scale), reader).await.unwrap();
    let would = Audit { decision: Some(AuditDecision::WouldBeDenied), ..Audit::default() };
    let entries = tested.trail(would).await;
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(entry.principal.as_deref(), Some("eve"));
    assert!(entry.target.contains("scale") && entry.target.contains("`files`"), "{entry:?}");
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
