//! What a component's own code asks for, asked once, here, with nothing granted.

use std::sync::Arc;

use airssys_wasm_host::{
    Backends, Host, HostSettings, Inspection, NoLog, NoWatch, Pooling, Required, RevisionSpec,
};
use airssys_wasm_model::{Manifest, RevisionNumber, Rights};
use anyhow::Context as _;
use bytes::Bytes;

/// Asks the code. A component without the interface asks for nothing.
pub(super) async fn by_code(
    component: &[u8],
    inspection: &Inspection,
    manifest: &Manifest,
) -> anyhow::Result<Vec<Required>> {
    if !inspection.offers.capabilities {
        return Ok(Vec::new());
    }
    let spec = RevisionSpec {
        service: manifest.component.name.clone(),
        revision: RevisionNumber(1),
        version: manifest.component.version.clone(),
        digest: inspection.digest,
        config: manifest.config.clone(),
        asked: Arc::new(manifest.asked.clone()),
        rights: Arc::new(Rights::default()),
        limits: manifest.limits,
        instances: manifest.instances.clone(),
        determinism: manifest.determinism.clone(),
        sink: Arc::new(NoLog),
        watch: Arc::new(NoWatch),
        state: None,
        backends: Backends::default(),
    };
    let settings = HostSettings { pooling: Pooling::Never, ..HostSettings::default() };
    let prepared = Host::new(&settings)?.prepare(spec, Bytes::copy_from_slice(component)).await?;
    prepared.required().await.context("what the code requires cannot be learned")
}
