//! Calls of services: the check of each, the context that goes with it, and `airssys:component/services`.
//!
//! They count as outbound requests, whichever way they are made: among those at once, in a second, and by their bytes.

use std::sync::Arc;

use airssys_wasm_model::{Denial, Kind, Name, ServiceGrant};
use futures::future::BoxFuture;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::http::{OutboundHttp, PATIENCE, Places};
use super::whose::attribute;
use crate::bindings::airssys::component::services::{self, CallError};
use crate::bindings::airssys::component::types as contract;
use crate::call::{Fault, Input, Kind as FaultKind};
use crate::chain::TooDeep;
use crate::context::CallCtx;
use crate::guest::Guest;
use crate::limit::Limit;
use crate::rights::{Hold, Needs};
use crate::services::{ServiceFault, Services, Unreached};
use crate::watch::Use;

/// By hand, and not as it would be generated, for that the store says which call asks.
///
/// These are no `async func`: in the component model such a function never suspends the task that calls it, and the
/// runtime takes no host function for it that would let other tasks of the instance run meanwhile
/// (WebAssembly/component-model#578; `typecheck_async` in wasmtime's `func/host.rs`).
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut instance = linker.instance("airssys:component/services@0.1.0")?;
    instance.func_wrap_async(
        "call",
        |mut store: StoreContextMut<'_, Guest>,
         (service, input): (String, contract::InputResult)| {
            Box::new(async move {
                attribute(&mut store)?;
                Ok((services::Host::call(store.data_mut(), service, input).await?,))
            })
        },
    )?;
    instance.func_wrap_async(
        "invoke",
        |mut store: StoreContextMut<'_, Guest>,
         (service, function, arguments): (String, String, Vec<String>)| {
            Box::new(async move {
                attribute(&mut store)?;
                let guest = store.data_mut();
                Ok((services::Host::invoke(guest, service, function, arguments).await?,))
            })
        },
    )
}

/// Why a guest calls nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotCalled {
    /// It has no right to.
    Denied,
    /// It answers the copy of a call.
    Copied,
}

/// Whoever carried a call out panicked, or the node is stopping.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node did not carry the call to its end")]
pub(super) struct Unfinished;

/// A call on a task of its own, and not a part of its caller's turn on a processor. It ends with whoever waits for it.
pub(super) async fn apart<T: Send + 'static>(
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Unfinished> {
    // What a panic said is in the node's log.
    AbortOnDropHandle::new(tokio::spawn(call)).await.map_err(|_| Unfinished)
}

impl OutboundHttp {
    /// The check of each call, told to whoever watches. What is held is needed until the call is over.
    pub(super) fn may_call(&self, to: &ServiceGrant) -> Result<Arc<Hold>, NotCalled> {
        let spec = &self.revision.spec;
        let function = to.function.as_deref();
        let rights = Arc::clone(&self.revision.rights.now().rights);
        if !rights.services.check(&to.name, function).is_allowed() {
            self.telling.denied(Denial::call(&spec.service, &to.name, function));
            return Err(NotCalled::Denied);
        }
        if let Some(gauges) = &self.refusing {
            gauges.refuses();
            return Err(NotCalled::Copied);
        }
        if spec.watch.sees_uses(Kind::Services) {
            self.telling.used(Use { kind: Kind::Services, access: "", target: &to.to_string() });
        }
        let needs = Needs::Calling { service: to.name.clone(), function: function.map(Into::into) };
        Ok(Hold::new(self.telling.now(), needs))
    }

    /// The context of a call that the guest makes now.
    pub(super) fn onward(&self) -> Result<CallCtx, TooDeep> {
        let onward = self.telling.call().onward(&self.revision.spec);
        onward.inspect_err(|too_deep| self.telling.says("services", &too_deep.to_string()))
    }
}

impl services::Host for Guest {
    async fn call(
        &mut self,
        service: String,
        input: contract::InputResult,
    ) -> wasmtime::Result<Result<contract::Output, CallError>> {
        let contract::InputResult { body, content_type, metadata } = input;
        let input = Input { body: body.into(), content_type, metadata };
        let said = input.size_bytes();
        let outbound = &self.outbound;
        let Ok(name) = service.parse() else { return Ok(Err(no_such_name())) };
        let to = ServiceGrant { name, function: None };
        let called = outbound
            .carry(to, said as u64, |services, to, call| services.execute(&to.name, input, call));
        Ok(called.await.and_then(|output| {
            outbound.takes(output.body.len() as u64)?;
            Ok(contract::Output {
                body: output.body.into(),
                content_type: output.content_type,
                metadata: output.metadata,
            })
        }))
    }

    async fn invoke(
        &mut self,
        service: String,
        function: String,
        arguments: Vec<String>,
    ) -> wasmtime::Result<Result<String, CallError>> {
        let said = function.len() + arguments.iter().map(String::len).sum::<usize>();
        let outbound = &self.outbound;
        // The name first: what is checked is then the very function that is called.
        let to = service.parse::<Name>().ok();
        let to = to.and_then(|name| format!("{name}#{function}").parse::<ServiceGrant>().ok());
        let Some(to) = to else { return Ok(Err(no_such_name())) };
        let called = outbound.carry(to, said as u64, |services, to, call| {
            services.invoke(&to.name, function, arguments, call)
        });
        Ok(called.await.and_then(|result| {
            outbound.takes(result.len() as u64)?;
            Ok(result)
        }))
    }
}

impl OutboundHttp {
    /// Checks a call of a handler or a function, and carries it out.
    async fn carry<T: Send + 'static>(
        &self,
        to: ServiceGrant,
        bytes: u64,
        carry: impl FnOnce(
            &dyn Services,
            &ServiceGrant,
            CallCtx,
        ) -> BoxFuture<'static, Result<T, ServiceFault>>
        + Send,
    ) -> Result<T, CallError> {
        let hold = self.may_call(&to).map_err(|not_called| match not_called {
            NotCalled::Denied => CallError::Denied,
            NotCalled::Copied => CallError::Failed("the copy of a call calls nobody".to_owned()),
        })?;
        let busy = |_| CallError::Busy("the component makes as many calls as it may".to_owned());
        self.in_time().map_err(busy)?;
        self.takes(bytes)?;
        let call = self.onward().map_err(|_too_deep| CallError::LoopDetected)?;
        let teller = self.telling.now();
        let calling = async {
            let places = Places::inside(self.own(), PATIENCE, &teller);
            let _places = places.await.map_err(busy)?;
            let Some(services) = &self.revision.spec.backends.services else {
                return Err(self.told(Unreached::NotFound(to.name.clone()).into()));
            };
            let called = apart(carry(&**services, &to, call)).await;
            let called = called.map_err(|why| CallError::Failed(why.to_string()))?;
            called.map_err(|fault| self.told(fault))
        };
        let called = tokio::select! {
            biased;
            () = Arc::clone(&hold).revoked_in_use() => return Err(CallError::Denied),
            called = calling => called,
        };
        // An answer that comes with the revocation comes too late.
        if hold.check() { called } else { Err(CallError::Denied) }
    }

    /// Counts bytes that are sent or received.
    fn takes(&self, bytes: u64) -> Result<(), CallError> {
        if self.allowance.take(bytes) {
            return Ok(());
        }
        self.allowance.exceeded(&self.telling.now());
        Err(CallError::Failed(format!("the component's limit `{}` is reached", Limit::Transfer)))
    }

    /// What the guest is told of a call without an answer, and the service's log where the operator can help.
    fn told(&self, fault: ServiceFault) -> CallError {
        match fault {
            ServiceFault::Unreached(unreached) => {
                self.telling.says("services", &unreached.to_string());
                match unreached {
                    Unreached::NotFound(_) => CallError::NotFound(unreached.to_string()),
                    Unreached::Loop(_) => CallError::LoopDetected,
                }
            }
            ServiceFault::NoDoor(why) => CallError::NotFound(why),
            ServiceFault::Invalid(why) => CallError::Invalid(why),
            ServiceFault::Busy(why) => CallError::Busy(why),
            ServiceFault::TimedOut(why) => CallError::TimedOut(why),
            ServiceFault::Fault(fault) => CallError::Fault(fault.into()),
            ServiceFault::Failed(why) => CallError::Failed(why),
        }
    }
}

fn no_such_name() -> CallError {
    CallError::NotFound("no service or function has such a name".to_owned())
}

impl From<Fault> for contract::Error {
    fn from(Fault { kind, message }: Fault) -> Self {
        let kind = match kind {
            FaultKind::InvalidInput => contract::ErrorKind::InvalidInput,
            FaultKind::InvalidConfig => contract::ErrorKind::InvalidConfig,
            FaultKind::Denied => contract::ErrorKind::Denied,
            FaultKind::Unavailable => contract::ErrorKind::Unavailable,
            FaultKind::Failed => contract::ErrorKind::Failed,
        };
        Self { kind, message }
    }
}
