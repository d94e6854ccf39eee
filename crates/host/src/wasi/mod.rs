//! What guests may import: WASI 0.2, and 0.3 where its engine supports it, HTTP, configuration and logging.
//!
//! Sockets and name lookup are linked, since most toolchains import them whether they are used or not,
//! and refuse every address.

mod http;
mod logging;

use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi_config::WasiConfig;

pub(crate) use self::http::OutboundHttp;
use crate::engine::Concurrency;
use crate::guest::Guest;

pub(crate) fn linker(engine: &Engine, concurrency: Concurrency) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::<Guest>::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    if concurrency == Concurrency::Supported {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    }
    wasmtime_wasi_config::add_to_linker(&mut linker, |guest| WasiConfig::new(&guest.config))?;
    logging::add_to_linker(&mut linker)?;
    Ok(linker)
}
