//! Grants that are given and revoked while a service runs, updates that ask for more, and what is suggested: on a
//! real node with a real guest, in this process.

mod common;

use airssys_wasm_api::command::{
    AddGrants, Invoke, RevokeGrants, RollbackTo, RolloutChoice, Source, SuggestGrants, Update,
    UpdateOrder, Updates,
};
use airssys_wasm_api::reply::{
    GrantSuggestion, GrantsReport, Invoked, JointPlan, Outcome, Planned, RolloutReport,
    ServiceHistory, ServiceStatus,
};
use airssys_wasm_api::{Code, Command, Failure, Payload};
use airssys_wasm_model::{Grants, ReleaseRef, Version};
use airssys_wasm_store::Store;
use common::{Tested, V1, V2, guest, name, named, with_manifest};

/// What the guest asks for: two buckets.
const ASKS: &str = r#"
    [capabilities]
    keyvalue = [
        { bucket = "a", access = ["read", "write"], reason = "its notes" },
        { bucket = "b", access = ["read"], reason = "its words" },
    ]
"#;

/// The same, and a third bucket.
const ASKS_MORE: &str = r#"
    [capabilities]
    keyvalue = [
        { bucket = "a", access = ["read", "write"], reason = "its notes" },
        { bucket = "b", access = ["read"], reason = "its words" },
        { bucket = "c", access = ["read", "write"], reason = "its letters" },
    ]
"#;

const WIDE: &str = "keyvalue:*:read,write";

fn grants(texts: &[&str]) -> Grants {
    Grants(texts.iter().map(|text| text.parse().unwrap()).collect())
}

/// A node with the service `notes`, granted this.
async fn deployed(granted: &[&str]) -> Tested {
    let tested = Tested::new().await;
    deploy(&tested, "notes", granted).await;
    tested
}

async fn deploy(tested: &Tested, service: &str, granted: &[&str]) {
    let component = with_manifest(guest("keyvalue"), service, ASKS);
    let mut deploy = tested.deployment(service, &component, V1);
    (deploy.grants, deploy.grant_asked) = (grants(granted), false);
    tested.deploy(deploy).await.unwrap();
}

/// Runs commands of the guest's, separated by commas, in one call.
async fn run(tested: &Tested, commands: &str) -> String {
    let script = commands.replace(", ", "\\n").replace(' ', "\\t");
    let invoke = Invoke {
        service: name("notes"),
        function: Some("run".to_owned()),
        args: vec![format!("\"{script}\"")],
        input: Payload::default(),
        content_type: None,
        metadata: Default::default(),
    };
    let invoked: Invoked = tested.ask(Command::Invoke(invoke)).await.unwrap();
    let output = String::from_utf8(invoked.output.0.to_vec()).unwrap();
    output.trim_matches('"').replace("\\n", ", ")
}

async fn revoke(tested: &Tested, texts: &[&str]) -> Result<GrantsReport, Failure> {
    let revoke = RevokeGrants { service: name("notes"), grants: grants(texts), all: false };
    tested.ask(Command::RevokeGrants(revoke)).await
}

async fn add(tested: &Tested, texts: &[&str]) -> Result<GrantsReport, Failure> {
    let add = AddGrants { service: name("notes"), grants: grants(texts) };
    tested.ask(Command::AddGrants(add)).await
}

/// An update to a component that asks for this, as this version.
fn update(tested: &Tested, service: &str, asks: &str, version: Version) -> Update {
    let component = with_manifest(guest("keyvalue"), service, asks);
    Update {
        source: Some(Source::Artifact(tested.upload(&component))),
        version: Some(version),
        ..Update::of(name(service))
    }
}

const USE_BOTH: &str = "open a, set a k 1, get a k, open b, get b k";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_holds_at_once_after_a_restart_and_for_revisions_that_come_back() {
    let tested = deployed(&[WIDE]).await;
    assert_eq!(run(&tested, USE_BOTH).await, "ok, ok, 1, ok, none");

    // A second revision that was granted the same in other words.
    let mut second = update(&tested, "notes", ASKS, V2);
    second.grants = Some(grants(&["keyvalue:a:read,write", "keyvalue:b:read"]));
    tested.update(second).await.unwrap();
    let report = revoke(&tested, &["keyvalue:a:read,write"]).await.unwrap();
    assert_eq!(
        report.also_revoked,
        grants(&[WIDE]).0,
        "the former revision's, which allows it too"
    );
    let denied = "access-denied, a is not open, a is not open, ok, none";
    assert_eq!(run(&tested, USE_BOTH).await, denied);

    let tested = tested.restarted().await;
    assert_eq!(run(&tested, USE_BOTH).await, denied, "after a restart");
    let back: RolloutReport = tested.ask(common_rollback(RollbackTo::Former)).await.unwrap();
    assert_eq!(back.outcome, Some(Outcome::Promoted));
    let nothing = run(&tested, USE_BOTH).await;
    assert!(
        nothing.starts_with("access-denied"),
        "by the revision that was granted more: {nothing}"
    );

    // Nothing but a word of the operator's brings it back.
    let same = update(&tested, "notes", ASKS, Version::new(3, 0, 0));
    let refused = tested.update(same).await.unwrap_err();
    assert_eq!(refused.code, Code::Denied, "{refused:?}");
    add(&tested, &["keyvalue:a:read,write", "keyvalue:b:read"]).await.unwrap();
    assert_eq!(run(&tested, USE_BOTH).await, "ok, ok, 1, ok, none");
    let same = update(&tested, "notes", ASKS, Version::new(3, 0, 0));
    assert_eq!(tested.update(same).await.unwrap().outcome, Some(Outcome::Promoted));
    assert_eq!(run(&tested, USE_BOTH).await, "ok, ok, 1, ok, none");
}

fn common_rollback(to: RollbackTo) -> Command {
    Command::Rollback(airssys_wasm_api::command::Rollback {
        service: name("notes"),
        to,
        rollout: RolloutChoice::default(),
        detached: false,
        plan_only: false,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_and_revoked_is_shown_with_whose_word_it_was() {
    let tested = deployed(&["keyvalue:a:read", "keyvalue:b:read"]).await;
    assert!(run(&tested, "open a, set a k 1").await.ends_with("access-denied"));
    add(&tested, &["keyvalue:a:write"]).await.unwrap();
    assert_eq!(run(&tested, "open a, set a k 1").await, "ok, ok");
    revoke(&tested, &["keyvalue:b:read"]).await.unwrap();
    let report: GrantsReport = tested.ask(Command::Grants(named("notes"))).await.unwrap();
    let [revision] = &report.revisions[..] else { panic!("{report:?}") };
    let asked: Vec<_> = revision
        .asked
        .iter()
        .map(|ask| (ask.reason.as_str(), ask.granted.iter().map(ToString::to_string).collect()))
        .collect();
    let by: Vec<String> = vec!["keyvalue:a:read".into(), "keyvalue:a:write".into()];
    assert_eq!(asked, [("its notes", by), ("its words", vec![])]);
    let granted: Vec<_> = revision
        .granted
        .iter()
        .map(|line| (line.grant.to_string(), line.by.as_str(), line.revoked.is_some()))
        .collect();
    assert_eq!(
        granted,
        [
            ("keyvalue:a:read".to_owned(), "tester", false),
            ("keyvalue:b:read".to_owned(), "tester", true),
            ("keyvalue:a:write".to_owned(), "tester", false),
        ]
    );
    let all = RevokeGrants { service: name("notes"), grants: Grants::default(), all: true };
    tested.ask::<GrantsReport>(Command::RevokeGrants(all)).await.unwrap();
    assert!(run(&tested, "open a").await.ends_with("access-denied"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_that_changes_nothing_is_refused() {
    let tested = deployed(&[WIDE]).await;
    for (said, code) in [
        (add(&tested, &["http:a.org"]).await, Code::Usage),
        (add(&tested, &[WIDE]).await, Code::Conflict),
        (add(&tested, &[]).await, Code::Usage),
        (revoke(&tested, &["http:a.org"]).await, Code::NotFound),
        (revoke(&tested, &["keyvalue:a:read"]).await, Code::Usage),
        (revoke(&tested, &[]).await, Code::Usage),
    ] {
        let refused = said.unwrap_err();
        assert_eq!(refused.code, code, "{refused:?}");
        assert!(refused.help.is_some() || refused.message.starts_with("name what"), "{refused:?}");
    }
    assert_eq!(run(&tested, USE_BOTH).await, "ok, ok, 1, ok, none");
}

async fn status(tested: &Tested, service: &str) -> ServiceStatus {
    tested.ask(Command::Status(named(service))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_asks_for_more_waits_before_any_traffic() {
    let tested = deployed(&[WIDE]).await;
    let mut planned = update(&tested, "notes", ASKS_MORE, V2);
    planned.plan_only = true;
    let plan: Planned = tested.ask(Command::Update(planned)).await.unwrap();
    let says = "it asks for more than before: keyvalue: ";
    assert!(plan.plan[0].contains(says) && plan.plan[0].contains("its letters"), "{plan:?}");

    let waiting = tested.update(update(&tested, "notes", ASKS_MORE, V2)).await.unwrap();
    assert_eq!(waiting.outcome, Some(Outcome::Paused), "{waiting:?}");
    assert!(waiting.reason.starts_with(says), "{waiting:?}");
    let now = status(&tested, "notes").await;
    let running: Vec<_> =
        now.revisions.iter().filter(|it| it.instances > 0 || it.weight > 0.0).collect();
    assert!(running.iter().all(|it| it.version == V1), "nothing of it runs: {now:?}");
    let history: ServiceHistory = tested.ask(Command::History(named("notes"))).await.unwrap();
    let told = serde_json::to_string(&history).unwrap();
    assert!(told.contains("which asks for more"), "{told}");

    // It waits after a restart too, and an operator's word lets it pass.
    let tested = tested.restarted().await;
    assert_eq!(status(&tested, "notes").await.active.unwrap().version, V1);
    let done: RolloutReport = tested.ask(Command::Promote(named("notes"))).await.unwrap();
    assert_eq!((done.outcome, done.to.version), (Some(Outcome::Promoted), V2));
    assert_eq!(run(&tested, "open c, set c k 1").await, "ok, ok");
    // What was asked before is no more.
    let third = update(&tested, "notes", ASKS, Version::new(3, 0, 0));
    assert_eq!(tested.update(third).await.unwrap().outcome, Some(Outcome::Promoted));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_asks_for_more_may_be_taken_back_or_answered_beforehand() {
    let tested = deployed(&[WIDE]).await;
    let waiting = tested.update(update(&tested, "notes", ASKS_MORE, V2)).await.unwrap();
    assert_eq!(waiting.outcome, Some(Outcome::Paused));
    let back: RolloutReport = tested.ask(Command::Abort(named("notes"))).await.unwrap();
    assert_eq!(back.outcome, Some(Outcome::Aborted));
    assert_eq!(status(&tested, "notes").await.active.unwrap().version, V1);

    let mut answered = update(&tested, "notes", ASKS_MORE, V2);
    answered.grants = Some(grants(&[WIDE]));
    let done = tested.update(answered).await.unwrap();
    assert_eq!((done.outcome, done.to.version), (Some(Outcome::Promoted), V2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_services_the_one_that_asks_for_more_lets_all_wait() {
    let tested = deployed(&[WIDE]).await;
    deploy(&tested, "other", &[WIDE]).await;
    let updates = |plan_only| Updates {
        updates: vec![update(&tested, "notes", ASKS_MORE, V2), update(&tested, "other", ASKS, V2)],
        order: UpdateOrder::Together,
        detached: true,
        plan_only,
    };
    let plan: JointPlan = tested.ask(Command::Updates(updates(true))).await.unwrap();
    assert!(plan.plans[0].plan[0].contains("asks for more"), "{plan:?}");
    assert!(!plan.plans[1].plan[0].contains("asks for more"), "{plan:?}");
    tested.act(Command::Updates(updates(false))).await.unwrap();
    assert_eq!(status(&tested, "other").await.active.unwrap().version, V1);
    let _passed = tested.act(Command::Resume(named("notes"))).await.unwrap();
    for service in ["notes", "other"] {
        let is_new = async || status(&tested, service).await.active.unwrap().version == V2;
        common::until("both are updated", is_new).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_settled_before_a_revocation_is_not_begun_after_it() {
    let tested = deployed(&[WIDE]).await;
    let release = ReleaseRef { name: name("notes"), version: V1 };
    let mut again = update(&tested, "notes", ASKS, V1);
    (again.source, again.version) = (Some(Source::Release(release)), None);
    again.config = Some(common::config(serde_json::json!({ "a": "b" })));
    let (updated, revoked) = tokio::join!(tested.update(again), revoke(&tested, &[WIDE]));
    revoked.unwrap();
    // It was first, or it was refused: it never has what was revoked meanwhile.
    if let Err(refused) = updated {
        assert!(matches!(refused.code, Code::Conflict | Code::Denied), "{refused:?}");
    }
    assert!(run(&tested, "open a").await.ends_with("access-denied"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_grants_that_cover_what_was_used_are_suggested() {
    let tested = deployed(&[WIDE]).await;
    run(&tested, "open a, set a k 1, get a k").await;
    run(&tested, "open a, get a k").await;
    let command = || Command::SuggestGrants(SuggestGrants { service: name("notes"), since: None });
    let found: GrantSuggestion = tested.ask(command()).await.unwrap();
    assert_eq!(found.grants, ["keyvalue:a:read,write"], "{found:?}");
    assert_eq!(found.unused.len(), 1);
    assert_eq!(found.unused[0].reason, "its words");
    assert_eq!(Grants::parse_toml(&found.grants_toml).unwrap(), grants(&["keyvalue:a:read,write"]));
    assert!(found.denied.is_empty() && found.incomplete.is_empty() && found.uses >= 3, "{found:?}");

    revoke(&tested, &[WIDE]).await.unwrap();
    run(&tested, "open b").await;
    let found: GrantSuggestion = tested.ask(command()).await.unwrap();
    assert_eq!(found.denied, ["keyvalue:b:read"], "{found:?}");
    assert_eq!(found.grants, ["keyvalue:a:read,write"]);

    // What the manifest does not ask for is not had by a grant: it is told apart.
    run(&tested, "open c").await;
    let found: GrantSuggestion = tested.ask(command()).await.unwrap();
    assert_eq!(found.denied, ["keyvalue:b:read"], "{found:?}");
    assert_eq!(found.unasked, ["keyvalue:c:read"], "{found:?}");
}

/// Beside a bucket, outbound HTTP.
const ASKS_HTTP: &str = r#"
    [capabilities]
    keyvalue = [{ bucket = "a", access = ["read", "write"], reason = "its notes" }]
    http = [{ host = "a.org", methods = ["GET"], path = "/v1/**", reason = "prices" }]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_that_was_recorded_with_a_grant_of_nothing_asked_starts_without_it() {
    let tested = Tested::new().await;
    let component = with_manifest(guest("keyvalue"), "notes", ASKS_HTTP);
    let mut deploy = tested.deployment("notes", &component, V1);
    let useful = "http:a.org/v1/**:GET";
    (deploy.grants, deploy.grant_asked) = (grants(&[WIDE, useful]), false);
    tested.deploy(deploy).await.unwrap();
    assert_eq!(run(&tested, "open a, set a k 1").await, "ok, ok");

    // An earlier version took a grant of other paths.
    let useless = "http:a.org/v2/**:GET";
    assert_eq!(add(&tested, &[useless]).await.unwrap_err().code, Code::Usage);
    let dir = tested.closed().await;
    let store = Store::open(dir.path()).unwrap();
    let record = store.records().get("services/notes").unwrap().unwrap();
    let text = String::from_utf8(record.value).unwrap();
    assert!(text.contains(useful), "{text}");
    let text = text.replace(useful, useless);
    store.records().put_if("services/notes", Some(record.version), text.as_bytes()).unwrap();
    drop(store);

    let tested = Tested { node: common::open(dir.path()).await, dir };
    assert_eq!(run(&tested, "open a, get a k").await, "ok, 1");
    let report: GrantsReport = tested.ask(Command::Grants(named("notes"))).await.unwrap();
    let revision = &report.revisions[0];
    let idle: Vec<_> = revision.granted.iter().filter(|line| line.is_idle).collect();
    let [line] = &idle[..] else { panic!("{report:?}") };
    assert_eq!(line.grant.to_string(), useless);
    let http = revision.asked.iter().find(|ask| ask.reason == "prices").unwrap();
    assert!(http.granted.is_empty(), "{report:?}");

    // An update that takes over what is granted is told what is missing.
    let refused = tested.update(update(&tested, "notes", ASKS_HTTP, V2)).await.unwrap_err();
    assert_eq!(refused.code, Code::Denied);
    assert!(refused.help.as_deref().unwrap().contains(useful), "{refused:?}");
    revoke(&tested, &[useless]).await.unwrap();
    add(&tested, &[useful]).await.unwrap();
    let done = tested.update(update(&tested, "notes", ASKS_HTTP, V2)).await.unwrap();
    assert_eq!(done.outcome, Some(Outcome::Promoted));
    assert_eq!(run(&tested, "open a, get a k").await, "ok, 1");
}
