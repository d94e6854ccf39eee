//! What a restart of the node brings back: revisions in their hold, and active ones that start at last.

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_model::{RevisionNumber, RolloutSettings, Span, StrategyName};
use tokio::time::Instant;

use crate::fleet::Fleet;
use crate::record::{ServiceRecord, ServiceState};
use crate::recover::recover;
use crate::revision::RevisionState;
use crate::rollout::{Outcome, RolloutKind};
use crate::sim::operator::Act;
use crate::sim::scenario::Behaviour;
use crate::sim::world::Node;
use crate::step::Step;
use crate::walk::walk;

const OLD: RevisionNumber = RevisionNumber(1);
const NEW: RevisionNumber = RevisionNumber(2);

fn boot(disk: Arc<ServiceRecord>, behaviour: fn(RevisionNumber) -> Behaviour) -> Node {
    Node::boot(disk, behaviour, 7, u64::MAX)
}

fn sound(_: RevisionNumber) -> Behaviour {
    Behaviour::default()
}

async fn roll_out(node: &Node, strategy: StrategyName) {
    let hold = Span(Duration::from_secs(60));
    let settings = RolloutSettings { strategy, hold, ..RolloutSettings::default() };
    act(node, Act::New(RolloutKind::Update, Box::new(settings))).await;
}

async fn act(node: &Node, act: Act) {
    let now = node.now();
    node.save(|record| act.on(record, now)).await.unwrap();
}

/// The record of a service with one revision, at rest.
async fn deployed() -> Arc<ServiceRecord> {
    let node = boot(Arc::new(ServiceRecord::new("simulated".parse().unwrap())), sound);
    roll_out(&node, StrategyName::AllAtOnce).await;
    walk(&node).await.unwrap();
    node.disk()
}

fn is_holding(record: &ServiceRecord) -> bool {
    let running = record.rollout.as_ref().and_then(|it| Some(&it.steps[it.running_step()?].step));
    matches!(running, Some(Step::Hold { .. }))
        && record.revision(OLD).unwrap().state == RevisionState::Ready
}

/// Walks until the record is as wanted.
async fn walk_until(node: &Node, wanted: fn(&ServiceRecord) -> bool) {
    let mut record = node.record();
    tokio::select! {
        walked = walk(node) => panic!("it walked to its end: {walked:?}"),
        found = record.wait_for(|record| wanted(record)) => drop(found.unwrap()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_revision_in_its_hold_is_warm_again_after_a_restart() {
    let before = boot(deployed().await, sound);
    recover(&before).await.unwrap();
    roll_out(&before, StrategyName::BlueGreen).await;
    walk_until(&before, is_holding).await;

    let after = boot(before.disk(), sound);
    recover(&after).await.unwrap();
    assert!(!after.is_warm(OLD), "the calls come first");
    walk_until(&after, is_holding).await;
    assert!(after.is_warm(OLD));
    act(&after, Act::Back(OLD)).await;
    let first = after.disk().rollout.as_ref().unwrap().steps[0].step.clone();
    assert!(matches!(first, Step::Shift { .. }), "the way back is instant, not: {first}");
    walk(&after).await.unwrap();
    assert_eq!(after.disk().active, Some(OLD));
    after.check_rest();
}

#[tokio::test(start_paused = true)]
async fn a_held_revision_that_does_not_start_again_ends_its_hold() {
    let before = boot(deployed().await, sound);
    recover(&before).await.unwrap();
    roll_out(&before, StrategyName::BlueGreen).await;
    walk_until(&before, is_holding).await;

    let broken = |number| Behaviour { start_fails: number == OLD, ..Behaviour::default() };
    let after = boot(before.disk(), broken);
    recover(&after).await.unwrap();
    walk(&after).await.unwrap();
    assert_eq!(after.disk().active, Some(NEW));
    assert_eq!(after.disk().revision(OLD).unwrap().state, RevisionState::Stopped);
    after.check_rest();
}

#[tokio::test(start_paused = true)]
async fn an_active_revision_that_does_not_start_again_is_tried_until_it_does() {
    let thrice = |_| Behaviour { failing_starts: 3, ..Behaviour::default() };
    let node = boot(deployed().await, thrice);
    let failed = recover(&node).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(node.disk().state(), ServiceState::Failed);
    let begun = Instant::now();
    walk(&node).await.unwrap();
    // After a second, two more and four more.
    let took = begun.elapsed().as_millis();
    assert!((7_000..8_000).contains(&took), "{took} ms");
    let record = node.disk();
    assert_eq!(record.state(), ServiceState::Active);
    assert_eq!(record.active().unwrap().fault, None);
    node.check_rest();
}

#[tokio::test(start_paused = true)]
async fn the_waits_between_tries_stay_within_a_minute() {
    let late = |_| Behaviour { failing_starts: 20, ..Behaviour::default() };
    let node = boot(deployed().await, late);
    recover(&node).await.unwrap();
    let begun = Instant::now();
    walk(&node).await.unwrap();
    // Six waits of 1 s to 32 s, and fourteen of a minute.
    let took = begun.elapsed().as_secs();
    assert!((63 + 14 * 60..63 + 14 * 60 + 5).contains(&took), "{took} s");
}

/// An update begins at any moment of another try, and ends well or is taken back.
#[tokio::test(start_paused = true)]
async fn an_update_amid_another_try_leaves_nothing_behind() {
    for strategy in [StrategyName::AllAtOnce, StrategyName::BlueGreen, StrategyName::Canary] {
        for after_ms in (990..1_100).step_by(2) {
            update_amid_a_try(late_or_sound, strategy, after_ms, true).await;
            update_amid_a_try(late_or_broken, strategy, after_ms, false).await;
        }
    }
}

fn late_or_sound(number: RevisionNumber) -> Behaviour {
    Behaviour { failing_starts: u64::from(number == OLD), ..Behaviour::default() }
}

fn late_or_broken(number: RevisionNumber) -> Behaviour {
    Behaviour { never_ready: number == NEW, ..late_or_sound(number) }
}

async fn update_amid_a_try(
    behaviour: fn(RevisionNumber) -> Behaviour,
    strategy: StrategyName,
    after_ms: u64,
    promoted: bool,
) {
    let node = boot(deployed().await, behaviour);
    recover(&node).await.unwrap();
    let update = async {
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        roll_out(&node, strategy).await;
    };
    let (walked, ()) = tokio::join!(walk(&node), update);
    walked.unwrap();
    // It had ended when the try succeeded before the update, so what began since is walked too.
    walk(&node).await.unwrap();
    let record = node.disk();
    let outcome = if promoted { Outcome::Promoted } else { Outcome::Aborted };
    assert_eq!(record.past.last().unwrap().outcome, Some(outcome), "after {after_ms} ms");
    assert_eq!(record.active, Some(if promoted { NEW } else { OLD }));
    assert_eq!(record.state(), ServiceState::Active, "after {after_ms} ms");
    node.check_rest();
}
