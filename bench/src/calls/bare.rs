//! The same calls on the engine alone: typed, on an instance that is used again, with nothing in between.

use anyhow::{Result, anyhow};
use wasmtime::component::{
    Component, ComponentNamedList, InstancePre, Lift, Linker, Lower, TypedFunc,
};
use wasmtime::{Engine, Store};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p1::WasiP1Ctx;

use self::bindings::airssys::component::types::{Context, Input, Output};
use self::bindings::exports::airssys::component::handler::{Guest, GuestIndices};
use self::bindings::exports::airssys::component::lifecycle::GuestIndices as LifecycleIndices;
use super::turns::Caller;
use crate::bare::host::config;
use crate::of_engine;

mod bindings {
    #![allow(missing_docs, unreachable_pub, reason = "generated from wit/")]

    wasmtime::component::bindgen!({
        path: "../wit",
        world: "component",
        exports: { default: async },
    });
}

/// A component ready to be instantiated in an engine that interrupts guests, as ours does. It may import what
/// is WASI's own.
fn prepare(component: &[u8]) -> wasmtime::Result<(Store<WasiP1Ctx>, InstancePre<WasiP1Ctx>)> {
    let engine = Engine::new(&config(false, true))?;
    let component = Component::new(&engine, component)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    // A context with a resource table; nothing of preview 1 is linked.
    let mut store = Store::new(&engine, WasiCtxBuilder::new().build_p1());
    store.set_epoch_deadline(u64::MAX / 2);
    Ok((store, linker.instantiate_pre(&component)?))
}

/// `handler.execute`, with a context as ours passes it, made once.
pub(super) struct Handler {
    store: Store<WasiP1Ctx>,
    guest: Guest,
    context: Context,
    input: Input,
}

impl Handler {
    /// Instantiates the component and has it made ready.
    pub(super) async fn start(component: &[u8], body: &[u8]) -> Result<Self> {
        let (mut store, pre) = prepare(component).map_err(of_engine)?;
        let guest = ready(&mut store, &pre).await.map_err(of_engine)?;
        let context = Context {
            request_id: format!("{:032x}", 1),
            trace_parent: None,
            deadline_ns: Some(5_000_000_000),
            caller: None,
            attempt: 1,
        };
        let input = Input { body: body.to_vec(), content_type: None, metadata: Vec::new() };
        Ok(Self { store, guest, context, input })
    }
}

async fn ready(
    store: &mut Store<WasiP1Ctx>,
    pre: &InstancePre<WasiP1Ctx>,
) -> wasmtime::Result<Guest> {
    let instance = pre.instantiate_async(&mut *store).await?;
    let lifecycle = LifecycleIndices::new(pre)?.load(&mut *store, &instance)?;
    let begun = lifecycle.call_init(&mut *store, "{}").await?;
    begun.map_err(|error| wasmtime::Error::msg(error.message))?;
    GuestIndices::new(pre)?.load(&mut *store, &instance)
}

impl Caller for Handler {
    type Answer = Output;

    async fn call(&mut self) -> Result<Output> {
        let answered = self.guest.call_execute(&mut self.store, &self.context, &self.input).await;
        answered.map_err(of_engine)?.map_err(|error| anyhow!(error.message))
    }

    fn is_right(&self, answer: &Output) -> bool {
        answer.body == self.input.body
    }
}

/// A typed call of one function of a component.
pub(super) struct Typed<P, R> {
    store: Store<WasiP1Ctx>,
    function: TypedFunc<P, (R,)>,
    arguments: P,
    expected: R,
}

impl<P, R> Typed<P, R>
where
    P: ComponentNamedList + Lower + Copy + Send + Sync + 'static,
    R: PartialEq + Lift + Send + Sync + 'static,
{
    /// Instantiates the component and finds the function.
    pub(super) async fn start(
        component: &[u8],
        function: &str,
        arguments: P,
        expected: R,
    ) -> Result<Self> {
        let (mut store, pre) = prepare(component).map_err(of_engine)?;
        let instance = pre.instantiate_async(&mut store).await.map_err(of_engine)?;
        let function = instance.get_typed_func(&mut store, function).map_err(of_engine)?;
        Ok(Self { store, function, arguments, expected })
    }
}

impl<P, R> Caller for Typed<P, R>
where
    P: ComponentNamedList + Lower + Copy + Send + Sync + 'static,
    R: PartialEq + Lift + Send + Sync + 'static,
{
    type Answer = R;

    async fn call(&mut self) -> Result<R> {
        let answered = self.function.call_async(&mut self.store, self.arguments).await;
        Ok(answered.map_err(of_engine)?.0)
    }

    fn is_right(&self, answer: &R) -> bool {
        *answer == self.expected
    }
}

/// The least that a call can cost: typed, of a component without imports, on the caller's own stack and with
/// nothing that could interrupt it.
pub(super) struct SyncAdd {
    store: Store<()>,
    add: TypedFunc<(u32, u32), (u32,)>,
    arguments: (u32, u32),
}

impl SyncAdd {
    /// Instantiates a component that exports `add`.
    pub(super) fn start(component: &[u8], arguments: (u32, u32)) -> Result<Self> {
        let start = || {
            let engine = Engine::new(&config(false, false))?;
            let component = Component::new(&engine, component)?;
            let mut store = Store::new(&engine, ());
            // Nothing is linked: a component with an import fails here.
            let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
            let add = instance.get_typed_func(&mut store, "add")?;
            Ok(Self { store, add, arguments })
        };
        start().map_err(of_engine)
    }
}

impl Caller for SyncAdd {
    type Answer = u32;

    async fn call(&mut self) -> Result<u32> {
        Ok(self.add.call(&mut self.store, self.arguments).map_err(of_engine)?.0)
    }

    fn is_right(&self, answer: &u32) -> bool {
        *answer == self.arguments.0 + self.arguments.1
    }
}
