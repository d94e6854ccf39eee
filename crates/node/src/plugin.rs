//! Plugins: components inside your own program, swapped between two calls, with nothing on disk.
//!
//! The same live side that a node's services have, without the records and rollouts: a swap prepares and
//! warms the new version beside the old one, turns the calls to it at once, and stops the old one when its
//! last call has ended.

use std::sync::Arc;

use airssys_wasm_deploy::Table;
use airssys_wasm_host::{
    ArtifactError, Backends, CallCtx, Host, HostError, HostSettings, Input, LogSink, MemoryKeeper,
    NoLog, NoWatch, Output, Pool, PrepareError, RequestId, RevisionSpec, StateKeeper, Value,
    inspect,
};
use airssys_wasm_model::{
    Grants, InstanceModel, Manifest, ManifestError, Name, RevisionNumber, Rights, RightsError,
    Version,
};
use bytes::Bytes;
use tokio::sync::Mutex;

use crate::live::{LiveService, Running, ServiceError};
use crate::metrics::Traffic;

/// What plugins share: an engine.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use airssys_wasm::{PluginSettings, Plugins};
///
/// let plugins = Plugins::new()?;
/// let greeter = plugins.load(std::fs::read("greeter-1.wasm")?, PluginSettings::default()).await?;
/// let answer = greeter.call("you").await?;
/// greeter.swap(std::fs::read("greeter-2.wasm")?).await?;
/// # let _ = answer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Plugins {
    host: Host,
}

/// How a plugin is run. The default grants nothing and configures nothing.
#[derive(Clone)]
pub struct PluginSettings {
    /// What it may do, of what its manifest asks for.
    pub grants: Grants,
    /// Its configuration, laid over its manifest's.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// Where its lines go.
    pub log: Arc<dyn LogSink>,
}

impl Default for PluginSettings {
    fn default() -> Self {
        Self { grants: Grants::default(), config: serde_json::Map::new(), log: Arc::new(NoLog) }
    }
}

/// A component inside your program. Cloning it shares it.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    host: Host,
    settings: PluginSettings,
    live: LiveService,
    state: Arc<MemoryKeeper>,
    backends: Backends,
    /// The number of the revision that has the calls. Held for the length of a swap: one at a time.
    current: Mutex<RevisionNumber>,
}

/// Why a plugin was not loaded or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The bytes are no component.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// Its manifest.
    #[error("the plugin's manifest: {0}")]
    Manifest(#[from] ManifestError),
    /// It asks for more than it is granted, or is granted what it does not ask for.
    #[error(transparent)]
    Rights(#[from] RightsError),
    /// It cannot be compiled or linked.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// Its call, or its first instance, failed.
    #[error(transparent)]
    Call(#[from] airssys_wasm_host::CallError),
    /// Its call names a version, which a plugin has only one of.
    #[error("the plugin has one version, and a call cannot name another: {0}")]
    Naming(String),
    /// Its call does not say which of its actors it is for. The key is an entry of the input's metadata.
    #[error("the plugin's actors have a key: {0}")]
    Key(String),
    /// Another component's name: a swap changes the version, not the plugin.
    #[error("plugin `{name}` cannot be swapped for `{other}`")]
    OtherName {
        /// The plugin.
        name: Name,
        /// What came.
        other: Name,
    },
}

impl Plugins {
    /// An engine with the default settings and memory on demand, which suits a program that has other
    /// work.
    pub fn new() -> Result<Self, HostError> {
        Self::with(&HostSettings {
            pooling: airssys_wasm_host::Pooling::Never,
            ..HostSettings::default()
        })
    }

    /// An engine with these settings.
    pub fn with(settings: &HostSettings) -> Result<Self, HostError> {
        Ok(Self { host: Host::new(settings)? })
    }

    /// Loads a plugin from a component's bytes. When this returns, its configuration has been accepted
    /// and it takes calls.
    pub async fn load(
        &self,
        artifact: impl Into<Bytes>,
        settings: PluginSettings,
    ) -> Result<Plugin, PluginError> {
        let artifact = artifact.into();
        let manifest = manifest(&artifact)?;
        let plugin = Plugin(Arc::new(Inner {
            host: self.host.clone(),
            settings,
            live: LiveService::new(manifest.component.name.clone()),
            state: Arc::default(),
            backends: Backends::in_memory(),
            current: Mutex::new(RevisionNumber(0)),
        }));
        plugin.put(artifact, manifest).await?;
        Ok(plugin)
    }
}

impl Plugin {
    /// Calls the plugin's handler with these bytes.
    pub async fn call(&self, input: impl Into<Bytes>) -> Result<Bytes, PluginError> {
        let input = Input { body: input.into(), ..Input::default() };
        Ok(self.execute(input).await?.body)
    }

    /// Calls the plugin's handler.
    pub async fn execute(&self, input: Input) -> Result<Output, PluginError> {
        let call = CallCtx::new(RequestId::draw());
        let answered = self.0.live.execute(input, call).await.map_err(loaded)?;
        Ok(answered.answer)
    }

    /// Calls one of the plugin's functions, with arguments and result in WAVE.
    pub async fn invoke(&self, function: &str, args: &[String]) -> Result<String, PluginError> {
        let call = CallCtx::new(RequestId::draw());
        let answered = self.0.live.invoke(function, args, call).await.map_err(loaded)?;
        Ok(answered.answer)
    }

    /// Calls one of the plugin's functions with values. Gives its result, or `None` where it returns nothing.
    ///
    /// A function from `list<u8>` to `list<u8>` is given [`Value::Bytes`], which costs no value for each byte.
    pub async fn function(
        &self,
        name: &str,
        arguments: Vec<Value>,
    ) -> Result<Option<Value>, PluginError> {
        let call = CallCtx::new(RequestId::draw());
        let answered = self.0.live.call(name, arguments, call).await.map_err(loaded)?;
        Ok(answered.answer)
    }

    /// Puts another version in place. Calls that have begun end on the version they began on; from the
    /// moment that this returns every call goes to the new one. If the new version does not start, the
    /// old one stays and nothing has changed.
    pub async fn swap(&self, artifact: impl Into<Bytes>) -> Result<Version, PluginError> {
        let artifact = artifact.into();
        let manifest = manifest(&artifact)?;
        let name = &self.0.live.name;
        if manifest.component.name != *name {
            let other = manifest.component.name;
            return Err(PluginError::OtherName { name: name.clone(), other });
        }
        self.put(artifact, manifest).await
    }

    async fn put(&self, artifact: Bytes, manifest: Manifest) -> Result<Version, PluginError> {
        let mut current = self.0.current.lock().await;
        let (former, revision) = (*current, current.next());
        let running = self.0.start(artifact, manifest, revision).await?;
        let version = running.version.clone();
        let switch = &self.0.live.switch;
        switch.insert(revision, Arc::new(running));
        switch.publish(&Table::all(revision)).expect("the revision was just made known");
        *current = revision;
        drop(current);
        let plugin = Arc::clone(&self.0);
        tokio::spawn(async move { plugin.retire(former).await });
        Ok(version)
    }
}

impl Inner {
    async fn start(
        &self,
        artifact: Bytes,
        manifest: Manifest,
        revision: RevisionNumber,
    ) -> Result<Running, PluginError> {
        let mut config = manifest.config;
        config.extend(self.settings.config.clone());
        let is_actor = manifest.instances.model == InstanceModel::Actor;
        let asked = Arc::new(manifest.asked);
        let spec = RevisionSpec {
            service: manifest.component.name,
            revision,
            version: manifest.component.version.clone(),
            digest: airssys_wasm_model::Digest::of(&artifact),
            config,
            asked: Arc::clone(&asked),
            rights: Arc::new(Rights::intersect(&asked, &self.settings.grants)?),
            limits: manifest.limits,
            instances: manifest.instances,
            determinism: manifest.determinism,
            sink: Arc::clone(&self.settings.log),
            watch: Arc::new(NoWatch),
            state: is_actor.then(|| Arc::clone(&self.state) as Arc<dyn StateKeeper>),
            backends: self.backends.clone(),
        };
        let pool = Pool::new(self.host.prepare(spec, artifact).await?);
        pool.warm().await?;
        let version = manifest.component.version;
        Ok(Running { revision, version, pool, asked, traffic: Traffic::default(), stamp: None })
    }

    /// Stops a version that has no calls any more. Each of its calls has its limit on time, so the wait
    /// ends.
    async fn retire(&self, revision: RevisionNumber) {
        let Some(running) = self.live.switch.get(revision) else { return };
        let longest = running.pool.prepared().spec().limits.time.0;
        self.live.switch.drain(revision, longest * 2).await;
        if let Some(running) = self.live.switch.remove(revision) {
            running.pool.stop().await;
        }
    }
}

fn manifest(artifact: &Bytes) -> Result<Manifest, PluginError> {
    let inspection = inspect(artifact)?;
    match inspection.manifest {
        Some(text) => Ok(Manifest::parse(&text)?),
        None => Ok(Manifest::unstated(
            inspection.name.unwrap_or_else(|| "plugin".parse().expect("it is a name")),
            inspection.version.unwrap_or(Version::new(0, 0, 0)),
        )),
    }
}

fn loaded(error: ServiceError) -> PluginError {
    match error {
        ServiceError::Call(error) => PluginError::Call(error),
        ServiceError::Naming(error) => PluginError::Naming(error.to_string()),
        ServiceError::Key(error) => PluginError::Key(error.to_string()),
        ServiceError::Unrecorded(_) => unreachable!("a plugin's calls are not recorded"),
        ServiceError::Loop(_) => unreachable!("a plugin's guests call no service"),
        ServiceError::NoRevision(_) => unreachable!("a plugin has a revision from its loading on"),
    }
}
