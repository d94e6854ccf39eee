//! Strategies: pure functions from what is asked and what runs to the steps that get there.

use std::fmt;
use std::time::Duration;

use airssys_wasm_model::{Limits, RevisionNumber, RolloutSettings, Span, StrategyName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::Bounds;
use crate::step::Step;
use crate::table::{Table, Weight, WeightError};

/// How long a revision may take from its start to its first ready instance: a configuration that
/// downloads or loads data in `init` takes seconds, and one that hangs must not hang the rollout.
pub const READY_WITHIN: Duration = Duration::from_secs(30);

/// What a drain waits beyond the longest time that one call may take. It covers bodies that are still
/// being streamed: their time limit counts each idle gap anew.
pub const DRAIN_GRACE: Duration = Duration::from_secs(30);

/// Shares of a canary at most. Each is recorded with its state in every save.
pub const MAX_SHARES: usize = 100;

/// The longest window of a step. A rollout that takes longer than a month is a second service.
pub const MAX_WINDOW: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The steps of a rollout, in their order. Prints as a numbered list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// What runs when a plan is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// The revision that gets the calls.
    pub active: Option<RevisionNumber>,
    /// The revision that is to get them.
    pub to: RevisionNumber,
    /// Whether that one runs already, as the former revision does during a hold.
    pub warm: bool,
    /// Every running revision that must have stopped in the end, with the bound of its drain.
    pub retiring: Vec<Retiring>,
}

/// A running revision that is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retiring {
    /// Which one.
    pub revision: RevisionNumber,
    /// How long its calls may take to end.
    pub drain: Duration,
}

/// Why no plan can be made of what was asked.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq)]
pub enum PlanError {
    /// A canary without shares.
    #[error("a canary needs at least one step, such as 5")]
    NoShares,
    /// A canary with too many shares.
    #[error("a canary has at most {MAX_SHARES} steps, not {0}")]
    TooManyShares(usize),
    /// A share that is none.
    #[error("a canary's step is wrong: {0}")]
    Share(#[from] WeightError),
    /// A share that is not above the one before it.
    #[error("a canary's steps must rise, and {after}% follows {before}%")]
    NotRising {
        /// The share.
        before: f64,
        /// The one that follows it.
        after: f64,
    },
    /// A bound on errors that is none.
    #[error("{0} is not a share of calls that may fail: it must be from 0 to 100 per cent")]
    ErrorRate(f64),
    /// A window beyond [`MAX_WINDOW`].
    #[error("{0} is too long for one step: at most {longest} are allowed", longest = Span(MAX_WINDOW))]
    WindowTooLong(Span),
}

impl Plan {
    /// The plan that brings `situation.to` all calls by this strategy.
    ///
    /// A service without an active revision has no calls to split, so its first plan is the same for
    /// every strategy; what was asked is checked all the same.
    ///
    /// # Errors
    /// When the settings make no sense.
    pub fn forward(settings: &RolloutSettings, situation: &Situation) -> Result<Self, PlanError> {
        check_windows(settings)?;
        let shares = canary_shares(settings)?;
        let to = situation.to;
        let mut steps = Vec::new();
        if !situation.warm {
            steps.extend([Step::start(to), Step::await_ready(to, READY_WITHIN)]);
        }
        if let Some(active) = situation.active {
            steps.extend(observed_shares(settings, &shares, to, active));
        }
        steps.push(Step::shift(Table::all(to)));
        for retiring in &situation.retiring {
            let replaced = situation.active == Some(retiring.revision);
            if replaced && settings.strategy == StrategyName::BlueGreen {
                steps.push(Step::hold(retiring.revision, settings.hold));
            }
            steps.extend(retiring.steps());
        }
        Ok(Self { steps })
    }

    /// The plan that undoes a rollout before it is promoted. `before` is the table to restore if any
    /// call was ever sent to the candidate.
    pub fn back(before: Option<Table>, retiring: &[Retiring]) -> Self {
        let mut steps = Vec::new();
        steps.extend(before.map(Step::shift));
        steps.extend(retiring.iter().flat_map(Retiring::steps));
        Self { steps }
    }

    /// The plan that ends a service.
    pub fn removal(retiring: &[Retiring]) -> Self {
        Self::back(Some(Table::EMPTY), retiring)
    }
}

impl Retiring {
    /// A revision under these limits.
    pub fn under(revision: RevisionNumber, limits: &Limits) -> Self {
        let drain = limits.time.0.saturating_add(DRAIN_GRACE).min(MAX_WINDOW);
        Self { revision, drain }
    }

    fn steps(&self) -> [Step; 2] {
        [Step::drain(self.revision, self.drain), Step::stop(self.revision)]
    }
}

fn check_windows(settings: &RolloutSettings) -> Result<(), PlanError> {
    if !(0.0..=100.0).contains(&settings.max_error_rate) {
        return Err(PlanError::ErrorRate(settings.max_error_rate));
    }
    match [settings.observe, settings.hold].into_iter().find(|window| window.0 > MAX_WINDOW) {
        Some(window) => Err(PlanError::WindowTooLong(window)),
        None => Ok(()),
    }
}

/// The shares that are watched: all that are asked for but the whole, which is promotion. None for
/// other strategies.
fn canary_shares(settings: &RolloutSettings) -> Result<Vec<Weight>, PlanError> {
    if settings.strategy != StrategyName::Canary {
        return Ok(Vec::new());
    }
    match settings.steps.len() {
        0 => return Err(PlanError::NoShares),
        1..=MAX_SHARES => {}
        count => return Err(PlanError::TooManyShares(count)),
    }
    let shares: Vec<Weight> = settings
        .steps
        .iter()
        .map(|&percent| Weight::from_percent(percent))
        .collect::<Result<_, _>>()?;
    if let Some(pair) = shares.windows(2).find(|pair| pair[0] >= pair[1]) {
        let (before, after) = (pair[0].percent(), pair[1].percent());
        return Err(PlanError::NotRising { before, after });
    }
    Ok(shares.into_iter().filter(|&share| share < Weight::ALL).collect())
}

fn observed_shares(
    settings: &RolloutSettings,
    shares: &[Weight],
    to: RevisionNumber,
    active: RevisionNumber,
) -> Vec<Step> {
    let last = shares.len().saturating_sub(1);
    let observe = |at: usize| {
        // Asked for before promotion, so only the last window waits for them.
        let min_calls = if at == last { settings.min_calls } else { 0 };
        let bounds = Bounds { max_error_rate: settings.max_error_rate, min_calls };
        Step::Observe { revision: to, during: settings.observe, bounds }
    };
    let steps = shares.iter().enumerate();
    steps
        .flat_map(|(at, &share)| [Step::shift(Table::split(to, share, active)), observe(at)])
        .collect()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            let line = if at == 0 { "" } else { "\n" };
            write!(f, "{line}{}. {step}", at + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: RevisionNumber = RevisionNumber(1);
    const NEW: RevisionNumber = RevisionNumber(2);

    fn settings(strategy: StrategyName) -> RolloutSettings {
        RolloutSettings { strategy, ..RolloutSettings::default() }
    }

    fn update() -> Situation {
        let retiring = vec![Retiring::under(OLD, &Limits::DEFAULT)];
        Situation { active: Some(OLD), to: NEW, warm: false, retiring }
    }

    fn canary(steps: &[f64]) -> Result<Plan, PlanError> {
        let settings = RolloutSettings { steps: steps.to_vec(), ..settings(StrategyName::Canary) };
        Plan::forward(&settings, &update())
    }

    #[test]
    fn first_deploy() {
        let first = Situation { active: None, to: OLD, warm: false, retiring: vec![] };
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
        2. wait until r2 is ready, at most 30s
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
        2. wait until r2 is ready, at most 30s
        3. give r2 100% of the calls
        4. keep r1 warm for 30s
        5. let the calls of r1 end, at most 35s
        6. stop r1
        ");
    }

    #[test]
    fn canary_by_steps() {
        let settings = RolloutSettings {
            steps: vec![0.5, 25.0, 50.0],
            min_calls: 200,
            ..settings(StrategyName::Canary)
        };
        let plan = Plan::forward(&settings, &update()).unwrap();
        insta::assert_snapshot!(plan, @r"
        1. start r2
        2. wait until r2 is ready, at most 30s
        3. give r2 0.5%, r1 99.5% of the calls
        4. watch r2 for 10s: at most 1% of its calls may fail
        5. give r2 25%, r1 75% of the calls
        6. watch r2 for 10s: at most 1% of its calls may fail
        7. give r2 50%, r1 50% of the calls
        8. watch r2 for 10s: at most 1% of its calls may fail, and it must have answered 200
        9. give r2 100% of the calls
        10. let the calls of r1 end, at most 35s
        11. stop r1
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
            }
          }
        ]
        "#);
    }

    #[test]
    fn rollback_inside_a_hold_shifts_first() {
        let retiring = vec![Retiring::under(NEW, &Limits::DEFAULT)];
        let held = Situation { active: Some(NEW), to: OLD, warm: true, retiring };
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
        let retiring =
            [OLD, NEW].map(|revision| Retiring::under(revision, &Limits::DEFAULT)).to_vec();
        let held = Situation { active: Some(NEW), to: third, warm: false, retiring };
        let plan = Plan::forward(&settings(StrategyName::BlueGreen), &held).unwrap();
        insta::assert_snapshot!(plan, @r"
        1. start r3
        2. wait until r3 is ready, at most 30s
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
        insta::assert_snapshot!(Plan::back(Some(Table::all(OLD)), &candidate), @r"
        1. give r1 100% of the calls
        2. let the calls of r2 end, at most 35s
        3. stop r2
        ");
        insta::assert_snapshot!(Plan::back(None, &candidate), @r"
        1. let the calls of r2 end, at most 35s
        2. stop r2
        ");
    }

    #[test]
    fn removal() {
        insta::assert_snapshot!(Plan::removal(&[Retiring::under(NEW, &Limits::DEFAULT)]), @r"
        1. send no more calls
        2. let the calls of r2 end, at most 35s
        3. stop r2
        ");
    }

    #[test]
    fn a_whole_share_is_promotion_and_is_not_watched() {
        assert_eq!(canary(&[5.0, 100.0]), canary(&[5.0]));
        assert_eq!(canary(&[100.0]).unwrap().steps.len(), 5);
    }

    #[test]
    fn shares_that_make_no_sense_are_refused() {
        assert_eq!(canary(&[]), Err(PlanError::NoShares));
        assert_eq!(canary(&[5.0, 5.0]), Err(PlanError::NotRising { before: 5.0, after: 5.0 }));
        assert_eq!(canary(&[50.0, 5.0]), Err(PlanError::NotRising { before: 50.0, after: 5.0 }));
        for bad in [0.0, -5.0, 100.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(canary(&[bad]), Err(PlanError::Share(_))), "{bad} was accepted");
        }
        let many: Vec<f64> = (1..=101).map(|at| f64::from(at) / 2.0).collect();
        assert_eq!(canary(&many), Err(PlanError::TooManyShares(101)));
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
}
