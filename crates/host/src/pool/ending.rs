//! Instances that go: because their revision stops, or because no call has needed them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use airssys_wasm_model::InstanceModel;
use futures::future::join_all;

use super::Pool;
use crate::instance::Instance;
use crate::limit::Metered;

/// How long all instances of a revision together may tidy up after themselves. It is a courtesy: whoever
/// stops a revision waits for it.
const FAREWELL: Duration = Duration::from_secs(2);

impl Pool {
    /// Lets no further call in, ends those that still run and drops the instances that wait. Whoever wants
    /// the calls to end by themselves waits for that first.
    pub async fn stop(self: &Arc<Self>) {
        self.stopped.store(true, Ordering::Release);
        self.places.close();
        // Also if whoever waits for this is gone before the farewells are over.
        let _ends_the_rest = self.stopping.clone().drop_guard();
        let idle = std::mem::take(&mut *self.idle());
        let idle = idle.instances.into_iter().chain(idle.homes.into_iter());
        self.farewell(idle).await;
    }

    /// Gives up the instances that no call has needed since this was asked last, but for so many that are to
    /// stay in any case. An actor's instance stays: it holds its state. Where each key has an actor, those
    /// go that were not called meanwhile.
    pub async fn rest(&self, min: u32) {
        let homes = self.idle().homes.rest();
        self.farewell(homes).await;
        if self.revision.spec.instances.model != InstanceModel::Pooled {
            return;
        }
        let spare = self.gauges.live().saturating_sub(min) as usize;
        let resting = self.idle().rest(spare);
        if let Some(workers) = &self.workers {
            workers.rest(spare - resting.len());
        }
        self.farewell(resting).await;
    }

    async fn farewell(&self, instances: impl IntoIterator<Item = Box<Instance>>) {
        let farewells = instances.into_iter().map(|instance| self.shut_down(instance));
        if tokio::time::timeout(FAREWELL, join_all(farewells)).await.is_err() {
            tracing::debug!(service = %self.revision.spec.service, "cut short at their shutdown");
        }
    }

    /// A guest may tidy up; what it answers changes nothing.
    async fn shut_down(&self, mut instance: Box<Instance>) {
        let Some(lifecycle) = &self.revision.doors(instance.lane).lifecycle else { return };
        let farewell = pin!(async {
            let guest = lifecycle.load(&mut instance.store, &instance.instance)?;
            guest.call_shutdown(&mut instance.store).await
        });
        let farewell = Metered::new(farewell, self, Instant::now() + FAREWELL);
        if let Ok(Err(error)) = farewell.await {
            tracing::debug!("a guest failed at its shutdown: {error:#}");
        }
    }
}

/// Nobody has a call on it, or it would be held: what is left are workers, each on a task of its own.
impl Drop for Pool {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        self.stopping.cancel();
    }
}
