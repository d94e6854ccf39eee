//! A node with real guests, in this process.

#![allow(dead_code, reason = "each file of tests uses its part")]

pub(crate) mod counting;
pub(crate) mod town;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm::{Node, NodeError, NodeSettings, Pooling, Server, ServerError, ServerSettings};
use airssys_wasm_api::command::{
    Deploy, Invoke, Named, Rollback, RollbackTo, RolloutChoice, Source, Update,
};
use airssys_wasm_api::reply::{Deployed, Invoked, Reply, RolloutReport, ServiceStatus};
use airssys_wasm_api::{By, Command, Failure, Payload};
use airssys_wasm_model::{Digest, Name, Span, StrategyName, Version};
use serde_json::{Map, Value, json};

pub(crate) const V1: Version = Version::new(1, 0, 0);
pub(crate) const V2: Version = Version::new(2, 0, 0);

pub(crate) struct Tested {
    pub(crate) node: Arc<Node>,
    pub(crate) dir: tempfile::TempDir,
}

/// The bytes of a guest that `cargo xtask guests` built.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let dir =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/target/wasm32-wasip2/release");
    let paths: [PathBuf; 2] =
        [dir.join(format!("{name}.wasm")), dir.join(format!("{}.wasm", name.replace('-', "_")))];
    let found = paths.iter().find_map(|path| std::fs::read(path).ok());
    found.unwrap_or_else(|| panic!("there is no guest {name}: run `cargo xtask guests` first"))
}

/// Other bytes that are the same component: a custom section at the end changes nothing else.
pub(crate) fn relabelled(mut bytes: Vec<u8>, label: u8) -> Vec<u8> {
    bytes.extend([0, 3, 1, b'x', label]);
    bytes
}

/// The component with a manifest embedded, as `airssys-wasm build` does it.
pub(crate) fn with_manifest(mut bytes: Vec<u8>, name: &str, tables: &str) -> Vec<u8> {
    const SECTION: &str = "airssys:manifest";
    let manifest = format!("[component]\nname = \"{name}\"\nversion = \"1.0.0\"\n{tables}");
    bytes.push(0);
    let mut size = 1 + SECTION.len() + manifest.len();
    while size >= 0x80 {
        bytes.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    bytes.push(size as u8);
    bytes.push(SECTION.len() as u8);
    bytes.extend(SECTION.bytes());
    bytes.extend(manifest.bytes());
    bytes
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn named(text: &str) -> Named {
    Named { service: name(text) }
}

pub(crate) fn config(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

pub(crate) async fn open(dir: &Path) -> Arc<Node> {
    let settings = NodeSettings { pooling: Pooling::Never, ..NodeSettings::new(dir) };
    let opening = || Node::open(settings.clone());
    once_let_go("a node over its directory", opening, NodeError::is_in_use).await
}

/// What is opened over a directory, as soon as the one before lets it go: its lock goes with the last task of that.
async fn once_let_go<T, E: Display, F: Future<Output = Result<T, E>>>(
    what: &str,
    open: impl Fn() -> F,
    is_in_use: impl Fn(&E) -> bool,
) -> T {
    let opening = async {
        loop {
            match open().await {
                Ok(opened) => return opened,
                Err(error) if is_in_use(&error) => tokio::time::sleep(LOOK_EVERY).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    within(what, opening).await
}

impl Tested {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { node: open(dir.path()).await, dir }
    }

    /// Closes the node as a stop does and opens another over the same directory.
    pub(crate) async fn restarted(self) -> Self {
        let dir = self.closed().await;
        Self { node: open(dir.path()).await, dir }
    }

    /// Closes the node as a stop does.
    pub(crate) async fn closed(self) -> tempfile::TempDir {
        let Self { node, dir } = self;
        node.close().await;
        let last = Arc::downgrade(&node);
        drop(node);
        until("the end of the node", async || last.strong_count() == 0).await;
        dir
    }

    pub(crate) async fn act(&self, command: Command) -> Result<Reply, Failure> {
        self.node.act(command, By::unwatched("tester", "a-request")).await
    }

    pub(crate) async fn ask<T: TryFrom<Reply, Error = Failure>>(
        &self,
        command: Command,
    ) -> Result<T, Failure> {
        self.act(command).await?.try_into()
    }

    pub(crate) fn upload(&self, bytes: &[u8]) -> Digest {
        self.node.store().blobs().put(bytes).unwrap()
    }

    pub(crate) fn deployment(&self, service: &str, bytes: &[u8], version: Version) -> Deploy {
        Deploy {
            name: Some(name(service)),
            version: Some(version),
            grant_asked: true,
            ..Deploy::of(Source::Artifact(self.upload(bytes)))
        }
    }

    pub(crate) async fn deploy(&self, deploy: Deploy) -> Result<Deployed, Failure> {
        self.ask(Command::Deploy(deploy)).await
    }

    pub(crate) async fn update(&self, update: Update) -> Result<RolloutReport, Failure> {
        self.ask(Command::Update(update)).await
    }

    pub(crate) async fn echo(&self, text: &str) -> Result<String, Failure> {
        let invoke = Invoke {
            service: name("echo"),
            function: None,
            args: Vec::new(),
            input: Payload(text.to_owned().into()),
            content_type: Some("text/plain".to_owned()),
            metadata: Default::default(),
        };
        let invoked: Invoked = self.ask(Command::Invoke(invoke)).await?;
        Ok(String::from_utf8(invoked.output.0.to_vec()).unwrap())
    }

    pub(crate) async fn status(&self, service: &str) -> ServiceStatus {
        self.ask(Command::Status(named(service))).await.unwrap()
    }
}

pub(crate) fn greet(service: &str, greeting: &str, strategy: StrategyName) -> Update {
    Update {
        rollout: RolloutChoice {
            strategy: Some(strategy),
            observe: Some(Span(Duration::from_millis(50))),
            hold: Some(Span(Duration::from_secs(600))),
            ..RolloutChoice::default()
        },
        config: Some(config(json!({ "greeting": greeting }))),
        ..Update::of(name(service))
    }
}

pub(crate) fn back(service: &str, to: RollbackTo) -> Command {
    Command::Rollback(Rollback {
        service: name(service),
        to,
        rollout: RolloutChoice::default(),
        detached: false,
        plan_only: false,
    })
}

/// How long anything may take that comes at all: far above what it does on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether something is so, where nothing tells: what is waited for needs the processor, too.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Waits until what is asked again and again is so.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    within(what, asking).await;
}

/// What this comes to.
pub(crate) async fn within<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(PATIENCE, waiting).await;
    ended.unwrap_or_else(|_| panic!("it never came: {what}"))
}

/// A server over this directory, its doors at ports that are free.
pub(crate) async fn server(dir: &Path) -> Server {
    let mut settings = ServerSettings::new(dir);
    (settings.http, settings.control) = [SocketAddr::from(([127, 0, 0, 1], 0)); 2].into();
    settings.node = NodeSettings { pooling: Pooling::Never, ..NodeSettings::new(dir) };
    serving(settings).await
}

/// A server with these settings, over a directory that the last one may be about to let go.
pub(crate) async fn serving(settings: ServerSettings) -> Server {
    let starting = || Server::start(settings.clone());
    let is_in_use =
        |error: &ServerError| matches!(error, ServerError::Node(error) if error.is_in_use());
    once_let_go("a server over its directory", starting, is_in_use).await
}
