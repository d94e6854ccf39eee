//! Copies of calls: to a candidate that nobody sees, through the node and real guests.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use airssys_wasm::Server;
use airssys_wasm_api::command::{Deploy, Invoke, Source, Update};
use airssys_wasm_api::reply::{
    ComparedReport, Outcome, Reply, RolloutReport, ServiceStatus, StepState, Traffic,
};
use airssys_wasm_api::{By, Code, Command, Failure, Payload};
use airssys_wasm_model::{Grants, RevisionNumber, RolloutSettings, Span, StrategyName};
use common::{V1, config, greet, guest, name, named, with_manifest};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// A server whose service `svc` has the active revision r1.
struct Shadowed {
    server: Arc<Server>,
    client: Client,
    _dir: tempfile::TempDir,
}

/// How long answers are compared: long enough for the calls of a test on a slow machine.
const WINDOW: Duration = Duration::from_secs(6);

impl Shadowed {
    async fn new(component: &str, tables: &str) -> Self {
        Self::with(component, tables, json!({}), &[]).await
    }

    async fn with(component: &str, tables: &str, settings: Value, grants: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Arc::new(common::server(dir.path()).await);
        let shadowed = Self { server, client: Client::new(), _dir: dir };
        let bytes = with_manifest(guest(component), "svc", tables);
        let deploy = Deploy {
            version: Some(V1),
            config: Some(config(settings)),
            grants: Grants(grants.iter().map(|grant| grant.parse().unwrap()).collect()),
            grant_asked: true,
            ..Deploy::of(Source::Artifact(
                shadowed.server.node().store().blobs().put(&bytes).unwrap(),
            ))
        };
        shadowed.act(Command::Deploy(deploy)).await.unwrap();
        shadowed
    }

    async fn act(&self, command: Command) -> Result<Reply, Failure> {
        self.server.node().act(command, By::unwatched("tester", "a-request")).await
    }

    /// Begins a shadow of this configuration and comes back when answers are compared.
    async fn compares(&self, settings: Value) -> JoinHandle<RolloutReport> {
        self.compares_by(settings, RolloutSettings::default()).await
    }

    async fn compares_by(
        &self,
        settings: Value,
        mut rollout: RolloutSettings,
    ) -> JoinHandle<RolloutReport> {
        rollout.shadow.mirror = 100.0;
        rollout.shadow.observe = Span(WINDOW);
        let mut update = shadow(settings);
        update.rollout.settings = Some(Box::new(rollout));
        let server = Arc::clone(&self.server);
        let rolling = tokio::spawn(async move {
            let by = By::unwatched("tester", "a-request");
            let report = server.node().act(Command::Update(update), by).await;
            report.unwrap().try_into().unwrap()
        });
        let compares = async || {
            let rollout = self.status().await.rollout;
            let mut steps = rollout.into_iter().flat_map(|rollout| rollout.steps);
            steps.any(|it| it.state == StepState::Running && it.step.contains("'s answers"))
        };
        common::until("answers are compared", compares).await;
        rolling
    }

    async fn status(&self) -> ServiceStatus {
        self.act(Command::Status(named("svc"))).await.unwrap().try_into().unwrap()
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let url = format!("{}/svc{path}", self.server.http());
        let answer = self.client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn invoke(
        &self,
        function: Option<&str>,
        args: &[&str],
        input: &str,
    ) -> Result<Reply, Failure> {
        let invoke = Invoke {
            service: name("svc"),
            function: function.map(str::to_owned),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            input: Payload(input.to_owned().into()),
            content_type: None,
            metadata: Default::default(),
        };
        self.act(Command::Invoke(invoke)).await
    }
}

/// An update by a shadow to the same component with this configuration.
fn shadow(settings: Value) -> Update {
    let mut update = greet("svc", "", StrategyName::Shadow);
    update.config = Some(config(settings));
    update.rollout.observe = None;
    update
}

/// What the copies came to, when the rollout has ended.
async fn compared(rolling: JoinHandle<RolloutReport>) -> (RolloutReport, ComparedReport) {
    let report = rolling.await.unwrap();
    let evidence = report.steps.iter().find_map(|step| step.evidence.as_ref()?.compared.clone());
    let evidence = evidence.unwrap_or_else(|| panic!("nothing was compared: {report:?}"));
    (report, evidence)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_of_the_same_finds_no_difference_and_changes_nothing() {
    let shadowed = Shadowed::new("http-hello", "").await;
    let rolling = shadowed.compares(json!({ "other": "1" })).await;
    for _ in 0..10 {
        assert_eq!(shadowed.get("/").await, (200, "hello 1.0.0".to_owned()));
        // A copy that meets another one is left out, so they come one by one.
        assert_eq!(shadowed.get("/status/418").await.0, 418);
    }
    let traffic: Traffic =
        shadowed.act(Command::Monitor(named("svc"))).await.unwrap().try_into().unwrap();
    let calls = |number| {
        let line = traffic.revisions.iter().find(|line| line.revision == RevisionNumber(number));
        line.map(|line| (line.calls, line.weight))
    };
    assert_eq!(calls(1), Some((20, 100.0)));
    assert_eq!(calls(2), Some((0, 0.0)), "copies count as nobody's calls");
    let copies = async || {
        let traffic = shadowed.act(Command::Monitor(named("svc"))).await.unwrap();
        let [active, candidate] = Traffic::try_from(traffic).unwrap().revisions.try_into().unwrap();
        assert_eq!(active.shadow, None);
        candidate.shadow.is_some_and(|shadow| shadow.calls > 0 && shadow.cpu_ms > 0.0)
    };
    common::until("copies are counted apart", copies).await;
    let metrics = shadowed.server.node().metrics();
    let shown = "airssys_shadow_compared_calls{service=\"svc\",revision=\"2\",version=\"1.0.0\"}";
    assert!(metrics.contains(shown), "{metrics}");
    let (report, compared) = compared(rolling).await;
    assert_eq!(report.outcome, Some(Outcome::Concluded), "{report:?}");
    assert!((1..=20).contains(&compared.calls), "{compared:?}");
    assert_eq!((compared.different, compared.refused), (0, 0), "{compared:?}");
    assert!(compared.active_ms.unwrap() > 0.0 && compared.candidate_ms.unwrap() > 0.0);
    assert_eq!(shadowed.status().await.active.unwrap().revision, RevisionNumber(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_to_which_nothing_was_compared_waits_for_an_operator() {
    let shadowed = Shadowed::new("http-hello", "").await;
    let report = shadowed.compares(json!({ "other": "1" })).await.await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Inconclusive), "{report:?}");
    assert!(report.reason.starts_with("no answer was compared"), "{}", report.reason);
    let aborted = shadowed.act(Command::Abort(named("svc"))).await.unwrap();
    assert_eq!(RolloutReport::try_from(aborted).unwrap().outcome, Some(Outcome::Aborted));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_that_answers_otherwise_is_taken_back_with_examples() {
    let shadowed = Shadowed::new("http-hello", "").await;
    let rolling = shadowed.compares(json!({ "version": "2.0.0" })).await;
    while !rolling.is_finished() {
        assert_eq!(shadowed.get("/version?of=all").await, (200, "1.0.0".to_owned()));
    }
    let (report, compared) = compared(rolling).await;
    assert_eq!(report.outcome, Some(Outcome::Aborted), "{report:?}");
    assert!(report.reason.contains("answers differed"), "{}", report.reason);
    assert_eq!(compared.calls, compared.different);
    assert!((1..=5).contains(&compared.examples.len()));
    let example = compared.examples.last().unwrap();
    assert_eq!(
        [&example.call, &example.what, &example.active, &example.candidate],
        ["GET /version?of=all", "body", "1.0.0", "2.0.0"]
    );
    assert_eq!(shadowed.get("/version").await.1, "1.0.0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ignored_of_a_json_answer_may_differ() {
    let shadowed = Shadowed::with("echo-handler", "", json!({ "greeting": "a" }), &[]).await;
    let ignoring = |path: &str| {
        let mut rollout = RolloutSettings::default();
        rollout.shadow.ignore = vec![path.to_owned()];
        rollout
    };
    for (path, differs) in [("$.greeting", false), ("$.time", true)] {
        let rolling = shadowed.compares_by(json!({ "greeting": "b" }), ignoring(path)).await;
        // Through HTTP and by its handler: both are copied.
        for _ in 0..5 {
            let url = format!("{}/svc", shadowed.server.http());
            let answer = shadowed.client.post(url).body("config").send().await.unwrap();
            assert_eq!(answer.text().await.unwrap(), r#"{"greeting":"a"}"#);
            shadowed.invoke(None, &[], "config").await.unwrap();
        }
        let (report, compared) = compared(rolling).await;
        assert!(compared.calls > 0, "{report:?}");
        assert_eq!(compared.different > 0, differs, "{compared:?}");
        if differs {
            let example = compared.examples.last().unwrap();
            let said = [&example.what, &example.active, &example.candidate];
            assert_eq!(said, ["$.greeting", "\"a\"", "\"b\""]);
        }
    }
    let mut update = shadow(json!({}));
    update.rollout.settings = Some(Box::new(ignoring("$.items[x]")));
    let refused = shadowed.act(Command::Update(update)).await.unwrap_err();
    assert_eq!(refused.code, Code::Usage, "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_copy_would_send_is_refused_and_counted_and_the_callers_leaves() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let came = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counting = Arc::clone(&came);
    let app = axum::Router::new().fallback(async move || {
        counting.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        "prices"
    });
    tokio::spawn(async move { axum::serve(server, app).await });
    let tables =
        format!("[capabilities]\nhttp = [{{ host = \"{address}\", reason = \"prices\" }}]\n");
    let shadowed = Shadowed::with("http-hello", &tables, json!({}), &[]).await;
    let rolling = shadowed.compares(json!({ "other": "1" })).await;
    let path = format!("/outbound?url=http://{address}/");
    for _ in 0..3 {
        assert_eq!(shadowed.get(&path).await, (200, "prices".to_owned()));
    }
    let (_, compared) = compared(rolling).await;
    assert!(compared.refused > 0 && compared.refused == compared.calls, "{compared:?}");
    assert_eq!(compared.examples.last().unwrap().what, "status");
    assert_eq!(came.load(std::sync::atomic::Ordering::Relaxed), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_that_is_slow_or_traps_slows_and_fails_no_caller() {
    let shadowed = Shadowed::new("http-hello", "[limits]\ntime = \"2s\"\n").await;
    for (settings, why) in
        [(json!({ "sleep_ms": "60000" }), "limit on time"), (json!({ "trap": "1" }), "trapped")]
    {
        let rolling = shadowed.compares(settings).await;
        let begun = Instant::now();
        for _ in 0..20 {
            assert_eq!(shadowed.get("/").await, (200, "hello 1.0.0".to_owned()));
        }
        // Each that waited for the candidate would have taken two seconds.
        assert!(begun.elapsed() < Duration::from_secs(20), "20 calls took {:?}", begun.elapsed());
        let (report, compared) = compared(rolling).await;
        assert_eq!(report.outcome, Some(Outcome::Aborted), "{report:?}");
        let example = compared.examples.last().unwrap();
        assert_eq!((example.what.as_str(), example.active.as_str()), ("answer", "200"));
        assert!(example.candidate.contains(why), "{example:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_are_copied_with_their_arguments() {
    let shadowed = Shadowed::new("functions", "").await;
    let rolling = shadowed.compares(json!({ "other": "1" })).await;
    for _ in 0..3 {
        shadowed.invoke(Some("add"), &["1", "2"], "").await.unwrap();
        shadowed.invoke(Some("divide"), &["1", "0"], "").await.unwrap();
        // No answer on either side is the same.
        shadowed.invoke(Some("trap"), &[], "").await.unwrap_err();
    }
    let (report, compared) = compared(rolling).await;
    assert_eq!(report.outcome, Some(Outcome::Concluded), "{report:?}");
    assert!(compared.calls > 0 && compared.different == 0, "{compared:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_long_to_keep_is_not_copied() {
    let shadowed = Shadowed::new("http-hello", "").await;
    let rolling = shadowed.compares(json!({ "other": "1" })).await;
    let post = async |length: usize| {
        let url = format!("{}/svc/echo", shadowed.server.http());
        let answer = shadowed.client.post(url).body("x".repeat(length)).send().await.unwrap();
        assert_eq!(answer.bytes().await.unwrap().len(), length);
    };
    for length in [(64 << 10) + 1, 1 << 20] {
        post(length).await;
    }
    assert_eq!(shadowed.get("/big?mib=1").await.1.len(), 1 << 20);
    post(64 << 10).await;
    let (_, compared) = compared(rolling).await;
    assert_eq!((compared.calls, compared.different), (1, 0), "{compared:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actors_calls_are_neither_split_nor_copied() {
    let actor = "[instances]\nmodel = \"actor\"\n";
    let shadowed = Shadowed::new("counter", actor).await;
    for strategy in [StrategyName::Canary, StrategyName::Ab, StrategyName::Shadow] {
        let mut update = shadow(json!({}));
        update.rollout.strategy = Some(strategy);
        let refused = shadowed.act(Command::Update(update)).await.unwrap_err();
        assert_eq!(refused.code, Code::Usage, "{refused}");
        assert!(refused.message.contains("is an actor"), "{refused}");
    }
}
