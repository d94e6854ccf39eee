//! What the analysis promises, by simulation. Each prints its seed; the benchmark `analysis` is the same, larger.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::simulation::{Chance, Pair, Study, Traffic, kinds};
use super::{
    Analysis, AnalysisSettings, Conclusion, Counts, FALSE_ABORTS, Judgement, Metric, Tally,
};

const SEED: u64 = 4;

fn with_chance<T>(act: impl FnOnce(&mut Chance<'_>) -> T) -> T {
    println!("seed {SEED}");
    let mut random = StdRng::seed_from_u64(SEED);
    let mut uniform = || random.random::<f64>();
    act(&mut Chance::new(&mut uniform))
}

fn study(traffic: &Traffic, rollouts: usize) -> Study {
    with_chance(|chance| Study::of(traffic, rollouts, chance))
}

#[test]
fn an_equal_candidate_is_taken_back_in_at_most_one_rollout_of_a_hundred() {
    const ROLLOUTS: usize = 20;
    let mut taken_back = 0;
    for (kind, traffic) in kinds::EQUAL {
        let study = study(&traffic, ROLLOUTS);
        println!("{kind}: {} of {ROLLOUTS}", study.taken_back);
        taken_back += study.taken_back;
    }
    let most = (FALSE_ABORTS * (ROLLOUTS * kinds::EQUAL.len()) as f64) as usize;
    assert!(taken_back <= most, "{taken_back}");
}

#[test]
fn five_percent_of_failures_are_found_within_a_hundred_calls_at_the_median() {
    let found = study(&kinds::FIVE_PERCENT, 200);
    let (median, late) = (found.calls_at(0.5).unwrap(), found.calls_at(0.95).unwrap());
    println!("median {median}, 95th percentile {late}");
    assert!(median <= 100 && late <= 200);
    let briefly = study(&kinds::FIVE_PERCENT_BRIEFLY, 100);
    assert!(briefly.taken_back_share() > 0.5, "{briefly:?}");
}

#[test]
fn a_candidate_twice_as_slow_is_found() {
    let found = study(&kinds::TWICE_AS_SLOW.1, 30);
    assert!(found.calls_at(0.95).is_some_and(|calls| calls < 800), "{found:?}");
}

#[test]
fn half_as_many_failures_again_are_found_in_time() {
    let found = study(&kinds::BARELY_WORSE.1, 10);
    assert!(found.taken_back_share() > 0.9, "{found:?}");
}

#[test]
fn an_interval_misses_the_truth_no_more_often_than_said_however_often_one_looks() {
    const ALPHA: f64 = 0.1;
    for (means, share) in [([0.1, 0.1], 0.5), ([0.02, 0.05], 0.1), ([0.9, 0.5], 0.5)] {
        let pair = Pair { means, share };
        let missed = with_chance(|chance| pair.misses(20, 500, ALPHA, chance));
        println!("{pair:?}: {missed}");
        assert!(missed <= ALPHA);
    }
}

const NOTHING: Tally = Tally { calls: 0, bad: 0 };

fn failures(calls: u64, bad: u64) -> Counts {
    Counts { failures: Some(Tally { calls, bad }), ..Counts::default() }
}

fn analysis(settings: AnalysisSettings, samples: usize, sides: [Counts; 2]) -> Analysis {
    let mut analysis = Analysis::new(settings);
    (0..samples).for_each(|_| analysis.add(&sides[0], &sides[1]));
    analysis
}

fn after(samples: usize, candidate: Counts, active: Counts) -> Analysis {
    analysis(AnalysisSettings::default(), samples, [candidate, active])
}

#[test]
fn a_restart_forgets_nothing_that_was_recorded() {
    let mut before = after(2, failures(10, 1), failures(90, 0));
    let recorded = serde_json::to_string(&before).unwrap();
    assert!(recorded.len() < 2_000, "{} bytes", recorded.len());
    let mut restarted: Analysis = serde_json::from_str(&recorded).unwrap();
    let undecided = |analysis: &Analysis| analysis.judgement() == Judgement::Undecided;
    assert!(undecided(&before) && undecided(&restarted));
    // Samples between are lost, and the counters count from zero.
    for _ in 0..3 {
        let now = failures(10, 1).since(&failures(9_000, 800));
        before.add(&now, &failures(90, 0));
        restarted.add(&now, &failures(90, 0));
    }
    assert_eq!(restarted.judgement(), before.judgement());
    assert!(!undecided(&restarted));
}

#[test]
fn no_two_samples_take_a_candidate_back() {
    let hopeless = after(2, failures(1_000, 1_000), failures(9_000, 0));
    assert_eq!(hopeless.judgement(), Judgement::Undecided);
    let hopeless = after(3, failures(1_000, 1_000), failures(9_000, 0));
    assert!(matches!(hopeless.judgement(), Judgement::Worse { metric: Metric::Failures, .. }));
}

#[test]
fn a_difference_that_is_certain_and_irrelevant_takes_nobody_back() {
    let evidence = |bad| after(5_000, failures(10_000, bad), failures(10_000, 10));
    let irrelevant = evidence(15);
    assert!(irrelevant.evidence()[0].log10_e > 100.0);
    assert_eq!(irrelevant.conclusion(), Conclusion::Sound);
    assert!(matches!(evidence(25).conclusion(), Conclusion::Worse { .. }));
}

#[test]
fn a_better_candidate_is_sound() {
    let better = after(1_000, failures(10, 0), failures(90, 30));
    assert_eq!(better.conclusion(), Conclusion::Sound);
    assert!(better.evidence()[0].interval.high < 0.0);
}

#[test]
fn what_was_asked_for_and_is_missing_is_inconclusive() {
    let asked =
        |settings: AnalysisSettings, active| analysis(settings, 5, [failures(10, 0), active]);
    let reason = |conclusion| match conclusion {
        Conclusion::Inconclusive { reason } => reason,
        other => panic!("{other:?}"),
    };
    let few = AnalysisSettings { min_calls: 51, ..AnalysisSettings::default() };
    let few = asked(few, failures(90, 0)).conclusion();
    assert_eq!(reason(few), "it answered 50 calls; 51 are asked for");
    let required =
        AnalysisSettings { required: vec![Metric::Failures], ..AnalysisSettings::default() };
    let alone = asked(required.clone(), failures(0, 0)).conclusion();
    assert!(reason(alone).starts_with("failures is asked for and was not measured"));
    assert_eq!(asked(required, failures(90, 0)).conclusion(), Conclusion::Sound);
    assert_eq!(Analysis::new(AnalysisSettings::default()).conclusion(), Conclusion::Sound);
}

#[test]
fn some_evidence_pauses_at_the_end_of_a_window_and_does_not_take_back() {
    let some = after(3, failures(10, 1), failures(90, 0));
    assert_eq!(some.judgement(), Judgement::Undecided);
    let Conclusion::Inconclusive { reason } = some.conclusion() else { panic!("{some:?}") };
    insta::assert_snapshot!(reason, @"not enough to take it back, too much to go on: 3 (10.0%) of its 30 calls failed; of the active revision's 270, none; chance of that from a candidate that is no worse below 1 in 130");
}

#[test]
fn the_cold_calls_after_a_shift_count_for_failures_alone() {
    let slow = Counts { latency: Some(Tally { calls: 10, bad: 10 }), ..failures(10, 0) };
    let usual = Counts { latency: Some(Tally { calls: 90, bad: 1 }), ..failures(90, 0) };
    let grace = AnalysisSettings::default().grace_samples as usize;
    let latency = |analysis: &Analysis| analysis.evidence()[1].clone();
    let mut cold = after(grace, slow, usual);
    assert_eq!(latency(&cold).candidate, NOTHING);
    (0..40).for_each(|_| cold.add(&slow, &usual));
    assert_eq!(latency(&cold).candidate.calls, 400);
    assert!(matches!(cold.judgement(), Judgement::Worse { metric: Metric::Latency, .. }));
    // The next share brings instances that are cold again.
    cold.begin_step();
    cold.add(&slow, &usual);
    assert_eq!(latency(&cold).candidate.calls, 400);
}

#[test]
fn any_counts_leave_evidence_that_can_be_written_down() {
    with_chance(|chance| {
        let mut analysis = Analysis::new(AnalysisSettings::default());
        for _ in 0..300 {
            let mut any = || (chance.normal() * 5.0).exp() as u64;
            let mut tally = || Some(Tally { calls: any() >> 8, bad: any() });
            let mut side =
                || Counts { failures: tally(), latency: tally(), cpu: None, memory: tally() };
            analysis.add(&side(), &side());
            assert!(analysis.e_value().is_finite());
        }
        let recorded = serde_json::to_string(&analysis).unwrap();
        assert!(!recorded.contains("null"), "{recorded}");
        serde_json::from_str::<Analysis>(&recorded).unwrap();
        analysis.evidence().iter().for_each(|it| assert!(it.log10_e.is_finite()));
    });
}
