//! What each strategy comes to, and what is refused.

use std::time::Duration;

use airssys_wasm_model::{
    Gate, GateAt, GateBy, GateSettings, Limits, OnTimeout, RevisionNumber, RolloutError,
    RolloutSettings, Span, StepSettings, StrategyName,
};

use super::*;
use crate::table::{Table, TableError};

const OLD: RevisionNumber = RevisionNumber(1);
const NEW: RevisionNumber = RevisionNumber(2);

/// Under the default limits.
const DRAIN: Duration = Duration::from_secs(35);

fn settings(strategy: StrategyName) -> RolloutSettings {
    RolloutSettings { strategy, ..RolloutSettings::default() }
}

fn update() -> Situation {
    let retiring = vec![Retiring::under(OLD, &Limits::DEFAULT)];
    Situation { active: Some(OLD), to: NEW, drain: DRAIN, warm: false, retiring }
}

fn shares(shares: &[f64]) -> Vec<StepSettings> {
    shares.iter().copied().map(StepSettings::Share).collect()
}

fn canary(steps: &[f64]) -> Result<Plan, PlanError> {
    let settings = RolloutSettings { steps: shares(steps), ..settings(StrategyName::Canary) };
    Plan::forward(&settings, &update())
}

#[test]
fn first_deploy() {
    let first = Situation { active: None, to: OLD, drain: DRAIN, warm: false, retiring: vec![] };
    let plan = Plan::forward(&settings(StrategyName::Canary), &first).unwrap();
    insta::assert_snapshot!(plan, @r"
    1. start r1
    2. wait until r1 is ready, at most 30s
    3. give r1 100% of the calls
    ");
    assert_eq!(Ok(plan), Plan::forward(&settings(StrategyName::BlueGreen), &first));
}

#[test]
fn all_at_once() {
    let plan = Plan::forward(&settings(StrategyName::AllAtOnce), &update()).unwrap();
    insta::assert_snapshot!(plan, @r"
    1. start r2
    2. wait until r2 is ready for 100% of the calls, at most 30s
    3. give r2 100% of the calls
    4. let the calls of r1 end, at most 35s
    5. stop r1
    ");
}

#[test]
fn blue_green() {
    let plan = Plan::forward(&settings(StrategyName::BlueGreen), &update()).unwrap();
    insta::assert_snapshot!(plan, @r"
    1. start r2
    2. wait until r2 is ready for 100% of the calls, at most 30s
    3. give r2 100% of the calls
    4. keep r1 warm for 30s
    5. let the calls of r1 end, at most 35s
    6. stop r1
    ");
}

#[test]
fn canary_by_steps() {
    let settings = RolloutSettings {
        steps: shares(&[0.5, 25.0, 50.0]),
        min_calls: 200,
        ..settings(StrategyName::Canary)
    };
    let plan = Plan::forward(&settings, &update()).unwrap();
    insta::assert_snapshot!(plan, @r"
    1. start r2
    2. wait until r2 is ready for 0.5% of the calls, at most 30s
    3. give r2 0.5%, r1 99.5% of the calls
    4. watch r2 for 10s against r1: at most 1% of its calls may fail
    5. warm r2 for 25% of the calls, at most 30s
    6. give r2 25%, r1 75% of the calls
    7. watch r2 for 10s against r1: at most 1% of its calls may fail
    8. warm r2 for 50% of the calls, at most 30s
    9. give r2 50%, r1 50% of the calls
    10. watch r2 for 10s against r1: at most 1% of its calls may fail, and it must have answered 200
    11. warm r2 for 100% of the calls, at most 30s
    12. give r2 100% of the calls
    13. let the calls of r1 end, at most 35s
    14. stop r1
    ");
    insta::assert_json_snapshot!(plan.steps[2..4], @r#"
    [
      {
        "do": "shift",
        "table": [
          {
            "revision": 2,
            "weight": 50
          },
          {
            "revision": 1,
            "weight": 9950
          }
        ]
      },
      {
        "do": "observe",
        "revision": 2,
        "during": 10000,
        "bounds": {
          "max_error_rate": 1.0,
          "min_calls": 0
        },
        "against": 1,
        "on_inconclusive": "pause"
      }
    ]
    "#);
}

#[test]
fn rollback_inside_a_hold_shifts_first() {
    let retiring = vec![Retiring::under(NEW, &Limits::DEFAULT)];
    let held = Situation { active: Some(NEW), to: OLD, drain: DRAIN, warm: true, retiring };
    let plan = Plan::forward(&settings(StrategyName::AllAtOnce), &held).unwrap();
    insta::assert_snapshot!(plan, @r"
    1. give r1 100% of the calls
    2. let the calls of r2 end, at most 35s
    3. stop r2
    ");
}

#[test]
fn an_update_inside_a_hold_retires_the_held_revision_too() {
    let third = RevisionNumber(3);
    let retiring = [OLD, NEW].map(|revision| Retiring::under(revision, &Limits::DEFAULT)).to_vec();
    let held = Situation { active: Some(NEW), to: third, drain: DRAIN, warm: false, retiring };
    let plan = Plan::forward(&settings(StrategyName::BlueGreen), &held).unwrap();
    insta::assert_snapshot!(plan, @r"
    1. start r3
    2. wait until r3 is ready for 100% of the calls, at most 30s
    3. give r3 100% of the calls
    4. let the calls of r1 end, at most 35s
    5. stop r1
    6. keep r2 warm for 30s
    7. let the calls of r2 end, at most 35s
    8. stop r2
    ");
}

#[test]
fn abort() {
    let candidate = [Retiring::under(NEW, &Limits::DEFAULT)];
    insta::assert_snapshot!(Plan::back(Some(Table::all(OLD)), false, &candidate), @r"
    1. give r1 100% of the calls
    2. let the calls of r2 end, at most 35s
    3. stop r2
    ");
    insta::assert_snapshot!(Plan::back(None, true, &candidate), @r"
    1. copy no more calls
    2. let the calls of r2 end, at most 35s
    3. stop r2
    ");
}

#[test]
fn removal() {
    insta::assert_snapshot!(Plan::removal(false, &[Retiring::under(NEW, &Limits::DEFAULT)]), @r"
    1. send no more calls
    2. let the calls of r2 end, at most 35s
    3. stop r2
    ");
}

/// A file's text, to be planned for an update.
fn planned(text: &str) -> String {
    let settings = RolloutSettings::parse(text).unwrap();
    Plan::forward(&settings, &update()).unwrap().to_string()
}

#[test]
fn a_canary_of_every_kind_of_step() {
    let plan = planned(
        r#"
strategy = "canary"
analysis = false
max_latency_p99 = "250ms"
min_calls = 100
steps = [
    { scale = 3 },
    { mirror = 10 },
    { observe = "20s" },
    { match = [{ header = "x-beta", present = true }] },
    { pause = "until-promoted" },
    5,
    { gate = { url = "http://tests/run", timeout = "5m" } },
    { weight = 20.5 },
    { observe = "1m" },
    { pause = "5m" },
    { hold = "10m" },
]
[[metrics]]
name = "sales"
url = "http://prometheus:9090"
query = "sum(rate(sales[1m]))"
min = 3
"#,
    );
    insta::assert_snapshot!(plan, @r"
    1. start r2
    2. wait until r2 is ready for 10% of the calls, at most 30s
    3. warm r2 to 3 instances, at most 30s
    4. copy 10% of the calls to r2 and compare the answers (json)
    5. watch r2's answers for 20s: at most 1% may differ
    6. route `header:x-beta` to r2 100%, else r1 100%
    7. pause until an operator promotes or resumes
    8. route `header:x-beta` to r2 100%, else r2 5%, r1 95%
    9. watch r2 for 10s: at most 1% of its calls may fail, 99% take at most 250ms, sales at least 3
    10. ask http://tests/run whether to go on, at most 5m, then abort
    11. warm r2 for 20.5% of the calls, at most 30s
    12. route `header:x-beta` to r2 100%, else r2 20.5%, r1 79.5%
    13. watch r2 for 1m: at most 1% of its calls may fail, 99% take at most 250ms, and it must have answered 100, sales at least 3
    14. pause for 5m
    15. copy no more calls
    16. warm r2 for 100% of the calls, at most 30s
    17. give r2 100% of the calls
    18. keep r1 warm for 10m
    19. let the calls of r1 end, at most 35s
    20. stop r1
    ");
}

#[test]
fn gates_stand_where_they_are_set() {
    let plan = planned(
        r#"
strategy = "canary"
steps = [5, 50]
gates = [
    { at = "start", url = "http://freeze" },
    { at = "shift", url = "http://load", on_timeout = "continue" },
    { at = "promotion", manual = true },
    { at = "end", url = "http://told", on_timeout = "pause" },
]
"#,
    );
    insta::assert_snapshot!(plan, @r"
    1. ask http://freeze whether to go on, at most 1m, then abort
    2. start r2
    3. wait until r2 is ready for 5% of the calls, at most 30s
    4. ask http://load whether to go on, at most 1m, then continue
    5. give r2 5%, r1 95% of the calls
    6. watch r2 for 10s against r1: at most 1% of its calls may fail
    7. warm r2 for 50% of the calls, at most 30s
    8. ask http://load whether to go on, at most 1m, then continue
    9. give r2 50%, r1 50% of the calls
    10. watch r2 for 10s against r1: at most 1% of its calls may fail
    11. wait for an operator to resume or abort
    12. warm r2 for 100% of the calls, at most 30s
    13. give r2 100% of the calls
    14. ask http://told whether to go on, at most 1m, then pause
    15. let the calls of r1 end, at most 35s
    16. stop r1
    ");
}

#[test]
fn an_experiment_splits_until_one_is_better() {
    insta::assert_snapshot!(planned("strategy = \"ab\""), @r"
    1. start r2
    2. wait until r2 is ready for 50% of the calls, at most 30s
    3. give r2 50%, r1 50% of the calls
    4. experiment `experiment`, r2 against r1 by status, at most 1day, then promote the winner: at most 1% of its calls may fail
    5. warm r2 for 100% of the calls, at most 30s
    6. give r2 100% of the calls
    7. let the calls of r1 end, at most 35s
    8. stop r1
    ");
    let plan = planned(
        r#"
strategy = "ab"
min_calls = 1000
[experiment]
name = "checkout"
share = 20
match = [{ cookie = "beta", is = "1" }]
sticky = "cookie:session"
success = "header:x-converted"
horizon = "2h"
on_decision = "keep"
"#,
    );
    insta::assert_snapshot!(plan, @r"
    1. start r2
    2. wait until r2 is ready for 100% of the calls, at most 30s
    3. route `cookie:beta=1` to r2 20%, r1 80%, else r1 100%, sticking by cookie:session
    4. experiment `checkout`, r2 against r1 by header:x-converted, at most 2h, then keep both until an operator decides: at most 1% of its calls may fail, and it must have answered 1000
    5. give r2 100% of the calls
    6. let the calls of r1 end, at most 35s
    7. stop r1
    ");
}

#[test]
fn a_shadow_promotes_only_if_told_to() {
    insta::assert_snapshot!(planned("strategy = \"shadow\""), @r"
    1. start r2
    2. wait until r2 is ready for 10% of the calls, at most 30s
    3. copy 10% of the calls to r2 and compare the answers (json)
    4. watch r2's answers for 1m: at most 1% may differ, and 1 must have been compared
    5. copy no more calls
    6. end the trial without a promotion
    7. let the calls of r2 end, at most 35s
    8. stop r2
    ");
    let plan = planned("strategy = \"shadow\"\nshadow = { then = \"promote\", mirror = 50 }");
    insta::assert_snapshot!(plan, @r"
    1. start r2
    2. wait until r2 is ready for 50% of the calls, at most 30s
    3. copy 50% of the calls to r2 and compare the answers (json)
    4. watch r2's answers for 1m: at most 1% may differ, and 1 must have been compared
    5. copy no more calls
    6. warm r2 for 100% of the calls, at most 30s
    7. give r2 100% of the calls
    8. let the calls of r1 end, at most 35s
    9. stop r1
    ");
}

#[test]
fn a_first_deploy_tries_nothing_and_passes_its_gates() {
    let gate =
        Gate { by: GateBy::Operator, timeout: None, on_timeout: OnTimeout::Abort, reason: None };
    let gates = vec![GateSettings { at: GateAt::Promotion, gate }];
    let first = Situation { active: None, to: OLD, drain: DRAIN, warm: false, retiring: vec![] };
    for strategy in StrategyName::ALL {
        let settings = RolloutSettings { gates: gates.clone(), ..settings(strategy) };
        let plan = Plan::forward(&settings, &first).unwrap();
        let lines = plan.to_string().lines().count();
        assert_eq!(lines, 4, "{plan}");
        assert!(plan.to_string().contains("3. wait for an operator"), "{plan}");
    }
}

#[test]
fn a_step_of_the_version_before_is_still_read() {
    for text in [
        r#"{"do":"await-ready","revision":2,"within":30000}"#,
        r#"{"do":"shift","table":[{"revision":2,"weight":10000}]}"#,
        r#"{"do":"observe","revision":2,"during":10000,"bounds":{"max_error_rate":1.0,"min_calls":0}}"#,
    ] {
        serde_json::from_str::<crate::step::Step>(text).unwrap();
    }
}

#[test]
fn a_rule_that_never_gets_a_call_is_refused() {
    let text = r#"
strategy = "canary"
steps = [
    { match = [{ header = "x-beta", present = true }] },
    { match = [{ header = "x-beta", is = "1" }] },
]
"#;
    let settings = RolloutSettings::parse(text).unwrap();
    let refused = Plan::forward(&settings, &update());
    assert!(matches!(refused, Err(PlanError::Table(TableError::NeverReached { .. }))));
}

#[test]
fn a_whole_share_is_promotion_and_is_not_watched() {
    assert_eq!(canary(&[5.0, 100.0]), canary(&[5.0]));
    assert_eq!(canary(&[100.0]).unwrap().steps.len(), 5);
}

#[test]
fn shares_that_make_no_sense_are_refused() {
    let refused = |steps: &[f64]| match canary(steps) {
        Err(PlanError::Settings(error)) => error,
        other => panic!("{steps:?}: {other:?}"),
    };
    assert_eq!(refused(&[]), RolloutError::NoSteps);
    assert_eq!(refused(&[5.0, 5.0]), RolloutError::NotRising { before: 5.0, after: 5.0 });
    assert_eq!(refused(&[50.0, 5.0]), RolloutError::NotRising { before: 50.0, after: 5.0 });
    for bad in [0.0, -5.0, 100.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(refused(&[bad]), RolloutError::Share { .. }), "{bad} was accepted");
    }
    let many: Vec<f64> = (1..=101).map(|at| f64::from(at) / 2.0).collect();
    assert_eq!(refused(&many), RolloutError::TooManySteps(101));
}

#[test]
fn windows_and_bounds_that_make_no_sense_are_refused() {
    let long = Span(MAX_WINDOW + Duration::from_millis(1));
    for bad in [
        RolloutSettings { observe: long, ..RolloutSettings::default() },
        RolloutSettings { hold: long, ..RolloutSettings::default() },
        RolloutSettings { max_error_rate: f64::NAN, ..RolloutSettings::default() },
        RolloutSettings { max_error_rate: 100.1, ..RolloutSettings::default() },
    ] {
        assert!(Plan::forward(&bad, &update()).is_err(), "{bad:?} was accepted");
    }
}
