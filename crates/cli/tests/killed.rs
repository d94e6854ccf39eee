//! A real node, killed in the middle of deploys, updates and rollbacks, again and again: what was
//! acknowledged is there after the restart, and what was under way has ended one way or the other.

mod common;

use std::time::{Duration, Instant};

use airssys_wasm_api::command::{Deploy, Named, Push, Rollback, RollbackTo, RolloutChoice, Source};
use airssys_wasm_api::reply::{Outcome, RolloutReport, ServiceStatus};
use airssys_wasm_api::{Client, Command};
use airssys_wasm_model::{
    Digest, Name, OnInconclusive, PauseFor, ReleaseRef, RolloutSettings, ShadowThen, Span, StepAct,
    StrategyName, Version,
};
use common::{Node, PATIENCE, guest, update_to};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Kills, unless `AIRSSYS_WASM_KILLS` asks for more.
const KILLS: u32 = 200;

/// The longest that a node lives before it is killed, by how long a change took on this machine: some are
/// killed in the middle, and some just after they were acknowledged.
const LIFE_CHANGES: u32 = 3;

/// What the windows of the longest rollout take beside that.
const WINDOWS: Duration = Duration::from_millis(60);

/// Of so many changes at least one is acknowledged, and at least one is cut short.
const SHARE: u32 = 20;

/// Of so many one is let end and one is cut short at once, however fast this machine is while it does the others.
const TURN: u32 = 10;

/// What is known of the service from what the node acknowledged.
struct Known {
    /// The version that was acknowledged last.
    version: Version,
    /// What was asked for and not acknowledged when the node was killed.
    pending: Option<Version>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_at_any_instant_forgets_nothing_it_acknowledged() {
    let seed = std::env::var("AIRSSYS_WASM_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("AIRSSYS_WASM_SEED={seed}");
    let kills = std::env::var("AIRSSYS_WASM_KILLS").ok().and_then(|kills| kills.parse().ok());
    let mut random = SmallRng::seed_from_u64(seed);
    let mut node = Node::start();
    let (mut known, took) = begin(&node.client()).await;
    let kills: u32 = kills.unwrap_or(KILLS);
    let mut acknowledged = 0;
    for kill in 0..kills {
        let client = node.client();
        known = settle(&node, &client, known, kill).await;
        let (command, wanted) = change(&mut random, &known.version);
        let life = match kill % TURN {
            0 => PATIENCE,
            1 => Duration::ZERO,
            _ => random.random_range(Duration::ZERO..took * LIFE_CHANGES + WINDOWS),
        };
        let acting = client.ask::<RolloutReport>(command);
        known.pending = wanted.clone();
        if let Ok(answer) = tokio::time::timeout(life, acting).await {
            let report = answer.expect("the node takes the change");
            let version = match report.outcome {
                Some(Outcome::Promoted) => report.to.version,
                // Without calls an experiment has no winner, and a shadow nothing that was compared.
                Some(Outcome::Aborted) if ["ab", "shadow"].contains(&&*report.strategy) => {
                    report.from.version
                }
                _ => panic!("kill {kill}: {report:?}"),
            };
            known = Known { version, pending: None };
            acknowledged += 1;
        }
        node = Node::start_on(node.kill());
    }
    println!("{acknowledged} of {kills} changes were acknowledged before the kill");
    let enough = kills / SHARE;
    assert!(acknowledged > enough, "too few changes were acknowledged to be forgotten");
    assert!(kills - acknowledged > enough, "too few changes were cut short");
}

/// Four releases, the first of them deployed; and how long a change takes here.
async fn begin(client: &Client) -> (Known, Duration) {
    let artifact: Digest = client.upload(guest("http-hello").into(), |_| ()).await.unwrap().digest;
    let name: Name = "web".parse().unwrap();
    for major in 1..=4 {
        let (name, version) = (Some(name.clone()), Some(Version::new(major, 0, 0)));
        client
            .act(Command::Push(Push { artifact, name, version, accept_signer: false }))
            .await
            .unwrap();
    }
    let deploy = Deploy::of(Source::Release(ReleaseRef { name, version: Version::new(1, 0, 0) }));
    client.act(Command::Deploy(deploy)).await.unwrap();
    let (service, version) = ("web".parse().unwrap(), Version::new(2, 0, 0));
    let since = Instant::now();
    let changed = client.act(update_to(service, version.clone(), RolloutChoice::default())).await;
    changed.expect("the node takes the change");
    (Known { version, pending: None }, since.elapsed())
}

/// Waits until what the kill interrupted has ended, and holds it against what is known.
async fn settle(node: &Node, client: &Client, known: Known, kill: u32) -> Known {
    let ending = async {
        loop {
            let named = Named { service: "web".parse().unwrap() };
            let status: ServiceStatus = client.ask(Command::Status(named)).await.unwrap();
            if status.rollout.is_none() {
                return status;
            }
            // Nobody waits for it any more: it is asked again as a user would.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let status = tokio::time::timeout(PATIENCE, ending).await.expect("the rollout ends");
    let active = status.active.expect("a revision is active").version;
    let expected = [Some(&known.version), known.pending.as_ref()];
    assert!(
        expected.contains(&Some(&active)),
        "kill {kill}: {active} is active; {} was acknowledged, {:?} was asked for",
        known.version,
        known.pending
    );
    let answer = reqwest::get(format!("{}/web/", node.http)).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "kill {kill}");
    assert_eq!(answer.headers()["x-airssys-version"], active.to_string(), "kill {kill}");
    Known { version: active, pending: None }
}

/// A change at random, and the version it leads to if that is known.
fn change(random: &mut SmallRng, now: &Version) -> (Command, Option<Version>) {
    let service: Name = "web".parse().unwrap();
    let others = (1..=4).map(|major| Version::new(major, 0, 0)).filter(|other| other != now);
    let others: Vec<_> = others.collect();
    let version = others[random.random_range(0..others.len())].clone();
    let strategy = match random.random_range(0..6) {
        0 => StrategyName::AllAtOnce,
        1 => StrategyName::BlueGreen,
        2 => StrategyName::Canary,
        3 => StrategyName::Ab,
        4 => StrategyName::Shadow,
        _ => return (roll_back_or_update(service, &version), Some(version)),
    };
    let settings = Some(Box::new(quick(strategy)));
    let rollout = RolloutChoice { settings, ..RolloutChoice::default() };
    (update_to(service, version.clone(), rollout), Some(version))
}

/// A rollout by this strategy with every kind of step that needs nobody else, each a few milliseconds long.
fn quick(strategy: StrategyName) -> RolloutSettings {
    let short = Span(Duration::from_millis(10));
    let mut settings = RolloutSettings {
        strategy,
        observe: short,
        on_inconclusive: OnInconclusive::Abort,
        steps: vec![
            StepAct::Mirror(50.0).into(),
            StepAct::Match("header:x-beta=1".parse().expect("a rule")).into(),
            10.0.into(),
            StepAct::Scale(1).into(),
            StepAct::Pause(PauseFor::Time(short)).into(),
            50.0.into(),
        ],
        ..RolloutSettings::default()
    };
    settings.experiment.horizon = short;
    settings.shadow.observe = short;
    settings.shadow.then = ShadowThen::Promote;
    settings
}

/// A rollback to a version that had its turn is one to its latest revision; one that never had its turn is
/// refused. Only 1.0.0 is known to have had it, so the others are brought in by an update.
fn roll_back_or_update(service: Name, version: &Version) -> Command {
    if *version == Version::new(1, 0, 0) {
        return Command::Rollback(Rollback {
            service,
            to: RollbackTo::Version(version.clone()),
            rollout: RolloutChoice::default(),
            detached: false,
            plan_only: false,
        });
    }
    update_to(service, version.clone(), RolloutChoice::default())
}
