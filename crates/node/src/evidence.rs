//! From recorded evidence to what answers say of it.

use airssys_wasm_api::reply::{
    ComparedReport, DifferenceReport, EvidenceReport, ExperimentReport, ReadingReport, TallyReport,
    TestReport,
};
use airssys_wasm_deploy::{
    Compared, Difference, Evidence, Interval, Outcomes, Reading, StepEvidence, Tally,
};

/// What was seen in a step.
pub(crate) fn report(evidence: &StepEvidence) -> EvidenceReport {
    EvidenceReport {
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
    ComparedReport {
        calls: compared.calls,
        different: compared.different,
        refused: compared.refused,
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
