//! What the host keeps for one instance, in its store.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::cli::{StdinStream, StdoutStream};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::context::{CallCtx, Mode, RequestId};
use crate::gauges::Gauges;
use crate::limit::{HandleMeter, MemoryMeter, count_handles};
use crate::output::{Speaker, SpokenStream, Standard};
use crate::pool::Pool;
use crate::prepare::Revision;
use crate::wasi::{Checks, HeldFiles, HeldSecrets, HeldSockets, OutboundHttp, fix};
use crate::watch::{CurrentTeller, Teller};

pub(crate) struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    pub(crate) table: ResourceTable,
    /// Of this instance: what tells of it has the same.
    pub(crate) telling: CurrentTeller,
    pub(crate) outbound: OutboundHttp,
    pub(crate) files: HeldFiles,
    pub(crate) sockets: HeldSockets,
    pub(crate) secrets: Arc<HeldSecrets>,
    pub(crate) speaker: Arc<Speaker>,
    pub(crate) memory: MemoryMeter,
    pub(crate) handles: HandleMeter,
    /// Of a guest for copied calls: what it would have changed is counted here, and is not.
    pub(crate) refusing: Option<Arc<Gauges>>,
    pub(crate) call: Arc<CallCtx>,
    /// Of an instance that several calls share: those under way, by their tasks.
    under_way: HashMap<GuestTaskId, Arc<CallCtx>>,
    /// The epoch of the rights under which it began.
    pub(crate) born: u64,
}

/// What the next instance is called in the audit trail.
static NEXT_INSTANCE: AtomicU64 = AtomicU64::new(1);

/// Bytes of one set of header fields, which the host holds for the guest: with as many handles as an instance may have
/// unless told otherwise, 32 MiB.
const FIELDS_BYTES_MAX: usize = 32 << 10;

/// Bytes that one call from a guest may make the host copy: the bound on a hostile list's length.
const HOSTCALL_FUEL: usize = 128 << 20;

/// The streams of a `wasi:cli/run` command and its arguments.
pub(crate) struct Console {
    pub(crate) args: Vec<String>,
    pub(crate) stdin: Box<dyn StdinStream + Sync>,
    pub(crate) stdout: Box<dyn StdoutStream + Sync>,
    /// The log, unless said otherwise.
    pub(crate) stderr: Option<Box<dyn StdoutStream + Sync>>,
}

impl Guest {
    /// A store for one instance of this pool. `console` is a command's; every other guest speaks to
    /// the log.
    pub(crate) fn store(
        pool: &Pool,
        engine: &Engine,
        call: Arc<CallCtx>,
        console: Option<Console>,
    ) -> Store<Self> {
        let revision = &pool.revision;
        // Before anything is given to it: what changes meanwhile makes it an old one.
        let born = revision.rights.epoch();
        let speaker = Arc::new(Speaker::new(Arc::clone(&revision.voice), call.request_id));
        let instance = NEXT_INSTANCE.fetch_add(1, Ordering::Relaxed);
        let (of, says) = (Arc::clone(revision), Arc::clone(&speaker));
        let telling = CurrentTeller::new(of, says, instance, Arc::clone(&call));
        let secrets = HeldSecrets::new(Arc::clone(revision), telling.clone());
        let secrets = Arc::new(secrets);
        let outbound = OutboundHttp::new(pool, call.mode, telling.clone(), Arc::clone(&secrets));
        let checks = Checks::new(pool, telling.clone(), call.mode, outbound.allowance());
        let checks = Arc::new(checks);
        let handles = pool.handles();
        let guest = Self {
            wasi: wasi(revision, &speaker, &checks, console),
            http: http(),
            table: table(handles),
            telling,
            outbound,
            files: HeldFiles::new(Arc::clone(revision), born),
            sockets: HeldSockets::new(checks),
            secrets,
            speaker,
            refusing: (call.mode == Mode::Shadow).then(|| Arc::clone(&pool.gauges)),
            memory: MemoryMeter::new(&revision.spec.limits),
            handles: HandleMeter::new(Arc::clone(revision)),
            call,
            under_way: HashMap::new(),
            born,
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.memory);
        store.set_hostcall_fuel(HOSTCALL_FUEL);
        // The guest's side of what it holds, and in WASI 0.3 its tasks, streams and futures on both.
        store.set_max_component_handles(handles);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(handles);
        }
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            count_handles(store);
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    /// The revision that it is an instance of.
    pub(crate) fn revision(&self) -> &Revision {
        self.files.revision()
    }

    /// Who tells of what it begins now.
    pub(crate) fn teller(&self) -> Teller {
        self.telling.now()
    }

    /// This task answers a call beside others, so many at most. `live` are those that are not over.
    pub(crate) fn answers(
        &mut self,
        task: GuestTaskId,
        call: Arc<CallCtx>,
        most: usize,
        live: impl FnOnce() -> Vec<RequestId>,
    ) {
        // What is over is forgotten now and then, for it is found by looking at each.
        if self.under_way.len() >= 2 * most {
            let live = live();
            self.under_way.retain(|_, call| live.contains(&call.request_id));
        }
        self.under_way.insert(task, call);
    }

    /// Whether several calls share it, or may.
    pub(crate) fn is_shared(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// What is done next is done in the call of this task. What does not say which task asks goes on from whichever call
    /// was the last to begin or to say so.
    pub(crate) fn goes_on_from(&mut self, task: Option<GuestTaskId>) {
        if let Some(call) = task.and_then(|task| self.under_way.get(&task)) {
            self.telling.begin(call);
        }
    }

    /// A reused instance begins another call.
    pub(crate) fn begin(&mut self, call: Arc<CallCtx>) {
        self.speaker.begin(call.request_id);
        self.memory.refused = false;
        self.telling.begin(&call);
        self.outbound.begin();
        self.call = call;
    }
}

fn http() -> WasiHttpCtx {
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(FIELDS_BYTES_MAX);
    http
}

fn table(handles: usize) -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(handles);
    table
}

/// The WASI context. A builder that is told nothing gives no file, no variable and no socket; clocks and randomness
/// are every guest's, the machine's unless the revision has its own. Whatever rights may change is given when it is
/// asked for: directories by [`HeldFiles`], variables where the environment is read, sockets by [`HeldSockets`], which
/// also looks names up. The runtime asks [`Checks`] about each address.
fn wasi(
    revision: &Revision,
    speaker: &Arc<Speaker>,
    checks: &Arc<Checks>,
    console: Option<Console>,
) -> WasiCtx {
    let mut wasi = WasiCtxBuilder::new();
    // UDP sockets have contexts of their own.
    wasi.allow_tcp(true).allow_udp(false).allow_ip_name_lookup(false);
    let checks = Arc::clone(checks);
    wasi.socket_addr_check(move |address, how| {
        Box::pin(std::future::ready(checks.allow(None, address, how)))
    });
    let spoken = |from| SpokenStream::new(Arc::clone(speaker), from);
    wasi.stdout(spoken(Standard::Output)).stderr(spoken(Standard::Error));
    if let Some(Console { args, stdin, stdout, stderr }) = console {
        wasi.args(&args).stdin(stdin).stdout(stdout);
        if let Some(stderr) = stderr {
            wasi.stderr(stderr);
        }
    }
    fix(&mut wasi, &revision.spec.determinism);
    wasi.build()
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.handles.uses(&mut self.table);
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.handles.uses(&mut self.table);
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}
