//! Trials of every kind: pauses, gates, metrics, shadows, experiments, each crashed at every point.

use std::time::Duration;

use airssys_wasm_model::{
    Gate, GateAt, GateBy, GateSettings, OnDecision, OnTimeout, PauseFor, RevisionNumber,
    RolloutSettings, ShadowThen, Span, StepAct, StepSettings, StrategyName,
};

use crate::revision::RevisionState;
use crate::rollout::Outcome;
use crate::sim::operator::{Act, Task, When};
use crate::sim::scenario::{Behaviour, End, Scenario};
use crate::sim::tests::{assert_promoted, assert_taken_back, history, metric, settings, sound};
use crate::sim::world::{DOWN, HANGS, PASSES, REFUSES, STUMBLES, TRACE};
use crate::table::Table;

const OLD: RevisionNumber = RevisionNumber(1);
const NEW: RevisionNumber = RevisionNumber(2);

fn ms(count: u64) -> Span {
    Span(Duration::from_millis(count))
}

fn gate(url: &str, timeout_ms: u64, on_timeout: OnTimeout) -> Gate {
    let by = GateBy::Webhook(url.parse().unwrap());
    Gate { by, timeout: Some(ms(timeout_ms)), on_timeout, reason: None }
}

fn manual() -> Gate {
    Gate { by: GateBy::Operator, timeout: None, on_timeout: OnTimeout::Abort, reason: None }
}

fn canary(steps: Vec<StepSettings>) -> RolloutSettings {
    RolloutSettings { steps, ..settings(StrategyName::Canary) }
}

fn at_promotion(gate: Gate) -> RolloutSettings {
    let gates = vec![GateSettings { at: GateAt::Promotion, gate }];
    RolloutSettings { gates, ..canary(vec![25.0.into()]) }
}

/// A candidate of these habits, beside an active revision without.
macro_rules! candidate {
    ($($field:ident: $value:expr),*) => {
        |number: RevisionNumber| {
            let habits = Behaviour { $($field: $value,)* ..Behaviour::default() };
            if number == NEW { habits } else { Behaviour::default() }
        }
    };
}

/// Without a crash, and with two at each of its points in turn.
fn crash_everywhere(behaviour: fn(RevisionNumber) -> Behaviour, script: Vec<Task>) -> End {
    crash_at_each(1, behaviour, script)
}

/// The same for long histories: at some of its points.
fn with_some_crashes(behaviour: fn(RevisionNumber) -> Behaviour, script: Vec<Task>) -> End {
    crash_at_each(7, behaviour, script)
}

fn crash_at_each(nth: usize, behaviour: fn(RevisionNumber) -> Behaviour, script: Vec<Task>) -> End {
    let scenario = Scenario { seed: 7, behaviour, script };
    let (end, points) = scenario.run(&[]);
    for point in (1..=points).step_by(nth) {
        let second = point % 9 + 1;
        let (crashed, _) = scenario.run(&[point, second]);
        let trace = TRACE.with_borrow(|lines| lines.join("\n"));
        assert_eq!(crashed, end, "crashed at {point}, then {second}:\n{trace}");
    }
    end
}

#[test]
fn every_kind_of_step_survives_a_crash_at_every_point() {
    let steps = vec![
        StepAct::Scale(3).into(),
        StepAct::Mirror(50.0).into(),
        StepAct::Observe(ms(200)).into(),
        StepAct::Match("header:x-beta".parse().unwrap()).into(),
        25.0.into(),
        StepAct::Pause(PauseFor::Time(ms(200))).into(),
        StepAct::Gate(gate(PASSES, 5_000, OnTimeout::Abort)).into(),
        StepAct::Weight(50.0).into(),
        StepAct::Observe(ms(200)).into(),
        StepAct::Hold(ms(300)).into(),
    ];
    assert_promoted(&crash_everywhere(sound, history(canary(steps), &[])));
}

#[test]
fn a_gate_that_refuses_takes_the_candidate_back() {
    let refuses = at_promotion(gate(REFUSES, 5_000, OnTimeout::Continue));
    let end = crash_everywhere(sound, history(refuses, &[]));
    assert_taken_back(&end, RevisionState::Failed);
}

#[test]
fn a_gate_at_the_start_that_refuses_starts_nothing() {
    let gate = gate(REFUSES, 5_000, OnTimeout::Abort);
    let gates = vec![GateSettings { at: GateAt::Start, gate }];
    let update = RolloutSettings { gates, ..settings(StrategyName::BlueGreen) };
    let never = |number| Behaviour { start_fails: number == NEW, ..Behaviour::default() };
    assert_taken_back(&crash_everywhere(never, history(update, &[])), RevisionState::Stopped);
}

#[test]
fn a_gate_that_hangs_ends_as_it_is_told() {
    for url in [HANGS, DOWN] {
        let update = at_promotion(gate(url, 3_000, OnTimeout::Abort));
        let end = with_some_crashes(sound, history(update, &[]));
        assert_taken_back(&end, RevisionState::Failed);
        let update = at_promotion(gate(url, 3_000, OnTimeout::Continue));
        assert_promoted(&with_some_crashes(sound, history(update, &[])));
        // It rests until its operator takes it back.
        let update = at_promotion(gate(url, 3_000, OnTimeout::Pause));
        let end = with_some_crashes(sound, history(update, &[]));
        assert_taken_back(&end, RevisionState::Stopped);
    }
}

#[test]
fn a_gate_that_is_down_for_a_while_is_asked_again() {
    let update = at_promotion(gate(STUMBLES, 20_000, OnTimeout::Abort));
    assert_promoted(&with_some_crashes(sound, history(update, &[])));
}

#[test]
fn a_gate_after_the_promotion_undoes_nothing() {
    for (url, on_timeout) in [(REFUSES, OnTimeout::Abort), (HANGS, OnTimeout::Pause)] {
        let gates = vec![GateSettings { at: GateAt::End, gate: gate(url, 500, on_timeout) }];
        let update = RolloutSettings { gates, ..settings(StrategyName::BlueGreen) };
        assert_promoted(&crash_everywhere(sound, history(update, &[])));
    }
}

#[test]
fn a_manual_gate_waits_for_its_operator() {
    for at in [GateAt::Start, GateAt::Shift, GateAt::Promotion] {
        let gates = vec![GateSettings { at, gate: manual() }];
        let update = RolloutSettings { gates, ..canary(vec![25.0.into()]) };
        let then = [(2, When::Paused, Act::Resume)];
        assert_promoted(&crash_everywhere(sound, history(update.clone(), &then)));
        let then = [(2, When::Paused, Act::Abort)];
        let end = crash_everywhere(sound, history(update, &then));
        assert_taken_back(&end, RevisionState::Stopped);
    }
}

#[test]
fn a_manual_gate_with_a_time_ends_by_itself() {
    let gate = |on_timeout| Gate { timeout: Some(ms(700)), on_timeout, ..manual() };
    // Until then nobody says a word.
    let then = [(2, When::Decided, Act::Abort)];
    let update = at_promotion(gate(OnTimeout::Abort));
    assert_taken_back(&crash_everywhere(sound, history(update, &then)), RevisionState::Failed);
    let update = at_promotion(gate(OnTimeout::Continue));
    assert_promoted(&crash_everywhere(sound, history(update, &then)));
}

#[test]
fn a_pause_until_promoted_ends_with_either_word() {
    let steps = vec![StepAct::Pause(PauseFor::UntilPromoted).into(), 25.0.into()];
    for act in [Act::Resume, Act::Promote] {
        let then = [(2, When::Paused, act)];
        assert_promoted(&crash_everywhere(sound, history(canary(steps.clone()), &then)));
    }
    // Nobody comes, so it is taken back in the end.
    let end = crash_everywhere(sound, history(canary(steps), &[]));
    assert_taken_back(&end, RevisionState::Stopped);
}

#[test]
fn a_metric_out_of_its_bounds_takes_the_candidate_back() {
    let with = |url| RolloutSettings { metrics: vec![metric(url)], ..canary(vec![25.0.into()]) };
    assert_promoted(&crash_everywhere(sound, history(with(PASSES), &[])));
    let end = crash_everywhere(sound, history(with(REFUSES), &[]));
    assert_taken_back(&end, RevisionState::Failed);
}

#[test]
fn a_metric_that_is_missing_never_promotes() {
    for url in [DOWN, HANGS] {
        let update = RolloutSettings { metrics: vec![metric(url)], ..canary(vec![25.0.into()]) };
        let end = with_some_crashes(sound, history(update.clone(), &[]));
        assert_taken_back(&end, RevisionState::Stopped);
        let then = [(2, When::Paused, Act::Promote)];
        assert_promoted(&with_some_crashes(sound, history(update, &then)));
    }
}

fn shadow(then: ShadowThen) -> RolloutSettings {
    let mut shadow = settings(StrategyName::Shadow);
    shadow.shadow.mirror = 100.0;
    shadow.shadow.observe = ms(600);
    shadow.shadow.then = then;
    shadow
}

#[test]
fn a_shadow_leaves_everything_as_it_was() {
    let end = crash_everywhere(sound, history(shadow(ShadowThen::Stop), &[]));
    assert_eq!(end.table, Table::all(OLD));
    assert_eq!(end.revisions, [(OLD, RevisionState::Active), (NEW, RevisionState::Stopped)]);
    assert_eq!(end.outcomes, [Some(Outcome::Promoted), Some(Outcome::Concluded)]);
}

#[test]
fn a_shadow_promotes_if_told_to_or_by_hand() {
    assert_promoted(&crash_everywhere(sound, history(shadow(ShadowThen::Promote), &[])));
    let then = [(2, When::Observing, Act::Promote)];
    assert_promoted(&crash_everywhere(sound, history(shadow(ShadowThen::Stop), &then)));
}

#[test]
fn a_shadow_that_answers_otherwise_is_taken_back() {
    let end = crash_everywhere(
        candidate!(differs_percent: 60),
        history(shadow(ShadowThen::Promote), &[]),
    );
    assert_taken_back(&end, RevisionState::Failed);
}

#[test]
fn a_removal_amid_a_shadow_ends_the_copies() {
    let script = history(shadow(ShadowThen::Stop), &[(3, When::Observing, Act::Remove)]);
    let end = crash_everywhere(sound, script);
    assert_eq!((end.table, end.active), (Table::EMPTY, None));
}

fn experiment(on_decision: OnDecision) -> RolloutSettings {
    let mut ab = settings(StrategyName::Ab);
    ab.experiment.horizon = ms(20_000);
    ab.experiment.on_decision = on_decision;
    ab
}

#[test]
fn an_experiment_promotes_its_winner() {
    let better = candidate!(success_percent: 70);
    let end = with_some_crashes(better, history(experiment(OnDecision::Promote), &[]));
    assert_promoted(&end);
    let worse = |number| Behaviour {
        success_percent: if number == OLD { 70 } else { 10 },
        ..Behaviour::default()
    };
    let end = with_some_crashes(worse, history(experiment(OnDecision::Promote), &[]));
    assert_taken_back(&end, RevisionState::Failed);
}

#[test]
fn an_experiment_that_keeps_both_waits_for_its_operator() {
    let better = candidate!(success_percent: 70);
    let update = experiment(OnDecision::Keep);
    let then = [(2, When::Paused, Act::Resume)];
    assert_promoted(&with_some_crashes(better, history(update.clone(), &then)));
    let then = [(2, When::Paused, Act::Abort)];
    assert_taken_back(&with_some_crashes(better, history(update, &then)), RevisionState::Stopped);
}

#[test]
fn an_experiment_without_a_winner_promotes_nobody() {
    let end = with_some_crashes(sound, history(experiment(OnDecision::Promote), &[]));
    assert_taken_back(&end, RevisionState::Stopped);
}

#[test]
fn a_candidate_slower_than_the_active_is_taken_back() {
    let mut update = canary(vec![50.0.into()]);
    update.observe = ms(30_000);
    let script = history(update.clone(), &[]);
    assert_taken_back(
        &with_some_crashes(candidate!(slow_percent: 60), script.clone()),
        RevisionState::Failed,
    );
    // The same without the comparison.
    update.analysis = false;
    assert_promoted(&with_some_crashes(candidate!(slow_percent: 60), history(update, &[])));
    assert_promoted(&with_some_crashes(sound, script));
}

#[test]
fn a_candidate_that_cannot_be_warmed_gets_no_calls() {
    for strategy in [StrategyName::AllAtOnce, StrategyName::Canary] {
        let script = history(settings(strategy), &[]);
        let end = crash_everywhere(candidate!(warming_fails: true), script);
        assert_taken_back(&end, RevisionState::Failed);
    }
}
