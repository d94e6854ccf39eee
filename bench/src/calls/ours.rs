//! Calls through the library: as a node makes them, and as a program that embeds it does.

use std::sync::Arc;

use airssys_wasm::{Plugin, PluginSettings, Plugins};
use airssys_wasm_host::{
    CallCtx, Host, HostSettings, Input, Output, Pool, RequestId, RevisionSpec, Value,
};
use airssys_wasm_model::{InstanceModel, Instances};
use anyhow::Result;
use bytes::Bytes;

use super::turns::Caller;
use crate::revision::spec;
use crate::section::with_manifest;

/// One instance that is used again, which is what one caller at a time meets.
const POOLED: Instances = Instances {
    model: InstanceModel::Pooled,
    min: 1,
    max: 64,
    max_calls: 0,
    recycle_percent: 75,
    in_flight: 16,
    key: None,
};

/// The same for a plugin, which takes it from its manifest.
const INSTANCES: &str = "[instances]\nmodel = \"pooled\"\nmin = 1\n";

/// A component in a warm pool.
pub(super) async fn pool(host: &Host, component: &[u8]) -> Result<Arc<Pool>> {
    let spec = RevisionSpec { instances: POOLED, ..spec(component)? };
    let pool = Pool::new(host.prepare(spec, component.to_vec().into()).await?);
    pool.warm().await?;
    Ok(pool)
}

/// A component as a program embeds it.
pub(super) async fn plugin(component: &[u8]) -> Result<Plugin> {
    let plugins = Plugins::with(&HostSettings::default())?;
    let component = with_manifest(component, "plugin", INSTANCES);
    Ok(plugins.load(component, PluginSettings::default()).await?)
}

/// Its handler, as a node calls it.
pub(super) struct Handler {
    /// Where.
    pub(super) pool: Arc<Pool>,
    /// With what.
    pub(super) body: Bytes,
}

impl Caller for Handler {
    type Answer = Output;

    async fn call(&mut self) -> Result<Output> {
        let lease = self.pool.claim(CallCtx::new(RequestId::draw())).await?;
        Ok(lease.execute(Input { body: self.body.clone(), ..Input::default() }).await?)
    }

    fn is_right(&self, answer: &Output) -> bool {
        answer.body == self.body
    }
}

/// Its handler, as an embedding program calls it.
pub(super) struct Embedded {
    /// Whom.
    pub(super) plugin: Plugin,
    /// With what.
    pub(super) body: Bytes,
}

impl Caller for Embedded {
    type Answer = Bytes;

    async fn call(&mut self) -> Result<Bytes> {
        Ok(self.plugin.call(self.body.clone()).await?)
    }

    fn is_right(&self, answer: &Bytes) -> bool {
        *answer == self.body
    }
}

/// A function by its name, with values.
pub(super) struct Named {
    pool: Arc<Pool>,
    function: &'static str,
    arguments: Vec<Value>,
    expected: Value,
}

impl Named {
    /// Which, with what, and what has to come back.
    pub(super) fn new(
        pool: &Arc<Pool>,
        function: &'static str,
        arguments: Vec<Value>,
        expected: Value,
    ) -> Self {
        Self { pool: Arc::clone(pool), function, arguments, expected }
    }
}

impl Caller for Named {
    type Answer = Option<Value>;

    async fn call(&mut self) -> Result<Option<Value>> {
        let lease = self.pool.claim(CallCtx::new(RequestId::draw())).await?;
        Ok(lease.call(self.function, self.arguments.clone()).await?)
    }

    fn is_right(&self, answer: &Option<Value>) -> bool {
        answer.as_ref() == Some(&self.expected)
    }
}

/// A function by its name, with arguments and result in WAVE.
pub(super) struct Texts {
    pool: Arc<Pool>,
    function: &'static str,
    arguments: Vec<String>,
    expected: String,
}

impl Texts {
    /// Which, with what, and what has to come back.
    pub(super) fn new(
        pool: &Arc<Pool>,
        function: &'static str,
        arguments: Vec<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self { pool: Arc::clone(pool), function, arguments, expected: expected.into() }
    }
}

impl Caller for Texts {
    type Answer = String;

    async fn call(&mut self) -> Result<String> {
        let lease = self.pool.claim(CallCtx::new(RequestId::draw())).await?;
        Ok(lease.invoke(self.function, &self.arguments).await?)
    }

    fn is_right(&self, answer: &String) -> bool {
        *answer == self.expected
    }
}
