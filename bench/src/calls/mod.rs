//! Calls within one process: a handler and plain functions through the library, beside the bare engine's
//! typed calls and beside Extism. No server, no connection.

mod bare;
mod extism;
mod functions;
mod handler;
mod ours;
mod turns;

use std::path::PathBuf;
use std::sync::LazyLock;

use airssys_wasm_host::{Allocation, Host, HostSettings};
use anyhow::{Result, bail};
use clap::Args;

use self::turns::Amount;
use crate::Paths;
use crate::report::Report;

/// Calls in this process, beside the bare engine and Extism
#[derive(Args)]
pub(crate) struct Calls {
    #[command(flatten)]
    paths: Paths,
    /// Extism's shared library
    #[arg(long)]
    extism: PathBuf,
    /// Values of each row
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Batches of calls a round, in turns; the round's value is their median
    #[arg(long, default_value_t = 15)]
    batches: usize,
}

/// Calls of little work in a batch. It lasts some milliseconds, so that what the clock costs is nothing.
const CALLS: usize = 2000;

/// Bytes that go in and come back, and how many calls of them make a batch of some milliseconds.
struct Payload {
    name: &'static str,
    bytes: usize,
    calls: usize,
}

const PAYLOADS: [Payload; 4] = [
    Payload { name: "16 B", bytes: 16, calls: CALLS },
    Payload { name: "1 KiB", bytes: 1 << 10, calls: CALLS },
    Payload { name: "64 KiB", bytes: 64 << 10, calls: 100 },
    Payload { name: "1 MiB", bytes: 1 << 20, calls: 10 },
];

/// Every payload is the beginning of these.
static BYTES: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..1_u32 << 20).map(|at| (at ^ (at >> 8)) as u8).collect());

impl Payload {
    fn body(&self) -> &'static [u8] {
        &BYTES[..self.bytes]
    }
}

// The contestants.
const OURS: &str = "airssys-wasm";
const EMBEDDED: &str = "airssys-wasm, embedded";
const WAVE: &str = "airssys-wasm, WAVE";
const BARE: &str = "bare typed async";
const SYNC: &str = "bare typed sync";
const EXTISM: &str = "Extism";

impl Calls {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        // On a thread of the runtime's own, as a node's calls are.
        tokio::spawn(self.measure()).await?
    }

    async fn measure(self) -> Result<()> {
        let host = Host::new(&HostSettings::default())?;
        if let Allocation::OnDemand { reason } = host.allocation() {
            bail!("this machine has no pooled memory to measure ({reason}); the bare engine would");
        }
        let mut report = Report::new("calls", self.how());
        self.handler(&host, &mut report).await?;
        self.functions(&host, &mut report).await?;
        report.finish(&self.paths)
    }

    fn amount(&self, calls: usize) -> Amount {
        Amount { rounds: self.rounds, batches: self.batches, calls }
    }

    fn how(&self) -> String {
        let calls = PAYLOADS.map(|payload| format!("{} of {}", payload.calls, payload.name));
        format!(
            "In one process, one call at a time, from one task on a runtime of several threads. {} rounds; a \
             round's value is the median of {} batches in turns, a batch's the mean of its calls ({}, {CALLS} of \
             `add` and `shout`). A call ends when its caller owns the answer; the last one of each batch is \
             compared with what it has to be, outside the clock. One instance each, pooled memory, used again.\n\n\
             `handler` is `plugin-bytes`, `airssys:component/handler` through the SDK, which answers with its \
             input. {OURS}: `Pool::claim` and `Lease::execute` of the host crate, as a node calls, with a context \
             of its own for each call, every limit on. {EMBEDDED}: `Plugin::call`. {BARE}: the same component by \
             bindings of `wasmtime::component::bindgen!`, concurrency support off, epoch interruption on, input \
             and context made once and borrowed. {EXTISM}: `extism_plugin_call` of a plugin in WAT that copies \
             its input to its output, eight bytes at a time, without WASI and without a limit on time; the output copied \
             out of the plugin.\n\n\
             `add`, `shout` and `echo` are plain functions of `plugin-pure`, which has no imports. {OURS}: \
             `Pool::claim` and `Lease::call` by the function's name, its values made anew for each call. {WAVE}: \
             the same with arguments and result as text (`Lease::invoke`). {BARE}: \
             `TypedFunc::call_async`. {SYNC}: `TypedFunc::call`, without epochs.",
            self.rounds,
            self.batches,
            calls.join(", "),
        )
    }
}
