//! What happens to a service, followed over the control port with the client that everybody uses.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use airssys_wasm::{NodeSettings, Pooling, Server, ServerSettings};
use airssys_wasm_api::command::Deploy;
use airssys_wasm_api::reply::{Outcome, Reply, ServiceEvent, StepState};
use airssys_wasm_api::{Client, Code, Command, Events, Place};
use airssys_wasm_model::{Span, StrategyName};
use bytes::Bytes;
use common::{V1, greet, guest, name, named, until};

struct Followed {
    server: Server,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Followed {
    /// A server whose service `echo` answers.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = ServerSettings::new(dir.path());
        (settings.http, settings.control) = [SocketAddr::from(([127, 0, 0, 1], 0)); 2].into();
        settings.node = NodeSettings { pooling: Pooling::Never, ..NodeSettings::new(dir.path()) };
        let server = Server::start(settings).await.unwrap();
        let token = std::fs::read_to_string(dir.path().join("token")).unwrap();
        let place = Place {
            node: server.control(),
            token: token.trim().to_owned(),
            trust: airssys_wasm_api::Trust::Public,
        };
        let followed = Self { server, client: Client::new(place).unwrap(), _dir: dir };
        let stored = followed.client.upload(Bytes::from(guest("echo-handler")), |_| {}).await;
        let deploy = Deploy {
            name: Some(name("echo")),
            version: Some(V1),
            grant_asked: true,
            ..Deploy::of(airssys_wasm_api::command::Source::Artifact(stored.unwrap().digest))
        };
        followed.client.act(Command::Deploy(deploy)).await.unwrap();
        followed
    }

    async fn follow(&self) -> Events {
        self.client.events(&name("echo")).await.unwrap()
    }

    /// Begins a canary that is watched so long.
    async fn begin(&self, observe: Duration) {
        let mut update = greet("echo", "hi", StrategyName::Canary);
        update.rollout.steps = Some(vec![50.0.into()]);
        update.rollout.observe = Some(Span(observe));
        update.detached = true;
        self.client.act(Command::Update(update)).await.unwrap();
    }
}

/// The next event, which comes within half a minute.
async fn next(events: &mut Events) -> Option<ServiceEvent> {
    let next = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
    next.expect("an event").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_is_told_from_its_beginning_through_its_evidence_to_its_outcome() {
    let followed = Followed::new().await;
    let mut events = followed.follow().await;
    followed.begin(Duration::from_millis(2500)).await;
    let Some(ServiceEvent::Begun { rollout }) = next(&mut events).await else {
        panic!("no beginning")
    };
    assert_eq!((rollout.rollout, rollout.to.revision.0, rollout.outcome), (2, 2, None));
    let (mut evidence, mut watched) = (Vec::new(), Vec::new());
    let outcome = loop {
        match next(&mut events).await.expect("it goes on") {
            ServiceEvent::Evidence { evidence: found, number, rollout: 2 } => {
                evidence.push(std::time::Instant::now());
                assert!(found.pending.unwrap().contains("of 2s 500ms watched"));
                watched.push(number);
            }
            ServiceEvent::Step { step, number, .. } if watched.contains(&number) => {
                assert_eq!(step.state, StepState::Done);
                assert!(step.evidence.is_some(), "{step:?}");
            }
            ServiceEvent::Step { .. } => {}
            ServiceEvent::Outcome { rollout } => break rollout,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(outcome.outcome, Some(Outcome::Promoted));
    assert!((2..=5).contains(&evidence.len()), "{} within 2.5 s", evidence.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_later_is_told_how_it_stands_and_of_each_rest() {
    let followed = Followed::new().await;
    followed.begin(Duration::from_secs(600)).await;
    let mut events = followed.follow().await;
    assert!(matches!(next(&mut events).await, Some(ServiceEvent::Begun { .. })));
    for (steer, outcome) in [
        (Command::Pause(named("echo")), Some(Outcome::Paused)),
        (Command::Resume(named("echo")), None),
        (Command::Abort(named("echo")), Some(Outcome::Aborted)),
    ] {
        followed.client.act(steer).await.unwrap();
        loop {
            match next(&mut events).await.expect("it goes on") {
                ServiceEvent::Outcome { rollout } if rollout.outcome == outcome => break,
                ServiceEvent::Resumed { rollout: 2 } if outcome.is_none() => break,
                ServiceEvent::Step { .. } | ServiceEvent::Evidence { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_and_a_monitor_show_evidence_before_it_is_recorded() {
    let followed = Followed::new().await;
    followed.begin(Duration::from_secs(600)).await;
    for ask in [Command::Status, Command::Monitor] {
        let seen = async || {
            let rollout = match followed.client.act(ask(named("echo"))).await.unwrap() {
                Reply::Status(status) => status.rollout,
                Reply::Traffic(traffic) => traffic.rollout,
                other => panic!("{other:?}"),
            };
            rollout.unwrap().steps.into_iter().find_map(|step| step.evidence)
        };
        until("there is evidence", async || seen().await.is_some()).await;
        let evidence = seen().await.unwrap();
        // It is recorded every five seconds.
        assert!(evidence.elapsed.unwrap().0 < Duration::from_secs(5), "{evidence:?}");
        assert!(evidence.pending.unwrap().ends_with("one side has no calls to compare"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_service_and_with_the_node() {
    let followed = Followed::new().await;
    let mut events = followed.follow().await;
    followed.client.act(Command::Remove(named("echo"))).await.unwrap();
    assert_eq!(next(&mut events).await, Some(ServiceEvent::Removed {}));
    assert_eq!(next(&mut events).await, None);
    let gone = followed.client.events(&name("echo")).await.err().unwrap();
    assert_eq!(gone.code, Code::NotFound);

    let followed = Followed::new().await;
    let mut events = followed.follow().await;
    let (ended, ()) = tokio::join!(next(&mut events), followed.server.stop());
    assert_eq!(ended, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_follow_are_bounded_and_a_place_comes_back() {
    let followed = Followed::new().await;
    let mut streams = Vec::new();
    let refused = loop {
        match followed.client.events(&name("echo")).await {
            Ok(events) => streams.push(events),
            Err(refused) => break refused,
        }
        assert!(streams.len() <= 64);
    };
    assert_eq!((streams.len(), refused.code), (64, Code::Saturated), "{refused}");
    // The others are not held up, and neither are commands.
    followed.client.act(Command::Status(named("echo"))).await.unwrap();
    streams.pop();
    until("a place is free", async || followed.client.events(&name("echo")).await.is_ok()).await;
}
