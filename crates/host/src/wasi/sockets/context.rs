//! What the runtime makes a socket from: the check of its addresses, which it keeps in all that it makes of the socket.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::sockets::{WasiSocketsCtx, WasiSocketsView};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::checks::{Checks, Place};

/// For one socket, whose place is given back when the runtime has nothing of it any more: neither itself nor its stream
/// of connections, nor a connection that came by it. The runtime tells nobody when a stream ends.
pub(super) fn context(checks: &Arc<Checks>, place: &Arc<Place>) -> WasiSocketsCtx {
    let mut wasi = WasiCtxBuilder::new();
    wasi.allow_tcp(true);
    let held = (Arc::clone(checks), Arc::clone(place));
    wasi.socket_addr_check(move |address, how| {
        let (checks, _place) = &held;
        Box::pin(std::future::ready(checks.allow(address, how)))
    });
    let mut whole = Whole { wasi: wasi.build(), table: ResourceTable::new() };
    whole.sockets().ctx.clone()
}

/// A context that sockets are only a part of, and not to be had without it.
struct Whole {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Whole {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
