//! One instance in its store: how it begins a call, and whether it is well enough for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime_wasi_http::handler::Proxy;

use crate::actor::ActorKey;
use crate::bindings::exports::airssys::component::handler;
use crate::call::clamped;
use crate::context::CallCtx;
use crate::guest::Guest;
use crate::lanes::Lane;
use crate::pool::Pool;

/// One instance in its store.
pub(crate) struct Instance {
    pub(crate) store: Store<Guest>,
    pub(crate) instance: wasmtime::component::Instance,
    /// Where it was begun.
    pub(crate) lane: Lane,
    /// Calls it has answered.
    pub(crate) calls: u64,
    /// An actor's: the state that it holds.
    pub(crate) holds: Option<Held>,
    /// Its exports that calls go to, found at the first call.
    pub(crate) handler: Option<handler::Guest>,
    pub(crate) http: Option<Proxy>,
    /// When it last said that it is well.
    well_since: Instant,
}

/// What an actor's instance holds.
pub(crate) struct Held {
    /// Whose state it is, of a service with an actor for each key.
    pub(crate) actor: Option<ActorKey>,
    /// Of the state as it was saved last.
    pub(crate) generation: u64,
    pub(crate) bytes: Vec<u8>,
}

/// How long a reused instance is believed to be well. Asking before each call would cost as much as a small
/// call does.
const HEALTH_LASTS: Duration = Duration::from_secs(1);

impl Instance {
    /// A reused instance begins another call.
    pub(crate) fn begin(&mut self, call: Arc<CallCtx>) {
        // The deadline of the call before has long passed, and would make the guest yield at once.
        self.store.set_epoch_deadline(1);
        self.store.data_mut().begin(call);
    }

    /// Whether the guest says that it can go on, asked again after a while.
    pub(crate) async fn is_well(&mut self, pool: &Pool, now: Instant) -> bool {
        let Some(lifecycle) = &pool.revision.doors(self.lane).lifecycle else { return true };
        if now.duration_since(self.well_since) < HEALTH_LASTS {
            return true;
        }
        let answered = match lifecycle.load(&mut self.store, &self.instance) {
            Ok(guest) => guest.call_health(&mut self.store).await,
            Err(error) => Err(error),
        };
        let unwell = match answered {
            Ok(Ok(())) => {
                self.well_since = Instant::now();
                return true;
            }
            Ok(Err(error)) => error.message,
            Err(error) => format!("{error:#}"),
        };
        if pool.revision.may_be_told() {
            let (spec, unwell) = (&pool.revision.spec, clamped(unwell));
            tracing::warn!(service = %spec.service, revision = %spec.revision, "an instance is replaced: {unwell}");
        }
        false
    }

    pub(crate) fn new(
        pool: &Pool,
        mut store: Store<Guest>,
        instance: wasmtime::component::Instance,
        lane: Lane,
    ) -> Box<Self> {
        store.data_mut().memory.count_into(Arc::clone(&pool.gauges));
        Box::new(Self {
            store,
            instance,
            lane,
            calls: 0,
            holds: None,
            handler: None,
            http: None,
            well_since: Instant::now(),
        })
    }
}
