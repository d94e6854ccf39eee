//! Updates of several services: whole histories crashed at every point, and hundreds that a seed makes up.

use std::time::Duration;

use airssys_wasm_model::{RevisionNumber, RolloutSettings, ShadowThen, Span, StrategyName};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::batch::{BatchOrder, Decision};
use crate::rollout::{Outcome, Rollout, RolloutKind, StepState};
use crate::sim::process::{BATCH, Disk, Interference, Joint, LIFE, Member, Word};
use crate::sim::scenario::Behaviour;
use crate::sim::tests::{any_settings, settings, sound};
use crate::sim::world::TRACE;
use crate::step::Step;

const OLD: RevisionNumber = RevisionNumber(1);
const NEW: RevisionNumber = RevisionNumber(2);

/// What became of the members.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    AllPromoted,
    AllBack,
    Mixed,
}

fn member(strategy: StrategyName) -> Member {
    let mut settings = settings(strategy);
    settings.shadow.mirror = 100.0;
    settings.shadow.observe = Span(Duration::from_millis(300));
    settings.shadow.then = ShadowThen::Promote;
    Member { behaviour: sound, settings }
}

fn never_ready(number: RevisionNumber) -> Behaviour {
    Behaviour { never_ready: number == NEW, ..Behaviour::default() }
}

fn fails_its_calls(number: RevisionNumber) -> Behaviour {
    Behaviour { error_percent: if number == NEW { 100 } else { 0 }, ..Behaviour::default() }
}

/// Starts at first, and after a crash at the third try only.
fn fragile(number: RevisionNumber) -> Behaviour {
    let again = number == NEW && LIFE.get() > 0;
    Behaviour { failing_starts: if again { 2 } else { 0 }, ..Behaviour::default() }
}

/// Its active revision does not start again at first.
fn no_way_back(number: RevisionNumber) -> Behaviour {
    let again = number == OLD && LIFE.get() > 0;
    Behaviour { failing_starts: if again { 1 } else { 0 }, ..Behaviour::default() }
}

fn joint(order: BatchOrder, members: Vec<Member>, script: Vec<Interference>) -> Joint {
    Joint { seed: 7, order, members, script }
}

/// Without a crash, and with two at each of its points in turn: it comes to the same, or, where it was cut short
/// before every member was recorded, to nothing.
fn crash_everywhere(joint: &Joint, wanted: &Came) {
    let (disk, points) = joint.run(&[]);
    assert_eq!(check(&disk), *wanted, "{:#?}", disk.batch);
    assert!(points > 20, "only {points} points: the history did not happen");
    for point in 1..=points {
        let (crashed, _) = joint.run(&[point, point % 9 + 1]);
        let trace = || TRACE.with_borrow(|lines| lines.join("\n"));
        let came = check(&crashed);
        let begun = crashed.services.iter().all(|record| record.next_rollout.0 > 2);
        let wanted = if begun { wanted } else { &Came::AllBack };
        assert_eq!(came, *wanted, "crashed at {point}: {:#?}\n{}", crashed.batch, trace());
    }
}

/// What must always be true in the end; and what it came to.
fn check(disk: &Disk) -> Came {
    let batch = disk.batch.as_ref().expect("it was begun");
    assert!(batch.ended.is_some());
    let go = matches!(batch.decision, Some(Decision::Go { .. }));
    let (mut promoted, mut back) = (0, 0);
    let mut before: Option<&Rollout> = None;
    for (record, member) in disk.services.iter().zip(&batch.members) {
        let of_batch =
            |rollout: &&Rollout| rollout.steps.iter().any(|it| it.step.batch() == Some(BATCH));
        let Some(rollout) = record.rollout(member.rollout).filter(of_batch) else {
            assert!(!go, "a member without its rollout was decided with");
            back += 1;
            continue;
        };
        let removed = record.past.iter().any(|it| it.kind == RolloutKind::Remove);
        if batch.order == BatchOrder::InOrder {
            check_turn(before, rollout);
            before = Some(rollout);
        }
        if removed {
            continue;
        }
        let next = record.past.iter().find(|it| it.number.0 == rollout.number.0 + 1);
        let undone = next.filter(|it| !go && it.kind == RolloutKind::Rollback);
        match (rollout.outcome, undone.and_then(|it| it.outcome)) {
            (Some(Outcome::Promoted), Some(Outcome::Promoted)) => back += 1,
            (Some(Outcome::Promoted), _) => promoted += 1,
            (Some(Outcome::Aborted), _) => back += 1,
            other => panic!("{}: {other:?}", record.name),
        }
        assert!(go || batch.kept.contains(&record.name) || rollout_is_back(rollout, undone));
    }
    match (promoted, back) {
        (_, 0) => Came::AllPromoted,
        (0, _) => Came::AllBack,
        _ => Came::Mixed,
    }
}

fn rollout_is_back(rollout: &Rollout, undone: Option<&Rollout>) -> bool {
    rollout.outcome == Some(Outcome::Aborted)
        || undone.is_some_and(|it| it.outcome == Some(Outcome::Promoted))
}

/// In order, a member goes on when the one before it is promoted, and not a moment before.
fn check_turn(before: Option<&Rollout>, rollout: &Rollout) {
    let joins = |it: &&crate::rollout::StepRecord| matches!(it.step, Step::Join { .. });
    let join = rollout.steps.iter().find(joins).expect("it joins");
    if let (StepState::Done, Some(before)) = (join.state, before) {
        assert_eq!(before.outcome, Some(Outcome::Promoted), "it went on before its turn");
        assert!(join.at >= before.decided.unwrap(), "it went on before its turn");
    }
}

#[test]
fn members_of_every_strategy_are_promoted_together_whatever_crashes() {
    use StrategyName::{AllAtOnce, BlueGreen, Canary, Shadow};
    for pair in [[AllAtOnce, BlueGreen], [Canary, Shadow]] {
        for order in [BatchOrder::Together, BatchOrder::InOrder] {
            let members = pair.map(member).to_vec();
            crash_everywhere(&joint(order, members, Vec::new()), &Came::AllPromoted);
        }
    }
}

#[test]
fn one_failing_member_takes_all_back_whatever_crashes() {
    for behaviour in [never_ready, fails_its_calls] {
        for order in [BatchOrder::Together, BatchOrder::InOrder] {
            let last = Member { behaviour, ..member(StrategyName::Canary) };
            let members =
                vec![member(StrategyName::AllAtOnce), member(StrategyName::BlueGreen), last];
            crash_everywhere(&joint(order, members, Vec::new()), &Came::AllBack);
        }
    }
}

#[test]
fn one_word_aborts_all_whatever_crashes() {
    for order in [BatchOrder::Together, BatchOrder::InOrder] {
        let members = vec![member(StrategyName::AllAtOnce), member(StrategyName::Canary)];
        let abort = Interference { after_ms: 300, member: 0, act: Word::Abort };
        let (disk, points) = joint(order, members.clone(), vec![abort]).run(&[]);
        assert_eq!(check(&disk), Came::AllBack);
        for point in 1..=points {
            // It comes too late where a crash has held the operator up.
            let (disk, _) = joint(order, members.clone(), vec![abort]).run(&[point]);
            assert_ne!(check(&disk), Came::Mixed, "crashed at {point}");
        }
    }
}

#[test]
fn a_paused_member_holds_the_others_up_until_it_is_resumed() {
    let word = |after_ms, act| Interference { after_ms, member: 1, act };
    let script = vec![word(1, Word::Pause), word(60_000, Word::Resume)];
    let members = vec![member(StrategyName::AllAtOnce), member(StrategyName::AllAtOnce)];
    let (disk, _) = joint(BatchOrder::Together, members, script).run(&[]);
    assert_eq!(check(&disk), Came::AllPromoted);
    let batch = disk.batch.unwrap();
    assert!(batch.ended.unwrap().since(batch.at) >= Duration::from_secs(60));
}

#[test]
fn a_candidate_that_is_decided_for_and_does_not_start_again_is_not_taken_back_alone() {
    let members = vec![
        Member { behaviour: fragile, ..member(StrategyName::AllAtOnce) },
        member(StrategyName::AllAtOnce),
    ];
    let joint = joint(BatchOrder::Together, members, Vec::new());
    let (_, points) = joint.run(&[]);
    let mut seen = [0, 0];
    for point in 1..=points {
        let (disk, _) = joint.run(&[point]);
        match check(&disk) {
            Came::AllPromoted => seen[0] += 1,
            Came::AllBack => seen[1] += 1,
            Came::Mixed => panic!("crashed at {point}: {:#?}", disk.batch),
        }
    }
    assert!(seen[0] > 5 && seen[1] > 5, "{seen:?}");
}

/// Anything, at any time, to members that behave in any way, in a process that crashes anywhere.
#[test]
fn any_joint_update_keeps_its_promises() {
    match std::env::var("AIRSSYS_WASM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => run_seed(seed),
        None => (0..600).for_each(run_seed),
    }
}

fn run_seed(seed: u64) {
    let failed = std::panic::catch_unwind(|| {
        let mut random = StdRng::seed_from_u64(seed);
        let joint = any_joint(seed, &mut random);
        let crashes: Vec<u64> =
            (0..random.random_range(0..5)).map(|_| random.random_range(1..150)).collect();
        let (disk, _) = joint.run(&crashes);
        let came = check(&disk);
        let together = joint.order == BatchOrder::Together;
        assert!(!together || came != Came::Mixed, "some were promoted: {:#?}", disk.batch);
    });
    if failed.is_err() {
        let trace = TRACE.with_borrow(|lines| lines.join("\n"));
        panic!("AIRSSYS_WASM_SEED={seed} broke a promise:\n{trace}");
    }
}

fn any_joint(seed: u64, random: &mut StdRng) -> Joint {
    let order = if random.random() { BatchOrder::Together } else { BatchOrder::InOrder };
    let habits = [sound, sound, sound, sound, fragile, no_way_back, never_ready, fails_its_calls];
    let members = (0..random.random_range(2..5)).map(|_| Member {
        behaviour: habits[random.random_range(0..habits.len())],
        settings: any_member(random),
    });
    let members: Vec<_> = members.collect();
    let words = [
        Word::Promote,
        Word::Promote,
        Word::Abort,
        Word::Pause,
        Word::Resume,
        Word::Resume,
        Word::Remove,
        Word::Update,
        Word::Rollback,
    ];
    let script = (0..random.random_range(0..6)).map(|_| Interference {
        after_ms: random.random_range(0..600),
        member: random.random_range(0..members.len()),
        act: words[random.random_range(0..words.len())],
    });
    let script = script.collect();
    Joint { seed, order, members, script }
}

/// Half of them quick, so that several come as far as the decision.
fn any_member(random: &mut StdRng) -> RolloutSettings {
    let mut settings = match random.random() {
        true => {
            settings([StrategyName::AllAtOnce, StrategyName::BlueGreen][random.random_range(0..2)])
        }
        false => any_settings(random),
    };
    settings.shadow.then = ShadowThen::Promote;
    settings
}
