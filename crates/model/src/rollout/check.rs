//! Which settings make sense.

use std::collections::BTreeSet;

use super::error::{LONGEST_WINDOW, RolloutError};
use super::experiment::ExperimentSettings;
use super::gate::{Gate, GateAt, GateBy};
use super::metric::MetricSettings;
use super::settings::RolloutSettings;
use super::shadow::ShadowSettings;
use super::step::{PauseFor, StepAct, StepSettings};
use super::strategy::StrategyName;
use crate::instances::Instances;
use crate::unit::Span;

impl RolloutSettings {
    /// Steps of a canary at most. Each is recorded with its state in every save.
    pub const STEPS_MAX: usize = 100;

    /// Gates at most, and metrics at most: each is asked over the network and is recorded with its steps.
    pub const ASKED_MAX: usize = 16;
}

pub(super) fn check(settings: &RolloutSettings) -> Result<(), RolloutError> {
    window("observe", settings.observe)?;
    window("hold", settings.hold)?;
    bound("max_error_rate", settings.max_error_rate)?;
    let bounds =
        [("max_latency_p99", settings.max_latency_p99), ("max_cpu_p99", settings.max_cpu_p99)];
    for (key, span) in bounds {
        span.map_or(Ok(()), |span| above_zero(key, span))?;
    }
    steps(settings)?;
    metrics(&settings.metrics)?;
    if settings.gates.len() > RolloutSettings::ASKED_MAX {
        return Err(RolloutError::TooMany { key: "gates", max: RolloutSettings::ASKED_MAX });
    }
    for placed in &settings.gates {
        if placed.at == GateAt::End && placed.gate.by == GateBy::Operator {
            return Err(RolloutError::ManualAtTheEnd);
        }
        gate("gates", &placed.gate)?;
    }
    experiment(&settings.experiment)?;
    shadow(&settings.shadow)
}

fn steps(settings: &RolloutSettings) -> Result<(), RolloutError> {
    match settings.steps.len() {
        0 if settings.strategy == StrategyName::Canary => return Err(RolloutError::NoSteps),
        0..=RolloutSettings::STEPS_MAX => {}
        count => return Err(RolloutError::TooManySteps(count)),
    }
    let mut so_far = SoFar::default();
    settings.steps.iter().try_for_each(|step| so_far.take(step))
}

/// What the steps before one have come to.
#[derive(Default)]
struct SoFar {
    percent: f64,
    watchable: bool,
    held: bool,
}

impl SoFar {
    fn take(&mut self, step: &StepSettings) -> Result<(), RolloutError> {
        if self.held {
            return Err(RolloutError::AfterAHold);
        }
        let rises = match step {
            StepSettings::Share(percent) | StepSettings::Act(StepAct::Weight(percent)) => {
                Some(*percent)
            }
            StepSettings::Act(_) => None,
        };
        if let Some(percent) = rises {
            return self.rise(percent);
        }
        match step {
            StepSettings::Act(act) if !matches!(act, StepAct::Hold(_)) && self.percent >= 100.0 => {
                Err(RolloutError::AfterTheWhole)
            }
            StepSettings::Act(act) => self.act(act),
            StepSettings::Share(_) => Ok(()),
        }
    }

    fn rise(&mut self, percent: f64) -> Result<(), RolloutError> {
        share("steps", percent)?;
        if percent <= self.percent {
            return Err(RolloutError::NotRising { before: self.percent, after: percent });
        }
        (self.percent, self.watchable) = (percent, true);
        Ok(())
    }

    fn act(&mut self, act: &StepAct) -> Result<(), RolloutError> {
        match act {
            StepAct::Weight(_) | StepAct::Pause(PauseFor::UntilPromoted) => Ok(()),
            StepAct::Observe(_) if !self.watchable => Err(RolloutError::NothingToObserve),
            StepAct::Observe(during) => window("steps", *during),
            StepAct::Pause(PauseFor::Time(during)) => window("steps", *during),
            StepAct::Scale(count) if !(1..=Instances::MAX).contains(count) => {
                Err(RolloutError::Instances(*count))
            }
            StepAct::Scale(_) => Ok(()),
            StepAct::Match(_) => {
                self.watchable = true;
                Ok(())
            }
            StepAct::Mirror(percent) if *percent == 0.0 => Ok(()),
            StepAct::Mirror(percent) => {
                self.watchable = true;
                share("steps", *percent)
            }
            StepAct::Gate(asked) => gate("steps", asked),
            StepAct::Hold(during) => {
                self.held = true;
                window("steps", *during)
            }
        }
    }
}

fn metrics(metrics: &[MetricSettings]) -> Result<(), RolloutError> {
    const QUERY_MAX_BYTES: usize = 4096;
    if metrics.len() > RolloutSettings::ASKED_MAX {
        return Err(RolloutError::TooMany { key: "metrics", max: RolloutSettings::ASKED_MAX });
    }
    let mut names = BTreeSet::new();
    for metric in metrics {
        if !is_name(&metric.name) || !names.insert(&metric.name) {
            return Err(RolloutError::Name { key: "metrics" });
        }
        let fault = |why| Err(RolloutError::Metric { name: metric.name.clone(), why });
        if metric.query.trim().is_empty() || metric.query.len() > QUERY_MAX_BYTES {
            return fault("needs a query of at most 4096 bytes");
        }
        match (metric.max, metric.min) {
            (None, None) => return fault("needs a bound: `max` or `min`"),
            (max, min) if max.into_iter().chain(min).any(|bound| !bound.is_finite()) => {
                return fault("has a bound that is no number");
            }
            (Some(max), Some(min)) if min > max => return fault("has `min` above `max`"),
            _ => {}
        }
        above_zero("every", metric.every)?;
        window("every", metric.every)?;
    }
    Ok(())
}

fn gate(key: &'static str, gate: &Gate) -> Result<(), RolloutError> {
    let Some(timeout) = gate.timeout else { return Ok(()) };
    above_zero("timeout", timeout)?;
    window(key, timeout)
}

fn experiment(experiment: &ExperimentSettings) -> Result<(), RolloutError> {
    if !is_name(&experiment.name) {
        return Err(RolloutError::Name { key: "experiment" });
    }
    share("share", experiment.share)?;
    above_zero("horizon", experiment.horizon)?;
    window("horizon", experiment.horizon)
}

fn shadow(shadow: &ShadowSettings) -> Result<(), RolloutError> {
    const PATH_MAX_BYTES: usize = 256;
    share("mirror", shadow.mirror)?;
    bound("max_difference", shadow.max_difference)?;
    above_zero("observe", shadow.observe)?;
    window("observe", shadow.observe)?;
    if shadow.ignore.len() > ShadowSettings::IGNORE_MAX {
        return Err(RolloutError::TooMany { key: "ignore", max: ShadowSettings::IGNORE_MAX });
    }
    let is_path =
        |path: &&String| path.starts_with("$.") && (3..=PATH_MAX_BYTES).contains(&path.len());
    match shadow.ignore.iter().find(|path| !is_path(path)) {
        Some(path) => Err(RolloutError::Path(path.chars().take(100).collect())),
        None => Ok(()),
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

fn share(key: &'static str, percent: f64) -> Result<(), RolloutError> {
    // Below half a hundredth it would round to nothing.
    if (0.005..=100.0).contains(&percent) {
        Ok(())
    } else {
        Err(RolloutError::Share { key, percent })
    }
}

fn bound(key: &'static str, percent: f64) -> Result<(), RolloutError> {
    if (0.0..=100.0).contains(&percent) {
        return Ok(());
    }
    Err(RolloutError::Bound { key, percent })
}

fn above_zero(key: &'static str, span: Span) -> Result<(), RolloutError> {
    if span.0.is_zero() { Err(RolloutError::Zero(key)) } else { Ok(()) }
}

fn window(key: &'static str, window: Span) -> Result<(), RolloutError> {
    if window.0 > LONGEST_WINDOW { Err(RolloutError::TooLong { key, window }) } else { Ok(()) }
}
