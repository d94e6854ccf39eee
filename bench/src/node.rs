//! The servers that are measured: the node, and `wasmtime serve`. Each is a process of its own, which
//! ends with the value that stands for it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use airssys_wasm_api::command::{Deploy, Source};
use airssys_wasm_api::reply::Deployed;
use airssys_wasm_api::{Client, Place, command};
use airssys_wasm_model::{Digest, Grants, Name, Version};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;

use crate::journal::Journal;
use crate::machine;

/// A process that ends with this value.
pub(crate) struct Process(Child);

impl Process {
    /// Memory in MiB, by the name of its line in `/proc/PID/status`, such as `VmRSS`.
    pub(crate) fn memory_mib(&self, line: &str) -> Result<f64> {
        let status = format!("/proc/{}/status", self.0.id());
        let kib = machine::field(&status, line).context("this machine has no /proc")?;
        let kib: f64 = kib.trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    }

    /// Time it has spent on processors, in user's and kernel's mode.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // Behind the name, which may hold anything but a last parenthesis; fields 14 and 15 of proc(5).
        let fields = stat.rsplit_once(')').context("no name in stat")?.1;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<Result<u64, _>>()?;
        // Linux counts in hundredths of a second for programs, whatever its own clock does.
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A running node on a data directory of its own.
pub(crate) struct Node {
    /// Its process.
    pub(crate) process: Process,
    /// `host:port` of the ingress.
    pub(crate) http: String,
    /// A client of its control port.
    pub(crate) client: Client,
    /// What it logs.
    pub(crate) journal: Journal,
    // Deleted when the node is gone: fields drop in this order.
    _data: TempDir,
}

impl Node {
    /// Starts one and waits until it is ready.
    pub(crate) fn start(binary: &Path) -> Result<Self> {
        let data = TempDir::new()?;
        let mut child = Command::new(binary)
            .arg("serve")
            .arg("--data")
            .arg(data.path())
            .args(["--http", "127.0.0.1:0", "--control", "127.0.0.1:0", "--output", "json"])
            // The level it has by default, whatever the shell that measures says.
            .env("AIRSSYS_WASM_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("the node could not be started")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let journal = Journal::read(child.stderr.take().context("no stderr")?);
        let process = Process(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            let (said, log) = (line.trim(), journal.last_lines());
            bail!("the node did not say it is ready but `{said}`; its log:\n{log}");
        };
        let address = |name: &str| ready[name].as_str().map(str::to_owned).context("no address");
        let http = address("http")?.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let token = std::fs::read_to_string(data.path().join("token"))?.trim().to_owned();
        let client = Client::new(Place { node: address("control")?, token })?;
        Ok(Self { process, http, client, journal, _data: data })
    }

    /// Uploads a component.
    pub(crate) async fn upload(&self, bytes: Bytes) -> Result<Digest> {
        Ok(self.client.upload(bytes, |_| {}).await?.digest)
    }

    /// Deploys uploaded bytes as this release, granting what it asks.
    pub(crate) async fn deploy(
        &self,
        name: &str,
        version: &str,
        digest: Digest,
    ) -> Result<Deployed> {
        let deploy = Deploy {
            source: Source::Artifact(digest),
            name: Some(name.parse::<Name>()?),
            version: Some(version.parse::<Version>()?),
            config: None,
            grants: Grants::default(),
            grant_asked: true,
            plan_only: false,
        };
        Ok(self.client.ask(airssys_wasm_api::Command::Deploy(deploy)).await?)
    }

    /// Removes a service.
    pub(crate) async fn remove(&self, name: &str) -> Result<()> {
        let service = name.parse::<Name>()?;
        let remove = airssys_wasm_api::Command::Remove(command::Named { service });
        self.client.act(remove).await?;
        Ok(())
    }
}

/// A running server that says on its first line of standard error where it serves: `wasmtime serve`, or one
/// of the floors.
pub(crate) struct Server {
    /// Its process.
    pub(crate) process: Process,
    /// `host:port`.
    pub(crate) address: String,
}

impl Server {
    /// `wasmtime serve` of a component on a free port, with these flags besides.
    pub(crate) fn wasmtime(binary: &Path, component: &Path, flags: &[&str]) -> Result<Self> {
        let mut command = Command::new(binary);
        // Rust's standard library imports `wasi:cli`, which `serve` gives when asked to.
        command.args(["serve", "-Scli", "--addr", "127.0.0.1:0"]).args(flags).arg(component);
        Self::start(command).context("wasmtime serve")
    }

    /// A floor, which this program serves itself.
    pub(crate) fn bare<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare").args(args);
        Self::start(command).context("a floor")
    }

    fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().context("it could not be started")?;
        let mut stderr = BufReader::new(child.stderr.take().context("no stderr")?);
        let process = Process(child);
        let mut line = String::new();
        stderr.read_line(&mut line)?;
        let Some((_, address)) = line.split_once("http://") else {
            bail!("it said `{}`", line.trim());
        };
        // Read on, so that the pipe never fills.
        std::thread::spawn(move || stderr.lines().count());
        let address = address.trim().trim_end_matches('/').to_owned();
        Ok(Self { process, address })
    }
}

/// The component with a custom section of its own: the same code under another digest.
pub(crate) fn marked(component: &[u8], mark: u64) -> Bytes {
    with_section(component, "bench", &mark.to_le_bytes())
}

/// The component with one more custom section, of less than 128 bytes with its name.
pub(crate) fn with_section(component: &[u8], name: &str, data: &[u8]) -> Bytes {
    /// A length as WebAssembly writes one that fits into seven bits.
    fn short(length: usize) -> u8 {
        assert!(length < 128, "a section of {length} bytes");
        length as u8
    }
    let mut bytes = component.to_vec();
    bytes.extend([0, short(1 + name.len() + data.len()), short(name.len())]);
    bytes.extend(name.as_bytes());
    bytes.extend(data);
    bytes.into()
}

/// Milliseconds since.
pub(crate) fn ms_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
