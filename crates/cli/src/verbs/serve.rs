//! `serve`: the node.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use airssys_wasm::{Server, ServerError, ServerSettings};
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::ByteSize;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::place::data_dir;
use crate::ui::{Format, Ui};

/// Run a node: services answer at one address, commands are taken at another
///
/// When it is ready it prints one line. The log goes to stderr, at the level that AIRSSYS_WASM_LOG says
/// (`info` unless set). Ctrl-C or SIGTERM lets the calls under way end; what was acknowledged survives
/// any end.
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Where the node keeps everything [env: AIRSSYS_WASM_DATA; default: the platform's data directory].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Where services answer; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    http: SocketAddr,

    /// Where commands are taken: a loopback address.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7070")]
    control: SocketAddr,

    /// Instances alive at once, over all services.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_instances: u32,

    /// The largest body of a request to a service.
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    max_body: ByteSize,
}

impl Serve {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        start_log(ui);
        let mut settings = ServerSettings::new(data_dir(self.data)?);
        settings.http = self.http;
        settings.control = self.control;
        settings.node.instances_max = self.max_instances;
        settings.body_bytes_max = self.max_body.0;
        // Before the node is open: a signal that comes while it opens stops it all the same.
        let stopped = stopped()?;
        let server = Server::start(settings).await.map_err(failure)?;
        ready(&server, ui)?;
        stopped.await;
        ui.say("stopping: the calls under way may end");
        server.stop().await;
        Ok(())
    }
}

fn ready(server: &Server, ui: &Ui) -> io::Result<()> {
    let (http, control) = (server.http(), server.control());
    let line = match ui.format() {
        Format::Json => json!({ "event": "ready", "http": http, "control": control }).to_string(),
        Format::Text => format!("ready: services at {http}, commands at {control}"),
    };
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

fn start_log(ui: &Ui) {
    let filter = EnvFilter::try_from_env("AIRSSYS_WASM_LOG");
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colours);
    match ui.format() {
        Format::Json => log.json().init(),
        Format::Text => log.init(),
    }
}

/// Waits for Ctrl-C or SIGTERM.
fn stopped() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn failure(error: ServerError) -> Failure {
    let conflict = |error: &dyn std::error::Error| Failure::from_error(Code::Conflict, error);
    match &error {
        ServerError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            conflict(&error)
                .help("choose another with --http or --control; port 0 picks a free one")
        }
        ServerError::ControlOutside(_) => Failure::from_error(Code::Usage, &error)
            .help("reach it from elsewhere through a tunnel, such as ssh -L"),
        ServerError::Node(node) if node.is_in_use() => {
            conflict(&error).help("stop the other node, or choose another directory with --data")
        }
        _ => Failure::from_error(Code::Failed, &error),
    }
}
