//! What a rollout is decided on, from the walk and the record to what answers say of it.

use airssys_wasm_api::reply::{
    ComparedReport, DifferenceReport, EvidenceReport, ExperimentReport, ReadingReport, TallyReport,
    TestReport,
};
use airssys_wasm_deploy::{
    Compared, Difference, Evidence, Interval, Outcomes, Reading, Rollout, RolloutNumber, Step,
    StepEvidence, StepState, Tally,
};
use airssys_wasm_model::Span;

/// What a step has come to, as the walk shows it many times between two records of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) rollout: RolloutNumber,
    pub(crate) step: usize,
    pub(crate) evidence: StepEvidence,
}

/// What was seen in a step: as it is shown while the step runs, as it is recorded before and after.
pub(crate) fn of_step(
    rollout: &Rollout,
    index: usize,
    shown: Option<&Shown>,
) -> Option<EvidenceReport> {
    let record = rollout.steps.get(index)?;
    // A step that paused itself was recorded with all that it had seen.
    let decides = rollout.paused.as_ref().is_none_or(|pause| !pause.inconclusive);
    let runs = record.state == StepState::Running && decides;
    let here = |shown: &&Shown| (shown.rollout, shown.step) == (rollout.number, index);
    let live = shown.filter(here).filter(|_| runs).map(|shown| &shown.evidence);
    let evidence = live.or(record.evidence.as_deref())?;
    let pending = if runs { pending(&record.step, rollout.seen.calls, evidence) } else { None };
    Some(EvidenceReport { pending, ..report(evidence) })
}

/// What the last step that watched was decided on.
pub(crate) fn of_rollout(rollout: &Rollout) -> Option<EvidenceReport> {
    rollout.steps.iter().rev().find_map(|step| step.evidence.as_deref()).map(report)
}

/// What the decision of a step still waits for. `before` are the candidate's calls in the steps before.
fn pending(step: &Step, before: u64, evidence: &StepEvidence) -> Option<String> {
    let (during, min_calls, calls) = match step {
        Step::Observe(observe) => {
            (observe.during, observe.bounds.min_calls, before + evidence.candidate.calls)
        }
        Step::Experiment(experiment) => {
            let least = experiment.observe.bounds.min_calls;
            let calls = evidence.experiment.map_or(0, |outcomes| outcomes.candidate.calls);
            (experiment.observe.during, least, calls)
        }
        Step::Compare(compare) => {
            let calls = evidence.compared.as_ref().map_or(0, |compared| compared.calls);
            (compare.during, compare.min_calls, calls)
        }
        _ => return None,
    };
    let mut parts = Vec::new();
    if let Some(elapsed) = evidence.elapsed {
        let elapsed = Span(std::time::Duration::from_secs(elapsed.0.as_secs()));
        parts.push(format!("{elapsed} of {during} watched"));
    }
    if calls < min_calls {
        parts.push(format!("{calls} of {min_calls} calls"));
    }
    let unread = |reading: &&Reading| reading.value.is_none();
    parts.extend(evidence.metrics.iter().filter(unread).map(|reading| {
        let why = reading.fault.as_deref().unwrap_or("not asked for yet");
        format!("`{}` is missing ({why})", reading.name)
    }));
    if evidence.tests.iter().any(|test| test.candidate.calls == 0 || test.active.calls == 0) {
        parts.push("one side has no calls to compare".to_owned());
    }
    Some(parts.join(", ")).filter(|parts| !parts.is_empty())
}

fn report(evidence: &StepEvidence) -> EvidenceReport {
    EvidenceReport {
        pending: None,
        calls: evidence.candidate.calls,
        errors: evidence.candidate.errors,
        elapsed: evidence.elapsed,
        tests: evidence.tests.iter().map(test).collect(),
        metrics: evidence.metrics.iter().map(reading).collect(),
        experiment: evidence.experiment.as_ref().map(experiment),
        compared: evidence.compared.as_ref().map(compared),
    }
}

fn test(evidence: &Evidence) -> TestReport {
    TestReport {
        metric: evidence.metric.to_string(),
        candidate: tally(evidence.candidate),
        active: tally(evidence.active),
        difference: evidence.difference,
        interval: ends(evidence.interval),
        log10_e: evidence.log10_e,
    }
}

fn reading(reading: &Reading) -> ReadingReport {
    let Reading { name, value, fault } = reading.clone();
    ReadingReport { name, value, fault }
}

fn experiment(outcomes: &Outcomes) -> ExperimentReport {
    ExperimentReport {
        candidate: tally(outcomes.candidate),
        control: tally(outcomes.control),
        difference: outcomes.effect.difference,
        interval: ends(outcomes.effect.interval),
    }
}

fn compared(compared: &Compared) -> ComparedReport {
    let [active_ms, candidate_ms] = compared.mean_ms().map_or([None; 2], |mean| mean.map(Some));
    ComparedReport {
        calls: compared.calls,
        different: compared.different,
        refused: compared.refused,
        active_ms,
        candidate_ms,
        examples: compared.examples.iter().map(difference).collect(),
    }
}

fn difference(difference: &Difference) -> DifferenceReport {
    let Difference { call, what, active, candidate } = difference.clone();
    DifferenceReport { call, what, active, candidate }
}

fn tally(tally: Tally) -> TallyReport {
    TallyReport { calls: tally.calls, counted: tally.bad }
}

fn ends(interval: Interval) -> [f64; 2] {
    [interval.low, interval.high]
}
