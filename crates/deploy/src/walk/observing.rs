//! A candidate under its share of the calls: held to its bounds, compared with the active revision over the
//! same seconds, and in an experiment measured by what its operator wants more of.

use std::pin::pin;
use std::sync::Mutex;

use airssys_wasm_model::{OnDecision, RevisionNumber, Span};
use tokio::time::Instant;

use super::end::End;
use super::reporting::Reports;
use super::{SAMPLE_EVERY, left_of, measuring};
use crate::analysis::{
    Analysis, AnalysisSettings, Conclusion, Counts, Judgement, Sample, Standing, Tally, standing,
};
use crate::evidence::{Findings, Outcomes, Reading, StepEvidence, Trial};
use crate::fleet::Fleet;
use crate::observation::{Seen, Verdict};
use crate::step::{Experiment, Observe};
use crate::transition::StepAt;

/// How wrong the decision of an experiment may be: it ever names a winner where there is none with this chance
/// at most.
const EXPERIMENT_ALPHA: f64 = 0.05;

pub(super) async fn observe<F: Fleet>(fleet: &F, at: StepAt, observe: &Observe) -> End {
    let deadline = Instant::now() + observe.during.0;
    watch(fleet, at, Window::open(fleet, observe, None), deadline).await
}

pub(super) async fn experiment<F: Fleet>(fleet: &F, at: StepAt, experiment: &Experiment) -> End {
    // A day or a week: a restart of the node does not begin it anew.
    let deadline = Instant::now() + left_of(fleet, at, experiment.observe.during.0);
    let window = Window::open(fleet, &experiment.observe, Some(experiment));
    watch(fleet, at, window, deadline).await
}

async fn watch<F: Fleet>(fleet: &F, at: StepAt, mut window: Window<'_>, deadline: Instant) -> End {
    let metrics = &window.observe.metrics;
    let readings = Mutex::new(measuring::unread(metrics));
    let mut measured = pin!(measuring::measure(fleet, metrics, deadline, &readings));
    let mut measuring = true;
    let mut reports = Reports::of(at);
    loop {
        window.sample(fleet);
        if let Some(reason) = window.regressed() {
            return End::Regressed(window.findings(&readings), reason);
        }
        let closed = Instant::now() >= deadline && !measuring;
        if closed || reports.are_due() {
            let found = window.findings(&readings);
            if let Some(end) = window.decided(&found) {
                return end;
            }
            if closed {
                return window.closed(fleet, found);
            }
            reports.report(fleet, found).await;
        }
        let next = Instant::now() + SAMPLE_EVERY;
        let next = if measuring { next } else { next.min(deadline) };
        tokio::select! {
            biased;
            refused = &mut measured, if measuring => match refused {
                Some(reason) => return End::Regressed(window.findings(&readings), reason),
                None => measuring = false,
            },
            () = tokio::time::sleep_until(next) => {}
        }
    }
}

/// What is watched, and what it has come to.
struct Window<'a> {
    observe: &'a Observe,
    experiment: Option<&'a Experiment>,
    begun: Instant,
    trial: Trial,
    ours: Side,
    theirs: Option<Side>,
}

/// The counts of one revision: at the beginning of the window and at the last sample.
struct Side {
    revision: RevisionNumber,
    start: Counts,
    last: Counts,
    above: Counts,
    above_start: Counts,
    outcomes: Tally,
}

impl<'a> Window<'a> {
    fn open<F: Fleet>(fleet: &F, observe: &'a Observe, experiment: Option<&'a Experiment>) -> Self {
        let mut trial = recorded(fleet);
        if let Some(active) = observe.against {
            trial.thresholds = fleet.thresholds(active).or(trial.thresholds);
            let samples = observe.during.0.as_millis() / SAMPLE_EVERY.as_millis();
            let samples = u32::try_from(samples).unwrap_or(u32::MAX);
            let settings = AnalysisSettings::default().for_steps_of(samples);
            let analysis = trial.analysis.get_or_insert_with(|| Analysis::new(settings));
            analysis.begin_step();
        }
        let side = |revision| Side::open(fleet, revision, observe, &trial, experiment);
        let other = observe.against.or(experiment.map(|experiment| experiment.control));
        let (ours, theirs) = (side(observe.revision), other.map(side));
        Self { observe, experiment, begun: Instant::now(), trial, ours, theirs }
    }

    /// Takes the calls since the last sample.
    fn sample<F: Fleet>(&mut self, fleet: &F) {
        let (observe, trial) = (self.observe, &mut self.trial);
        let (ours, outcomes) = self.ours.sample(fleet, observe, trial, self.experiment);
        trial.candidate += outcomes;
        let Some(theirs) = &mut self.theirs else { return };
        let (theirs, outcomes) = theirs.sample(fleet, observe, trial, self.experiment);
        trial.control += outcomes;
        if let (Some(analysis), true) = (&mut trial.analysis, observe.against.is_some()) {
            analysis.add(&ours, &theirs);
        }
    }

    /// Why the candidate is to be taken back although the window is open.
    fn regressed(&self) -> Option<String> {
        let bounds = &self.observe.bounds;
        if let Verdict::Regressed { reason } = bounds.judge_early(self.ours.seen()) {
            return Some(reason);
        }
        if let Verdict::Regressed { reason } = bounds.judge_percentiles(&self.ours.above(), false) {
            return Some(reason);
        }
        match self.analysis()?.judgement() {
            Judgement::Worse { reason, .. } => Some(reason),
            Judgement::Undecided => None,
        }
    }

    fn analysis(&self) -> Option<&Analysis> {
        self.observe.against?;
        self.trial.analysis.as_ref()
    }

    /// How the experiment ended, if it has: also one whose candidate has not had the calls that are asked for
    /// goes on.
    fn decided(&self, found: &Findings) -> Option<End> {
        let experiment = self.experiment?;
        let Outcomes { candidate, control, .. } = self.outcomes()?;
        if candidate.calls < self.observe.bounds.min_calls {
            return None;
        }
        let variants = [control, candidate].map(Sample::from);
        let Standing::Best { variant } = standing(&variants, EXPERIMENT_ALPHA, 0.0) else {
            return None;
        };
        let reason = self.standing_words(experiment, variant == 1)?;
        let found = found.clone();
        Some(match (variant == 1, experiment.on_decision) {
            (false, _) => End::Regressed(found, reason),
            (true, OnDecision::Promote) => End::Observed(found, reason),
            (true, OnDecision::Keep) => End::Kept(found, reason),
        })
    }

    fn standing_words(&self, experiment: &Experiment, candidate_wins: bool) -> Option<String> {
        let Outcomes { candidate, control, .. } = self.outcomes()?;
        let (ours, theirs) = (self.observe.revision, experiment.control);
        let (best, other) = if candidate_wins { (ours, theirs) } else { (theirs, ours) };
        let says = |tally: Tally| format!("{:.2}% of {}", tally.share() * 100.0, tally.calls);
        let (first, second) =
            if candidate_wins { (candidate, control) } else { (control, candidate) };
        Some(format!(
            "`{}`: {best} is better by {}: {} calls against {other}'s {}",
            experiment.name,
            experiment.success,
            says(first),
            says(second)
        ))
    }

    /// How the window ends.
    fn closed<F: Fleet>(&self, fleet: &F, found: Findings) -> End {
        let bounds = &self.observe.bounds;
        let mut whole = before(fleet);
        whole += found.seen;
        let mut inconclusive = measuring::missing(&found.evidence.metrics);
        let costs = bounds.judge_percentiles(&self.ours.above(), true);
        for verdict in [bounds.judge(found.seen, whole), costs] {
            match verdict {
                Verdict::Sound => {}
                Verdict::Regressed { reason } => return End::Regressed(found, reason),
                Verdict::TooFew { reason } => inconclusive = inconclusive.or(Some(reason)),
            }
        }
        match self.analysis().map(Analysis::conclusion) {
            Some(Conclusion::Worse { reason, .. }) => return End::Regressed(found, reason),
            Some(Conclusion::Inconclusive { reason }) => {
                inconclusive = inconclusive.or(Some(reason));
            }
            Some(Conclusion::Sound) | None => {}
        }
        if let Some(experiment) = self.experiment {
            let name = &experiment.name;
            let reason = format!("`{name}` has come to its horizon without a winner");
            inconclusive = inconclusive.or(Some(reason));
        }
        match inconclusive {
            Some(reason) => End::Inconclusive(found, reason),
            None => {
                let note = note(found.seen);
                End::Observed(found, note)
            }
        }
    }

    fn findings(&self, readings: &Mutex<Vec<Reading>>) -> Findings {
        let seen = self.ours.seen();
        let evidence = StepEvidence {
            candidate: seen,
            active: self.theirs.as_ref().map(Side::seen),
            elapsed: Some(Span::whole_ms(self.begun.elapsed())),
            tests: self.analysis().map(Analysis::evidence).unwrap_or_default(),
            metrics: readings.lock().map(|readings| readings.clone()).unwrap_or_default(),
            experiment: self.outcomes(),
            compared: None,
        };
        Findings { seen, evidence, trial: Some(self.trial.clone()) }
    }

    fn outcomes(&self) -> Option<Outcomes> {
        self.experiment?;
        let Trial { candidate, control, .. } = self.trial;
        let effect = Sample::from(candidate).against(Sample::from(control), EXPERIMENT_ALPHA);
        Some(Outcomes { candidate, control, effect })
    }
}

impl Side {
    fn open<F: Fleet>(
        fleet: &F,
        revision: RevisionNumber,
        observe: &Observe,
        trial: &Trial,
        experiment: Option<&Experiment>,
    ) -> Self {
        let start = fleet.counts(revision, &trial.thresholds);
        let above = fleet.counts(revision, &observe.bounds.p99);
        let outcomes = successes(fleet, revision, experiment);
        Self { revision, start, last: start, above, above_start: above, outcomes }
    }

    /// The calls since the last sample, and their outcomes.
    fn sample<F: Fleet>(
        &mut self,
        fleet: &F,
        observe: &Observe,
        trial: &Trial,
        experiment: Option<&Experiment>,
    ) -> (Counts, Tally) {
        let now = fleet.counts(self.revision, &trial.thresholds);
        let since = now.since(&self.last);
        self.last = now;
        if !observe.bounds.p99.is_empty() {
            self.above = fleet.counts(self.revision, &observe.bounds.p99);
        }
        let outcomes = successes(fleet, self.revision, experiment);
        let decided = outcomes.since(self.outcomes);
        self.outcomes = outcomes;
        (since, decided)
    }

    fn seen(&self) -> Seen {
        let Tally { calls, bad } = self.last.since(&self.start).failures.unwrap_or_default();
        Seen { calls, errors: bad }
    }

    fn above(&self) -> Counts {
        self.above.since(&self.above_start)
    }
}

fn successes<F: Fleet>(
    fleet: &F,
    revision: RevisionNumber,
    experiment: Option<&Experiment>,
) -> Tally {
    let asked = experiment.map(|experiment| &experiment.success);
    asked.map_or(Tally::default(), |success| fleet.successes(revision, success))
}

fn recorded<F: Fleet>(fleet: &F) -> Trial {
    let record = fleet.record();
    let record = record.borrow();
    record.rollout.as_ref().and_then(|rollout| rollout.trial.clone()).unwrap_or_default()
}

/// The candidate's calls in the windows before this one.
fn before<F: Fleet>(fleet: &F) -> Seen {
    fleet.record().borrow().rollout.as_ref().map_or(Seen::default(), |rollout| rollout.seen)
}

fn note(seen: Seen) -> String {
    match seen.errors {
        0 => format!("{seen}, none failed"),
        errors => format!("{seen}, {errors} failed"),
    }
}
