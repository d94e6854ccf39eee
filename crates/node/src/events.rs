//! What happens to a service, told to whoever follows it.
//!
//! There is no queue between a service and its readers: each looks at the record and at what the walk shows
//! when it has sent what it had, and is told what has changed since. So a slow reader skips what is over.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_api::reply::{Outcome, ServiceEvent, StepState};
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_deploy::{Rollout, RolloutKind, RolloutNumber, ServiceRecord};
use airssys_wasm_model::Name;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::evidence::{self, Shown};
use crate::node::Shared;
use crate::reports;
use crate::service::Service;

/// Who may follow events at once: each holds a connection of the control port, which has four times as many.
const STREAMS_MAX: usize = 64;

/// How often evidence is told. Nobody reads faster.
const EVIDENCE_EVERY: Duration = Duration::from_millis(500);

/// The places of those who follow.
pub(crate) struct Streams(Arc<Semaphore>);

/// The events of one service for one reader.
pub(crate) struct Events {
    service: Arc<Service>,
    record: watch::Receiver<Arc<ServiceRecord>>,
    shown: watch::Receiver<Option<Arc<Shown>>>,
    told: Told,
    /// Found and not told yet: what one look at the record came to.
    found: VecDeque<ServiceEvent>,
    /// Before this no evidence is told.
    evidence_due: Instant,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

/// What a reader knows.
#[derive(Default)]
struct Told {
    rollout: Option<RolloutNumber>,
    steps: Vec<StepState>,
    outcome: Option<Outcome>,
    evidence: Option<Arc<Shown>>,
}

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(STREAMS_MAX)))
    }
}

impl Events {
    /// Follows a service from now on.
    ///
    /// # Errors
    /// When there is no such service, or every place is taken.
    pub(crate) fn of(shared: &Shared, name: &Name) -> Result<Self, Failure> {
        let service = shared.service(name)?;
        let place = Arc::clone(&shared.streams.0).try_acquire_owned().map_err(|_| {
            let message = format!("{STREAMS_MAX} others follow events already");
            Failure::new(Code::Saturated, message).help("ask `status` now and then instead")
        })?;
        let mut events = Self {
            record: service.watch(),
            shown: service.shown.subscribe(),
            service,
            told: Told::default(),
            found: VecDeque::new(),
            evidence_due: Instant::now(),
            ended: false,
            _place: place,
        };
        events.begin();
        Ok(events)
    }

    /// The next event; `None` when the service is gone or the node stops.
    pub(crate) async fn next(&mut self) -> Option<ServiceEvent> {
        loop {
            if let Some(event) = self.found.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            let service = Arc::clone(&self.service);
            match service.shared.unless_stopping(self.changed()).await {
                Ok(Changed::Service) => self.look(),
                Ok(Changed::Gone) => {
                    self.look();
                    self.found.push_back(ServiceEvent::Removed {});
                    self.ended = true;
                }
                Err(_stopping) => self.ended = true,
            }
        }
    }

    async fn changed(&mut self) -> Changed {
        let mut gone = self.service.is_gone();
        tokio::select! {
            biased;
            // The service has the other ends, and is held here.
            _ = self.record.changed() => Changed::Service,
            _ = gone.wait_for(|gone| *gone) => Changed::Gone,
            _ = async {
                tokio::time::sleep_until(self.evidence_due).await;
                self.shown.changed().await
            } => Changed::Service,
        }
    }

    /// The rollout under way, if there is one, as it stands.
    fn begin(&mut self) {
        let record = Arc::clone(&self.record.borrow_and_update());
        let Some(rollout) = latest(&record) else { return };
        if rollout.is_under_way() {
            self.tell_begun(&record, rollout);
        } else {
            self.told = Told::of(rollout);
        }
    }

    /// Finds what has changed since the last look.
    fn look(&mut self) {
        let record = Arc::clone(&self.record.borrow_and_update());
        // The one that was told of may be over, and another under way.
        if let Some(rollout) = self.told.rollout.and_then(|number| record.rollout(number)) {
            self.tell_changes(&record, rollout);
        }
        let Some(rollout) = latest(&record) else { return };
        if self.told.rollout != Some(rollout.number) {
            self.tell_begun(&record, rollout);
            if !rollout.is_under_way() {
                self.tell_outcome(&record, rollout);
            }
        }
        self.tell_evidence(rollout);
    }

    fn tell_begun(&mut self, record: &ServiceRecord, rollout: &Rollout) {
        self.told = Told::of(rollout);
        let report = reports::rollout(&self.service, record, rollout, None).map(Box::new);
        self.found.extend(report.map(|rollout| ServiceEvent::Begun { rollout }));
    }

    fn tell_changes(&mut self, record: &ServiceRecord, rollout: &Rollout) {
        let number = u64::from(rollout.number.0);
        for at in 0..rollout.steps.len() {
            let Some(step) = reports::step(rollout, at, None) else { continue };
            let before = self.told.steps.get(at).copied().unwrap_or(StepState::Pending);
            if before != step.state {
                let event = ServiceEvent::Step { rollout: number, number: at + 1, step };
                self.found.push_back(event);
            }
        }
        let before = self.told.outcome;
        let now = reports::outcome(rollout);
        match now {
            Some(_) if now != before => self.tell_outcome(record, rollout),
            None if before.is_some() => {
                self.found.push_back(ServiceEvent::Resumed { rollout: number });
            }
            _ => {}
        }
        let evidence = self.told.evidence.take();
        self.told = Told { evidence, ..Told::of(rollout) };
    }

    fn tell_outcome(&mut self, record: &ServiceRecord, rollout: &Rollout) {
        let report = reports::rollout(&self.service, record, rollout, None).map(Box::new);
        self.found.extend(report.map(|rollout| ServiceEvent::Outcome { rollout }));
    }

    fn tell_evidence(&mut self, rollout: &Rollout) {
        if Instant::now() < self.evidence_due {
            return;
        }
        let Some(shown) = self.shown.borrow_and_update().clone() else { return };
        let known = self.told.evidence.as_ref().is_some_and(|told| Arc::ptr_eq(told, &shown));
        let runs = rollout.running_step() == Some(shown.step);
        if known || !runs || shown.rollout != rollout.number {
            return;
        }
        if let Some(evidence) = evidence::of_step(rollout, shown.step, Some(&shown)) {
            let (rollout, number) = (u64::from(rollout.number.0), shown.step + 1);
            self.found.push_back(ServiceEvent::Evidence { rollout, number, evidence });
            self.told.evidence = Some(shown);
            self.evidence_due = Instant::now() + EVIDENCE_EVERY;
        }
    }
}

enum Changed {
    Service,
    Gone,
}

impl Told {
    fn of(rollout: &Rollout) -> Self {
        let steps = (0..rollout.steps.len()).filter_map(|at| reports::step(rollout, at, None));
        Self {
            rollout: Some(rollout.number),
            steps: steps.map(|step| step.state).collect(),
            outcome: reports::outcome(rollout),
            evidence: None,
        }
    }
}

/// The rollout that was begun last. A removal is none: its end is.
fn latest(record: &ServiceRecord) -> Option<&Rollout> {
    let all = record.rollout.iter().chain(record.past.iter().rev());
    all.into_iter().find(|rollout| rollout.kind != RolloutKind::Remove)
}

#[cfg(test)]
mod tests {
    use airssys_wasm_deploy::{Asked, Timestamp};
    use airssys_wasm_model::RolloutSettings;
    use futures::FutureExt as _;

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_slow_reader_is_told_how_it_stands_and_not_each_way_there() {
        let dir = tempfile::tempdir().unwrap();
        let node = testing::node(dir.path()).await;
        let (by, why) = ("tester".to_owned(), "update".to_owned());
        let mut record = ServiceRecord::new("echo".parse().unwrap());
        let now = Timestamp::now();
        let to = record.add_revision(testing::revision(), &by, &why, now);
        let settings = RolloutSettings::default();
        record.begin(Asked { kind: RolloutKind::Update, settings, to, by, why }, now).unwrap();
        // Nobody walks this service, so that nothing happens but what is done here.
        let service = Service::new(Arc::clone(node.shared()), record, None);
        node.shared().add(Arc::clone(&service));
        let mut events = Events::of(node.shared(), service.name()).unwrap();
        let begun = events.next().await.unwrap();
        assert_eq!(begun.name(), "begun");
        assert!(events.next().now_or_never().is_none());
        for _ in 0..100 {
            service.amend(|record| record.pause("wait", now)).await.unwrap();
            service.amend(|record| record.resume(now)).await.unwrap();
        }
        service.amend(|record| record.abort("enough", now)).await.unwrap();
        let mut told = Vec::new();
        while let Some(Some(event)) = events.next().now_or_never() {
            told.push(event);
        }
        let Some(ServiceEvent::Outcome { rollout }) = told.last() else { panic!("{told:?}") };
        assert_eq!(rollout.outcome, Some(Outcome::Aborted));
        assert!(told[..told.len() - 1].iter().all(|event| event.name() == "step"), "{told:?}");
    }
}
