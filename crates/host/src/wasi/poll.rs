//! `wasi:io/poll@0.2`: the runtime's own, but that whoever waits at a socket is woken when the right to what it does
//! is revoked.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::select_all;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::io::poll::{self, Host, HostPollable};

use crate::guest::Guest;
use crate::rights::Hold;

type Handle = Resource<DynPollable>;

/// In place of the runtime's own, which is linked already.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    poll::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What the sockets need that pollables wait at, each with the pollable's place in the list.
struct Waits(Vec<(u32, Arc<Hold>)>);

impl Waits {
    /// The places of those whose right is revoked.
    fn ended(&self) -> Vec<u32> {
        let ended = self.0.iter().filter(|(_, hold)| !hold.is_allowed());
        ended.map(|(at, _)| *at).collect()
    }

    /// Waits until there is one.
    async fn revoked(&self) {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        select_all(self.0.iter().map(|(_, hold)| Arc::clone(hold).revoked().boxed())).await;
    }
}

impl Guest {
    fn waits(&self, pollables: &[Handle]) -> Waits {
        let held = |pollable: &Handle| self.sockets.waited(pollable.rep());
        let all = (0..).zip(pollables);
        Waits(all.filter_map(|(at, pollable)| Some((at, held(pollable)?))).collect())
    }
}

impl Host for Guest {
    async fn poll(&mut self, pollables: Vec<Handle>) -> wasmtime::Result<Vec<u32>> {
        let waits = self.waits(&pollables);
        let ended = waits.ended();
        if !ended.is_empty() {
            return Ok(ended);
        }
        tokio::select! {
            biased;
            ready = Host::poll(&mut self.table, pollables) => ready,
            () = waits.revoked() => Ok(waits.ended()),
        }
    }
}

impl HostPollable for Guest {
    async fn block(&mut self, pollable: Handle) -> wasmtime::Result<()> {
        let waits = self.waits(std::slice::from_ref(&pollable));
        tokio::select! {
            biased;
            () = waits.revoked() => Ok(()),
            ready = HostPollable::block(&mut self.table, pollable) => ready,
        }
    }

    async fn ready(&mut self, pollable: Handle) -> wasmtime::Result<bool> {
        if !self.waits(std::slice::from_ref(&pollable)).ended().is_empty() {
            return Ok(true);
        }
        HostPollable::ready(&mut self.table, pollable).await
    }

    fn drop(&mut self, pollable: Handle) -> wasmtime::Result<()> {
        self.sockets.forget_wait(pollable.rep());
        HostPollable::drop(&mut self.table, pollable)
    }
}
