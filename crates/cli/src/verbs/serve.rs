//! `serve`: the node.

use std::io::{self, ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use airssys_wasm::{
    AuditLevel, CertificateAuthority, Encryption, KeyRing, KeySource, NodeError, SecretKey, Server,
    ServerError, ServerSettings,
};
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::{ByteSize, Name, Programs, ProgramsError};
use serde_json::json;

use super::node_log;
use super::rolling::INTERRUPTED;
use crate::exit::Exit;
use crate::place::{data_dir, variable};
use crate::ui::{Format, Ui};

/// Run a node: services answer at one address, commands are taken at another
///
/// When it is ready it prints one line. The log goes to stderr, at the level that AIRSSYS_WASM_LOG says
/// (`info` unless set). Ctrl-C or SIGTERM lets the calls under way end, and a second one does not wait for
/// them; what was acknowledged survives any end.
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Where the node keeps everything [env: AIRSSYS_WASM_DATA; default: the platform's data directory].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Where services answer; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    http: SocketAddr,

    /// Where commands are taken. At any address but a loopback one they are encrypted: with the certificate that
    /// --tls-cert names, or one that the node makes, whose authority is `control-ca.pem` in the data directory.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7070")]
    control: SocketAddr,

    /// The certificate that commands are encrypted with, in PEM, followed by those between it and its authority. Read
    /// at each start.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The key of that certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// A name or address that clients reach the node by, for the certificate that it makes. It is made for the address
    /// that commands are taken at without being told.
    #[arg(long, value_name = "NAME", conflicts_with = "tls_cert")]
    tls_name: Vec<String>,

    /// Instances alive at once, over all services
    ///
    /// Each thread but the first has room for as many more, 128 at most, of calls that have an instance each.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_instances: u32,

    /// The largest body of a request to a service.
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    max_body: ByteSize,

    /// Certificates, in PEM, of authorities that gates and metrics over HTTPS are believed by, besides the public
    /// ones.
    #[arg(long, value_name = "FILE")]
    gate_ca: Option<PathBuf>,

    /// Certificates, in PEM, of authorities that servers which services reach over HTTPS are believed by, besides
    /// the public ones.
    #[arg(long, value_name = "FILE")]
    outbound_ca: Option<PathBuf>,

    /// How many of the allowed uses of a kind the audit trail records: `files=1/100`, `env=none`, `call=all`. Each
    /// use of a capability and no call unless said otherwise; commands and denials always.
    #[arg(long, value_name = "KIND=LEVEL")]
    audit_level: Vec<AuditLevel>,

    /// A service whose calls are each recorded before they begin, and refused while that is not possible.
    #[arg(long, value_name = "SERVICE")]
    audit_required: Vec<Name>,
    /// The file with the key of the secrets; made with the first secret. It is to be kept, and copied, apart from the
    /// data directory [env: AIRSSYS_WASM_SECRETS_KEY holds the key itself, and AIRSSYS_WASM_SECRETS_FORMER_KEY one
    /// that it replaces; default: DIR.secrets-key].
    #[arg(long, value_name = "FILE")]
    secrets_key: Option<PathBuf>,

    /// The programs that components may be granted to run, in TOML: a table an entry, with `program`, `arguments`,
    /// `environment` and `directory`.
    #[arg(long, value_name = "FILE")]
    programs: Option<PathBuf>,
}

impl Serve {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        node_log::start(ui)?;
        let mut settings = ServerSettings::new(data_dir(self.data)?);
        settings.http = self.http;
        settings.control = self.control;
        settings.encryption = match self.tls_cert.zip(self.tls_key) {
            Some((certificate, key)) => Encryption::Given { certificate, key },
            None => Encryption::Own { names: self.tls_name },
        };
        settings.node.instances_max = self.max_instances;
        settings.body_bytes_max = self.max_body.0;
        settings.node.gate_ca = self.gate_ca;
        settings.node.outbound_ca = self.outbound_ca;
        settings.node.audit.levels = self.audit_level;
        settings.node.audit.required = self.audit_required.into_iter().collect();
        settings.node.secrets_key = secrets_key(self.secrets_key)?;
        settings.node.programs = programs(self.programs)?;
        let mut signals = Signals::listen()?;
        let server = tokio::select! {
            started = Server::start(settings) => started.map_err(failure)?,
            // It may be cut at any instant, as by a crash: its records stand as they are.
            () = signals.next() => return Err(Exit(INTERRUPTED).into()),
        };
        ready(&server, ui)?;
        signals.next().await;
        ui.say("stopping: the calls under way may end; the same again stops at once");
        tokio::select! {
            () = server.stop() => Ok(()),
            () = signals.next() => Err(Exit(INTERRUPTED).into()),
        }
    }
}

/// The key of the secrets, where something says it.
fn secrets_key(file: Option<PathBuf>) -> Result<Option<KeySource>, Failure> {
    const VARIABLE: &str = "AIRSSYS_WASM_SECRETS_KEY";
    const FORMER: &str = "AIRSSYS_WASM_SECRETS_FORMER_KEY";
    if let Some(file) = file {
        return Ok(Some(KeySource::File(file)));
    }
    let Some(text) = variable(VARIABLE) else { return Ok(None) };
    let parse = |name: &str, text: &str| {
        SecretKey::parse(text)
            .map_err(|error| Failure::new(Code::Usage, format!("{name}: {error}")))
    };
    let former = variable(FORMER).map(|text| parse(FORMER, &text)).transpose()?;
    Ok(Some(KeySource::Given(KeyRing { current: parse(VARIABLE, &text)?, former })))
}

/// The operator's list, where there is one.
fn programs(file: Option<PathBuf>) -> Result<Programs, Failure> {
    let Some(file) = file else { return Ok(Programs::default()) };
    let refused = |why: String| {
        let message = format!("the list of programs {} cannot be used: {why}", file.display());
        Failure::new(Code::Usage, message)
    };
    let text = std::fs::read_to_string(&file).map_err(|error| refused(error.to_string()))?;
    text.parse().map_err(|error: ProgramsError| refused(error.to_string()))
}

fn ready(server: &Server, ui: &Ui) -> io::Result<()> {
    let (http, control) = (server.http(), server.control());
    let authority = server.authority();
    let line = match ui.format() {
        Format::Json => {
            let mut line = json!({ "event": "ready", "http": http, "control": control });
            if let Some(certificate) = server.certificate() {
                line["certificate"] = certificate.to_string().into();
            }
            if let Some(authority) = authority {
                line["ca"] = authority.file.display().to_string().into();
            }
            line.to_string()
        }
        Format::Text => format!("ready: services at {http}, commands at {control}"),
    };
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    if let Some(CertificateAuthority { file, fingerprint }) = authority {
        ui.say(&format!("clients elsewhere need --ca {} ({fingerprint})", file.display()));
    }
    Ok(())
}

/// Ctrl-C and SIGTERM, each counted from the moment they are listened for.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

fn failure(error: ServerError) -> Failure {
    let conflict = |error: &dyn std::error::Error| Failure::from_error(Code::Conflict, error);
    match &error {
        ServerError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            conflict(&error)
                .help("choose another with --http or --control; port 0 picks a free one")
        }
        ServerError::Node(node) if node.is_in_use() => {
            conflict(&error).help("stop the other node, or choose another directory with --data")
        }
        _ if is_full(&error) => Failure::from_error(Code::Limit, &error)
            .help("free some space under the data directory and start again; nothing is lost"),
        ServerError::Tls(_) => Failure::from_error(Code::Usage, &error),
        ServerError::Node(NodeError::GateCa(_)) => Failure::from_error(Code::Usage, &error)
            .help("--gate-ca names a file of certificates in PEM"),
        ServerError::Node(NodeError::OutboundCa(_)) => Failure::from_error(Code::Usage, &error)
            .help("--outbound-ca names a file of certificates in PEM"),
        ServerError::Node(NodeError::Store(_)) => Failure::from_error(Code::Failed, &error)
            .help("a directory that is damaged is restored from a copy, with the node stopped"),
        _ => Failure::from_error(Code::Failed, &error),
    }
}

/// Whether the disk or the quota was full, wherever in the node that was met.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_at_the_start_is_a_limit() {
        let full = |kind| {
            let source = io::Error::from(kind);
            failure(ServerError::File { path: "node.json".into(), source }).code.exit_code()
        };
        assert_eq!(full(ErrorKind::StorageFull), 9);
        assert_eq!(full(ErrorKind::PermissionDenied), 1);
    }
}
