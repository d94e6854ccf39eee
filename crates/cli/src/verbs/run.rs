//! `run`: one component, here and now, without a node.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use airssys_wasm::serve_pool;
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::{
    Backends, CallCtx, CallError, CommandIo, Host, HostSettings, Input, Line, LineSource, LogSink,
    NoWatch, Pool, Pooling, RequestId, RevisionSpec, adapt,
};
use airssys_wasm_model::{
    Asked, Grant, InstanceModel, Instances, Manifest, Name, RevisionNumber, Rights, Version,
};
use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::fixed::FixedFlags;
use super::granting::GrantFlags;
use super::invoke::{content_type_of, read_stdin};
use crate::component::{LocalComponent, read_artifact};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::ui::{Format, Ui, harmless_line};

/// Run one component, here and now, without a node
///
/// A `wasi:cli/run` command gets the arguments, stdin and stdout, and its exit code is this command's. An
/// HTTP component is served until Ctrl-C. A handler gets stdin and its output goes to stdout. A WASI
/// preview 1 module is turned into a component first.
#[derive(clap::Args)]
pub(crate) struct Run {
    /// The component, or a WASI preview 1 module.
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,

    #[command(flatten)]
    granting: GrantFlags,

    /// Set an environment variable.
    #[arg(long, value_name = "K=V", value_parser = variable)]
    env: Vec<Grant>,

    #[command(flatten)]
    fixed: FixedFlags,

    /// Where an HTTP component is served.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    http: SocketAddr,

    /// Call this exported function, with the arguments in WAVE, and print what it returns.
    #[arg(long, value_name = "FUNCTION")]
    invoke: Option<String>,

    /// What the component gets as its arguments.
    #[arg(last = true, value_name = "ARG")]
    args: Vec<String>,
}

fn variable(text: &str) -> Result<Grant, String> {
    match text.split_once('=') {
        Some(_) => format!("env:{text}").parse().map_err(|error| format!("{error}")),
        None => Err(format!("`{text}` is not K=V")),
    }
}

impl Run {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let bytes = read_artifact(&self.file)?;
        let adapted = adapt(bytes.into()).map_err(|error| {
            Failure::new(Code::Invalid, format!("{}: {error}", self.file.display()))
        })?;
        let component = LocalComponent::of(adapted.into(), &self.file)?;
        let pool = self.prepare(&component, ui).await?;
        let offers = component.inspection.offers.clone();
        if let Some(function) = &self.invoke {
            let lease = pool.claim(CallCtx::new(RequestId::draw())).await?;
            let result = lease.invoke(function, &self.args).await.map_err(failure)?;
            return ui.answer(&json!({ "output": result }), |_| result);
        }
        if offers.command {
            return self.command(&pool).await;
        }
        if offers.http.is_some() {
            return self.serve(pool, ui).await;
        }
        if offers.handler {
            return handle(&pool).await;
        }
        let functions = pool.prepared().functions();
        let names: Vec<_> = functions
            .iter()
            .map(|known| format!("  {}: {}", known.name, known.signature))
            .collect();
        Err(Failure::new(Code::Usage, "the component is neither a command nor an HTTP component")
            .help(format!("call a function with --invoke FUNCTION -- ARG…:\n{}", names.join("\n")))
            .into())
    }

    async fn prepare(&self, component: &LocalComponent, ui: &Ui) -> anyhow::Result<Arc<Pool>> {
        refuse_state(component)?;
        let name = component.name().unwrap_or_else(|| file_name(&self.file));
        let manifest = component.manifest.clone();
        let manifest = manifest.unwrap_or_else(|| Manifest::unstated(name, Version::new(0, 0, 0)));
        let mut grants = self.granting.settle(&manifest.asked, ui).await?;
        // The user's own word on a variable counts as asked: there is no second person here.
        let mut asked: Asked = manifest.asked;
        for grant in &self.env {
            if let Grant::Env(env) = grant
                && !asked.unstated
            {
                let (name, reason) = (env.name.clone(), "--env".to_owned());
                asked.env.push(airssys_wasm_model::EnvAsk { name, reason });
            }
            grants.0.push(grant.clone());
        }
        let rights = Rights::intersect(&asked, &grants)
            .map_err(|error| Failure::new(Code::Denied, error))?;
        let spec = RevisionSpec {
            service: manifest.component.name,
            revision: RevisionNumber(1),
            version: manifest.component.version,
            digest: component.inspection.digest,
            config: manifest.config,
            asked: Arc::new(asked),
            rights: Arc::new(rights),
            limits: manifest.limits,
            instances: Instances { model: InstanceModel::Fresh, ..manifest.instances },
            determinism: self.fixed.determinism().over(&manifest.determinism),
            sink: Arc::new(Stderr),
            watch: Arc::new(NoWatch),
            state: None,
            backends: Backends::in_memory(),
        };
        let host = Host::new(&HostSettings {
            cache_dir: None,
            pooling: Pooling::Never,
            ..HostSettings::default()
        })?;
        let prepared = host
            .prepare(spec, component.bytes.clone())
            .await
            .map_err(|error| Failure::new(Code::Invalid, error))?;
        Ok(Pool::new(prepared))
    }

    async fn command(self, pool: &Arc<Pool>) -> anyhow::Result<()> {
        let mut args = vec![self.file.display().to_string()];
        args.extend(self.args);
        let lease = pool.claim(CallCtx::new(RequestId::draw())).await?;
        let exit = lease.command(args, CommandIo::Inherit).await.map_err(failure)?;
        match u8::try_from(exit.0) {
            Ok(0) => Ok(()),
            Ok(code) => Err(Exit(code).into()),
            Err(_) => Err(Exit(1).into()),
        }
    }

    async fn serve(self, pool: Arc<Pool>, ui: &Ui) -> anyhow::Result<()> {
        pool.warm().await.map_err(failure)?;
        let listener = TcpListener::bind(self.http).await.map_err(|error| {
            Failure::new(Code::Failed, format!("cannot listen on {}: {error}", self.http))
                .help("choose another address with --http, port 0 for a free one")
        })?;
        let interrupt = Interrupt::listen();
        let address = format!("http://{}", listener.local_addr()?);
        match ui.format() {
            Format::Json => {
                ui.answer(&json!({ "event": "ready", "http": address }), |_| String::new())?
            }
            Format::Text => ui.say(&format!("serving at {address}/ until Ctrl-C")),
        }
        let (stop, stopping) = watch::channel(false);
        let serving = tokio::spawn(serve_pool(pool, listener, stopping));
        interrupt.pressed().await;
        // The receiver lives as long as the server serves.
        let _ = stop.send(true);
        Ok(serving.await?)
    }
}

/// A handler: stdin in, its output to stdout.
async fn handle(pool: &Arc<Pool>) -> anyhow::Result<()> {
    let body = if std::io::stdin().is_terminal() { Vec::new() } else { read_stdin()? };
    let content_type = Some(content_type_of(&body).to_owned());
    let lease = pool.claim(CallCtx::new(RequestId::draw())).await?;
    let input = Input { body: Bytes::from(body), content_type, ..Input::default() };
    let output = lease.execute(input).await.map_err(failure)?;
    print(&output.body)
}

fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(bytes)?;
    Ok(stdout.flush()?)
}

/// One process, one run: what a component would keep is gone with it, and it would look as if it were not.
fn refuse_state(component: &LocalComponent) -> Result<(), Failure> {
    let model = component.manifest.as_ref().map(|manifest| manifest.instances.model);
    if model == Some(InstanceModel::Actor) && component.inspection.offers.state {
        return Err(Failure::new(Code::Usage, "this component keeps state, and `run` keeps none")
            .help("deploy it to a node"));
    }
    Ok(())
}

fn failure(error: CallError) -> Failure {
    let code = match &error {
        CallError::Limit(_) | CallError::Claim(_) => Code::Limit,
        CallError::Init(_) | CallError::Restore { .. } => Code::Invalid,
        CallError::NoFunction { .. } => Code::NotFound,
        CallError::Arguments { .. } | CallError::Unsayable { .. } => Code::Usage,
        CallError::Unsupported { .. } => Code::Usage,
        CallError::State(_) | CallError::Host(_) => Code::Failed,
        _ => Code::GuestFailed,
    };
    let failure = Failure::from_error(code, &error);
    match error {
        CallError::Trapped { backtrace, .. } => failure.help(backtrace),
        _ => failure,
    }
}

/// A name for a component that has none: its file's, as far as that is one.
fn file_name(file: &std::path::Path) -> Name {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let stem: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    stem.trim_matches('-').parse().unwrap_or_else(|_| "component".parse().expect("it is a name"))
}

/// Guests' lines, to stderr as they come.
struct Stderr;

impl LogSink for Stderr {
    fn line(&self, line: Line<'_>) {
        let text = harmless_line(line.text);
        let mut stderr = std::io::stderr().lock();
        // A closed stderr is no reason to stop the guest.
        let _ = match line.source {
            LineSource::Stdout | LineSource::Stderr => writeln!(stderr, "{text}"),
            LineSource::Log(level) => match harmless_line(line.context).as_str() {
                "" => writeln!(stderr, "{}: {text}", level.as_str()),
                context => writeln!(stderr, "{}: {context}: {text}", level.as_str()),
            },
        };
    }
}
