//! What a stop, a restart and time leave of a node: who waits is answered, what ran comes back, and what
//! nothing needs goes.

mod common;

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use airssys_wasm::{Pooling, ServerSettings};
use airssys_wasm_api::command::{List, RollbackTo, Source};
use airssys_wasm_api::reply::{RolloutReport, Services};
use airssys_wasm_api::{By, Code, Command, Failure};
use airssys_wasm_model::{Digest, RevisionNumber, Span, StrategyName};
use common::{
    Tested, V1, V2, back, config, greet, guest, named, relabelled, until, with_manifest, within,
};
use serde_json::json;

/// The file of an artifact.
fn blob(tested: &Tested, digest: Digest) -> PathBuf {
    tested.dir.path().join("blobs").join(digest.hex())
}

/// Lets an artifact be as old as if it had been uploaded two hours ago.
fn age(tested: &Tested, digest: Digest) {
    let file = File::options().append(true).open(blob(tested, digest)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(2 * 60 * 60)).unwrap();
}

async fn no_services(tested: &Tested) -> bool {
    let services: Services = tested.ask(Command::List(List {})).await.unwrap();
    services == Services::default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_waits_is_answered_when_the_node_stops() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    let mut update = greet("echo", "hi", StrategyName::Canary);
    update.rollout.observe = Some(Span(Duration::from_secs(600)));
    let node = Arc::clone(&tested.node);
    let by = By::unwatched("tester", "a-request");
    let waiting = tokio::spawn(async move { node.act(Command::Update(update), by).await });
    until("updating", async || tested.status("echo").await.state == "updating").await;
    tested.node.close().await;
    let answered = within("the answer to who waits", waiting).await;
    let failure: Failure = answered.unwrap().unwrap_err();
    assert_eq!(failure.code, Code::Unavailable, "{failure}");
    let late = tested.deployment("late", &guest("echo-handler"), V1);
    assert_eq!(tested.deploy(late).await.unwrap_err().code, Code::Unavailable);
    let tested = tested.restarted().await;
    assert_eq!(tested.status("echo").await.state, "updating");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_in_its_hold_is_warm_again_after_a_restart() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    tested.update(greet("echo", "hi", StrategyName::BlueGreen)).await.unwrap();
    let tested = tested.restarted().await;
    let is_ready = async || tested.status("echo").await.revisions[0].state == "ready";
    until("r1 is ready", is_ready).await;
    let report: RolloutReport = tested.ask(back("echo", RollbackTo::Former)).await.unwrap();
    assert!(report.steps[0].step.starts_with("give r1 100%"), "{:?}", report.steps);
    assert_eq!(tested.echo("you").await.unwrap(), "you");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_active_revision_that_did_not_start_again_is_tried_until_it_does() {
    let tested = Tested::new().await;
    let deployed =
        tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    let (there, away) = (blob(&tested, deployed.digest), tested.dir.path().join("away"));
    fs::rename(&there, &away).unwrap();
    // What was compiled of it would do.
    fs::remove_dir_all(tested.dir.path().join("compiled")).unwrap();
    let tested = tested.restarted().await;
    assert_eq!(tested.status("echo").await.state, "failed");
    assert_eq!(tested.echo("you").await.unwrap_err().code, Code::Unavailable);
    fs::rename(&away, &there).unwrap();
    until("it runs again", async || tested.status("echo").await.state == "active").await;
    assert_eq!(tested.status("echo").await.problem, None);
    assert_eq!(tested.echo("you").await.unwrap(), "you");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artifacts_that_nothing_names_go_and_the_others_stay() {
    let tested = Tested::new().await;
    let bytes = guest("echo-handler");
    let named_one = tested.deploy(tested.deployment("echo", &bytes, V1)).await.unwrap().digest;
    let mut plan = tested.deployment("other", &relabelled(bytes.clone(), 1), V1);
    plan.plan_only = true;
    let Source::Artifact(planned) = plan.source else { unreachable!("it was uploaded") };
    tested.deploy(plan.clone()).await.unwrap();
    let abandoned = tested.upload(&relabelled(bytes, 2));
    let old = [named_one, planned, abandoned];
    // Of late, everything stays.
    assert!(old.iter().all(|digest| blob(&tested, *digest).exists()));

    old.iter().for_each(|digest| age(&tested, *digest));
    // The plan's own is touched by it and stays; the abandoned one goes.
    tested.deploy(plan).await.unwrap();
    assert!(blob(&tested, named_one).exists() && blob(&tested, planned).exists());
    assert!(!blob(&tested, abandoned).exists());
    age(&tested, planned);
    let tested = tested.restarted().await;
    assert!(blob(&tested, named_one).exists() && !blob(&tested, planned).exists());
    assert_eq!(tested.echo("you").await.unwrap(), "you");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_s_words_are_cut_before_they_are_recorded() {
    let tested = Tested::new().await;
    let mut deploy = tested.deployment("echo", &guest("echo-handler"), V1);
    // Its `init` names the field that it does not know.
    deploy.config = Some(config(json!({ "ä".repeat(20_000): 1 })));
    let failure = tested.deploy(deploy).await.unwrap_err();
    assert_eq!(failure.code, Code::Invalid);
    let problem = tested.status("echo").await.problem.unwrap();
    assert!(problem.len() < 5_000, "{} bytes are recorded", problem.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_is_bounded() {
    let tested = Tested::new().await;
    let mut deploy = tested.deployment("echo", &guest("echo-handler"), V1);
    deploy.config = Some(config(json!({ "greeting": "x".repeat(64 << 10) })));
    let failure = tested.deploy(deploy.clone()).await.unwrap_err();
    assert_eq!(failure.code, Code::Invalid, "{failure}");
    assert!(failure.message.contains("configuration"), "{failure}");
    assert!(no_services(&tested).await);
    deploy.config = Some(config(json!({ "greeting": "x".repeat(60 << 10) })));
    tested.deploy(deploy).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_s_value_stays_also_where_it_was_the_default() {
    let tested = Tested::new().await;
    let with_default = |greeting: &str| {
        let tables = format!("[config]\ngreeting = \"{greeting}\"\n");
        with_manifest(guest("echo-handler"), "echo", &tables)
    };
    let mut deploy = tested.deployment("echo", &with_default("hello"), V1);
    deploy.config = Some(config(json!({ "greeting": "hello" })));
    tested.deploy(deploy).await.unwrap();
    let mut update = greet("echo", "", StrategyName::AllAtOnce);
    update.config = None;
    update.source = Some(Source::Artifact(tested.upload(&with_default("hi"))));
    update.version = Some(V2);
    tested.update(update).await.unwrap();
    assert_eq!(tested.echo("you").await.unwrap(), "hello, you");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_takes_no_other_version() {
    let tested = Tested::new().await;
    tested.deploy(tested.deployment("echo", &guest("echo-handler"), V1)).await.unwrap();
    let release = Source::Release("echo@1.0.0".parse().unwrap());
    let mut deploy = tested.deployment("echo", &guest("echo-handler"), V2);
    deploy.source = release.clone();
    assert_eq!(tested.deploy(deploy).await.unwrap_err().code, Code::Usage);
    for source in [None, Some(release)] {
        let mut update = greet("echo", "hi", StrategyName::AllAtOnce);
        (update.source, update.version) = (source, Some(V2));
        assert_eq!(tested.update(update).await.unwrap_err().code, Code::Usage);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_does_not_take_a_route_that_another_service_has_now() {
    let tested = Tested::new().await;
    let routed = |name: &str, route: &str| {
        let tables = format!("[http]\nroute = \"{route}\"\n");
        with_manifest(guest("http-hello"), name, &tables)
    };
    tested.deploy(tested.deployment("echo", &routed("echo", "/old"), V1)).await.unwrap();
    let mut update = greet("echo", "", StrategyName::AllAtOnce);
    update.config = None;
    update.source = Some(Source::Artifact(tested.upload(&routed("echo", "/new"))));
    update.version = Some(V2);
    tested.update(update).await.unwrap();
    tested.deploy(tested.deployment("other", &routed("other", "/old"), V1)).await.unwrap();
    let failure = tested.act(back("echo", RollbackTo::Former)).await.unwrap_err();
    assert_eq!(failure.code, Code::Conflict, "{failure}");
    let status = tested.status("echo").await;
    assert_eq!(status.active.unwrap().revision, RevisionNumber(2));
    assert_eq!(status.routes[0], "/new");
    assert_eq!(tested.act(Command::Abort(named("echo"))).await.unwrap_err().code, Code::Conflict);
}

/// The answer at this address, asked again while nobody listens there yet.
async fn answered(url: &str) -> String {
    loop {
        match reqwest::get(url).await {
            Ok(answer) => return answer.text().await.unwrap(),
            Err(error) if error.is_connect() => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Addresses of this machine that nobody listens at, of ports that nobody is given who asks the system for any: those
/// come from 32768 upwards, unless a machine is set otherwise (ip(7)).
fn free_addresses() -> impl Iterator<Item = SocketAddr> {
    let first = std::process::id().wrapping_mul(97);
    let ports = (0..12_000).map(move |at| (20_000 + first.wrapping_add(at) % 12_000) as u16);
    let here = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    here.filter(|address| TcpListener::bind(address).is_ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_brings_its_service_up_before_the_others() {
    let tested = Tested::new().await;
    // Each has to be compiled again, one after the other; the one that is called would be the last.
    for label in 0..16 {
        let bytes = relabelled(guest("echo-handler"), label);
        tested.deploy(tested.deployment(&format!("echo-{label}"), &bytes, V1)).await.unwrap();
    }
    tested.deploy(tested.deployment("wanted", &guest("http-hello"), V1)).await.unwrap();
    let dir = tested.closed().await;
    fs::remove_dir_all(dir.path().join("compiled")).unwrap();
    let mut settings = ServerSettings::new(dir.path());
    let mut free = free_addresses();
    (settings.http, settings.control) = (free.next().unwrap(), free.next().unwrap());
    settings.node.pooling = Pooling::Never;
    let url = format!("http://{}/wanted/", settings.http);
    let starting = tokio::spawn(common::serving(settings));
    let text = within("an answer", answered(&url)).await;
    assert!(text.contains("hello"), "{text}");
    assert!(!starting.is_finished(), "it answered only after all were up");
    let server = starting.await.unwrap();
    assert!(server.node().is_ready());
    server.stop().await;
}
