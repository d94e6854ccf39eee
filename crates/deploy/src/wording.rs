//! Steps in words, as a plan prints them before it runs.

use std::fmt;

use airssys_wasm_model::{Gate, GateBy, OnDecision, PauseFor};

use crate::batch::BatchOrder;
use crate::step::{Compare, Experiment, Observe, Step, Warmth};

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { revision } => write!(f, "start {revision}"),
            Self::AwaitReady { revision, share, within } => {
                write!(f, "wait until {revision} is ready")?;
                if let Some(share) = share {
                    write!(f, " for {share} of the calls")?;
                }
                write!(f, ", at most {within}")
            }
            Self::Warm { revision, to, within } => {
                write!(f, "warm {revision} {to}, at most {within}")
            }
            Self::Shift { table } if table.is_empty() => f.write_str("send no more calls"),
            Self::Shift { table } if table.rules().is_empty() && table.sticky().is_none() => {
                write!(f, "give {table} of the calls")
            }
            Self::Shift { table } => write!(f, "route {table}"),
            Self::Mirror { mirror: Some(mirror) } => {
                write!(f, "copy {} of the calls to {}", mirror.weight, mirror.revision)?;
                write!(f, " and compare the answers ({})", mirror.compare.as_str())
            }
            Self::Mirror { mirror: None } => f.write_str("copy no more calls"),
            Self::Observe(observe) => fmt::Display::fmt(observe, f),
            Self::Experiment(experiment) => fmt::Display::fmt(experiment, f),
            Self::Compare(compare) => fmt::Display::fmt(compare, f),
            Self::Pause { lasts: PauseFor::Time(span) } => write!(f, "pause for {span}"),
            Self::Pause { lasts: PauseFor::UntilPromoted } => {
                f.write_str("pause until an operator promotes or resumes")
            }
            Self::Gate { gate } => gate_words(gate, f),
            Self::Conclude => f.write_str("end the trial without a promotion"),
            Self::Join { batch, order: BatchOrder::Together } => {
                write!(f, "wait for the other services of {batch}")
            }
            Self::Join { batch, order: BatchOrder::InOrder } => {
                write!(f, "wait for {batch}: all ready, those before it promoted")
            }
            Self::Keep { batch, revision: Some(revision) } => {
                write!(f, "keep {revision} warm until {batch} is decided")
            }
            Self::Keep { batch, revision: None } => write!(f, "wait until {batch} is decided"),
            Self::Hold { revision, during } => write!(f, "keep {revision} warm for {during}"),
            Self::Drain { revision, within } => {
                write!(f, "let the calls of {revision} end, at most {within}")
            }
            Self::Stop { revision } => write!(f, "stop {revision}"),
        }
    }
}

fn gate_words(gate: &Gate, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &gate.by {
        GateBy::Webhook(url) => write!(f, "ask {url} whether to go on")?,
        GateBy::Operator => f.write_str("wait for an operator to resume or abort")?,
    }
    if let Some(timeout) = gate.timeout {
        write!(f, ", at most {timeout}, then {}", gate.on_timeout.as_str())?;
    }
    gate.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
}

impl fmt::Display for Observe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "watch {} for {}", self.revision, self.during)?;
        if let Some(active) = self.against {
            write!(f, " against {active}")?;
        }
        f.write_str(": ")?;
        self.held_to(f)
    }
}

impl Observe {
    fn held_to(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.bounds, f)?;
        for metric in &self.metrics {
            write!(f, ", {}", metric.name)?;
            metric.min.map_or(Ok(()), |min| write!(f, " at least {min}"))?;
            metric.max.map_or(Ok(()), |max| write!(f, " at most {max}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, observe, control, success, on_decision } = self;
        write!(f, "experiment `{name}`, {} against {control} by {success}", observe.revision)?;
        write!(f, ", at most {}, then ", observe.during)?;
        f.write_str(match on_decision {
            OnDecision::Promote => "promote the winner: ",
            OnDecision::Keep => "keep both until an operator decides: ",
        })?;
        observe.held_to(f)
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, during, max_difference, .. } = self;
        write!(f, "watch {revision}'s answers for {during}")?;
        write!(f, ": at most {max_difference}% may differ")?;
        match self.min_calls {
            0 => Ok(()),
            calls => write!(f, ", and {calls} must have been compared"),
        }
    }
}

impl fmt::Display for Warmth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instances(1) => f.write_str("to 1 instance"),
            Self::Instances(count) => write!(f, "to {count} instances"),
            Self::Share(share) => write!(f, "for {share} of the calls"),
        }
    }
}
