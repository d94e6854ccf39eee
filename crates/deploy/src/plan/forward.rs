//! The way to a promotion.

use airssys_wasm_model::{
    GateAt, RolloutSettings, ShadowThen, Span, StepAct, StepSettings, StrategyName,
};

use super::list::{Plan, PlanError, READY_WITHIN, Retiring, Situation};
use super::trial;
use crate::step::{Step, Warmth};
use crate::table::{Table, Weight};

impl Plan {
    /// The plan that brings `situation.to` all calls by this strategy, or that tries it out where the
    /// strategy does no more.
    ///
    /// A service without an active revision has no calls to split, so its first plan is the same for
    /// every strategy; what was asked is checked all the same.
    ///
    /// # Errors
    /// When the settings make no sense.
    pub fn forward(settings: &RolloutSettings, situation: &Situation) -> Result<Self, PlanError> {
        settings.check()?;
        let trial = trial::steps(settings, situation)?;
        let mut steps = gates(settings, GateAt::Start);
        let (to, share) = (situation.to, first_share(&trial, situation));
        if !situation.warm {
            steps.push(Step::start(to));
            steps.push(Step::AwaitReady { revision: to, share, within: Span(READY_WITHIN) });
        }
        steps.extend(trial);
        if ends_without_promotion(settings, situation) {
            steps.push(Step::Conclude);
            steps.extend(gates(settings, GateAt::End));
            steps.extend(withdrawn(situation));
        } else {
            steps.extend(gates(settings, GateAt::Promotion));
            if !situation.warm && share.is_some_and(|share| share < Weight::ALL) {
                steps.push(Step::warm(to, Warmth::Share(Weight::ALL), READY_WITHIN));
            }
            steps.push(Step::shift(Table::all(to)));
            steps.extend(gates(settings, GateAt::End));
            steps.extend(retired(settings, situation));
        }
        Ok(Self { steps })
    }
}

/// The gates that stand at this place.
pub(super) fn gates(settings: &RolloutSettings, at: GateAt) -> Vec<Step> {
    let here = settings.gates.iter().filter(|placed| placed.at == at);
    here.map(|placed| Step::Gate { gate: placed.gate.clone() }).collect()
}

/// What the candidate is warmed for at its start: its first share of the calls. How many a rule alone gives
/// it nobody knows, so it is warmed for all. Without an active revision there is none to take it from.
fn first_share(trial: &[Step], situation: &Situation) -> Option<Weight> {
    situation.active?;
    let first = trial.iter().find_map(|step| match step {
        Step::Shift { table } => table.weight(situation.to).filter(|share| share.hundredths() > 0),
        Step::Mirror { mirror } => mirror.as_ref().map(|mirror| mirror.weight),
        _ => None,
    });
    first.or(Some(Weight::ALL))
}

fn ends_without_promotion(settings: &RolloutSettings, situation: &Situation) -> bool {
    settings.strategy == StrategyName::Shadow
        && settings.shadow.then == ShadowThen::Stop
        && situation.active.is_some()
}

/// What stops after a promotion.
fn retired(settings: &RolloutSettings, situation: &Situation) -> Vec<Step> {
    let mut steps = Vec::new();
    for retiring in &situation.retiring {
        let replaced = situation.active == Some(retiring.revision);
        if let Some(during) = hold(settings).filter(|_| replaced) {
            steps.push(Step::hold(retiring.revision, during));
        }
        steps.extend(retiring.steps());
    }
    steps
}

fn hold(settings: &RolloutSettings) -> Option<Span> {
    match (settings.strategy, settings.steps.last()) {
        (StrategyName::BlueGreen, _) => Some(settings.hold),
        (StrategyName::Canary, Some(StepSettings::Act(StepAct::Hold(during)))) => Some(*during),
        _ => None,
    }
}

/// What stops after a trial without a promotion: the candidate first, and what an earlier rollout left.
fn withdrawn(situation: &Situation) -> Vec<Step> {
    let candidate = Retiring { revision: situation.to, drain: situation.drain };
    let left = situation.retiring.iter().filter(|it| Some(it.revision) != situation.active);
    std::iter::once(&candidate).chain(left).flat_map(Retiring::steps).collect()
}
