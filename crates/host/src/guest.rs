//! What the host keeps for one instance, in its store.

use std::sync::Arc;

use airssys_wasm_model::Rights;
use wasmtime::Store;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{StdinStream, StdoutStream};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_config::WasiConfigVariables;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::context::CallCtx;
use crate::limit::MemoryMeter;
use crate::output::{LineSource, Speaker, SpokenStream};
use crate::prepare::Revision;
use crate::wasi::OutboundHttp;

pub(crate) struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    outbound: OutboundHttp,
    pub(crate) config: Arc<WasiConfigVariables>,
    pub(crate) speaker: Arc<Speaker>,
    pub(crate) memory: MemoryMeter,
    pub(crate) call: CallCtx,
}

/// The handles of a guest: streams, bodies, descriptors, fields. Enough for any honest guest; a guest
/// that leaks them is stopped here and not by the machine's memory.
const HANDLES_MAX: usize = 10_000;

/// Bytes that one call from a guest may make the host copy: the bound on a hostile list's length.
const HOSTCALL_FUEL: usize = 128 << 20;

/// The streams of a `wasi:cli/run` command and its arguments.
pub(crate) struct Console {
    pub(crate) args: Vec<String>,
    pub(crate) stdin: Box<dyn StdinStream + Sync>,
    pub(crate) stdout: Box<dyn StdoutStream + Sync>,
    pub(crate) stderr: Box<dyn StdoutStream + Sync>,
}

/// Why there is no store for an instance.
#[derive(Debug, thiserror::Error)]
#[error("the directory {dir}, granted as {guest}, cannot be opened: {reason}")]
pub(crate) struct PreopenError {
    dir: String,
    guest: String,
    reason: String,
}

impl Guest {
    /// A store for one instance of this revision. `console` is a command's; every other guest speaks to
    /// the log.
    pub(crate) fn store(
        revision: &Revision,
        call: CallCtx,
        console: Option<Console>,
    ) -> Result<Store<Self>, PreopenError> {
        let spec = &revision.spec;
        let speaker = Arc::new(Speaker::new(
            Arc::clone(&spec.sink),
            spec.service.clone(),
            spec.revision,
            call.request_id,
        ));
        let guest = Self {
            wasi: wasi(&spec.rights, &speaker, console)?,
            http: WasiHttpCtx::new(),
            table: table(),
            outbound: OutboundHttp::new(Arc::clone(&spec.rights), spec.service.clone()),
            config: Arc::clone(&revision.config),
            speaker,
            memory: MemoryMeter::new(spec.limits.memory),
            call,
        };
        let mut store = Store::new(&revision.host.0.engine, guest);
        store.limiter(|guest| &mut guest.memory);
        store.set_hostcall_fuel(HOSTCALL_FUEL);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        Ok(store)
    }

    /// A reused instance begins another call.
    pub(crate) fn begin(&mut self, call: CallCtx) {
        self.speaker.begin(call.request_id);
        self.call = call;
    }
}

fn table() -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(HANDLES_MAX);
    table
}

/// The WASI context that these rights make. A builder that is told nothing gives no file, no variable and
/// no socket; clocks and randomness are every guest's.
fn wasi(
    rights: &Rights,
    speaker: &Arc<Speaker>,
    console: Option<Console>,
) -> Result<WasiCtx, PreopenError> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
    match console {
        Some(Console { args, stdin, stdout, stderr }) => {
            wasi.args(&args).stdin(stdin).stdout(stdout).stderr(stderr);
        }
        None => {
            wasi.stdout(SpokenStream::new(Arc::clone(speaker), LineSource::Stdout));
            wasi.stderr(SpokenStream::new(Arc::clone(speaker), LineSource::Stderr));
        }
    }
    for right in &rights.env {
        match &right.value {
            Some(value) => {
                wasi.env(&right.name, value);
            }
            // A variable that the node itself does not have stays unset, as a shell would have it.
            None => {
                if let Ok(value) = std::env::var(&right.name) {
                    wasi.env(&right.name, value);
                }
            }
        }
    }
    for right in &rights.files {
        let perms = if right.write { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        wasi.preopened_dir(&right.host, &right.guest, perms).map_err(|error| PreopenError {
            dir: right.host.clone(),
            guest: right.guest.clone(),
            reason: format!("{error:#}"),
        })?;
    }
    Ok(wasi.build())
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}
