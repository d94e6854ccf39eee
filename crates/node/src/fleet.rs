//! The node as what a walk acts on: revisions become pools, and tables reach the callers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use airssys_wasm_deploy::{
    Answer, Compared, Counts, Drained, Fault, Fleet, Mirror, NotSaved, RolloutNumber, Seen,
    ServiceRecord, Share, StepEvidence, Table, Tally, Thresholds, Timestamp, Warmth,
};
use airssys_wasm_host::{CallError, Histogram, Pool, Prepared};
use airssys_wasm_model::{
    Asked, ByteSize, Endpoint, Instances, MetricSettings, RevisionNumber, Span, Success,
};
use tokio::sync::watch;

use crate::audit::Standing;
use crate::evidence::Shown;
use crate::ingress::Route;
use crate::live::{Running, Stamp};
use crate::metrics::Traffic;
use crate::service::{AmendError, Service};
use crate::starting::StartError;

impl Fleet for Service {
    fn record(&self) -> watch::Receiver<Arc<ServiceRecord>> {
        self.watch()
    }

    async fn save(
        &self,
        change: impl Fn(&mut ServiceRecord) + Send + Sync,
    ) -> Result<(), NotSaved> {
        let amended = self.amend(|record| {
            let before = Standing::of(record);
            change(record);
            Ok::<_, std::convert::Infallible>(before.and_then(|before| before.decided(record)))
        });
        match amended.await {
            Ok(decided) => {
                self.shared.trail.decided(decided);
                Ok(())
            }
            Err(AmendError::Refused(never)) => match never {},
            Err(error) => Err(NotSaved(error.to_string())),
        }
    }

    async fn start(&self, revision: RevisionNumber) -> Result<(), Fault> {
        if self.live.switch.get(revision).is_some() {
            return Ok(());
        }
        let prepared = match self.take_prepared(revision) {
            Some(prepared) => prepared,
            None => {
                let record = self.record();
                let record = record.revision(revision);
                let record = record.ok_or_else(|| Fault::new(format!("there is no {revision}")))?;
                let prepared = self.prepare_recorded(record).await;
                prepared.map_err(|error| self.not_started(revision, error))?
            }
        };
        let release = self.release_of(&prepared.spec().version).await;
        let asked = release.map_err(|error| self.not_started(revision, error))?.manifest.asked;
        let running = self.live.switch.insert(revision, Arc::new(self.running(prepared, asked)));
        // It was prepared under the grants and the scale of then. A word since has either met it here or is met now.
        if let Err(error) = self.renew_rights(&running) {
            tracing::error!(service = %self.name(), %revision, "{error}: {}", error.source);
        }
        if let Some(instances) = self.instances_of(revision) {
            running.pool.resize(instances.max);
        }
        Ok(())
    }

    async fn await_ready(&self, revision: RevisionNumber, within: Duration) -> Result<(), Fault> {
        let Some(running) = self.live.switch.get(revision) else {
            return Err(not_running(revision));
        };
        let begun = Instant::now();
        let warming = async {
            running.pool.warm().await?;
            match self.instances_of(revision) {
                Some(instances) => running.pool.fill(instances.min).await,
                None => Ok(()),
            }
        };
        let warmed = self.ready_within(revision, within, warming).await;
        self.last_start().start = begun.elapsed();
        warmed
    }

    async fn publish(&self, table: &Table) -> Result<(), Fault> {
        let begun = Instant::now();
        let mut served = table.clone();
        let mut fault = Ok(());
        for revision in table.revisions() {
            if self.live.switch.get(revision).is_none() {
                served = served.without(revision);
                fault = Err(not_running(revision));
            }
        }
        // The calls first: whatever the route comes to, they go where the record says.
        self.live.switch.publish(&served).map_err(|error| Fault::new(error.to_string()))?;
        self.put_route(&served)?;
        self.last_start().switch = begun.elapsed();
        tracing::info!(service = %self.name(), table = %served, "published");
        fault
    }

    async fn warm(
        &self,
        revision: RevisionNumber,
        to: Warmth,
        within: Duration,
    ) -> Result<(), Fault> {
        let Some(running) = self.live.switch.get(revision) else {
            return Err(not_running(revision));
        };
        let filling = running.pool.fill(self.wanted(revision, to));
        self.ready_within(revision, within, filling).await
    }

    async fn mirror(&self, mirror: Option<&Mirror>) -> Result<(), Fault> {
        let shadowing = &self.live.shadowing;
        let Some(mirror) = mirror else {
            shadowing.end().await;
            return Ok(());
        };
        let Some(running) = self.live.switch.get(mirror.revision) else {
            return Err(not_running(mirror.revision));
        };
        let begun = shadowing.begin(mirror, &running).await;
        begun.map_err(|error| Fault::new(format!("{}: {error}", mirror.revision)))
    }

    fn compared(&self, revision: RevisionNumber) -> Compared {
        self.live.shadowing.compared(revision)
    }

    async fn ask(&self, gate: &Endpoint) -> Result<Answer, Fault> {
        let record = self.record();
        self.shared.outside.ask(gate, &record).await
    }

    async fn measure(&self, metric: &MetricSettings) -> Result<f64, Fault> {
        let record = self.record();
        self.shared.outside.measure(metric, &record).await
    }

    fn thresholds(&self, revision: RevisionNumber) -> Thresholds {
        self.live.switch.get(revision).map_or_else(Thresholds::default, |it| thresholds(&it))
    }

    fn counts(&self, revision: RevisionNumber, above: &Thresholds) -> Counts {
        self.live.switch.get(revision).map_or_else(none_counted, |it| counts(&it, above))
    }

    fn successes(&self, revision: RevisionNumber, success: &Success) -> Tally {
        let Some(running) = self.live.switch.get(revision) else { return Tally::default() };
        if *success == Success::Status {
            let Seen { calls, errors } = running.traffic.given.seen();
            return Tally { calls, bad: calls - errors };
        }
        let (counter, tally) = running.traffic.successes.count(success);
        self.log.count_events(revision, &counter);
        tally
    }

    fn show(&self, rollout: RolloutNumber, step: usize, evidence: &StepEvidence) {
        self.shown.send_replace(Some(Arc::new(Shown {
            rollout,
            step,
            evidence: evidence.clone(),
        })));
    }

    async fn drain(&self, revision: RevisionNumber, within: Duration) -> Drained {
        self.live.switch.drain(revision, within).await
    }

    async fn stop(&self, revision: RevisionNumber) {
        // One that was taken back before its start is still compiled.
        drop(self.take_prepared(revision));
        self.log.forget_events(revision);
        self.live.shadowing.end_of(revision).await;
        if let Some(running) = self.live.switch.remove(revision) {
            running.pool.stop().await;
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl Service {
    fn take_prepared(&self, revision: RevisionNumber) -> Option<Prepared> {
        let mut last = self.last_start();
        last.prepared.take_if(|prepared| prepared.spec().revision == revision)
    }

    /// How a recorded revision's instances live now.
    pub(crate) fn instances_of(&self, revision: RevisionNumber) -> Option<Instances> {
        let record = self.record();
        record.revision(revision).map(|it| self.scaled(&it.settings.instances))
    }

    /// How many instances a revision is to have: for a share, as many of those that the active one has.
    fn wanted(&self, revision: RevisionNumber, to: Warmth) -> u32 {
        let own = self.instances_of(revision).unwrap_or_default();
        let wanted = match to {
            Warmth::Instances(count) => count,
            Warmth::Share(share) => {
                let active = self.record().active.and_then(|active| self.live.switch.get(active));
                let instances = active.map_or(0, |active| active.pool.stats().instances);
                (f64::from(instances) * share.percent() / 100.0).ceil() as u32
            }
        };
        wanted.max(own.min).min(own.max)
    }

    fn running(&self, prepared: Prepared, asked: Asked) -> Running {
        let spec = prepared.spec();
        let (revision, version) = (spec.revision, spec.version.clone());
        let record = self.record();
        let stamped = record.revision(revision).is_none_or(|it| it.settings.http.revision_headers);
        let stamp = stamped.then(|| Stamp::new(self.name(), &version, revision));
        let (pool, asked) = (Pool::new(prepared), Arc::new(asked));
        Running { revision, version, pool, asked, traffic: Traffic::default(), stamp }
    }

    /// Waits until a revision's instances are ready, at most so long.
    async fn ready_within(
        &self,
        revision: RevisionNumber,
        within: Duration,
        warming: impl Future<Output = Result<(), CallError>>,
    ) -> Result<(), Fault> {
        let warmed = match tokio::time::timeout(within, warming).await {
            Ok(warmed) => warmed.map_err(StartError::from),
            Err(_) => Err(StartError::NotReady { within }),
        };
        warmed.map_err(|error| self.not_started(revision, error))
    }

    fn not_started(&self, revision: RevisionNumber, error: StartError) -> Fault {
        let fault = Fault::new(error.failure().message);
        tracing::warn!(service = %self.name(), %revision, "{fault}");
        self.last_start().error = Some((revision, Arc::new(error)));
        fault
    }

    /// Lets the service answer where the revision that gets every call asks to. A trial share moves no
    /// route, or a canary would take its callers' address away from the others.
    fn put_route(&self, table: &Table) -> Result<(), Fault> {
        let [Share { revision, .. }] = table.shares() else { return Ok(()) };
        let record = self.record();
        let Some(revision) = record.revision(*revision) else { return Ok(()) };
        let http = self
            .live
            .switch
            .get(revision.number)
            .is_some_and(|running| running.pool.offers().answers_http());
        if !http {
            self.shared.routes.put_without(&self.live);
            return Ok(());
        }
        let route = Route::of(self.name(), revision.settings.http.route.as_deref());
        let put = self.shared.routes.put(&self.live, &route);
        put.map_err(|error| Fault::new(error.to_string()))
    }
}

fn not_running(revision: RevisionNumber) -> Fault {
    Fault::new(format!("{revision} does not run"))
}

/// Calls that there must have been lately, for a percentile of them to say something.
const CALLS_FOR_A_PERCENTILE: u64 = 100;

fn thresholds(running: &Running) -> Thresholds {
    let p99 = |measure: &Histogram| measure.latest(0.99, CALLS_FOR_A_PERCENTILE);
    let costs = running.pool.costs();
    let span = |us| Span(Duration::from_micros(us));
    Thresholds {
        latency: p99(running.traffic.given.latency_us()).map(span),
        cpu: p99(&costs.cpu_us).map(span),
        memory: p99(&costs.memory_kb).map(|kb| ByteSize(kb << 10)),
    }
}

/// The calls that the table gave to it. Those that named it are nobody's sample.
fn counts(running: &Running, above: &Thresholds) -> Counts {
    let tally = |measure: &Histogram, bound| {
        let (calls, bad) = measure.above(bound);
        Tally { calls, bad }
    };
    let us = |span: Span| u64::try_from(span.0.as_micros()).unwrap_or(u64::MAX);
    let (given, costs) = (&running.traffic.given, running.pool.costs());
    let seen = given.seen();
    Counts {
        failures: Some(Tally { calls: seen.calls, bad: seen.errors }),
        latency: above.latency.map(|most| tally(given.latency_us(), us(most))),
        cpu: above.cpu.map(|most| tally(&costs.cpu_us, us(most))),
        memory: above.memory.map(|most| tally(&costs.memory_kb, most.0 >> 10)),
    }
}

fn none_counted() -> Counts {
    Counts { failures: Some(Tally::default()), ..Counts::default() }
}
