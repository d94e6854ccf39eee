//! What guests may import: WASI 0.2, and 0.3 where its engine supports it, HTTP, configuration, key-value buckets,
//! blob containers, programs, other services and logging.
//!
//! Sockets and name lookup are linked whatever the rights, since most toolchains import them whether they are used
//! or not, and refuse what no right allows.

mod blobstore;
mod config;
mod determined;
mod environment;
mod filesystem;
mod http;
mod keyvalue;
mod logging;
mod lookup;
mod poll;
mod process;
mod secrets;
mod services;
mod sockets;
mod streams;
mod transfer;
mod whose;

use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::random::WasiRandom;

pub(crate) use self::config::config_variables;
pub(crate) use self::determined::fix;
pub(crate) use self::filesystem::{FilePlace, HeldFiles, Mount};
pub(crate) use self::http::{CallEnd, OutboundHttp};
pub use self::lookup::{Resolver, SystemResolver};
pub(crate) use self::secrets::HeldSecrets;
pub(crate) use self::sockets::{Checks, HeldSockets};
use crate::engine::Concurrency;
use crate::guest::Guest;

pub(crate) fn linker(engine: &Engine, concurrency: Concurrency) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::<Guest>::new(engine);
    add_p2(&mut linker)?;
    http::add_p2_to_linker(&mut linker)?;
    if concurrency == Concurrency::Supported {
        add_p3(&mut linker)?;
        http::add_p3_to_linker(&mut linker)?;
    }
    blobstore::add_to_linker(&mut linker)?;
    config::add_to_linker(&mut linker)?;
    keyvalue::add_to_linker(&mut linker)?;
    logging::add_to_linker(&mut linker)?;
    process::add_to_linker(&mut linker)?;
    services::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// Each interface of WASI 0.2 by its name: what has rights to check is ours, the rest is the runtime's.
fn add_p2(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use wasmtime_wasi::p2::bindings::{cli, random};

    // `wasi:io`, clocks, `random/random` and the standard streams.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    poll::add_to_linker(linker)?;
    random::insecure::add_to_linker::<_, WasiRandom>(linker, |guest| guest.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, |guest| {
        guest.ctx().ctx.random()
    })?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    environment::add_p2_to_linker(linker)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    filesystem::add_p2_to_linker(linker)?;
    sockets::add_p2_to_linker(linker)
}

/// The same for WASI 0.3.
fn add_p3(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_p3_cli(linker)?;
    wasmtime_wasi::p3::clocks::add_to_linker(linker)?;
    filesystem::add_p3_to_linker(linker)?;
    wasmtime_wasi::p3::random::add_to_linker(linker)?;
    sockets::add_p3_to_linker(linker)
}

fn add_p3_cli(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use wasmtime_wasi::p3::bindings::cli;

    environment::add_p3_to_linker(linker)?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::stdin::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::stdout::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::stderr::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, Guest::cli)
}
