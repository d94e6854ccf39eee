//! What the runtime makes a socket from: the check of its addresses, which it keeps in all that it makes of the socket.

use std::net::SocketAddr;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsCtx, WasiSocketsView};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::checks::{Checks, Place};

/// For one TCP socket of 0.3, whose place is given back when the runtime has nothing of it any more: neither itself nor
/// its stream of connections, nor a connection that came by it. The runtime tells nobody when a stream ends.
pub(super) fn for_tcp(checks: &Arc<Checks>, place: &Arc<Place>) -> WasiSocketsCtx {
    let held = (Arc::clone(checks), Arc::clone(place));
    context(move |address, how| {
        let (checks, place) = &held;
        checks.allow(Some(place), address, how)
    })
}

/// For one UDP socket: who is heard by it depends on whether it listens. What the runtime still waits for when the guest
/// has let go of the socket keeps no place, and listens no more.
pub(super) fn for_udp(checks: &Arc<Checks>, place: &Arc<Place>) -> WasiSocketsCtx {
    let (checks, place) = (Arc::clone(checks), Arc::downgrade(place));
    context(move |address, how| checks.allow(place.upgrade().as_deref(), address, how))
}

fn context(
    allow: impl Fn(SocketAddr, SocketAddrUse) -> bool + Send + Sync + 'static,
) -> WasiSocketsCtx {
    let mut wasi = WasiCtxBuilder::new();
    wasi.allow_tcp(true).allow_udp(true);
    wasi.socket_addr_check(move |address, how| Box::pin(std::future::ready(allow(address, how))));
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
