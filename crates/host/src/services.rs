//! Calls of other services: who carries them out for the guests of one. What a guest may call is checked where its
//! import lands, before anything here is called.

use airssys_wasm_model::Name;
use futures::future::BoxFuture;
use http::{Request, Response};
use wasmtime_wasi_http::WasiBody;

use crate::call::{Fault, Input, Output};
use crate::context::CallCtx;

/// A body on its way from one guest to another.
pub type ServiceBody = WasiBody;

/// Calls services, by their routing tables and as callers from outside do. The context is that of the call which is
/// made: its caller is the service that calls. What is dropped before its end is a call whose caller is gone.
pub trait Services: Send + Sync {
    /// Sends a request. Whatever a service says to a client from outside is an answer, also that it is overloaded or
    /// has failed. It is over when its body has been read or dropped.
    fn http(
        &self,
        to: &Name,
        request: Request<ServiceBody>,
        call: CallCtx,
    ) -> BoxFuture<'static, Result<Response<ServiceBody>, Unreached>>;

    /// Calls the handler.
    fn execute(
        &self,
        to: &Name,
        input: Input,
        call: CallCtx,
    ) -> BoxFuture<'static, Result<Output, ServiceFault>>;

    /// Calls a function, or `interface#function`, with arguments and result in WAVE.
    fn invoke(
        &self,
        to: &Name,
        function: String,
        arguments: Vec<String>,
        call: CallCtx,
    ) -> BoxFuture<'static, Result<String, ServiceFault>>;
}

/// Why a call did not come to a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// There is none of this name.
    #[error("no service `{0}` is on this node")]
    NotFound(Name),
    /// It would wait for itself.
    #[error("service `{0}` waits for its caller, by itself or through others")]
    Loop(Name),
}

/// Why a call of a handler or a function has no answer, in words that its caller may see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceFault {
    /// It came to no service.
    #[error(transparent)]
    Unreached(#[from] Unreached),
    /// The service has no such door.
    #[error("{0}")]
    NoDoor(String),
    /// What was sent is not what it takes.
    #[error("{0}")]
    Invalid(String),
    /// It takes no more now.
    #[error("{0}")]
    Busy(String),
    /// It took too long.
    #[error("{0}")]
    TimedOut(String),
    /// Its component answered with an error.
    #[error("{0}")]
    Fault(Fault),
    /// It was stopped, or the node failed.
    #[error("{0}")]
    Failed(String),
}
