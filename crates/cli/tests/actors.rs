//! A real node with an actor for each key, killed under load in the middle of canaries: no count that was
//! acknowledged is lost, and none counts twice.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use airssys_wasm_api::command::{Deploy, Named, Push, RolloutChoice, Source, Update};
use airssys_wasm_api::reply::{RolloutReport, ServiceStatus};
use airssys_wasm_api::{Client, Command};
use airssys_wasm_model::{Name, ReleaseRef, Span, StrategyName, Version};
use common::{Node, guest, update_to};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Kills, unless `AIRSSYS_WASM_KILLS` asks for more.
const KILLS: u32 = 12;

const USERS: usize = 24;

/// The longest that a node lives before it is killed: a canary has begun by then, and some are promoted.
const LIFE: Duration = Duration::from_millis(600);

/// The component with a manifest embedded.
fn counter(guest_name: &str) -> Vec<u8> {
    const SECTION: &str = "airssys:manifest";
    let manifest = "[component]\nname = \"counter\"\nversion = \"1.0.0\"\n\
        [instances]\nmodel = \"actor\"\nkey = \"header:x-user\"\nmax = 4\n";
    let mut bytes = guest(guest_name);
    let size = u8::try_from(1 + SECTION.len() + manifest.len()).unwrap();
    // A size of seven bits and more, as LEB128 writes it.
    bytes.extend([0, size | 0x80, size >> 7, SECTION.len() as u8]);
    bytes.extend(SECTION.bytes());
    bytes.extend(manifest.bytes());
    bytes
}

/// A user's count, if the node answers.
async fn say(http: &str, user: usize, text: &'static str) -> Option<u64> {
    let client = reqwest::Client::new();
    let request = client.post(format!("{http}/counter/")).header("x-user", format!("user-{user}"));
    let answer = request.body(text).send().await.ok()?;
    let status = answer.status();
    let text = answer.text().await.ok()?;
    assert!(status.is_success(), "user {user}: {status}: {text}");
    Some(text.parse().expect("a count"))
}

/// Counts for a user until the node is gone, and gives the last count that was acknowledged.
async fn count(http: String, user: usize, mut acknowledged: u64) -> u64 {
    while let Some(count) = say(&http, user, "add 1").await {
        // What was not acknowledged before the last kill may have been saved.
        assert_eq!(count, acknowledged + 1, "user {user}");
        acknowledged = count;
    }
    acknowledged
}

async fn begin(client: &Client) {
    for (guest_name, major) in [("counter", 1), ("counter-v2", 2)] {
        let artifact = client.upload(counter(guest_name).into(), |_| ()).await.unwrap().digest;
        let version = Some(Version::new(major, 0, 0));
        client
            .act(Command::Push(Push { artifact, name: None, version, accept_signer: false }))
            .await
            .unwrap();
    }
    let name: Name = "counter".parse().unwrap();
    let deploy = Deploy::of(Source::Release(ReleaseRef { name, version: Version::new(1, 0, 0) }));
    client.act(Command::Deploy(deploy)).await.unwrap();
}

/// The canary to the second version, which is begun until it is promoted.
async fn roll_on(client: &Client) {
    let service: Name = "counter".parse().unwrap();
    let named = Named { service: service.clone() };
    let status: ServiceStatus = client.ask(Command::Status(named.clone())).await.unwrap();
    if status.rollout.is_some() || status.active.unwrap().revision.0 != 1 {
        return;
    }
    let observe = Some(Span(Duration::from_millis(400)));
    let steps = Some(vec![20.0.into(), 60.0.into()]);
    let strategy = Some(StrategyName::Canary);
    let choice = RolloutChoice { strategy, steps, observe, ..RolloutChoice::default() };
    let Command::Update(update) = update_to(service, Version::new(2, 0, 0), choice) else {
        unreachable!("it is an update");
    };
    let update = Command::Update(Update { detached: true, ..update });
    client.ask::<RolloutReport>(update).await.expect("the canary begins");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_under_load_keeps_the_exact_count_of_every_key() {
    let seed = std::env::var("AIRSSYS_WASM_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("AIRSSYS_WASM_SEED={seed}");
    let kills = std::env::var("AIRSSYS_WASM_KILLS").ok().and_then(|kills| kills.parse().ok());
    let mut random = SmallRng::seed_from_u64(seed);
    let mut node = Node::start();
    begin(&node.client()).await;
    let mut known: BTreeMap<usize, u64> = (0..USERS).map(|user| (user, 0)).collect();
    for kill in 0..kills.unwrap_or(KILLS) {
        roll_on(&node.client()).await;
        let counting: Vec<_> = known
            .iter()
            .map(|(&user, &acknowledged)| {
                (user, tokio::spawn(count(node.http.clone(), user, acknowledged)))
            })
            .collect();
        // How long it lives is drawn, and the end of it is the kill itself.
        tokio::time::sleep(random.random_range(Duration::ZERO..LIFE)).await;
        node = Node::start_on(node.kill());
        for (user, counting) in counting {
            let acknowledged = counting.await.unwrap();
            let kept = say(&node.http, user, "get").await.expect("the node answers");
            let unheard = acknowledged + 1;
            assert!(
                kept == acknowledged || kept == unheard,
                "kill {kill}: user {user} has {kept}, and {acknowledged} was acknowledged"
            );
            known.insert(user, kept);
        }
    }
    let total: u64 = known.values().sum();
    println!("{total} calls counted");
    assert!(total > USERS as u64, "hardly anything was counted");
}
