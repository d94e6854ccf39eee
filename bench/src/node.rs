//! The servers that are measured: the node, and `wasmtime serve`. Each is a process of its own, which
//! ends with the value that stands for it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use airssys_wasm_api::command::{Deploy, RolloutChoice, Source, Update};
use airssys_wasm_api::reply::{Deployed, ServiceStatus};
use airssys_wasm_api::{Client, Place, Trust, command};
use airssys_wasm_model::{Digest, Name, Version};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;

use crate::journal::Journal;
use crate::{machine, section};

/// A process that ends with this value.
pub(crate) struct Process(Child);

impl Process {
    /// Starts one whose log nobody reads.
    pub(crate) fn spawn(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = command.spawn();
        Ok(Self(started.with_context(|| format!("{command:?} could not be started"))?))
    }

    /// Waits for its first line of standard output, which a node writes when it is ready.
    pub(crate) fn ready(&mut self) -> Result<()> {
        let stdout = self.0.stdout.as_mut().context("no stdout")?;
        if BufReader::new(stdout).read_line(&mut String::new())? == 0 {
            bail!("a server ended before it was ready");
        }
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status()?;
        let ended = self.0.wait()?;
        if !asked.success() || !ended.success() {
            bail!("a server did not stop well: {ended}");
        }
        Ok(())
    }

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

/// How a node is started.
#[derive(Default, Clone, Copy)]
pub(crate) struct Setup<'a> {
    /// A data directory that outlives the node; one that goes with it unless given.
    pub(crate) data: Option<&'a Path>,
    /// The port of the ingress; any that is free unless given.
    pub(crate) http_port: u16,
    /// The processors it may run on, as `taskset` names them; all unless given.
    pub(crate) cores: Option<&'a str>,
    /// Flags of `serve` besides.
    pub(crate) flags: &'a [&'a str],
}

impl Setup<'_> {
    /// The command that starts a node on this data directory.
    pub(crate) fn command(&self, binary: &Path, data: &Path) -> Command {
        let mut command = match self.cores {
            Some(cores) => {
                let mut pinned = Command::new("taskset");
                pinned.args(["-c", cores]).arg(binary);
                pinned
            }
            None => Command::new(binary),
        };
        command.arg("serve").arg("--data").arg(data);
        command.args(["--control", "127.0.0.1:0", "--output", "json", "--http"]);
        command.arg(format!("127.0.0.1:{}", self.http_port)).args(self.flags);
        // The level it has by default, whatever the shell that measures says.
        command.env("AIRSSYS_WASM_LOG", "info");
        command
    }
}

/// A running node.
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
    _data: Option<TempDir>,
}

impl Node {
    /// Starts one on a data directory of its own and waits until it is ready.
    pub(crate) fn start(binary: &Path) -> Result<Self> {
        Self::start_as(binary, Setup::default())
    }

    /// Starts one and waits until it is ready.
    pub(crate) fn start_as(binary: &Path, setup: Setup<'_>) -> Result<Self> {
        let own = match setup.data {
            Some(_) => None,
            None => Some(TempDir::new()?),
        };
        let data = setup.data.or(own.as_ref().map(TempDir::path)).context("no data directory")?;
        let mut child = setup
            .command(binary, data)
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
        let token = std::fs::read_to_string(data.join("token"))?.trim().to_owned();
        let client =
            Client::new(Place { node: address("control")?, token, trust: Trust::default() })?;
        Ok(Self { process, http, client, journal, _data: own })
    }

    /// Ends it as an operator would, and waits until it has ended.
    pub(crate) fn stop(self) -> Result<()> {
        self.process.stop()
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
            name: Some(name.parse::<Name>()?),
            version: Some(version.parse::<Version>()?),
            grant_asked: true,
            ..Deploy::of(Source::Artifact(digest))
        };
        Ok(self.client.ask(airssys_wasm_api::Command::Deploy(deploy)).await?)
    }

    /// What a service is doing.
    pub(crate) async fn status(&self, name: &str) -> Result<ServiceStatus> {
        let service = name.parse::<Name>()?;
        let status = airssys_wasm_api::Command::Status(command::Named { service });
        Ok(self.client.ask(status).await?)
    }

    /// Removes a service.
    pub(crate) async fn remove(&self, name: &str) -> Result<()> {
        let service = name.parse::<Name>()?;
        let remove = airssys_wasm_api::Command::Remove(command::Named { service });
        self.client.act(remove).await?;
        Ok(())
    }
}

/// What rolls a service to uploaded bytes.
pub(crate) fn update(
    name: &str,
    version: &str,
    digest: Digest,
    rollout: RolloutChoice,
) -> Result<Update> {
    Ok(Update {
        source: Some(Source::Artifact(digest)),
        version: Some(version.parse::<Version>()?),
        rollout,
        grant_asked: true,
        ..Update::of(name.parse::<Name>()?)
    })
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
        let command = Self::wasmtime_command(binary, "127.0.0.1:0", component, flags);
        Self::start(command).context("wasmtime serve")
    }

    /// The command of the same, at this address.
    pub(crate) fn wasmtime_command(
        binary: &Path,
        address: &str,
        component: &Path,
        flags: &[&str],
    ) -> Command {
        let mut command = Command::new(binary);
        // Rust's standard library imports `wasi:cli`, which `serve` gives when asked to.
        command.args(["serve", "-Scli", "--addr", address]).args(flags).arg(component);
        command
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
    section::appended(component, "bench", &mark.to_le_bytes())
}

/// Milliseconds since.
pub(crate) fn ms_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
