//! What a walk may ask of the simulated node. Every act passes points at which the node may crash.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use airssys_wasm_model::{Endpoint, MetricSettings, RevisionNumber, Span, Success};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{DOWN, EPOCH, HANGS, Node, PASSES, REFUSES, STUMBLES, check_save};
use crate::analysis::{Counts, Tally};
use crate::evidence::{Compared, StepEvidence};
use crate::fleet::{Answer, Fault, Fleet, NotSaved};
use crate::gate::Drained;
use crate::observation::Thresholds;
use crate::record::ServiceRecord;
use crate::rollout::RolloutNumber;
use crate::step::{Mirror, Warmth};
use crate::table::Table;
use crate::timestamp::Timestamp;

impl Fleet for Node {
    fn record(&self) -> watch::Receiver<Arc<ServiceRecord>> {
        self.record.subscribe()
    }

    async fn save(
        &self,
        change: impl Fn(&mut ServiceRecord) + Send + Sync,
    ) -> Result<(), NotSaved> {
        self.point(|| "before a save".to_owned()).await;
        self.record.send_modify(|record| {
            let mut next = ServiceRecord::clone(record);
            change(&mut next);
            check_save(record, &next);
            *record = Arc::new(next);
        });
        self.point(|| "after a save".to_owned()).await;
        Ok(())
    }

    async fn start(&self, revision: RevisionNumber) -> Result<(), Fault> {
        self.point(|| format!("before start {revision}")).await;
        self.dawdle(30).await;
        let behaviour = (self.behaviour)(revision);
        let starts = {
            let mut starts = self.starts.lock().unwrap();
            let starts = starts.entry(revision).or_default();
            *starts += 1;
            *starts
        };
        if behaviour.start_fails || starts <= behaviour.failing_starts {
            return Err(Fault::new("it does not compile"));
        }
        self.switch.insert(revision, Arc::default());
        self.point(|| format!("after start {revision}")).await;
        Ok(())
    }

    async fn await_ready(&self, revision: RevisionNumber, _: Duration) -> Result<(), Fault> {
        self.point(|| format!("before ready {revision}")).await;
        self.dawdle(30).await;
        if (self.behaviour)(revision).never_ready {
            return Err(Fault::new("init refused its config"));
        }
        let pool = self.switch.get(revision).ok_or_else(|| Fault::new("it does not run"))?;
        pool.ready.store(true, Ordering::Relaxed);
        self.point(|| format!("after ready {revision}")).await;
        Ok(())
    }

    async fn publish(&self, table: &Table) -> Result<(), Fault> {
        self.point(|| format!("before publish {table}")).await;
        self.check_warmth(table);
        let mut served = table.clone();
        let mut fault = Ok(());
        for revision in table.revisions() {
            let ready = self.switch.get(revision);
            if !ready.is_some_and(|pool| pool.ready.load(Ordering::Relaxed)) {
                served = served.without(revision);
                fault = Err(Fault::new(format!("{revision} does not run")));
            }
        }
        self.switch.publish(&served).unwrap();
        self.point(|| format!("after publish {table}")).await;
        fault
    }

    async fn warm(&self, revision: RevisionNumber, to: Warmth, _: Duration) -> Result<(), Fault> {
        self.point(|| format!("before warming {revision} {to}")).await;
        self.dawdle(30).await;
        let pool = self.switch.get(revision).ok_or_else(|| Fault::new("it does not run"))?;
        if (self.behaviour)(revision).warming_fails {
            return Err(Fault::new("no memory is left"));
        }
        if let Warmth::Share(share) = to {
            pool.warm_for.fetch_max(share.hundredths().into(), Ordering::Relaxed);
        }
        self.point(|| format!("after warming {revision} {to}")).await;
        Ok(())
    }

    async fn mirror(&self, mirror: Option<&Mirror>) -> Result<(), Fault> {
        self.point(|| format!("before mirroring {}", mirror.is_some())).await;
        if let Some(mirror) = mirror {
            let pool = self.switch.get(mirror.revision);
            pool.ok_or_else(|| Fault::new("it does not run"))?;
        }
        *self.mirror.lock().unwrap() = mirror.cloned();
        self.point(|| format!("after mirroring {}", mirror.is_some())).await;
        Ok(())
    }

    fn compared(&self, revision: RevisionNumber) -> Compared {
        let mirror = self.mirror.lock().unwrap();
        let mirrors = mirror.as_ref().is_some_and(|mirror| mirror.revision == revision);
        assert!(mirrors, "{revision} is compared without copies");
        self.copies.lock().unwrap().get(&revision).cloned().unwrap_or_default()
    }

    async fn ask(&self, gate: &Endpoint) -> Result<Answer, Fault> {
        self.point(|| format!("before asking {gate}")).await;
        self.dawdle(100).await;
        match gate.as_str() {
            PASSES => Ok(Answer::Passed),
            REFUSES => Ok(Answer::Refused { reason: "not today".to_owned() }),
            HANGS => std::future::pending().await,
            STUMBLES if self.asked.fetch_add(1, Ordering::Relaxed) >= 2 => Ok(Answer::Passed),
            STUMBLES | DOWN => Err(Fault::new("connection refused")),
            other => panic!("nobody is at {other}"),
        }
    }

    async fn measure(&self, metric: &MetricSettings) -> Result<f64, Fault> {
        self.dawdle(100).await;
        match metric.url.as_str() {
            PASSES => Ok(1.0),
            REFUSES => Ok(100.0),
            HANGS => std::future::pending().await,
            _ => Err(Fault::new("no such series")),
        }
    }

    fn thresholds(&self, _: RevisionNumber) -> Thresholds {
        Thresholds { latency: Some(Span(Duration::from_millis(10))), ..Thresholds::default() }
    }

    fn counts(&self, revision: RevisionNumber, above: &Thresholds) -> Counts {
        let counted = self.counted(revision);
        let tally = |bad| Tally { calls: counted.calls, bad };
        Counts {
            failures: Some(tally(counted.failed)),
            latency: above.latency.map(|_| tally(counted.slow)),
            ..Counts::default()
        }
    }

    fn successes(&self, revision: RevisionNumber, _: &Success) -> Tally {
        let counted = self.counted(revision);
        Tally { calls: counted.calls, bad: counted.succeeded }
    }

    fn show(&self, rollout: RolloutNumber, step: usize, _: &StepEvidence) {
        let record = self.disk();
        let shown = record.rollout(rollout).expect("it is recorded");
        assert!(shown.steps[step].step.is_trial(), "only a trial has evidence");
    }

    async fn drain(&self, revision: RevisionNumber, within: Duration) -> Drained {
        self.point(|| format!("before drain {revision}")).await;
        assert_eq!(self.switch.table().weight(revision), None, "{revision} drains while live");
        let drained = self.switch.drain(revision, within).await;
        assert_eq!(drained, Drained::Empty);
        self.point(|| format!("after drain {revision}")).await;
        drained
    }

    async fn stop(&self, revision: RevisionNumber) {
        self.point(|| format!("before stop {revision}")).await;
        assert_eq!(self.switch.table().weight(revision), None, "{revision} stops while live");
        self.mirror.lock().unwrap().take_if(|mirror| mirror.revision == revision);
        if let Some(pool) = self.switch.remove(revision) {
            self.dawdle(10).await;
            pool.stopped.store(true, Ordering::Relaxed);
        }
        self.point(|| format!("after stop {revision}")).await;
    }

    fn now(&self) -> Timestamp {
        // A clock that goes on from life to life, as the wall's does.
        let epoch = EPOCH.get().unwrap_or_else(Instant::now);
        EPOCH.set(Some(epoch));
        let since = epoch.elapsed();
        Timestamp::from_unix_ms(1_767_225_600_000 + since.as_millis() as u64)
    }
}
