//! Who else has a word in a rollout: gates and metrics over HTTP, operators at gates and pauses, and whose word
//! the addresses are.

mod common;

use std::sync::{Arc, Mutex};

use airssys_wasm::{Node, NodeSettings};
use airssys_wasm_api::command::{RolloutChoice, Update};
use airssys_wasm_api::reply::{Outcome, RolloutReport, ServiceHistory, StepState};
use airssys_wasm_api::{By, Code, Command};
use airssys_wasm_model::{RolloutSettings, StrategyName};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use common::{Tested, V1, greet, guest, named, until, with_manifest};
use http::StatusCode;
use http::header::LOCATION;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a server outside answers, given how often it was asked before.
type Answers = Arc<dyn Fn(usize) -> Option<Response> + Send + Sync>;

/// A server outside, that keeps what it was asked.
#[derive(Clone)]
struct Outside {
    url: String,
    asked: Arc<Mutex<Vec<(String, String)>>>,
    answers: Answers,
}

impl Outside {
    /// One that answers so; with `None` it never does.
    async fn that(answers: impl Fn(usize) -> Option<Response> + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let outside = Self { url, asked: Arc::default(), answers: Arc::new(answers) };
        let router = Router::new().fallback(Self::answer).with_state(outside.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        outside
    }

    async fn saying(status: u16, words: &'static str) -> Self {
        Self::that(move |_| Some((StatusCode::from_u16(status).unwrap(), words).into_response()))
            .await
    }

    /// A Prometheus server whose every query comes to this.
    async fn measuring(
        value: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        Self::that(move |asked| {
            let series =
                value(asked).map(|value| format!(r#"{{"metric":{{}},"value":[1,"{value}"]}}"#));
            let series = series.unwrap_or_default();
            let text = format!(
                r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#
            );
            Some(text.into_response())
        })
        .await
    }

    async fn answer(State(outside): State<Self>, uri: http::Uri, body: String) -> Response {
        let before = {
            let mut asked = outside.asked.lock().unwrap();
            asked.push((uri.to_string(), body));
            asked.len() - 1
        };
        match (outside.answers)(before) {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
}

/// A service whose first revision answers.
async fn deployed() -> Tested {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    tested
}

/// An update that its operator rolls out so.
fn update(rollout: &str) -> Update {
    let settings = RolloutSettings::parse(rollout).unwrap();
    Update {
        rollout: RolloutChoice { settings: Some(Box::new(settings)), ..RolloutChoice::default() },
        ..greet("echo", "hi", StrategyName::AllAtOnce)
    }
}

async fn steer(
    tested: &Tested,
    steer: fn(airssys_wasm_api::command::Named) -> Command,
) -> RolloutReport {
    tested.ask(steer(named("echo"))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_passes_is_told_what_it_lets_pass() {
    let tested = deployed().await;
    let gate = Outside::saying(204, "").await;
    let rollout = format!("gates = [{{ url = \"{}/check?by=node\" }}]", gate.url);
    let report = tested.update(update(&rollout)).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
    assert_eq!(tested.echo("you").await.unwrap(), "hi, you");
    let [(uri, body)] = gate.asked().try_into().unwrap();
    assert_eq!(uri, "/check?by=node");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["service"], &body["rollout"]), (&"echo".into(), &2.into()));
    for (end, revision) in [("from", 1), ("to", 2)] {
        assert_eq!(body[end]["revision"], revision);
        assert_eq!(body[end]["version"], "1.0.0");
    }
    assert_eq!(body["step"]["next"], "give r2 100% of the calls");
}

/// A gate over HTTPS that lets everything pass, with a certificate of the authority in `fixtures/outside`.
async fn encrypted_gate() -> String {
    let chain = CertificateDer::pem_file_iter(fixture("server.pem")).unwrap();
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let tls = TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/check", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Who does not believe it hangs up.
            let Ok(stream) = tls.accept(stream).await else { continue };
            let pass =
                hyper::service::service_fn(async |_: http::Request<hyper::body::Incoming>| {
                    let mut passed = http::Response::new(String::new());
                    *passed.status_mut() = StatusCode::NO_CONTENT;
                    Ok::<_, std::convert::Infallible>(passed)
                });
            let served = hyper::server::conn::http1::Builder::new();
            let _ = served.serve_connection(TokioIo::new(stream), pass).await;
        }
    });
    url
}

fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/outside").join(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_https_gate_is_believed_by_the_authorities_that_the_operator_names() {
    let url = encrypted_gate().await;
    let rollout =
        format!("gates = [{{ url = \"{url}\", timeout = \"300ms\", on_timeout = \"abort\" }}]");
    for (gate_ca, outcome) in
        [(None, Outcome::Aborted), (Some(fixture("authority.pem")), Outcome::Promoted)]
    {
        let believed = gate_ca.is_some();
        let dir = tempfile::tempdir().unwrap();
        let pooling = airssys_wasm::Pooling::Never;
        let settings = NodeSettings { gate_ca, pooling, ..NodeSettings::new(dir.path()) };
        let tested = Tested { node: Node::open(settings).await.unwrap(), dir };
        tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
        let report = tested.update(update(&rollout)).await.unwrap();
        assert_eq!(report.outcome, Some(outcome), "{report:?}");
        assert!(believed || report.reason.contains("certificate"), "{}", report.reason);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_refuses_takes_the_candidate_back_in_its_words() {
    let tested = deployed().await;
    let gate = Outside::saying(403, "not on a Friday\n").await;
    for rollout in [
        format!("gates = [{{ url = \"{}\" }}]", gate.url),
        format!("strategy = \"canary\"\nsteps = [{{ gate = {{ url = \"{}\" }} }}]", gate.url),
    ] {
        let report = tested.update(update(&rollout)).await.unwrap();
        assert_eq!(report.outcome, Some(Outcome::Aborted), "{report:?}");
        assert!(report.reason.ends_with("refused it: not on a Friday"), "{}", report.reason);
        assert_eq!(tested.echo("you").await.unwrap(), "you");
    }
    let history: ServiceHistory = tested.ask(Command::History(named("echo"))).await.unwrap();
    assert!(history.0.last().unwrap().why.contains("not on a Friday"), "{history:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_hangs_is_given_up_as_told() {
    let tested = deployed().await;
    let gate = Outside::that(|_| None).await;
    let hanging = |then: &str| {
        update(&format!(
            "gates = [{{ url = \"{}\", timeout = \"200ms\", on_timeout = \"{then}\" }}]",
            gate.url
        ))
    };
    let report = tested.update(hanging("abort")).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Aborted), "{report:?}");
    assert!(report.reason.contains("no answer within 200ms"), "{}", report.reason);
    let report = tested.update(hanging("pause")).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Inconclusive), "{report:?}");
    assert_eq!(tested.echo("you").await.unwrap(), "you");
    assert_eq!(steer(&tested, Command::Abort).await.outcome, Some(Outcome::Aborted));
    let report = tested.update(hanging("continue")).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
    assert_eq!(tested.echo("you").await.unwrap(), "hi, you");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_fails_or_sends_elsewhere_has_not_answered() {
    let tested = deployed().await;
    let elsewhere = Outside::saying(200, "").await;
    let url = elsewhere.url.clone();
    let redirect = Outside::that(move |_| {
        Some((StatusCode::TEMPORARY_REDIRECT, [(LOCATION, url.clone())]).into_response())
    });
    let broken = Outside::saying(502, "bad gateway");
    for (gate, words) in [(redirect.await, "307"), (broken.await, "bad gateway")] {
        let rollout = format!("gates = [{{ url = \"{}\", timeout = \"2s\" }}]", gate.url);
        let report = tested.update(update(&rollout)).await.unwrap();
        assert_eq!(report.outcome, Some(Outcome::Aborted), "{report:?}");
        assert!(report.reason.contains(words), "{}", report.reason);
    }
    assert!(elsewhere.asked().is_empty());
    // One that is back in time is asked again.
    let back = Outside::that(|asked| {
        Some(
            if asked == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
                .into_response(),
        )
    });
    let back = back.await;
    let rollout = format!("gates = [{{ url = \"{}\" }}]", back.url);
    let report = tested.update(update(&rollout)).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
    assert_eq!(back.asked().len(), 2);
}

fn measured(server: &Outside, observe: &str) -> Update {
    update(&format!(
        r#"strategy = "canary"
        steps = [50]
        observe = "{observe}"
        metrics = [{{
            name = "unpaid", url = "{}", max = 0.5, every = "50ms",
            query = 'rate(unpaid{{service="{{service}}", revision="{{revision}}"}}[1m]) / {{active}}',
        }}]"#,
        server.url
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metric_out_of_its_bounds_takes_the_candidate_back() {
    let tested = deployed().await;
    // Sound at first, so that it is asked for more than once.
    let server = Outside::measuring(|asked| Some(if asked < 2 { "0.25" } else { "0.75" })).await;
    let report = tested.update(measured(&server, "10m")).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Aborted), "{report:?}");
    assert_eq!(report.reason, "unpaid is 0.75; at most 0.5 is allowed");
    let failed = report.steps.iter().find(|step| step.state == StepState::Failed).unwrap();
    let evidence = failed.evidence.as_ref().unwrap();
    assert_eq!(evidence.metrics[0].value, Some(0.75));
    assert_eq!(tested.echo("you").await.unwrap(), "you");
    let (uri, _) = &server.asked()[0];
    let query = uri.strip_prefix("/api/v1/query?query=").unwrap();
    let query = percent_encoding::percent_decode_str(query).decode_utf8().unwrap();
    assert_eq!(query, r#"rate(unpaid{service="echo", revision="2"}[1m]) / 1"#);
    let history: ServiceHistory = tested.ask(Command::History(named("echo"))).await.unwrap();
    let last = history.0.iter().find(|line| line.state == "aborted").unwrap();
    assert_eq!(last.evidence.as_ref().unwrap().metrics[0].value, Some(0.75));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metric_that_is_missing_pauses_and_never_promotes() {
    let tested = deployed().await;
    let there = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let back = Arc::clone(&there);
    let server = Outside::measuring(move |_| {
        back.load(std::sync::atomic::Ordering::SeqCst).then_some("0.1")
    });
    let server = server.await;
    let report = tested.update(measured(&server, "200ms")).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Inconclusive), "{report:?}");
    assert_eq!(report.reason, "the metric `unpaid` is missing: the query found nothing");
    assert_eq!(tested.status("echo").await.state, "paused");
    there.store(true, std::sync::atomic::Ordering::SeqCst);
    steer(&tested, Command::Resume).await;
    until("the metric is back", async || tested.status("echo").await.rollout.is_none()).await;
    assert_eq!(tested.echo("you").await.unwrap(), "hi, you");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_word_ends_a_manual_gate_and_a_pause_until_promoted() {
    let tested = deployed().await;
    let report = tested.update(update("gates = [{ manual = true }]")).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Paused), "{report:?}");
    assert_eq!(tested.echo("you").await.unwrap(), "you");
    steer(&tested, Command::Resume).await;
    until("it is promoted", async || tested.status("echo").await.rollout.is_none()).await;
    assert_eq!(tested.echo("you").await.unwrap(), "hi, you");

    let rollout = "strategy = \"canary\"\nsteps = [1, { pause = \"until-promoted\" }, 50]\nobserve = \"50ms\"";
    let pausing = Update { ..update(rollout) };
    let report = tested.update(Update { config: None, ..pausing.clone() }).await.unwrap();
    assert_eq!(report.outcome, Some(Outcome::Paused), "{report:?}");
    let report = steer(&tested, Command::Promote).await;
    assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
    let history: ServiceHistory = tested.ask(Command::History(named("echo"))).await.unwrap();
    let promoted = history.0.iter().rfind(|line| line.state == "promoted").unwrap();
    assert!(promoted.why.ends_with("promoted by hand"), "{promoted:?}");
    assert_eq!(promoted.decided_by.as_deref(), Some("tester"));
    let resumed = history.0.iter().rfind(|line| line.state == "promoted" && line.at < promoted.at);
    assert_eq!(resumed.unwrap().decided_by, None, "the plan promoted it");

    let paused = tested.update(Update { config: None, ..pausing }).await.unwrap();
    assert_eq!(paused.outcome, Some(Outcome::Paused), "{paused:?}");
    let by = By::unwatched("ops", "a-request");
    tested.node.act(Command::Abort(named("echo")), by).await.unwrap();
    let history: ServiceHistory = tested.ask(Command::History(named("echo"))).await.unwrap();
    let aborted = history.0.iter().rfind(|line| line.state == "aborted").unwrap();
    assert_eq!((aborted.by.as_str(), aborted.decided_by.as_deref()), ("tester", Some("ops")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_are_asked_when_the_operator_names_them_and_not_a_manifest() {
    let gate = Outside::saying(200, "").await;
    let metric = Outside::measuring(|_| Some("0")).await;
    let in_steps =
        format!("strategy = \"canary\"\nsteps = [{{ gate = {{ url = \"{}\" }} }}]", gate.url);
    let as_gate = format!("gates = [{{ url = \"{}\" }}]", gate.url);
    let as_metric = format!(
        "strategy = \"canary\"\nsteps = [50]\nobserve = \"50ms\"\n\
         metrics = [{{ name = \"m\", url = \"{}\", query = \"q\", max = 1 }}]",
        metric.url
    );
    for (rollout, server) in [(in_steps, &gate), (as_gate, &gate), (as_metric, &metric)] {
        let tested = Tested::new().await;
        let tables = format!("[rollout]\n{rollout}");
        let bytes = with_manifest(guest("echo-handler"), "echo", &tables);
        tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap();
        let by_manifest = Update {
            rollout: RolloutChoice::default(),
            ..greet("echo", "hi", StrategyName::AllAtOnce)
        };
        for plan_only in [true, false] {
            let failure =
                tested.update(Update { plan_only, ..by_manifest.clone() }).await.unwrap_err();
            assert_eq!((failure.code, failure.code.exit_code()), (Code::Denied, 4), "{failure}");
            assert!(failure.message.contains(&server.url), "{failure}");
            assert!(failure.help.unwrap().contains("--rollout FILE"));
        }
        assert!(server.asked().is_empty());
        assert_eq!(tested.status("echo").await.revisions.len(), 1);
        let report = tested.update(update(&rollout)).await.unwrap();
        assert_eq!(report.outcome, Some(Outcome::Promoted), "{report:?}");
        assert!(!std::mem::take(&mut *server.asked.lock().unwrap()).is_empty());
    }
}
