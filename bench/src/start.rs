//! A warm start: from claiming a call to the guest's first instruction, beside the bare engine.
//!
//! The guest logs a line as the first thing its init does; the clock stops when that line arrives. So
//! our number holds the claim, the store, the instance and one host call; the bare number holds
//! `InstancePre::instantiate_async` alone, its store made before the clock starts. Both take turns.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use airssys_wasm_host::{
    Allocation, CallCtx, Host, HostSettings, Input, Line, LogSink, Pool, RequestId, RevisionSpec,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use wasmtime::component::{Component, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::Paths;
use crate::bare::config;
use crate::of_engine;
use crate::report::{Bound, Report};
use crate::revision::spec;

/// The promise: our start over the bare one.
const RATIO_PROMISED: f64 = 2.0;

/// Starts before the first that counts: slots are touched and caches filled.
const WARM_UP: usize = 200;

/// A fresh instance beside a bare instantiation
#[derive(Args)]
pub(crate) struct Start {
    #[command(flatten)]
    paths: Paths,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Starts a round; the round's number is their median
    #[arg(long, default_value_t = 2000)]
    starts: usize,
    /// The component: an SDK guest whose init logs first
    #[arg(long, default_value = "hello_sdk.wasm")]
    component: String,
}

impl Start {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let bytes = fs::read(self.paths.guests.join(&self.component))?;
        let ours = Ours::prepare(&bytes).await?;
        let bare = Bare::prepare(&bytes).map_err(of_engine)?;
        let (mut our, mut instances, mut stores) = (Vec::new(), Vec::new(), Vec::new());
        ours.round(WARM_UP).await?;
        bare.round(WARM_UP).await?;
        for _ in 0..self.rounds {
            our.push(ours.round(self.starts).await?);
            let (instance, with_store) = bare.round(self.starts).await?;
            instances.push(instance);
            stores.push(with_store);
        }
        let ratio = |bare: &[f64]| our.iter().zip(bare).map(|(our, bare)| our / bare).collect();
        let how = format!(
            "`{}`, {} KB, pooled memory on both sides. {} rounds of {} starts in turns, each round's \
             median. One task, no load.",
            self.component,
            bytes.len() / 1000,
            self.rounds,
            self.starts
        );
        let mut report = Report::new("start", how);
        let promised = Bound::AtMost(RATIO_PROMISED);
        report.promise("ours over bare instantiation", "×", ratio(&instances), promised);
        report.row("ours over bare store and instantiation", "×", ratio(&stores));
        report.row("ours: claim to first instruction", "µs", our);
        report.row("bare: InstancePre::instantiate_async", "µs", instances);
        report.row("bare: with its store", "µs", stores);
        report.finish(&self.paths)
    }
}

/// A pool of the node's host.
struct Ours {
    pool: Arc<Pool>,
    spoke: Arc<FirstWord>,
}

/// Notes when the guest first speaks.
#[derive(Default)]
struct FirstWord(Mutex<Option<Instant>>);

impl LogSink for FirstWord {
    fn line(&self, _line: Line<'_>) {
        let now = Instant::now();
        self.0.lock().expect("not poisoned").get_or_insert(now);
    }
}

impl Ours {
    async fn prepare(bytes: &[u8]) -> Result<Self> {
        let spoke = Arc::new(FirstWord::default());
        let pool = pool_of(bytes, spoke.clone()).await?;
        Ok(Self { pool, spoke })
    }

    /// The median of so many starts, in microseconds.
    async fn round(&self, starts: usize) -> Result<f64> {
        let mut took = Vec::with_capacity(starts);
        for _ in 0..starts {
            self.spoke.0.lock().expect("not poisoned").take();
            let start = Instant::now();
            let lease = self.pool.claim(CallCtx::new(RequestId::draw())).await?;
            lease.execute(Input::default()).await?;
            let spoke = self.spoke.0.lock().expect("not poisoned").take();
            let spoke = spoke.context("the guest's init logs nothing")?;
            took.push((spoke - start).as_secs_f64() * 1e6);
        }
        Ok(median(took))
    }
}

/// A pool of fresh instances with the node's own defaults, whose lines go there.
pub(crate) async fn pool_of(bytes: &[u8], sink: Arc<dyn LogSink>) -> Result<Arc<Pool>> {
    let host = Host::new(&HostSettings::default())?;
    if let Allocation::OnDemand { reason } = host.allocation() {
        bail!("this machine has no pooled memory to measure ({reason}); the bare engine would");
    }
    let spec = RevisionSpec { sink, ..spec(bytes)? };
    Ok(Pool::new(host.prepare(spec, bytes.to_vec().into()).await?))
}

/// The engine alone, set up as one would who wants it fast.
struct Bare {
    engine: Engine,
    pre: InstancePre<Ctx>,
}

struct Ctx {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Ctx {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Bare {
    fn prepare(bytes: &[u8]) -> wasmtime::Result<Self> {
        let engine = Engine::new(&config(false, true))?;
        let component = Component::new(&engine, bytes)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        // What is not WASI's own is only called after the first instruction, and here nothing is called.
        linker.define_unknown_imports_as_traps(&component)?;
        let pre = linker.instantiate_pre(&component)?;
        Ok(Self { engine, pre })
    }

    /// The medians of so many instantiations in microseconds: alone, and with their stores.
    async fn round(&self, starts: usize) -> Result<(f64, f64)> {
        let (mut alone, mut with_store) = (Vec::new(), Vec::new());
        for _ in 0..starts {
            let before = Instant::now();
            let wasi = WasiCtxBuilder::new().build();
            let mut store = Store::new(&self.engine, Ctx { wasi, table: ResourceTable::new() });
            store.set_epoch_deadline(u64::MAX / 2);
            let start = Instant::now();
            self.pre.instantiate_async(&mut store).await.map_err(of_engine)?;
            let end = Instant::now();
            alone.push((end - start).as_secs_f64() * 1e6);
            with_store.push((end - before).as_secs_f64() * 1e6);
        }
        Ok((median(alone), median(with_store)))
    }
}

fn median(took: Vec<f64>) -> f64 {
    crate::report::spread(&took).1
}
