//! Starting an instance, running one job on it, and deciding whether it may serve again.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use wasmtime::PoolConcurrencyLimitError;

use crate::actor::SavedState;
use crate::call::error::CallError;
use crate::context::CallCtx;
use crate::guest::{Console, Guest};
use crate::instance::{Held, Instance};
use crate::lanes::Lane;
use crate::limit::Metered;
use crate::pool::{Lease, Pool};

/// A new instance that has seen no configuration.
pub(crate) async fn bare(
    pool: &Pool,
    call: Arc<CallCtx>,
    console: Option<Console>,
    lane: Lane,
) -> Result<Box<Instance>, CallError> {
    let pre = &pool.revision.linked(lane).pre;
    let mut store = Guest::store(pool, pre.engine(), call, console);
    match pre.instantiate_async(&mut store).await {
        Ok(instance) => Ok(Instance::new(pool, store, instance, lane)),
        // A lane has room for few. What has a console begins at home.
        Err(error) if lane != Lane::HOME && error.is::<PoolConcurrencyLimitError>() => {
            let call = store.into_data().call;
            Box::pin(bare(pool, call, None, Lane::HOME)).await
        }
        Err(error) => Err(CallError::of(&error, store.data())),
    }
}

/// A new instance, configured.
pub(crate) async fn instantiate(
    pool: &Pool,
    call: Arc<CallCtx>,
    console: Option<Console>,
    lane: Lane,
) -> Result<Box<Instance>, CallError> {
    let revision = &pool.revision;
    let mut instance = bare(pool, call, console, lane).await?;
    if let Some(lifecycle) = &revision.doors(instance.lane).lifecycle {
        let store = &mut instance.store;
        let answered = match lifecycle.load(&mut *store, &instance.instance) {
            Ok(guest) => guest.call_init(&mut *store, &revision.config_json).await,
            Err(error) => Err(error),
        };
        answered
            .map_err(|error| CallError::of(&error, store.data()))?
            .map_err(|error| CallError::Init(error.into()))?;
    }
    Ok(instance)
}

/// Gives an instance the state that was saved.
pub(crate) async fn restore(
    pool: &Pool,
    instance: &mut Instance,
    saved: &SavedState,
) -> Result<(), CallError> {
    let Some(state) = &pool.revision.doors(instance.lane).state else { return Ok(()) };
    let store = &mut instance.store;
    let saved_by = saved.version.to_string();
    let answered = match state.load(&mut *store, &instance.instance) {
        Ok(guest) => guest.call_restore(&mut *store, &saved.bytes, &saved_by).await,
        Err(error) => Err(error),
    };
    answered
        .map_err(|error| CallError::of(&error, store.data()))?
        .map_err(|error| CallError::Restore { saved_by, fault: error.into() })?;
    let actor = instance.store.data().call.actor;
    instance.holds = Some(Held { actor, generation: saved.generation, bytes: saved.bytes.clone() });
    Ok(())
}

/// What is done with an instance during one call.
pub(crate) trait Job: Send {
    type Output: Send;

    /// Runs on this instance. An error that leaves the instance whole is [`CallError::Fault`] or one of
    /// the caller's mistakes; after any other the instance is dropped.
    fn run(
        self,
        pool: &Pool,
        instance: &mut Instance,
    ) -> impl Future<Output = Result<Self::Output, CallError>> + Send;
}

/// Runs a job on the leased instance, within the call's limits.
pub(crate) async fn run<J: Job>(lease: Lease, job: J) -> Result<J::Output, CallError> {
    let Lease { place, ready, call, since } = lease;
    let now = Instant::now();
    let pool = &*place.0;
    let (until, probe, request_id) = (pool.until(&call, since), call.probe, call.request_id);
    let work = pin!(async {
        let mut instance = ready_for(pool, ready, call, now).await?;
        let answer = job.run(pool, &mut instance).await;
        if !probe {
            pool.costs().held(instance.store.data().memory.used_bytes(), now);
        }
        if answer.as_ref().map_or_else(leaves_whole, |_| true) {
            pool.give_back(instance);
        }
        answer
    });
    let work = Metered::call(now, work, pool, until).unless_probe(probe);
    pool.revision.noted(request_id, work.await.unwrap_or_else(|halt| Err(halt.into())))
}

/// The instance for a call that came now: the one that waited, if there is one and it is well, else a new one.
pub(crate) async fn ready_for(
    pool: &Pool,
    ready: Option<Box<Instance>>,
    call: Arc<CallCtx>,
    now: Instant,
) -> Result<Box<Instance>, CallError> {
    let fresh = |call| instantiate(pool, call, None, pool.lane());
    let Some(mut instance) = ready else { return fresh(call).await };
    instance.begin(call);
    if instance.is_well(pool, now).await {
        return Ok(instance);
    }
    let call = Arc::clone(&instance.store.data().call);
    drop(instance);
    fresh(call).await
}

fn leaves_whole(error: &CallError) -> bool {
    matches!(
        error,
        CallError::Fault(_)
            | CallError::NoFunction { .. }
            | CallError::Arguments { .. }
            | CallError::Unsayable { .. }
            | CallError::Unsupported { .. }
    )
}
