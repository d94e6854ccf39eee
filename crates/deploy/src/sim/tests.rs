//! Histories, each crashed at every point; and thousands that a seed makes up.

use std::time::Duration;

use airssys_wasm_model::{
    Gate, GateAt, GateBy, GateSettings, MetricSettings, OnInconclusive, OnTimeout, PauseFor,
    RevisionNumber, RolloutSettings, ShadowThen, Span, StepAct, StepSettings, StrategyName,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::record::ServiceState;
use crate::revision::RevisionState;
use crate::rollout::{Outcome, RolloutKind, RolloutNumber};
use crate::sim::operator::{Act, Task, When};
use crate::sim::scenario::{Behaviour, End, Scenario};
use crate::sim::world::{DOWN, HANGS, PASSES, REFUSES, STUMBLES, TRACE};
use crate::table::Table;

const OLD: RevisionNumber = RevisionNumber(1);
const NEW: RevisionNumber = RevisionNumber(2);

pub(super) fn settings(strategy: StrategyName) -> RolloutSettings {
    RolloutSettings {
        strategy,
        steps: vec![25.0.into(), 50.0.into()],
        observe: Span(Duration::from_millis(400)),
        hold: Span(Duration::from_millis(300)),
        ..RolloutSettings::default()
    }
}

pub(super) fn sound(_: RevisionNumber) -> Behaviour {
    Behaviour::default()
}

/// A deploy, then an update, then what follows.
pub(super) fn history(update: RolloutSettings, then: &[(u32, When, Act)]) -> Vec<Task> {
    let deploy = Act::New(RolloutKind::Deploy, Box::new(settings(StrategyName::AllAtOnce)));
    let first = [
        (1, When::Decided, deploy),
        (2, When::Decided, Act::New(RolloutKind::Update, Box::new(update))),
    ];
    let tasks = first.into_iter().chain(then.iter().cloned());
    tasks.map(|(number, when, act)| Task { rollout: RolloutNumber(number), when, act }).collect()
}

/// Runs a history without a crash, then with a crash at each of its points, then with a second crash
/// soon after each: every one must come to the same end.
fn crash_everywhere(behaviour: fn(RevisionNumber) -> Behaviour, script: Vec<Task>) -> End {
    let scenario = Scenario { seed: 7, behaviour, script };
    let (end, points) = scenario.run(&[]);
    assert!(points > 10, "only {points} points: the history did not happen");
    for point in 1..=points {
        for second in [u64::MAX, 1, 2, 3, 5, 8] {
            let (crashed, _) = scenario.run(&[point, second]);
            let trace = TRACE.with_borrow(|lines| lines.join("\n"));
            assert_eq!(crashed, end, "crashed at {point}, then {second}:\n{trace}");
        }
    }
    end
}

pub(super) fn assert_promoted(end: &End) {
    assert_eq!(end.active, Some(NEW));
    assert_eq!(end.state, ServiceState::Active);
    assert_eq!(end.revisions[0], (OLD, RevisionState::Stopped));
    assert_eq!(end.outcomes, [Some(Outcome::Promoted), Some(Outcome::Promoted)]);
}

pub(super) fn assert_taken_back(end: &End, candidate: RevisionState) {
    assert_eq!(end.table, Table::all(OLD));
    assert_eq!(end.revisions, [(OLD, RevisionState::Active), (NEW, candidate)]);
    assert_eq!(end.outcomes, [Some(Outcome::Promoted), Some(Outcome::Aborted)]);
}

#[test]
fn every_strategy_survives_a_crash_at_every_point() {
    for strategy in [StrategyName::AllAtOnce, StrategyName::BlueGreen, StrategyName::Canary] {
        assert_promoted(&crash_everywhere(sound, history(settings(strategy), &[])));
    }
}

#[test]
fn a_candidate_that_does_not_start_leaves_the_active_untouched() {
    let broken = |number| Behaviour { start_fails: number == NEW, ..Behaviour::default() };
    let script = history(settings(StrategyName::BlueGreen), &[]);
    assert_taken_back(&crash_everywhere(broken, script), RevisionState::Failed);
}

#[test]
fn a_candidate_that_refuses_its_config_leaves_the_active_untouched() {
    let broken = |number| Behaviour { never_ready: number == NEW, ..Behaviour::default() };
    let script = history(settings(StrategyName::Canary), &[]);
    assert_taken_back(&crash_everywhere(broken, script), RevisionState::Failed);
}

#[test]
fn a_first_deploy_that_fails_can_be_tried_again() {
    let broken = |number| Behaviour { never_ready: number == OLD, ..Behaviour::default() };
    let end = crash_everywhere(broken, history(settings(StrategyName::AllAtOnce), &[]));
    assert_eq!(end.outcomes, [Some(Outcome::Aborted), Some(Outcome::Promoted)]);
    assert_eq!(end.active, Some(NEW));
}

#[test]
fn a_canary_that_fails_its_calls_is_taken_back() {
    let broken = |number: RevisionNumber| Behaviour {
        error_percent: if number == NEW { 100 } else { 0 },
        ..Behaviour::default()
    };
    let script = history(settings(StrategyName::Canary), &[]);
    assert_taken_back(&crash_everywhere(broken, script), RevisionState::Failed);
}

#[test]
fn an_abort_by_hand_restores_what_was() {
    let script = history(settings(StrategyName::Canary), &[(2, When::Observing, Act::Abort)]);
    assert_taken_back(&crash_everywhere(sound, script), RevisionState::Stopped);
}

#[test]
fn a_canary_with_too_few_calls_waits_for_its_operator() {
    let update = RolloutSettings { min_calls: 1_000_000, ..settings(StrategyName::Canary) };
    let script = history(update.clone(), &[(2, When::Paused, Act::Promote)]);
    assert_promoted(&crash_everywhere(sound, script));
    let script = history(update, &[(2, When::Paused, Act::Abort)]);
    assert_taken_back(&crash_everywhere(sound, script), RevisionState::Stopped);
}

#[test]
fn a_pause_holds_until_it_is_resumed() {
    let then = [(2, When::Observing, Act::Pause), (2, When::Paused, Act::Resume)];
    assert_promoted(&crash_everywhere(sound, history(settings(StrategyName::Canary), &then)));
}

#[test]
fn a_rollback_inside_the_hold_and_after_it_come_to_the_same() {
    for when in [When::Decided, When::Rest] {
        let script = history(settings(StrategyName::BlueGreen), &[(3, when, Act::Back(OLD))]);
        let end = crash_everywhere(sound, script);
        assert_eq!(end.active, Some(OLD));
        assert_eq!(end.revisions[1], (NEW, RevisionState::Stopped));
    }
}

#[test]
fn an_update_inside_the_hold_retires_both_older_revisions() {
    let third = Act::New(RolloutKind::Update, Box::new(settings(StrategyName::Canary)));
    let script = history(settings(StrategyName::BlueGreen), &[(3, When::Decided, third)]);
    let end = crash_everywhere(sound, script);
    assert_eq!(end.active, Some(RevisionNumber(3)));
    assert!(end.revisions[..2].iter().all(|(_, state)| *state == RevisionState::Stopped));
}

#[test]
fn a_removal_ends_everything_also_amid_a_rollout() {
    let script = history(settings(StrategyName::Canary), &[(3, When::Observing, Act::Remove)]);
    let end = crash_everywhere(sound, script);
    assert_eq!((end.table, end.active), (Table::EMPTY, None));
    assert!(end.revisions.iter().all(|(_, state)| *state == RevisionState::Stopped));
}

/// Anything an operator may do, at any time, to revisions that behave in any way, on a node that
/// crashes anywhere. The world asserts what must always hold.
#[test]
fn any_history_keeps_its_promises() {
    match std::env::var("AIRSSYS_WASM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => run_seed(seed),
        None => (0..2_000).for_each(run_seed),
    }
}

fn run_seed(seed: u64) {
    let failed = std::panic::catch_unwind(|| {
        let mut random = StdRng::seed_from_u64(seed);
        let script = any_script(&mut random);
        let crashes: Vec<u64> =
            (0..random.random_range(0..6)).map(|_| random.random_range(1..60)).collect();
        Scenario { seed, behaviour: any_behaviour, script }.run(&crashes);
    });
    if failed.is_err() {
        let trace = TRACE.with_borrow(|lines| lines.join("\n"));
        panic!("AIRSSYS_WASM_SEED={seed} broke a promise:\n{trace}");
    }
}

/// A revision's number decides what it does: a third of them are faulty.
fn any_behaviour(number: RevisionNumber) -> Behaviour {
    Behaviour {
        start_fails: number.0 % 9 == 4,
        never_ready: number.0 % 9 == 5,
        error_percent: if number.0.is_multiple_of(3) { 40 } else { 0 },
        slow_percent: if number.0 % 8 == 6 { 40 } else { 0 },
        differs_percent: if number.0 % 4 == 1 { 30 } else { 0 },
        success_percent: u64::from(number.0 * 37 % 100),
        warming_fails: number.0 % 11 == 8,
        failing_starts: 0,
    }
}

fn any_script(random: &mut StdRng) -> Vec<Task> {
    let mut number = 0;
    let mut task = |_| {
        let act = any_act(random);
        number += u32::from(matches!(act, Act::New(..) | Act::Back(_) | Act::Remove));
        let when = When::After(random.random_range(0..1_500));
        Task { rollout: RolloutNumber(number.max(1)), when, act }
    };
    let tasks = 12;
    (0..tasks).map(&mut task).collect()
}

pub(super) fn any_settings(random: &mut StdRng) -> RolloutSettings {
    let strategy = StrategyName::ALL[random.random_range(0..StrategyName::ALL.len())];
    let mut settings = settings(strategy);
    if random.random_ratio(1, 8) {
        settings.min_calls = 100_000;
    }
    if random.random_ratio(1, 2) {
        settings.steps = any_steps(random);
    }
    settings.analysis = random.random_ratio(1, 2);
    settings.on_inconclusive =
        if random.random_ratio(1, 4) { OnInconclusive::Abort } else { OnInconclusive::Pause };
    settings.gates = (0..random.random_range(0..3)).map(|_| any_gate(random)).collect();
    settings.metrics = (0..random.random_range(0..2)).map(|_| metric(any_place(random))).collect();
    settings.experiment.horizon = Span(Duration::from_millis(random.random_range(1..3_000)));
    settings.shadow.observe = Span(Duration::from_millis(random.random_range(1..1_000)));
    settings.shadow.mirror = 50.0;
    if random.random_ratio(1, 2) {
        settings.shadow.then = ShadowThen::Promote;
    }
    settings
}

/// Steps in any order that makes sense.
fn any_steps(random: &mut StdRng) -> Vec<StepSettings> {
    let mut percent = 0.0;
    let mut steps = Vec::new();
    for _ in 0..random.random_range(1..7) {
        let during = Span(Duration::from_millis(random.random_range(0..500)));
        let act = match random.random_range(0..9) {
            0 if percent > 0.0 => StepAct::Observe(during),
            1 => StepAct::Pause(PauseFor::Time(during)),
            2 if random.random_ratio(1, 3) => StepAct::Pause(PauseFor::UntilPromoted),
            3 => StepAct::Scale(3),
            4 if random.random_ratio(1, 2) => StepAct::Mirror(20.0),
            4 => StepAct::Mirror(0.0),
            5 => StepAct::Gate(any_gate(random).gate),
            6 if steps.iter().all(|step| !matches!(step, StepSettings::Act(StepAct::Match(_)))) => {
                StepAct::Match("header:x-beta=1".parse().unwrap())
            }
            _ if percent < 80.0 => {
                percent += f64::from(random.random_range(1..20));
                StepAct::Weight(percent)
            }
            _ => continue,
        };
        steps.push(act.into());
    }
    steps.push((percent + 1.0).into());
    if random.random_ratio(1, 3) {
        steps.push(StepAct::Hold(Span(Duration::from_millis(300))).into());
    }
    steps
}

fn any_gate(random: &mut StdRng) -> GateSettings {
    let places = [GateAt::Start, GateAt::Shift, GateAt::Promotion, GateAt::End];
    let at = places[random.random_range(0..4)];
    let manual = at != GateAt::End && random.random_ratio(1, 8);
    let by =
        if manual { GateBy::Operator } else { GateBy::Webhook(any_place(random).parse().unwrap()) };
    let after = [OnTimeout::Abort, OnTimeout::Pause, OnTimeout::Continue];
    let timeout = (!manual || random.random())
        .then(|| Span(Duration::from_millis(random.random_range(1..5_000))));
    GateSettings {
        at,
        gate: Gate { by, timeout, on_timeout: after[random.random_range(0..3)], reason: None },
    }
}

/// Mostly one where all is well.
fn any_place(random: &mut StdRng) -> &'static str {
    let places = [PASSES, PASSES, PASSES, PASSES, STUMBLES, REFUSES, HANGS, DOWN];
    places[random.random_range(0..places.len())]
}

/// A metric that may be 50 at most.
pub(super) fn metric(url: &str) -> MetricSettings {
    MetricSettings {
        name: "latency".to_owned(),
        url: url.parse().unwrap(),
        query: "p99".to_owned(),
        max: Some(50.0),
        min: None,
        every: Span(Duration::from_millis(100)),
    }
}

fn any_act(random: &mut StdRng) -> Act {
    let settings = any_settings(random);
    match random.random_range(0..20) {
        0..8 => Act::New(RolloutKind::Update, Box::new(settings)),
        8..12 => Act::Back(RevisionNumber(random.random_range(1..6))),
        12..14 => Act::Promote,
        14..16 => Act::Abort,
        16..18 => Act::Pause,
        18 => Act::Resume,
        _ => Act::Remove,
    }
}
