//! Calls of `airssys:component/handler`: bytes in, bytes out; for an actor, its state kept with it.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use airssys_wasm_model::Version;
use bytes::Bytes;

use super::command;
use super::error::CallError;
use super::instance::{Job, instantiate, ready_for, restore, run};
use crate::actor::{SavedState, Turn};
use crate::bindings::airssys::component::types as contract;
use crate::context::CallCtx;
use crate::instance::{Held, Instance};
use crate::lanes::Lane;
use crate::limit::{Limit, Metered};
use crate::pool::{Lease, Pool};

/// What goes into a handler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// The bytes.
    pub body: Bytes,
    /// What they are, as a media type.
    pub content_type: Option<String>,
    /// Anything else that the caller says about them.
    pub metadata: Vec<(String, String)>,
}

/// What comes out of a handler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// The bytes.
    pub body: Bytes,
    /// What they are, as a media type.
    pub content_type: Option<String>,
    /// Anything else that the guest says about them.
    pub metadata: Vec<(String, String)>,
}

impl Input {
    /// What it weighs on its way to a handler: its bytes, and its metadata's names and values.
    pub fn size_bytes(&self) -> usize {
        let metadata = self.metadata.iter().map(|(name, value)| name.len() + value.len());
        self.body.len() + metadata.sum::<usize>()
    }
}

impl Lease {
    /// Calls the handler. A component that has none but is a `wasi:cli/run` command is run once, with
    /// the input as its standard input and its standard output as the answer.
    pub async fn execute(self, input: Input) -> Result<Output, CallError> {
        let doors = &self.place.0.revision.home.doors;
        if doors.handler.is_some() && doors.state.is_some() {
            return execute_with_state(self, input).await;
        }
        if doors.handler.is_some() {
            return run(self, Execute(input)).await;
        }
        if doors.command_p2.is_some() || doors.command_p3.is_some() {
            return command::execute(self, input).await;
        }
        Err(CallError::Unsupported { wanted: "airssys:component/handler" })
    }
}

struct Execute(Input);

impl Job for Execute {
    type Output = Output;

    async fn run(self, pool: &Pool, instance: &mut Instance) -> Result<Output, CallError> {
        execute(pool, instance, self.0).await
    }
}

async fn execute(pool: &Pool, instance: &mut Instance, input: Input) -> Result<Output, CallError> {
    let Instance { store, instance, handler, lane, .. } = instance;
    if handler.is_none() {
        let wanted = "airssys:component/handler";
        let doors = pool.revision.doors(*lane);
        let found = doors.handler.as_ref().ok_or(CallError::Unsupported { wanted })?;
        let loaded = found.load(&mut *store, instance);
        *handler = Some(loaded.map_err(|error| CallError::of(&error, store.data()))?);
    }
    let Some(guest) = handler else { unreachable!("it was just found") };
    let call = Arc::clone(&store.data().call);
    let said = Said::of(&call);
    let metadata: Vec<_> =
        input.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let input = contract::InputParam {
        body: &input.body,
        content_type: input.content_type.as_deref(),
        metadata: &metadata,
    };
    let output = guest
        .call_execute(&mut *store, said.context(&call, pool.time_limit()), input)
        .await
        .map_err(|error| CallError::of(&error, store.data()))?
        .map_err(|error| CallError::Fault(error.into()))?;
    if output.body.len() as u64 > pool.revision.spec.limits.output.0 {
        return Err(CallError::Limit(Limit::Output));
    }
    Ok(Output {
        body: output.body.into(),
        content_type: output.content_type,
        metadata: output.metadata,
    })
}

/// What a guest is told of a call, as text.
struct Said {
    request_id: [u8; 32],
    caller: Option<String>,
}

impl Said {
    fn of(call: &CallCtx) -> Self {
        let caller = call.caller.as_ref().map(ToString::to_string);
        Self { request_id: call.request_id.digits(), caller }
    }

    /// `limit` is the revision's own on time; a caller may have less.
    fn context<'a>(&'a self, call: &'a CallCtx, limit: Duration) -> contract::Context<'a> {
        let callers = call.deadline.map(|until| until.saturating_duration_since(Instant::now()));
        let left = callers.map_or(limit, |callers| callers.min(limit));
        contract::Context {
            request_id: std::str::from_utf8(&self.request_id).expect("digits are ASCII"),
            trace_parent: call.traceparent.as_ref().and_then(|it| it.to_str().ok()),
            deadline_ns: Some(left.as_nanos().try_into().unwrap_or(u64::MAX)),
            caller: self.caller.as_deref(),
            attempt: call.attempt,
        }
    }
}

/// An actor's call: waits for its turn at the state, brings the instance up to it, calls, and saves what
/// changed before the answer leaves. If anything fails in between, the state is what it was, and the
/// instance that went ahead of it is dropped.
async fn execute_with_state(lease: Lease, input: Input) -> Result<Output, CallError> {
    let Lease { place, ready, mut call, since } = lease;
    let now = Instant::now();
    let pool = &*place.0;
    let until = pool.until(&call, since);
    Arc::make_mut(&mut call).deadline = Some(until);
    let request_id = call.request_id;
    let work = pin!(async {
        let keeper = pool.revision.spec.state.as_ref();
        let keeper = keeper.ok_or_else(|| CallError::Host("nobody keeps this state".into()))?;
        let actor = call.actor;
        if actor.is_some() != pool.revision.spec.instances.key.is_some() {
            let wrong = "a call names an actor exactly where each key has one";
            return Err(CallError::Host(wrong.into()));
        }
        let mut turn = keeper.turn(actor, pool.revision.spec.limits.actors).await?;
        let generation = turn.saved().map(|saved| saved.generation);
        // One that has had calls of another actor is not for this one, whatever it holds: what a guest keeps
        // beside its state would go from one caller to the next.
        let current = ready.filter(|ready| match &ready.holds {
            Some(held) => held.actor == actor && Some(held.generation) == generation,
            None => actor.is_none() && generation.is_none(),
        });
        let mut instance = ready_for(pool, current, Arc::clone(&call), now).await?;
        // The one that waited holds the state already.
        if let (None, Some(_)) = (&instance.holds, turn.saved()) {
            instance = with_state(pool, instance, &*turn, call).await?;
        }
        let answer = execute(pool, &mut instance, input).await;
        if !matches!(answer, Ok(_) | Err(CallError::Fault(_))) {
            return answer;
        }
        let bytes = save(pool, &mut instance).await?;
        if instance.holds.as_ref().map(|held| &held.bytes) != Some(&bytes) {
            let version: &Version = &pool.revision.spec.version;
            let generation = turn.save(version, bytes.clone()).await?;
            instance.holds = Some(Held { actor, generation, bytes });
        }
        pool.give_back(instance);
        answer
    });
    let answer = Metered::call(now, work, pool, until).await;
    pool.revision.noted(request_id, answer.unwrap_or_else(|halt| Err(halt.into())))
}

/// A new instance with an actor's state.
///
/// After a candidate was taken back, the old version of a key's actor meets a state of the newer one. If it cannot
/// read that, it goes on from what it saved last itself: the key would be lost otherwise. An actor without
/// a key has no such way: its version is held against the one state before it gets a call.
async fn with_state(
    pool: &Pool,
    mut instance: Box<Instance>,
    turn: &dyn Turn,
    call: Arc<CallCtx>,
) -> Result<Box<Instance>, CallError> {
    let Some(saved) = turn.saved() else { return Ok(instance) };
    let refused = match restore(pool, &mut instance, saved).await {
        Err(refused @ CallError::Restore { .. }) => refused,
        restored => return restored.map(|()| instance),
    };
    let own = turn.previous().filter(|previous| previous.version == pool.revision.spec.version);
    let (Some(own), true) = (own, call.actor.is_some()) else { return Err(refused) };
    if pool.revision.may_be_told() {
        let spec = &pool.revision.spec;
        tracing::warn!(
            service = %spec.service, revision = %spec.revision, request = %call.request_id,
            "an actor goes on from the state that version {} saved last: {refused}", spec.version
        );
    }
    // The guest may have taken up a part of what it then refused.
    drop(instance);
    let mut instance = instantiate(pool, call, None, Lane::HOME).await?;
    let own = SavedState { generation: saved.generation, ..own.clone() };
    restore(pool, &mut instance, &own).await?;
    Ok(instance)
}

async fn save(pool: &Pool, instance: &mut Instance) -> Result<Vec<u8>, CallError> {
    let wanted = "airssys:component/state";
    let doors = pool.revision.doors(instance.lane);
    let state = doors.state.as_ref().ok_or(CallError::Unsupported { wanted })?;
    let store = &mut instance.store;
    let answered = match state.load(&mut *store, &instance.instance) {
        Ok(guest) => guest.call_save(&mut *store).await,
        Err(error) => Err(error),
    };
    answered
        .map_err(|error| CallError::of(&error, store.data()))?
        .map_err(|error| CallError::Fault(error.into()))
}
