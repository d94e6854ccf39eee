//! The wasmtime engines: how they are set up, and what they fall back to.
//!
//! There are two kinds. Support for concurrent calls in one instance, which WASI 0.3 is made of, is a setting of the
//! whole engine and costs every call of every instance (`docs/adr/0002`). So components that use nothing of
//! it run in an engine without, and the other engine is started when the first one comes that does. Of the engine
//! without there are more, for threads that begin many instances (`lanes`).

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use airssys_wasm_model::Name;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsConnector;
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::cache::Cache;
use crate::guest::Guest;
use crate::known::Known;
use crate::lanes::Lanes;
use crate::trust::Authorities;
use crate::turns::{Threads, Turns};
use crate::wasi::{self, Resolver, SystemResolver};

/// How often running guests give way. A guest that never waits holds its thread for one tick at most.
pub(crate) const EPOCH_TICK: Duration = Duration::from_millis(10);

/// How a host is set up.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// Where compiled artifacts are kept; without a directory they are compiled again by every host.
    pub cache_dir: Option<PathBuf>,
    /// Instances alive at once, for which the pooling allocator reserves address space. Each thread but the first has
    /// room for as many more that serve one call each, 128 at most.
    pub instances_max: u32,
    /// Whether to pool.
    pub pooling: Pooling,
    /// Who looks names up for guests.
    pub resolver: Arc<dyn Resolver>,
    /// Who vouches for the servers that guests reach over HTTPS.
    pub authorities: Authorities,
    /// Threads that guests run on: those of the executor. One is kept for the other services when the guests of one
    /// hold theirs for long.
    pub threads: u32,
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            cache_dir: None,
            instances_max: 1000,
            pooling: Pooling::WherePossible,
            resolver: Arc::new(SystemResolver),
            authorities: Authorities::default(),
            threads: threads(),
        }
    }
}

/// As many as Tokio starts unless it is told otherwise.
fn threads() -> u32 {
    let said = std::env::var("TOKIO_WORKER_THREADS").ok().and_then(|said| said.parse().ok());
    let machine = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    said.unwrap_or_else(|| u32::try_from(machine()).unwrap_or(u32::MAX))
}

/// Whether instances take their memory from slots reserved ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Pool, and fall back to memory on demand where the machine will not have it.
    WherePossible,
    /// Memory on demand: less address space, slower instances. For small machines and embedding.
    Never,
}

/// How a host's instances get their memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allocation {
    /// From reserved slots.
    Pooling,
    /// On demand, and why.
    OnDemand {
        /// Why slots were not to be had.
        reason: String,
    },
}

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The engine would not start.
    #[error("the WebAssembly engine cannot start on this machine")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The directory for compiled artifacts.
    #[error("the directory for compiled artifacts, {}, cannot be used", .path.display())]
    Cache {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The engines with their linkers, and the cache of compiled artifacts. Cloning it shares them.
#[derive(Clone)]
pub struct Host(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) settings: HostSettings,
    sequential: Runtime,
    concurrent: OnceLock<Runtime>,
    pub(crate) lanes: Lanes,
    /// One start of the second engine at a time: it reserves memory and tidies the cache. Guards nothing else,
    /// never across an await.
    starting: Mutex<()>,
    /// One compilation at a time: it uses every core by itself, and two would hold twice the memory.
    pub(crate) compiling: tokio::sync::Semaphore,
    pub(crate) known: Option<Known>,
    threads: Arc<Threads>,
    /// The turns of each service that lives. Guards a look-up when a revision is prepared, never across an await. As
    /// long as there are services.
    turns: Mutex<HashMap<Name, Weak<Turns>>>,
    /// Made with the first connection that needs it.
    tls: OnceLock<TlsConnector>,
}

/// An engine and what is made for it.
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
    pub(crate) cache: Option<Cache>,
    allocation: Allocation,
}

/// Whether one instance of a component may have several calls under way, as WASI 0.3 lets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Concurrency {
    #[default]
    None,
    Supported,
}

impl Concurrency {
    /// How the cache names what was compiled for this engine.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "sequential",
            Self::Supported => "concurrent",
        }
    }
}

impl Host {
    /// Starts an engine.
    pub fn new(settings: &HostSettings) -> Result<Self, HostError> {
        let sequential = Runtime::start(settings, Concurrency::None)?;
        let known = settings.cache_dir.as_ref().map(|path| {
            Known::open(path).map_err(|source| HostError::Cache { path: path.clone(), source })
        });
        let shared = Arc::new(Shared {
            settings: settings.clone(),
            lanes: Lanes::beside(&sequential.allocation, settings.threads),
            sequential,
            concurrent: OnceLock::new(),
            starting: Mutex::default(),
            compiling: tokio::sync::Semaphore::new(1),
            known: known.transpose()?,
            threads: Threads::new(settings.threads),
            turns: Mutex::default(),
            tls: OnceLock::new(),
        });
        start_ticker(Arc::downgrade(&shared));
        Ok(Self(shared))
    }

    /// How instances get their memory here.
    pub fn allocation(&self) -> &Allocation {
        &self.0.sequential.allocation
    }
}

impl Shared {
    /// What guests' connections are encrypted by.
    pub(crate) fn tls(&self) -> &TlsConnector {
        self.tls.get_or_init(|| self.settings.authorities.connector())
    }

    /// The turns of a service, which all its revisions share.
    pub(crate) fn turns(&self, service: &Name) -> Arc<Turns> {
        let mut all = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = all.get(service).and_then(Weak::upgrade) {
            return turns;
        }
        all.retain(|_, turns| turns.strong_count() > 0);
        let turns = Turns::new(Arc::clone(&self.threads));
        all.insert(service.clone(), Arc::downgrade(&turns));
        turns
    }

    /// The engine for components that need this much of it.
    pub(crate) fn runtime(&self, concurrency: Concurrency) -> Result<&Runtime, HostError> {
        match concurrency {
            Concurrency::None => Ok(&self.sequential),
            Concurrency::Supported => match self.concurrent.get() {
                Some(started) => Ok(started),
                None => self.start_concurrent(),
            },
        }
    }

    fn start_concurrent(&self) -> Result<&Runtime, HostError> {
        let _alone = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(started) = self.concurrent.get() {
            return Ok(started);
        }
        let started = Runtime::start(&self.settings, Concurrency::Supported)?;
        Ok(self.concurrent.get_or_init(|| started))
    }
}

impl Runtime {
    /// One more for components that need no concurrency, of few instances. What the first has compiled is its own.
    pub(crate) fn beside(settings: &HostSettings, instances_max: u32) -> wasmtime::Result<Self> {
        let mut config = config(Concurrency::None);
        config.allocation_strategy(pooling(instances_max.min(settings.instances_max)));
        let engine = Engine::new(&config)?;
        let linker = wasi::linker(&engine, Concurrency::None)?;
        Ok(Self { engine, linker, cache: None, allocation: Allocation::Pooling })
    }

    fn start(settings: &HostSettings, concurrency: Concurrency) -> Result<Self, HostError> {
        let (engine, allocation) = start_engine(settings, concurrency)?;
        if let Allocation::OnDemand { reason } = &allocation {
            tracing::info!(reason, "instances get their memory on demand");
        }
        let linker = wasi::linker(&engine, concurrency);
        let linker = linker.map_err(|error| HostError::Engine(error.into()))?;
        let open = |path: &PathBuf| {
            Cache::open(path, &engine, concurrency)
                .map_err(|source| HostError::Cache { path: path.clone(), source })
        };
        let cache = settings.cache_dir.as_ref().map(open).transpose()?;
        Ok(Self { engine, linker, cache, allocation })
    }
}

fn start_engine(
    settings: &HostSettings,
    concurrency: Concurrency,
) -> Result<(Engine, Allocation), HostError> {
    let reason = match settings.pooling {
        Pooling::Never => "the settings say so".to_owned(),
        Pooling::WherePossible => {
            let mut config = config(concurrency);
            config.allocation_strategy(pooling(settings.instances_max));
            match Engine::new(&config) {
                Ok(engine) => return Ok((engine, Allocation::Pooling)),
                Err(error) => format!("{error:#}"),
            }
        }
    };
    let engine =
        Engine::new(&config(concurrency)).map_err(|error| HostError::Engine(error.into()))?;
    Ok((engine, Allocation::OnDemand { reason }))
}

fn config(concurrency: Concurrency) -> Config {
    let concurrent = concurrency == Concurrency::Supported;
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .wasm_component_model(true)
        .concurrency_support(concurrent)
        .wasm_component_model_async(concurrent)
        // Guests of some languages use them; each is on by default in other hosts too.
        .wasm_multi_memory(true)
        // A trap's message names the functions on the stack; more frames help nobody.
        .wasm_backtrace_max_frames(NonZeroUsize::new(20))
        .memory_init_cow(true);
    config
}

/// Memory that stays in a slot between two instances. It is reset by copying, so that the next instance
/// takes no page fault; with the pagemap scan only pages that were written are copied. Measured for a
/// hello component: half a MiB holds all that it writes, and more changed nothing.
const KEEP_RESIDENT_BYTES: usize = 512 << 10;

/// Slots for `instances` live instances. A component has one or two memories and some tables; a slot
/// costs address space only, 4 GiB a memory, so that no bounds check is compiled in.
fn pooling(instances: u32) -> InstanceAllocationStrategy {
    let mut slots = PoolingAllocationConfig::new();
    slots
        .total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(4))
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(4))
        .total_stacks(instances)
        .total_gc_heaps(instances)
        .max_tables_per_module(8)
        .max_memories_per_module(4)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .async_stack_keep_resident(KEEP_RESIDENT_BYTES);
    InstanceAllocationStrategy::Pooling(slots)
}

/// A thread that moves the epoch. It holds the engines weakly and ends with the host.
fn start_ticker(shared: Weak<Shared>) {
    let tick = move || {
        loop {
            std::thread::sleep(EPOCH_TICK);
            let Some(shared) = shared.upgrade() else { break };
            let homes = std::iter::once(&shared.sequential).chain(shared.concurrent.get());
            homes
                .chain(shared.lanes.started())
                .for_each(|runtime| runtime.engine.increment_epoch());
        }
    };
    std::thread::Builder::new()
        .name("epoch".into())
        .spawn(tick)
        .expect("a thread for the epoch: without it no limit on time can be kept");
}
