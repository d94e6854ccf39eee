//! The node: every room under one roof, and the one door to them, [`Node::act`].

mod error;
mod shared;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use airssys_wasm_api::command::{self, Named};
use airssys_wasm_api::{By, Code, Command, Failure, Reply};
use airssys_wasm_host::{Authorities, AuthoritiesError, Host, HostSettings, Pooling, Processes};
use airssys_wasm_model::{Name, Programs};
use airssys_wasm_policy::{Act, Subject, TokenId};
use airssys_wasm_store::{KeySource, PutError, Store, StoreError};
use futures::future::join_all;
use tokio::sync::watch;

pub use self::error::NodeError;
pub(crate) use self::shared::Shared;

use self::shared::Known;
use crate::audit::{self, AuditChoice, Followers, Following, Trail};
use crate::authority::{Admitted, Authority, Leave};
use crate::batches::Batches;
use crate::events::{Events, Streams};
use crate::ingress::Routes;
use crate::metrics::{self, Sample};
use crate::outside::Outside;
use crate::secrets::{self, NodeSecrets};
use crate::{acting, asking, collecting, deploying, granting, recovery, resting, suggesting};

/// How a node is set up.
#[derive(Debug, Clone)]
pub struct NodeSettings {
    /// Where its records, artifacts and compiled code are. One process at a time.
    pub data: PathBuf,
    /// Instances alive at once.
    pub instances_max: u32,
    /// Whether instances take their memory from slots reserved ahead.
    pub pooling: Pooling,
    /// Certificates, in PEM, of authorities that gates and metrics are believed by besides the public ones.
    pub gate_ca: Option<PathBuf>,
    /// The same of authorities that the servers are believed by which services reach over HTTPS.
    pub outbound_ca: Option<PathBuf>,
    /// What is recorded.
    pub audit: AuditChoice,
    /// The key that its secrets are sealed with; without, a file beside the data directory that has its name and
    /// `.secrets-key`. It is made with the first secret.
    pub secrets_key: Option<KeySource>,
    /// The programs that services may be granted.
    pub programs: Programs,
}

/// A node: services and what they run on, over one data directory.
///
/// [`Node::act`] needs a tokio runtime with several threads or one that yields to the tasks of the node.
pub struct Node {
    shared: Arc<Shared>,
}

impl NodeSettings {
    /// The settings that a node has unless told otherwise, over this directory.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        let HostSettings { instances_max, pooling, .. } = HostSettings::default();
        Self {
            data: data.into(),
            instances_max,
            pooling,
            gate_ca: None,
            outbound_ca: None,
            audit: AuditChoice::default(),
            secrets_key: None,
            programs: Programs::default(),
        }
    }
}

impl Node {
    /// Opens a node over its data directory: what ran there runs again when this returns, and rollouts
    /// that were under way go on.
    ///
    /// # Errors
    /// When the directory is in use, damaged or newer than this version, or the engine does not start. A
    /// service that cannot start again is no error: its status says why.
    pub async fn open(settings: NodeSettings) -> Result<Arc<Self>, NodeError> {
        let node = Self::begin(settings).await?;
        node.recover().await?;
        Ok(node)
    }

    /// The first half of opening: the services are known, and a call to one waits until it is up.
    pub(crate) async fn begin(settings: NodeSettings) -> Result<Arc<Self>, NodeError> {
        let gates = authorities(settings.gate_ca.as_deref()).map_err(NodeError::GateCa)?;
        let outside = Outside::trusting(gates);
        let authorities =
            authorities(settings.outbound_ca.as_deref()).map_err(NodeError::OutboundCa)?;
        let data = settings.data.clone();
        let choice = settings.audit.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let store = Arc::new(Store::open(&data)?);
            let trail = Arc::new(Trail::open(&data, choice)?);
            let authority = Authority::read(Arc::clone(&store), Arc::clone(&trail))?;
            Ok::<_, NodeError>((store, trail, authority))
        });
        let (store, trail, authority) = opened.await.map_err(|panicked| {
            StoreError::Corrupt { path: settings.data.clone(), detail: panicked.to_string() }
        })??;
        // The store first: its lock says whose the directory is.
        let host = Host::new(&HostSettings {
            cache_dir: Some(settings.data.join("compiled")),
            instances_max: settings.instances_max,
            pooling: settings.pooling,
            authorities,
            ..HostSettings::default()
        })?;
        let key = settings.secrets_key;
        let key = key.unwrap_or_else(|| KeySource::File(secrets::key_file(&settings.data)));
        let shared = Arc::new(Shared {
            host,
            secrets: Arc::new(NodeSecrets::new(Arc::clone(&store), key)),
            processes: Processes::new(settings.programs),
            store,
            routes: Arc::default(),
            outside,
            trail,
            streams: Streams::default(),
            followers: Followers::default(),
            batches: Batches::default(),
            waits: Arc::default(),
            authority,
            services: Mutex::default(),
            ready: AtomicBool::new(false),
            stopping: watch::Sender::new(false),
        });
        let secrets = Arc::clone(&shared.secrets);
        let looking = tokio::task::spawn_blocking(move || secrets.look());
        recovery::read_all(&shared).await?;
        // What it found is in the log; a panic of it is too.
        let _ = looking.await;
        tokio::spawn(resting::look_after(Arc::downgrade(&shared)));
        Ok(Arc::new(Self { shared }))
    }

    /// The second half: what ran runs again when this returns, and commands are taken.
    pub(crate) async fn recover(&self) -> Result<(), NodeError> {
        recovery::recover_all(&self.shared).await?;
        collecting::collect(&self.shared).await;
        self.shared.ready.store(true, Ordering::Release);
        Ok(())
    }

    /// Does what a command asks. What changes the node goes on when the caller stops waiting.
    ///
    /// # Errors
    /// Each with a code, what the caller may know and what to do.
    pub async fn act(&self, command: Command, by: By) -> Result<Reply, Failure> {
        if !self.is_ready() {
            return Err(self.not_ready());
        }
        let request_id = by.request_id.clone();
        let shared = Arc::clone(&self.shared);
        if let Err(denied) = shared.authority.permit_command(&shared, &command, &by) {
            shared.trail.refused(&command, &by, &denied);
            return Err(denied.of_request(&request_id));
        }
        let done = match command {
            Command::Invoke(invoke) => asking::invoke(&shared, invoke, &by).await,
            Command::Logs(logs) => asking::logs(&shared, logs).await,
            Command::List(_) => Ok(asking::list(&shared)),
            Command::Status(named) => asking::status(&shared, &named.service),
            Command::History(named) => asking::history(&shared, &named.service),
            Command::Monitor(named) => asking::monitor(&shared, &named.service),
            Command::Inspect(inspect) => asking::inspect(&shared, inspect).await,
            Command::Grants(named) => granting::grants(&shared, &named.service).await,
            Command::SuggestGrants(suggest) => suggesting::suggest(&shared, suggest).await,
            Command::UpdateStatus(update) => deploying::update_status(&shared, &update),
            Command::ListSecrets(_) => secrets::list(&shared).await,
            Command::Versions(named) => asking::versions(&shared, &named.service).await,
            Command::ShowPolicy(_) => Ok(shared.authority.policy()),
            Command::ExplainPolicy(explain) => shared.authority.explain(&shared, explain, &by),
            Command::ListTokens(_) => Ok(shared.authority.list_tokens()),
            Command::Audit(asked) => audit::audit(&shared, asked).await,
            Command::AuditVerify(asked) => audit::verify(&shared, asked).await,
            Command::AuditStatus(_) => Ok(audit::standing(&shared)),
            change => {
                let changing =
                    tokio::spawn(async move { acting::recorded(&shared, change, by).await });
                changing.await.unwrap_or_else(|panicked| {
                    tracing::error!("a command broke off: {panicked}");
                    Err(Failure::new(Code::Failed, "a fault in the node cut the command short"))
                })
            }
        };
        done.map_err(|failure| failure.of_request(&request_id))
    }

    /// Who comes with a token of this node.
    pub(crate) fn admit(&self, token: &str) -> Result<Admitted, String> {
        self.shared.authority.admit(token)
    }

    /// Whether somebody may see the numbers of all services.
    pub(crate) fn permit_metrics(&self, by: &By) -> Result<(), Failure> {
        let permitted = self.shared.authority.permit(by, Act::List, Subject::Node);
        permitted.inspect_err(|why| self.shared.trail.refused_access("metrics", by, why))
    }

    /// Whether somebody may bring bytes to the node, which release them is said later.
    pub(crate) fn permit_upload(&self, by: &By) -> Result<(), Failure> {
        let permitted = self.shared.authority.permit(by, Act::Upload, Subject::Node);
        permitted.inspect_err(|why| self.shared.trail.refused_access("upload", by, why))
    }

    /// What happens to a service from now on, for as long as whoever asks may know it.
    pub(crate) fn events(
        &self,
        name: &Name,
        by: By,
        token: Option<TokenId>,
    ) -> Result<(Events, Leave), Failure> {
        if !self.is_ready() {
            return Err(self.not_ready());
        }
        let status = Command::Status(Named { service: name.clone() });
        let leave = Leave::ask(&self.shared, status, by, token)?;
        Ok((Events::of(&self.shared, name)?, leave))
    }

    /// What is recorded from now on, for as long as whoever asks may read it.
    pub(crate) async fn follow_audit(
        &self,
        asked: command::Audit,
        by: By,
        token: Option<TokenId>,
    ) -> Result<(Following, Leave), Failure> {
        if !self.is_ready() {
            return Err(self.not_ready());
        }
        let leave = Leave::ask(&self.shared, Command::Audit(asked.clone()), by, token)?;
        Ok((Following::of(&self.shared, asked).await?, leave))
    }

    /// The store, for what arrives in parts.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Whether the node takes commands and calls.
    pub fn is_ready(&self) -> bool {
        self.shared.ready.load(Ordering::Acquire)
    }

    /// Every running revision's numbers in Prometheus' text format.
    pub fn metrics(&self) -> String {
        let services = self.shared.all();
        let running: Vec<_> = services
            .iter()
            .flat_map(|service| {
                let (table, kept) = (service.live.switch.table(), service.bucket_bytes());
                let (active, waiting) = (service.record().active, service.live.mailboxes.waiting());
                service.live.switch.targets().into_iter().map(move |(number, running)| {
                    let weight = table.weight(number).map_or(0.0, |weight| weight.percent());
                    let shadow = service.live.shadowing.usage(number);
                    let in_mailboxes = if active == Some(number) { waiting } else { 0 };
                    let of_service = (kept, service.actors(), in_mailboxes);
                    (service.name().as_str(), number.0, weight, running, shadow, of_service)
                })
            })
            .collect();
        let samples: Vec<_> = running
            .iter()
            .map(|(service, revision, weight_percent, running, shadow, of_service)| Sample {
                service,
                revision: *revision,
                version: running.version.to_string(),
                weight_percent: *weight_percent,
                traffic: &running.traffic,
                pool: running.pool.stats(),
                limits: running.pool.limits(),
                kept_bytes: of_service.0,
                actors: of_service.1,
                in_mailboxes: of_service.2,
                shadow: *shadow,
            })
            .collect();
        metrics::render(&samples) + &self.shared.trail.metrics()
    }

    /// The record of what this node was told and what its guests did.
    pub(crate) fn trail(&self) -> &Trail {
        &self.shared.trail
    }

    /// Takes no more commands, and lets those that wait be answered. Services are called as before.
    pub fn announce_stop(&self) {
        self.shared.ready.store(false, Ordering::Release);
        self.shared.stopping.send_replace(true);
    }

    /// Stops taking commands, ends the walks where they are and stops every revision. The records stand as
    /// they are: the next node over this directory goes on from them.
    pub async fn close(&self) {
        self.announce_stop();
        self.shared.batches.close().await;
        let known: Vec<Known> =
            std::mem::take(&mut *self.shared.services()).into_values().collect();
        let services: Vec<_> = known.iter().map(|known| Arc::clone(&known.service)).collect();
        for mut walk in known.into_iter().filter_map(|known| known.walk) {
            walk.abort();
            // Until it is gone, it holds the directory; whether it ended or was ended is the same.
            let _ = (&mut walk).await;
        }
        join_all(services.iter().map(|service| service.seal())).await;
        let targets = services.iter().flat_map(|service| service.live.switch.targets());
        let stopping: Vec<_> =
            targets.map(|(_, running)| async move { running.pool.stop().await }).collect();
        join_all(stopping).await;
        self.shared.trail.close().await;
    }

    fn not_ready(&self) -> Failure {
        if *self.shared.stopping.borrow() { stopping() } else { starting() }
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn routes(&self) -> &Arc<Routes> {
        &self.shared.routes
    }
}

/// A node that is dropped without [`Node::close`] leaves nothing behind that holds its directory: the
/// services and the rooms they share know one another.
impl Drop for Node {
    fn drop(&mut self) {
        self.shared.batches.abort();
        for known in std::mem::take(&mut *self.shared.services()).into_values() {
            if let Some(walk) = known.walk {
                walk.abort();
            }
        }
        self.shared.trail.release();
    }
}

/// Work that waits for the disk or a processor has threads that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|panicked| {
        tracing::error!("a part of a command broke off: {panicked}");
        Failure::new(Code::Failed, "a fault in the node cut the command short")
    })
}

/// The public authorities, and those of a file if there is one.
fn authorities(named: Option<&Path>) -> Result<Authorities, AuthoritiesError> {
    named.map_or_else(|| Ok(Authorities::default()), Authorities::read)
}

fn starting() -> Failure {
    Failure::new(Code::Unavailable, "the node is starting")
        .help("it takes commands as soon as what ran before runs again")
}

pub(crate) fn stopping() -> Failure {
    Failure::new(Code::Unavailable, "the node is stopping")
        .help("what was recorded goes on when it starts again")
}

/// Why a record was not written, for an answer.
pub(crate) fn store_failure(error: &PutError) -> Failure {
    match error {
        PutError::Full { .. } => Failure::from_error(Code::Limit, error)
            .help("free some space under the node's data directory; what runs goes on"),
        PutError::TooLarge { .. } => Failure::from_error(Code::TooLarge, error),
        _ => Failure::from_error(Code::Failed, error),
    }
}
