//! A cold start: from starting the process to its first answer, with one service recorded beside
//! `wasmtime serve` of a file compiled before, and with a thousand.
//!
//! Whoever waits for the answer knows the port ahead and connects until it is let in, so that the number holds
//! all that a client would wait for.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use tempfile::TempDir;

use crate::Paths;
use crate::node::{Node, Process, Server, Setup, ms_since};
use crate::report::{Bound, Report};

/// The promise: one service, over `wasmtime serve` of the same component compiled before.
const RATIO_PROMISED: f64 = 1.0;

/// The promise for a thousand services.
const MANY_MS_PROMISED: f64 = 300.0;

/// A server that has not answered by then is not coming.
const PATIENCE: Duration = Duration::from_secs(60);

/// Process start to first answer
#[derive(Args)]
pub(crate) struct Cold {
    #[command(flatten)]
    paths: Paths,
    /// The `wasmtime` binary
    #[arg(long)]
    wasmtime: PathBuf,
    /// How often each is started, in turns
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// How many services the full node has
    #[arg(long, default_value_t = 1000)]
    services: usize,
}

impl Cold {
    /// Measures and reports.
    pub(crate) async fn run(self) -> Result<()> {
        let component = self.paths.guests.join("hello_http.wasm");
        let (one, many, peer) = (TempDir::new()?, TempDir::new()?, TempDir::new()?);
        self.record(one.path(), &component, 1).await?;
        self.record(many.path(), &component, self.services).await?;
        let compiled = self.compile(&component, peer.path())?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let (mut full, mut all_ready) = (Vec::new(), Vec::new());
        for round in 0..self.rounds {
            // Who begins changes, so that nobody always meets the warmer machine.
            if round % 2 == 0 {
                theirs.push(self.start_peer(&compiled)?);
            }
            ours.push(self.start_node(one.path(), 0)?.0);
            if round % 2 == 1 {
                theirs.push(self.start_peer(&compiled)?);
            }
            // Another service each time, far from the last.
            let (took, ready) = self.start_node(many.path(), round * 337 % self.services)?;
            full.push(took);
            all_ready.push(ready);
        }
        let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
        let mut report = Report::new("cold", self.how());
        let promised = Bound::AtMost(RATIO_PROMISED);
        report.promise("one service, over wasmtime serve", "×", ratios, promised);
        let promised = Bound::AtMost(MANY_MS_PROMISED);
        report.promise(format!("{} services", self.services), "ms", full, promised);
        report.row(format!("{} services: until all are ready", self.services), "ms", all_ready);
        report.row("one service", "ms", ours);
        report.row("wasmtime serve, compiled before", "ms", theirs);
        report.finish(&self.paths)
    }

    fn how(&self) -> String {
        format!(
            "From starting the process to the end of its first answer, a 200, to a client that connects to the \
             known port in a tight loop, which takes a core meanwhile. `hello_http.wasm` everywhere. The \
             node starts on a directory in which it was deployed before, its compiled artifact in the \
             cache, after a clean stop; `wasmtime serve` runs what `wasmtime compile` made. The files are \
             in the machine's page cache. The full node is asked for another of its services each time. \
             {} rounds in turns.",
            self.rounds
        )
    }

    /// Leaves a data directory with so many services, as a node leaves it that was stopped.
    async fn record(&self, data: &Path, component: &Path, services: usize) -> Result<()> {
        let setup = Setup { data: Some(data), ..Setup::default() };
        let node = Node::start_as(&self.paths.node, setup)?;
        let digest = node.upload(fs::read(component)?.into()).await?;
        for number in 0..services {
            node.deploy(&service(number), "1.0.0", digest).await?;
            if (number + 1) % 100 == 0 {
                eprintln!("{} of {services} services deployed", number + 1);
            }
        }
        node.stop()
    }

    fn compile(&self, component: &Path, folder: &Path) -> Result<PathBuf> {
        let compiled = folder.join("hello_http.cwasm");
        let mut command = Command::new(&self.wasmtime);
        let ended = command.arg("compile").arg(component).arg("-o").arg(&compiled).status()?;
        if !ended.success() {
            bail!("wasmtime compile: {ended}");
        }
        Ok(compiled)
    }

    /// How long it takes to the first answer, and until the node says that all of it is ready.
    fn start_node(&self, data: &Path, number: usize) -> Result<(f64, f64)> {
        let port = free_port()?;
        let setup = Setup { http_port: port, ..Setup::default() };
        let path = format!("/{}/", service(number));
        let start = Instant::now();
        let (mut process, took) = first_answer(setup.command(&self.paths.node, data), port, &path)?;
        process.ready()?;
        let ready = ms_since(start);
        process.stop()?;
        Ok((took, ready))
    }

    fn start_peer(&self, compiled: &Path) -> Result<f64> {
        let port = free_port()?;
        let address = format!("127.0.0.1:{port}");
        let command =
            Server::wasmtime_command(&self.wasmtime, &address, compiled, &["--allow-precompiled"]);
        Ok(first_answer(command, port, "/")?.1)
    }
}

fn service(number: usize) -> String {
    format!("hello-{number}")
}

/// A port that nobody listens on. It could be taken until the server listens; then the start fails.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Starts a server and asks it; how long that took, in milliseconds.
fn first_answer(command: Command, port: u16, path: &str) -> Result<(Process, f64)> {
    let start = Instant::now();
    let process = Process::spawn(command)?;
    let mut stream = connect(SocketAddr::from(([127, 0, 0, 1], port)), start)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("no first answer")?;
    let took = ms_since(start);
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        bail!("the first answer to {path} is `{}`", String::from_utf8_lossy(&answer));
    }
    Ok((process, took))
}

/// Connects as soon as there is somebody.
fn connect(address: SocketAddr, start: Instant) -> Result<TcpStream> {
    loop {
        match TcpStream::connect(address) {
            // A port that the kernel hands out can be given to this end too, which then meets itself.
            Ok(stream) if stream.local_addr()? != address => return Ok(stream),
            Ok(_itself) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(error.into()),
        }
        if start.elapsed() > PATIENCE {
            bail!("nobody listens on {address} within {PATIENCE:?}");
        }
    }
}
