//! Who gets a call: by a rule, by a key that sticks, by name and by address, through the HTTP door and real guests.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use airssys_wasm::Server;
use airssys_wasm_api::command::{Deploy, Invoke, Source, Update};
use airssys_wasm_api::reply::{
    EvidenceReport, Invoked, Reply, RolloutReport, ServiceStatus, Traffic,
};
use airssys_wasm_api::{By, Command, Failure, Payload};
use airssys_wasm_model::{Span, StrategyName};
use airssys_wasm_store::Store;
use common::{V1, V2, greet, guest, name, named, relabelled, with_manifest};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// A server whose service `echo` has two revisions: the active r1 and, under a canary that waits, r2.
struct Routed {
    server: Server,
    dir: tempfile::TempDir,
    client: Client,
}

impl Routed {
    /// With this `[routing]`, and r2 at this share.
    async fn new(routing: &str, share: f64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let routed = Self { server: common::server(dir.path()).await, dir, client: Client::new() };
        let tables = format!("[routing]\n{routing}");
        let first = with_manifest(guest("echo-handler"), "echo", &tables);
        // The candidate's own word counts once it is the active one.
        let second = relabelled(guest("echo-handler"), 2);
        let deploy =
            Deploy { version: Some(V1), grant_asked: true, ..Deploy::of(routed.upload(&first)) };
        routed.act(Command::Deploy(deploy)).await.unwrap();
        let mut update = greet("echo", "hi", StrategyName::Canary);
        update.rollout.steps = Some(vec![share.into()]);
        update.rollout.observe = Some(Span(Duration::from_secs(600)));
        let (source, version) = (Some(routed.upload(&second)), Some(V2));
        let update = Update { source, version, detached: true, ..update };
        routed.act(Command::Update(update)).await.unwrap();
        let at_work = async || {
            let status = routed.status().await;
            status.revisions.iter().any(|line| line.revision.0 == 2 && line.weight > 0.0)
        };
        common::until("r2 has its share", at_work).await;
        routed
    }

    /// What the rollout's steps have come to.
    async fn watched(&self) -> Option<EvidenceReport> {
        let rollout = self.status().await.rollout?;
        rollout.steps.into_iter().find_map(|step| step.evidence).map(|evidence| *evidence)
    }

    fn upload(&self, bytes: &[u8]) -> Source {
        Source::Artifact(self.server.node().store().blobs().put(bytes).unwrap())
    }

    async fn act(&self, command: Command) -> Result<Reply, Failure> {
        self.server.node().act(command, By::unwatched("tester", "a-request")).await
    }

    async fn status(&self) -> ServiceStatus {
        self.act(Command::Status(named("echo"))).await.unwrap().try_into().unwrap()
    }

    /// Stops the server, changes the record of the service and starts another.
    async fn restarted_with(self, change: impl FnOnce(&mut Value)) -> Self {
        self.server.stop().await;
        let opening = async {
            loop {
                match Store::open(self.dir.path()) {
                    Ok(store) => return store,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let store = common::within("the store of the node that stopped", opening).await;
        let mut record = store.records().get_json::<Value>("services/echo").unwrap().unwrap();
        change(&mut record.value);
        store.records().put_json("services/echo", Some(record.version), &record.value).unwrap();
        drop(store);
        Self { server: common::server(self.dir.path()).await, ..self }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.server.http()))
    }

    /// A call by its key.
    async fn keyed(&self, session: usize) -> u32 {
        let request = self.get("/echo/").header("cookie", format!("a=b; session=user-{session}"));
        by(&request.send().await.unwrap())
    }

    /// What a call that names its revision comes to.
    async fn naming(&self, route: &str) -> Response {
        self.get("/echo/").header("x-airssys-route", route).send().await.unwrap()
    }

    async fn at_host(&self, host: &str) -> Response {
        self.get("/").header("host", host).send().await.unwrap()
    }

    async fn invoke(&self) -> u32 {
        let invoke = Invoke {
            service: name("echo"),
            function: None,
            args: Vec::new(),
            input: Payload("you".into()),
            content_type: None,
            metadata: Default::default(),
        };
        let invoked = self.act(Command::Invoke(invoke)).await.unwrap();
        Invoked::try_from(invoked).unwrap().revision.0
    }
}

/// The revision that answered.
fn by(answer: &Response) -> u32 {
    assert_eq!(answer.status(), StatusCode::OK);
    answer.headers()["x-airssys-revision"].to_str().unwrap().parse().unwrap()
}

async fn problem(answer: Response) -> (StatusCode, String) {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_names_its_revision_or_version_where_the_service_lets_it() {
    let routed = Routed::new("named = true", 0.01).await;
    for (route, revision) in
        [("version=2.0.0", 2), ("revision=2", 2), ("revision=1", 1), ("version=v1.0.0", 1)]
    {
        for _ in 0..5 {
            assert_eq!(by(&routed.naming(route).await), revision, "{route}");
        }
    }
    for (route, status, words) in [
        ("revision=9", StatusCode::NOT_FOUND, "r9: it does not run"),
        ("version=7.0.0", StatusCode::NOT_FOUND, "version 7.0.0: it does not run"),
        ("r2", StatusCode::BAD_REQUEST, "neither"),
    ] {
        let (found, text) = problem(routed.naming(route).await).await;
        assert_eq!(found, status, "{route}: {text}");
        assert!(text.contains(words), "{text}");
    }
    routed.act(Command::Abort(named("echo"))).await.unwrap();
    let stopped = async || routed.naming("version=2.0.0").await.status() == StatusCode::NOT_FOUND;
    common::until("the candidate is gone", stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_name_a_revision_are_counted_and_are_no_evidence() {
    const EACH: u64 = 5;
    let routed = Routed::new("named = true\npreview = true", 0.01).await;
    for _ in 0..EACH {
        for revision in [1, 2] {
            assert_eq!(by(&routed.naming(&format!("revision={revision}")).await), revision);
            assert_eq!(by(&routed.at_host(&format!("r{revision}.echo.localhost")).await), revision);
        }
    }
    let monitor = routed.act(Command::Monitor(named("echo"))).await.unwrap();
    let traffic = Traffic::try_from(monitor).unwrap();
    for revision in &traffic.revisions {
        assert_eq!((revision.calls, revision.errors), (2 * EACH, 0));
        assert!(revision.latency_ms.p50.is_some());
    }
    assert!(routed.server.node().metrics().contains(&format!(
        "airssys_calls_total{{service=\"echo\",revision=\"2\",version=\"2.0.0\"}} {}",
        2 * EACH
    )));
    // Shown after a sample that was taken after the calls.
    let elapsed = async || {
        let watched = routed.watched().await.filter(|evidence| evidence.elapsed.is_some())?;
        Some((watched.elapsed?, watched))
    };
    let first = elapsed().await.map(|(first, _)| first);
    let later = async || elapsed().await.is_some_and(|(now, _)| first.is_none_or(|it| now > it));
    common::until("evidence is shown", later).await;
    let (_, evidence) = elapsed().await.unwrap();
    assert_eq!(evidence.calls, 0, "{evidence:?}");
    assert!(!evidence.tests.is_empty());
    for test in &evidence.tests {
        assert_eq!((test.candidate.calls, test.active.calls), (0, 0), "{test:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_says_nothing_lets_no_call_choose() {
    let routed = Routed::new("", 50.0).await;
    let (status, text) = problem(routed.naming("revision=1").await).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(text.contains("named = true"), "{text}");
    let (status, text) = problem(routed.at_host("r1.echo.localhost").await).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(text.contains("preview = true"), "{text}");
    assert!(routed.status().await.revisions.iter().all(|line| line.address.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_revision_that_runs_has_its_own_address() {
    let routed = Routed::new("preview = true", 0.01).await;
    for revision in [1, 2] {
        let host = format!("r{revision}.echo.localhost");
        for _ in 0..5 {
            assert_eq!(by(&routed.at_host(&host).await), revision);
        }
        let status = routed.status().await;
        let line = status.revisions.iter().find(|line| line.revision.0 == revision).unwrap();
        assert_eq!(line.address.as_ref(), Some(&host));
    }
    let (status, text) = problem(routed.at_host("r9.echo.localhost").await).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{text}");
    // The address decides, so that what a browser sends along does not.
    let request = routed.get("/").header("host", "r2.echo.localhost");
    let answer = request.header("x-airssys-route", "revision=1").send().await.unwrap();
    assert_eq!(by(&answer), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_stays_on_its_revision_also_after_a_restart_and_goes_back_with_an_abort() {
    let routed = Routed::new("sticky = \"cookie:session\"", 50.0).await;
    let mut first = Vec::new();
    for session in 0..30 {
        first.push(routed.keyed(session).await);
    }
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 2, "all on one: {first:?}");
    let routed = routed.restarted_with(|record| assert_ne!(record["seed"], 0)).await;
    for (session, revision) in first.iter().enumerate() {
        for _ in 0..3 {
            assert_eq!(routed.keyed(session).await, *revision, "session {session}");
        }
    }
    // Without a session each call is drawn anew.
    let mut drawn = BTreeSet::new();
    for _ in 0..60 {
        drawn.insert(by(&routed.get("/echo/").send().await.unwrap()));
    }
    assert_eq!(drawn.len(), 2);
    let status = routed.status().await;
    assert_eq!(status.sticky, Some("cookie:session".parse().unwrap()));
    let aborted = routed.act(Command::Abort(named("echo"))).await.unwrap();
    RolloutReport::try_from(aborted).unwrap();
    for session in 0..first.len() {
        assert_eq!(routed.keyed(session).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_decides_before_the_shares_for_requests_and_for_invocations() {
    let routed = Routed::new("", 50.0).await;
    let to = |revision: u32| json!([{ "revision": revision, "weight": 10_000 }]);
    let rules = json!([
        { "when": ["header:x-beta=1"], "shares": to(2) },
        { "when": ["path^=/echo/v2/", "method=GET"], "shares": to(2) },
        { "when": ["query:beta in yes,please"], "shares": to(2) },
        { "when": ["trigger=invoke", "caller=tester"], "shares": to(2) },
    ]);
    let table = json!({ "rules": rules, "shares": to(1) });
    let routed = routed.restarted_with(|record| record["table"] = table).await;
    assert_eq!(by(&routed.get("/echo/").send().await.unwrap()), 1);
    assert_eq!(by(&routed.get("/echo/").header("X-Beta", "1").send().await.unwrap()), 2);
    assert_eq!(by(&routed.get("/echo/").header("x-beta", "10").send().await.unwrap()), 1);
    assert_eq!(by(&routed.get("/echo/v2/x").send().await.unwrap()), 2);
    assert_eq!(by(&routed.get("/echo/?a&beta=pl%65ase").send().await.unwrap()), 2);
    let post = routed.client.post(format!("{}/echo/v2/x", routed.server.http()));
    assert_eq!(by(&post.send().await.unwrap()), 1);
    assert_eq!(routed.invoke().await, 2);
    let status = routed.status().await;
    let shown: Vec<_> = status.rules.iter().map(|rule| rule.when.to_string()).collect();
    assert_eq!(shown[1], "path^=/echo/v2/ & method=GET");
    assert_eq!(status.rules[3].shares[0].revision.0, 2);
}
