//! `wasi:http` of both versions as the runtime has it, and the call known for which a request is sent.

use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime::{AsContextMut as _, StoreContextMut};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p2::bindings::LinkOptions;
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types as types_p2};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::p3::bindings::http::client::{self, HostWithStore};
use wasmtime_wasi_http::p3::bindings::http::types::{self, ErrorCode};
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{RequestOptions, WasiHttp, WasiHttpCtxView, WasiHttpView};

use crate::guest::Guest;
use crate::wasi::whose::attribute;

/// `wasi:http/client@0.3`, told which call sends.
struct Attributed;

impl HasData for Attributed {
    type Data<'a> = WasiHttpCtxView<'a>;
}

/// Adds `wasi:http@0.2`.
pub(in crate::wasi) fn add_p2_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let options = LinkOptions::default();
    types_p2::add_to_linker::<Guest, WasiHttp>(linker, &options.into(), Guest::http)?;
    linker.instance("wasi:http/outgoing-handler@0.2.12")?.func_wrap("handle", handle)
}

type OptionsGiven = Option<Resource<RequestOptions>>;
type Handled = Result<Resource<outgoing_handler::FutureIncomingResponse>, types_p2::ErrorCode>;

fn handle(
    mut store: StoreContextMut<'_, Guest>,
    (request, options): (Resource<HostOutgoingRequest>, OptionsGiven),
) -> wasmtime::Result<(Handled,)> {
    attribute(&mut store)?;
    let mut http = store.data_mut().http();
    let handled = outgoing_handler::Host::handle(&mut http, request, options);
    Ok((match handled {
        Ok(answer) => Ok(answer),
        Err(error) => Err(error.downcast()?),
    },))
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
        let found = store.with(|mut access| attribute(&mut access.as_context_mut()));
        found.map_err(TrappableError::trap)?;
        WasiHttp::send(&store.with_getter::<WasiHttp>(Guest::http), request).await
    }
}
