//! Several services updated as one, from the command line and on a node that is killed amid it.

mod common;

use std::time::{Duration, Instant};

use airssys_wasm_api::command::{Deploy, Named, Push, Source, UpdateOrder, Updates};
use airssys_wasm_api::reply::{JointReport, Outcome, ServiceStatus};
use airssys_wasm_api::{Client, Command};
use airssys_wasm_model::{Digest, Name, RolloutSettings, Span, StrategyName, Version};
use common::{Node, PATIENCE, guest, update_to, write};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Kills, unless `AIRSSYS_WASM_KILLS` asks for more.
const KILLS: u32 = 30;

/// The longest that a node lives before it is killed, by how long a change took on this machine: some are
/// killed in the middle, and some just after they were acknowledged.
const LIFE_CHANGES: u32 = 3;

/// Of so many changes one is let end and one is cut short at once, however fast this machine is while it does the others.
const TURN: u32 = 10;

const SERVICES: [&str; 2] = ["left", "right"];

fn version(major: u64) -> Version {
    Version::new(major, 0, 0)
}

/// Two services at 1.0.0, with releases to go to.
async fn begin(client: &Client) {
    let artifact: Digest = client.upload(guest("http-hello").into(), |_| ()).await.unwrap().digest;
    for service in SERVICES {
        let name: Option<Name> = Some(service.parse().unwrap());
        let deploy = Deploy {
            name: name.clone(),
            version: Some(version(1)),
            ..Deploy::of(Source::Artifact(artifact))
        };
        client.act(Command::Deploy(deploy)).await.unwrap();
        for major in 2..=4 {
            let version = Some(version(major));
            let push = Push { artifact, name: name.clone(), version, accept_signer: false };
            client.act(Command::Push(push)).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_services_are_planned_updated_and_refused_by_one_verb() {
    let node = Node::start();
    begin(&node.client()).await;
    let both = ["update", "left@2.0.0", "right@2.0.0"];
    let plan = node.run(&[&both[..], &["--in-order", "--plan"]].concat());
    assert_eq!(plan.code, Some(0), "{plan:?}");
    insta::assert_snapshot!("plan_of_two_services_in_order", plan.out);

    let config = write(&node, "config.json", b"{}");
    for refused in [
        &[&both[..], &["--config", &config]].concat()[..],
        &[&both[..], &["--version", "2.0.0"]].concat(),
        &["update", "left@2.0.0", "left@3.0.0"],
        &["update", "left@2.0.0", "--in-order"],
        &["update", "left@2.0.0", "right"],
        &[&both[..], &["--strategy", "shadow"]].concat(),
    ] {
        node.refused(2, refused);
    }
    node.refused(3, &["update", "left@2.0.0", "right@9.0.0"]);

    let report = node.json(&both);
    assert_eq!((&report["outcome"], &report["update"]), (&"promoted".into(), &1.into()));
    let versions = |report: &serde_json::Value| {
        let services = report["services"].as_array().unwrap().iter();
        services.map(|it| it["to"]["version"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(versions(&report), ["2.0.0", "2.0.0"]);
    let text = node.run(&["update", "left@3.0.0", "right@3.0.0", "--in-order"]);
    assert_eq!(text.code, Some(0), "{text:?}");
    assert!(text.out.starts_with("joint update 2, in-order: promoted"), "{text:?}");
    assert!(text.err.contains("left: plan:") && text.err.contains("right: "), "{text:?}");
    assert_eq!(node.json(&["status", "right"])["active"]["version"], "3.0.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_are_updated_together_are_of_one_version_after_every_kill() {
    let seed = std::env::var("AIRSSYS_WASM_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("AIRSSYS_WASM_SEED={seed}");
    let kills = std::env::var("AIRSSYS_WASM_KILLS").ok().and_then(|kills| kills.parse().ok());
    let mut random = SmallRng::seed_from_u64(seed);
    let mut node = Node::start();
    begin(&node.client()).await;
    let since = Instant::now();
    let first: JointReport = node.client().ask(change(&mut random, 2)).await.unwrap();
    assert_eq!(first.outcome, Some(Outcome::Promoted), "{first:?}");
    let took = since.elapsed();
    let (mut now, mut pending) = (2, None);
    let (mut acknowledged, mut cut_short) = (0, 0);
    for kill in 0..kills.unwrap_or(KILLS) {
        let client = node.client();
        let found = settle(&client).await;
        assert!(found == now || Some(found) == pending, "kill {kill}: {found}, not {now}");
        let next = (found + random.random_range(0..3)) % 4 + 1;
        let acting = client.ask::<JointReport>(change(&mut random, next));
        let life = match kill % TURN {
            0 => PATIENCE,
            1 => Duration::ZERO,
            _ => random.random_range(Duration::ZERO..took * LIFE_CHANGES),
        };
        (now, pending) = match tokio::time::timeout(life, acting).await {
            Ok(answer) => {
                let report = answer.expect("the node takes the change");
                assert_eq!(report.outcome, Some(Outcome::Promoted), "kill {kill}: {report:?}");
                acknowledged += 1;
                (next, None)
            }
            Err(_) => {
                cut_short += 1;
                (found, Some(next))
            }
        };
        node = Node::start_on(node.kill());
    }
    settle(&node.client()).await;
    println!("{acknowledged} were acknowledged, {cut_short} cut short");
    assert!(acknowledged > 0 && cut_short > 0, "{acknowledged} and {cut_short}");
}

fn change(random: &mut SmallRng, to: u64) -> Command {
    let strategies = [StrategyName::AllAtOnce, StrategyName::BlueGreen, StrategyName::Canary];
    let mut update = |service: &str| {
        let settings = RolloutSettings {
            strategy: strategies[random.random_range(0..strategies.len())],
            steps: vec![50.0.into()],
            observe: Span(Duration::from_millis(10)),
            ..RolloutSettings::default()
        };
        let rollout = airssys_wasm_api::command::RolloutChoice {
            settings: Some(Box::new(settings)),
            ..Default::default()
        };
        match update_to(service.parse().unwrap(), version(to), rollout) {
            Command::Update(update) => update,
            other => unreachable!("{other:?}"),
        }
    };
    let updates = SERVICES.iter().map(|service| update(service)).collect();
    let order = if random.random() { UpdateOrder::Together } else { UpdateOrder::InOrder };
    Command::Updates(Updates { updates, order, detached: false, plan_only: false })
}

/// Waits until what the kill interrupted has ended: then both are of one version.
async fn settle(client: &Client) -> u64 {
    let mut found = Vec::new();
    for service in SERVICES {
        let ending = async {
            loop {
                let named = Named { service: service.parse().unwrap() };
                let status: ServiceStatus = client.ask(Command::Status(named)).await.unwrap();
                if status.rollout.is_none() && status.joined.is_none() {
                    return status;
                }
                // Nobody waits for it any more: it is asked again as a user would.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let status = tokio::time::timeout(PATIENCE, ending).await.expect("the update ends");
        let active = status.active.expect("a revision is active").version;
        found.push((1..=4).find(|major| version(*major) == active).expect("one of four"));
    }
    assert_eq!(found[0], found[1], "they are of two versions");
    found[0]
}
