//! Whose request it is that a shared instance sends. An instance of WASI 0.3 may have several calls under way, and a
//! call of a service goes on from one of them: with its name, its trace, and the actors that wait for it.

use wasmtime::AsContextMut as _;
use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::client::{self, HostWithStore};
use wasmtime_wasi_http::p3::bindings::http::types::{self, ErrorCode};
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtxView, WasiHttpView};

use crate::guest::Guest;

/// `wasi:http/client@0.3` as the runtime has it, and the call known for which a request is sent.
struct Attributed;

impl HasData for Attributed {
    type Data<'a> = WasiHttpCtxView<'a>;
}

/// Adds `wasi:http@0.3`.
pub(in crate::wasi) fn add_p3_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    client::add_to_linker::<Guest, Attributed>(linker, Guest::http)?;
    types::add_to_linker::<Guest, WasiHttp>(linker, Guest::http)
}

impl HostWithStore<Guest> for Attributed {
    async fn send(
        store: &Accessor<Guest, Self>,
        request: Resource<Request>,
    ) -> Result<Resource<Response>, TrappableError<ErrorCode>> {
        // What follows comes to the hook before anything is waited for.
        let found = store.with(|mut access| {
            let mut store = access.as_context_mut();
            let task = store.async_call_stack()?.last();
            store.data_mut().goes_on_from(task);
            Ok::<_, wasmtime::Error>(())
        });
        found.map_err(TrappableError::trap)?;
        WasiHttp::send(&store.with_getter::<WasiHttp>(Guest::http), request).await
    }
}
