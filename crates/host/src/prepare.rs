//! From an artifact to a revision that can be instantiated: compiled, linked and checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use airssys_wasm_model::{
    Asked, Determinism, Digest, InstanceModel, Instances, Limits, Name, RevisionNumber, Rights,
    Version,
};
use bytes::Bytes;
use wasmtime::component::Component;

use crate::actor::StateKeeper;
use crate::artifact::{ArtifactError, FunctionSignature, Inspection, inspect, inspect_as};
use crate::backends::Backends;
use crate::engine::{Concurrency, Host, Runtime};
use crate::lanes::Copies;
use crate::limit::Meters;
use crate::linked::Linked;
use crate::output::{LogSink, Voice};
use crate::rights::{DirectoryError, LiveRights};
use crate::turns::Turns;
use crate::wasi::config_variables;
use crate::watch::Watch;

/// Everything that makes a revision what it is, besides its artifact.
#[derive(Clone)]
pub struct RevisionSpec {
    /// Its service.
    pub service: Name,
    /// Its number.
    pub revision: RevisionNumber,
    /// Its release's version.
    pub version: Version,
    /// Its artifact's digest.
    pub digest: Digest,
    /// Its configuration.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// What it asks for: a denial says whether a grant alone would help.
    pub asked: Arc<Asked>,
    /// What it may do at first. [`Pool::change_rights`](crate::Pool::change_rights) replaces it.
    pub rights: Arc<Rights>,
    /// What it may use.
    pub limits: Limits,
    /// How its instances live.
    pub instances: Instances,
    /// What of their surroundings is fixed.
    pub determinism: Determinism,
    /// Where its lines go.
    pub sink: Arc<dyn LogSink>,
    /// Who is told of what it does with its rights.
    pub watch: Arc<dyn Watch>,
    /// Who keeps its state; needed by `actor` alone.
    pub state: Option<Arc<dyn StateKeeper>>,
    /// Who keeps what it uses by name.
    pub backends: Backends,
}

/// Why an artifact cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The bytes are no artifact.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// An import that nobody provides.
    #[error("the component imports `{import}`, which nothing here provides: {reason}")]
    Import {
        /// Its name.
        import: String,
        /// What does not fit.
        reason: String,
    },
    /// An export whose type is not what its name promises.
    #[error("the component's exports do not fit the interfaces that they name: {0}")]
    Export(String),
    /// The compiler refused.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    /// Exports `state`, and its instances are not actors.
    #[error(
        "the component exports airssys:component/state, so its instances must be actors: set \
         `model = \"actor\"` under [instances] in Component.toml"
    )]
    StateNeedsActor,
    /// A directory that was granted.
    #[error("{}: {}", .0, .0.source)]
    Directory(DirectoryError),
    /// The artifact is not the one that was meant. What is compiled is kept by its digest.
    #[error("the artifact's digest is {is}, not {said}")]
    OtherBytes {
        /// The digest that was named.
        said: Digest,
        /// The digest of the bytes.
        is: Digest,
    },
    /// An actor that could be called past its state.
    #[error(
        "an actor is called by its handler alone, so that each call finds its state and leaves it saved; \
         this one also exports HTTP or functions of its own"
    )]
    ActorWithOtherDoors,
    /// An actor without a handler.
    #[error("only a component that exports airssys:component/handler can be an actor")]
    ActorNeedsHandler,
    /// An actor with a key and nothing to keep for it.
    #[error(
        "an actor with a key keeps a state for each of its values, so the component must export \
         airssys:component/state: give its `ComponentState` a type, or take `key` out"
    )]
    KeyNeedsState,
}

/// How a revision was compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileReport {
    /// Whether the compiled artifact was in the cache.
    pub cached: bool,
    /// How long it took to compile or to load.
    pub took: Duration,
}

/// A revision that is ready to be instantiated. Cloning it shares it.
#[derive(Clone)]
pub struct Prepared(pub(crate) Arc<Revision>);

pub(crate) struct Revision {
    /// Keeps the engine's epoch moving.
    pub(crate) host: Host,
    pub(crate) spec: RevisionSpec,
    /// The configuration as `wasi:config/store` shows it.
    pub(crate) config: BTreeMap<String, String>,
    /// The configuration as `lifecycle.init` gets it.
    pub(crate) config_json: String,
    pub(crate) meters: Arc<Meters>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) voice: Arc<Voice>,
    /// What it may do now.
    pub(crate) rights: LiveRights,
    /// It in the engine that has room for all.
    pub(crate) home: Linked,
    /// It in the lanes.
    pub(crate) copies: Copies,
    pub(crate) inspection: Inspection,
    report: CompileReport,
}

impl Host {
    /// Compiles an artifact, or takes it from the cache, and links it.
    ///
    /// Compiling takes every core for a while and happens on a thread of its own, one at a time.
    pub async fn prepare(
        &self,
        spec: RevisionSpec,
        artifact: Bytes,
    ) -> Result<Prepared, PrepareError> {
        let inspection = self.examine(artifact.clone()).await?;
        if inspection.digest != spec.digest {
            let (said, is) = (spec.digest, inspection.digest);
            return Err(PrepareError::OtherBytes { said, is });
        }
        let concurrency = inspection.concurrency;
        // Before it is compiled: that takes time, and what is wrong is wrong.
        check_model(&spec, &inspection)?;
        let (component, report) = self.compile(spec.digest, artifact, concurrency).await?;
        self.finish(spec, inspection, component, report)
    }

    /// The same for an artifact that was compiled before, if it was: nothing of it is read.
    pub async fn prepare_known(
        &self,
        spec: &RevisionSpec,
    ) -> Result<Option<Prepared>, PrepareError> {
        let (digest, start) = (spec.digest, Instant::now());
        let shared = Arc::clone(&self.0);
        let loading = tokio::task::spawn_blocking(move || {
            let inspection = shared.known.as_ref()?.get(digest)?;
            let runtime = shared.runtime(inspection.concurrency).ok()?;
            Some((runtime.cached(digest)?, inspection))
        });
        let loaded = loading.await.map_err(|panic| PrepareError::Compile(panic.to_string()))?;
        let Some((component, inspection)) = loaded else { return Ok(None) };
        check_model(spec, &inspection)?;
        let report = CompileReport { cached: true, took: start.elapsed() };
        self.finish(spec.clone(), inspection, component, report).map(Some)
    }

    /// What an artifact says of itself, if this host has examined it before: nothing of it is read.
    pub async fn known(&self, digest: Digest) -> Option<Inspection> {
        let shared = Arc::clone(&self.0);
        let looking = tokio::task::spawn_blocking(move || shared.known.as_ref()?.get(digest));
        looking.await.ok().flatten()
    }

    /// Reads what an artifact says of itself, and validates it unless this host has done so before.
    pub async fn examine(&self, artifact: Bytes) -> Result<Inspection, PrepareError> {
        let shared = Arc::clone(&self.0);
        // Validating a large component takes long enough to hold up an executor's thread.
        let examining = tokio::task::spawn_blocking(move || {
            let Some(known) = &shared.known else { return inspect(&artifact) };
            let digest = Digest::of(&artifact);
            if let Some(inspection) = known.get(digest) {
                return Ok(inspection);
            }
            inspect_as(&artifact, digest).inspect(|inspection| known.put(inspection))
        });
        match examining.await {
            Ok(inspected) => Ok(inspected?),
            Err(panicked) => Err(PrepareError::Compile(panicked.to_string())),
        }
    }

    /// Links what was compiled and settles its rights, of a revision whose model was checked.
    fn finish(
        &self,
        spec: RevisionSpec,
        inspection: Inspection,
        component: Component,
        report: CompileReport,
    ) -> Result<Prepared, PrepareError> {
        let rights = LiveRights::new(Arc::clone(&spec.rights)).map_err(PrepareError::Directory)?;
        let runtime = self.0.runtime(inspection.concurrency);
        let runtime = runtime.map_err(|error| PrepareError::Compile(error.to_string()))?;
        let home = Linked::new(runtime, &component, &inspection)?;
        let meters = Arc::new(Meters::new(&spec.limits, Instant::now()));
        Ok(Prepared(Arc::new(Revision {
            turns: self.0.turns(&spec.service),
            host: self.clone(),
            config: config_variables(&spec.config),
            config_json: serde_json::Value::Object(spec.config.clone()).to_string(),
            voice: Arc::new(Voice::of(&spec, Arc::clone(&meters))),
            meters,
            spec,
            rights,
            home,
            copies: self.0.lanes.copies(inspection.concurrency),
            inspection,
            report,
        })))
    }

    async fn compile(
        &self,
        digest: Digest,
        artifact: Bytes,
        concurrency: Concurrency,
    ) -> Result<(Component, CompileReport), PrepareError> {
        let start = Instant::now();
        let report = |cached| CompileReport { cached, took: start.elapsed() };
        let cached = self.on_a_thread(concurrency, move |runtime| Ok(runtime.cached(digest)));
        if let Some(component) = cached.await? {
            return Ok((component, report(true)));
        }
        let _one_at_a_time = self.0.compiling.acquire().await;
        let component = self.on_a_thread(concurrency, move |runtime| {
            // Whoever compiled meanwhile may have compiled this.
            match runtime.cached(digest) {
                Some(component) => Ok(component),
                None => runtime.compile(digest, &artifact),
            }
        });
        Ok((component.await?, report(false)))
    }

    /// Work that would hold up an executor's thread.
    async fn on_a_thread<T: Send + 'static>(
        &self,
        concurrency: Concurrency,
        work: impl FnOnce(&Runtime) -> wasmtime::Result<T> + Send + 'static,
    ) -> Result<T, PrepareError> {
        let shared = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(shared.runtime(concurrency)?));
        match done.await {
            Ok(done) => done.map_err(|error| PrepareError::Compile(format!("{error:#}"))),
            Err(panicked) => Err(PrepareError::Compile(panicked.to_string())),
        }
    }
}

impl Runtime {
    fn cached(&self, digest: Digest) -> Option<Component> {
        self.cached_for(self, digest)
    }

    /// The same for another engine with the same settings.
    pub(crate) fn cached_for(&self, other: &Self, digest: Digest) -> Option<Component> {
        self.cache.as_ref().and_then(|cache| cache.load(&other.engine, digest))
    }

    fn compile(&self, digest: Digest, artifact: &[u8]) -> wasmtime::Result<Component> {
        let component = Component::new(&self.engine, artifact)?;
        if let Some(cache) = &self.cache {
            cache.store(digest, &component.serialize()?);
        }
        Ok(component)
    }
}

impl Prepared {
    /// How it was compiled.
    pub fn report(&self) -> CompileReport {
        self.0.report
    }

    /// What its artifact says of itself.
    pub fn inspection(&self) -> &Inspection {
        &self.0.inspection
    }

    /// What it was prepared with.
    pub fn spec(&self) -> &RevisionSpec {
        &self.0.spec
    }

    /// The functions that it exports, its own and those of its interfaces, that can be called by name.
    pub fn functions(&self) -> Vec<FunctionSignature> {
        self.0.home.functions.signatures()
    }
}

fn check_model(spec: &RevisionSpec, inspection: &Inspection) -> Result<(), PrepareError> {
    let is_actor = spec.instances.model == InstanceModel::Actor;
    if inspection.offers.state && !is_actor {
        return Err(PrepareError::StateNeedsActor);
    }
    if is_actor && !inspection.offers.handler {
        return Err(PrepareError::ActorNeedsHandler);
    }
    if is_actor && (inspection.offers.http.is_some() || inspection.offers.functions) {
        return Err(PrepareError::ActorWithOtherDoors);
    }
    if spec.instances.key.is_some() && !inspection.offers.state {
        return Err(PrepareError::KeyNeedsState);
    }
    Ok(())
}
