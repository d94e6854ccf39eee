//! How a candidate is tried out before it gets every call.

use airssys_wasm_model::{
    GateAt, RevisionNumber, RolloutSettings, Span, StepAct, StepSettings, StrategyName,
};

use super::forward::gates;
use super::list::{PlanError, READY_WITHIN, Situation};
use crate::observation::Bounds;
use crate::step::{Compare, Experiment, Mirror, Observe, Step, Warmth};
use crate::table::{Rule, Split, Table, Weight};

/// The steps of the trial: none for a strategy without one, or without an active revision.
pub(super) fn steps(
    settings: &RolloutSettings,
    situation: &Situation,
) -> Result<Vec<Step>, PlanError> {
    let Some(active) = situation.active else { return Ok(Vec::new()) };
    let trial = Trial { settings, situation, active };
    match settings.strategy {
        StrategyName::AllAtOnce | StrategyName::BlueGreen => Ok(Vec::new()),
        StrategyName::Canary => trial.canary(),
        StrategyName::Ab => trial.experiment(),
        StrategyName::Shadow => trial.shadow(),
    }
}

struct Trial<'a> {
    settings: &'a RolloutSettings,
    situation: &'a Situation,
    active: RevisionNumber,
}

/// What a canary's steps have come to so far.
struct Canary {
    table: Table,
    mirrors: bool,
    steps: Vec<Step>,
}

impl Trial<'_> {
    fn canary(&self) -> Result<Vec<Step>, PlanError> {
        let mut canary =
            Canary { table: Table::all(self.active), mirrors: false, steps: Vec::new() };
        for step in &self.settings.steps {
            self.add(&mut canary, step)?;
        }
        if canary.mirrors {
            canary.steps.push(Step::Mirror { mirror: None });
        }
        self.ask_for_calls(&mut canary.steps);
        Ok(canary.steps)
    }

    fn add(&self, canary: &mut Canary, step: &StepSettings) -> Result<(), PlanError> {
        let act = match step {
            StepSettings::Share(percent) => {
                // The whole is promotion, which is not watched.
                if self.raise(canary, *percent)? {
                    canary.steps.push(Step::Observe(self.observe(self.settings.observe)));
                }
                return Ok(());
            }
            StepSettings::Act(act) => act,
        };
        match act {
            StepAct::Weight(percent) => drop(self.raise(canary, *percent)?),
            StepAct::Observe(during) => canary.steps.push(self.watch(canary, *during)),
            StepAct::Pause(lasts) => canary.steps.push(Step::Pause { lasts: *lasts }),
            StepAct::Scale(count) => {
                let to = Warmth::Instances(*count);
                canary.steps.push(Step::warm(self.situation.to, to, READY_WITHIN));
            }
            StepAct::Match(when) => {
                let mut rules = canary.table.rules().to_vec();
                rules.push(Rule::to(when.clone(), self.situation.to));
                canary.table = canary.table.clone().with_rules(rules)?;
                self.shift(canary);
            }
            StepAct::Mirror(percent) => {
                canary.mirrors = *percent > 0.0;
                let mirror = if canary.mirrors { Some(self.mirror(*percent)?) } else { None };
                canary.steps.push(Step::Mirror { mirror });
            }
            StepAct::Gate(gate) => canary.steps.push(Step::Gate { gate: gate.clone() }),
            // It comes after the promotion.
            StepAct::Hold(_) => {}
        }
        Ok(())
    }

    /// Whether a share was raised: not to the whole, which is promotion.
    fn raise(&self, canary: &mut Canary, percent: f64) -> Result<bool, PlanError> {
        let weight = Weight::from_percent(percent)?;
        if weight == Weight::ALL {
            return Ok(false);
        }
        let first = canary.table.weight(self.situation.to).is_none_or(|it| it.hundredths() == 0);
        if !first && !self.situation.warm {
            let to = Warmth::Share(weight);
            canary.steps.push(Step::warm(self.situation.to, to, READY_WITHIN));
        }
        canary.table = canary.table.raised(self.situation.to, weight);
        self.shift(canary);
        Ok(true)
    }

    fn shift(&self, canary: &mut Canary) {
        canary.steps.extend(gates(self.settings, GateAt::Shift));
        canary.steps.push(Step::shift(canary.table.clone()));
    }

    /// A candidate without calls of its own is watched by the answers to its copies.
    fn watch(&self, canary: &Canary, during: Span) -> Step {
        let live = canary.table.weight(self.situation.to).is_some();
        if canary.mirrors && !live {
            Step::Compare(self.compare(during, 0))
        } else {
            Step::Observe(self.observe(during))
        }
    }

    /// `min_calls` is asked for before promotion, so only the last window waits for them.
    fn ask_for_calls(&self, steps: &mut [Step]) {
        let last = steps.iter_mut().rev().find_map(|step| match step {
            Step::Observe(observe) => Some(&mut observe.bounds.min_calls),
            Step::Compare(compare) => Some(&mut compare.min_calls),
            _ => None,
        });
        if let Some(min_calls) = last {
            *min_calls = self.settings.min_calls;
        }
    }

    fn experiment(&self) -> Result<Vec<Step>, PlanError> {
        let Self { settings, situation, active } = self;
        let asked = &settings.experiment;
        let weight = Weight::from_percent(asked.share)?;
        let table = match &asked.only {
            None => Table::split(situation.to, weight, *active),
            Some(only) => {
                let shares = Split::all(*active).raised(situation.to, weight);
                let rule = Rule { when: only.clone(), shares };
                Table::all(*active).with_rules(vec![rule])?
            }
        };
        let mut observe = self.observe(asked.horizon);
        observe.bounds.min_calls = settings.min_calls;
        let mut steps = gates(settings, GateAt::Shift);
        steps.push(Step::shift(table.sticking_by(asked.sticky.clone())));
        steps.push(Step::Experiment(Experiment {
            name: asked.name.clone(),
            observe,
            control: *active,
            success: asked.success.clone(),
            on_decision: asked.on_decision,
        }));
        Ok(steps)
    }

    fn shadow(&self) -> Result<Vec<Step>, PlanError> {
        let shadow = &self.settings.shadow;
        let mirror = Some(self.mirror(shadow.mirror)?);
        // Without a single answer to compare it has found nothing out, whatever follows.
        let compare = self.compare(shadow.observe, self.settings.min_calls.max(1));
        Ok(vec![Step::Mirror { mirror }, Step::Compare(compare), Step::Mirror { mirror: None }])
    }

    fn mirror(&self, percent: f64) -> Result<Mirror, PlanError> {
        let shadow = &self.settings.shadow;
        Ok(Mirror {
            revision: self.situation.to,
            weight: Weight::from_percent(percent)?,
            compare: shadow.compare,
            ignore: shadow.ignore.clone(),
        })
    }

    fn observe(&self, during: Span) -> Observe {
        let settings = self.settings;
        Observe {
            revision: self.situation.to,
            during,
            bounds: Bounds::of(settings),
            against: settings.analysis.then_some(self.active),
            metrics: settings.metrics.clone(),
            on_inconclusive: settings.on_inconclusive,
        }
    }

    fn compare(&self, during: Span, min_calls: u64) -> Compare {
        Compare {
            revision: self.situation.to,
            during,
            max_difference: self.settings.shadow.max_difference,
            min_calls,
            on_inconclusive: self.settings.on_inconclusive,
        }
    }
}
