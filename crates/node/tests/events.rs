//! What happens to a service, followed over the control port with the client that everybody uses.

mod common;

use std::time::Duration;

use airssys_wasm::Server;
use airssys_wasm_api::command::{Audit, CreateToken, Deploy, RevokeToken, SetPolicy};
use airssys_wasm_api::reply::{Outcome, Reply, ServiceEvent, StepState, TokenMade};
use airssys_wasm_api::{AuditEvents, Client, Code, Command, Events, Failure, Place};
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
        let server = common::server(dir.path()).await;
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

    /// A client with a token of its own, which may do everything for so long.
    async fn holder(&self, token: &str, expires_in: Option<Duration>) -> Client {
        let (token, roles) = (name(token), [name("admin")].into());
        let create = CreateToken { name: token, roles, expires_in: expires_in.map(Span) };
        let made: TokenMade = self.client.ask(Command::CreateToken(create)).await.unwrap();
        let trust = airssys_wasm_api::Trust::Public;
        Client::new(Place { node: self.server.control(), token: made.token, trust }).unwrap()
    }

    async fn revoke(&self, token: &str) {
        let revoke = RevokeToken { token: name(token) };
        self.client.act(Command::RevokeToken(revoke)).await.unwrap();
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

/// What goes on for whoever follows a service and the trail.
async fn follow_both(client: &Client) -> Result<(Events, AuditEvents), Failure> {
    let events = client.events(&name("echo")).await?;
    Ok((events, client.follow_audit(Audit::default()).await?))
}

/// Both end; of the trail there may come what was recorded before.
async fn both_end((mut events, mut entries): (Events, AuditEvents)) {
    assert_eq!(next(&mut events).await, None);
    let rest = async { while entries.next().await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(60), rest).await.expect("the trail's entries end");
}

/// The next event, which comes within a minute.
async fn next(events: &mut Events) -> Option<ServiceEvent> {
    let next = tokio::time::timeout(Duration::from_secs(60), events.next()).await;
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
    // Twice a second at most. Two may come together when the first was late.
    let (first, last) = (evidence.first().expect("evidence"), evidence.last().unwrap());
    let most = 2 + (last.duration_since(*first).as_millis() / 500) as usize;
    assert!(evidence.len() <= most, "{} where {most} may be", evidence.len());
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_is_told_no_more_once_the_token_is_revoked_and_others_are() {
    let followed = Followed::new().await;
    let goes = follow_both(&followed.holder("goes", None).await).await.unwrap();
    let mut others = follow_both(&followed.holder("stays", None).await).await.unwrap();
    followed.revoke("goes").await;
    // Another one of its name is no reason to go on.
    followed.holder("goes", None).await;
    both_end(goes).await;
    followed.client.act(Command::Remove(named("echo"))).await.unwrap();
    assert_eq!(next(&mut others.0).await, Some(ServiceEvent::Removed {}));
    while others.1.next().await.unwrap().expect("it goes on").kind != "remove" {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_is_told_no_more_once_the_policy_denies_it() {
    let followed = Followed::new().await;
    let (goes, stays) = (followed.holder("goes", None).await, followed.holder("stays", None).await);
    let (gone, mut others) =
        (follow_both(&goes).await.unwrap(), follow_both(&stays).await.unwrap());
    let forbid = r#"forbid (principal == Token::"goes", action, resource);"#;
    let policy = format!("{}\n@id(\"not-any-more\") {forbid}\n", airssys_wasm::default_policy());
    let set = SetPolicy { policy, dry_run: false };
    followed.client.act(Command::SetPolicy(set)).await.unwrap();
    both_end(gone).await;
    assert_eq!(follow_both(&goes).await.err().unwrap().code, Code::Denied);
    followed.client.act(Command::Remove(named("echo"))).await.unwrap();
    assert_eq!(next(&mut others.0).await, Some(ServiceEvent::Removed {}));
    while others.1.next().await.unwrap().expect("it goes on").kind != "remove" {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_is_told_no_more_once_the_token_has_expired() {
    let followed = Followed::new().await;
    let mut life = Duration::from_secs(2);
    let both = loop {
        let brief = followed.holder("brief", Some(life)).await;
        match follow_both(&brief).await {
            Ok(both) => break both,
            // It was over before both began.
            Err(failure) => assert_eq!(failure.code, Code::Unauthorized, "{failure}"),
        }
        followed.revoke("brief").await;
        life *= 2;
    };
    both_end(both).await;
}
