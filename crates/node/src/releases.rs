//! Releases: a name and a version for an artifact, and what its manifest says. None ever changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_deploy::Timestamp;
use airssys_wasm_host::Inspection;
use airssys_wasm_model::{Digest, Manifest, Name, Signer, Version};
use airssys_wasm_store::{BlobError, PutError, RecordError, Store, Versioned};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::collecting;
use crate::node::{Shared, blocking, store_failure};
use crate::starting::StartError;

/// A release as it is recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Release {
    pub(crate) name: Name,
    pub(crate) version: Version,
    pub(crate) digest: Digest,
    pub(crate) size_bytes: u64,
    pub(crate) manifest: Manifest,
    /// Whether it answers HTTP requests.
    pub(crate) http: bool,
    pub(crate) at: Timestamp,
    pub(crate) by: String,
    /// Who signed the artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) signers: Vec<Signer>,
}

/// Whether a release was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Stored,
    Known,
}

/// What an uploaded artifact would be as a release: read and checked, not recorded.
pub(crate) async fn read(
    shared: &Arc<Shared>,
    digest: Digest,
    name: Option<Name>,
    version: Option<Version>,
    by: &str,
) -> Result<Release, Failure> {
    collecting::keep(shared, digest).await?;
    let found = match shared.host.known(digest).await {
        Some(found) => found,
        None => {
            let bytes = artifact(shared, digest).await.map_err(|error| {
                StartError::from(error).failure().help("upload it again: POST /v1/artifacts")
            })?;
            let examined = shared.host.examine(bytes).await;
            examined.map_err(|error| Failure::from_error(Code::Invalid, &error))?
        }
    };
    described(&found, name, version, by.to_owned())
}

fn described(
    found: &Inspection,
    name: Option<Name>,
    version: Option<Version>,
    by: String,
) -> Result<Release, Failure> {
    let manifest = found.manifest.as_deref().map(Manifest::parse).transpose().map_err(|error| {
        Failure::new(Code::Invalid, format!("the embedded manifest: {error}"))
            .help("correct Component.toml and build again")
    })?;
    let own = manifest.as_ref().map(|manifest| manifest.component.clone());
    let (own_name, own_version) = match own {
        Some(own) => (Some(own.name), Some(own.version)),
        None => (found.name.clone(), found.version.clone()),
    };
    let name = name.or(own_name).ok_or_else(|| unsaid("name", "--name NAME"))?;
    let version = version.or(own_version).ok_or_else(|| unsaid("version", "--version 1.0.0"))?;
    Ok(Release {
        manifest: manifest.unwrap_or_else(|| Manifest::unstated(name.clone(), version.clone())),
        name,
        version,
        digest: found.digest,
        size_bytes: found.size_bytes as u64,
        http: found.offers.answers_http(),
        at: Timestamp::now(),
        by,
        signers: found.signers.clone(),
    })
}

fn unsaid(what: &str, flag: &str) -> Failure {
    Failure::new(Code::Usage, format!("the component does not say its {what}"))
        .help(format!("add {flag}, or a Component.toml"))
}

/// Records a release. The same version with the same bytes is there already; with other bytes it is a
/// conflict.
pub(crate) async fn keep(shared: &Arc<Shared>, release: &Release) -> Result<Kept, Failure> {
    // A release never names what is not there, however long its command has taken until here.
    collecting::keep(shared, release.digest).await?;
    let (store, release) = (Arc::clone(&shared.store), release.clone());
    blocking(move || {
        let key = key(&release.name, &release.version);
        let found = |store: &Store| store.records().get_json::<Release>(&key);
        let known = match found(&store).map_err(record_failure)? {
            Some(known) => known,
            None => match store.records().put_json(&key, None, &release) {
                Ok(_) => return Ok(Kept::Stored),
                // Somebody else was faster with this version.
                Err(PutError::Conflict { .. }) => {
                    found(&store).map_err(record_failure)?.ok_or_else(|| {
                        Failure::new(Code::Conflict, "the release was being written by another")
                    })?
                }
                Err(error) => return Err(store_failure(&error)),
            },
        };
        same(&known, &release)
    })
    .await?
}

/// Whether a release could be recorded, without recording it.
pub(crate) async fn check(shared: &Arc<Shared>, release: &Release) -> Result<(), Failure> {
    match known(shared, &release.name, &release.version).await? {
        Some(known) if known.digest != release.digest => Err(other_bytes(&known, release)),
        _ => Ok(()),
    }
}

fn same(known: &Versioned<Release>, release: &Release) -> Result<Kept, Failure> {
    if known.value.digest == release.digest {
        Ok(Kept::Known)
    } else {
        Err(other_bytes(&known.value, release))
    }
}

fn other_bytes(known: &Release, release: &Release) -> Failure {
    let (name, version) = (&release.name, &release.version);
    let (has, given) = (known.digest, release.digest);
    let message = format!("{name}@{version} exists with other bytes: {has}, and not {given}");
    Failure::new(Code::Conflict, message).help("a release never changes: give it a new version")
}

/// A release, if it is recorded.
pub(crate) async fn find(
    shared: &Arc<Shared>,
    name: &Name,
    version: &Version,
) -> Result<Option<Release>, RecordError> {
    let (store, name, version) = (Arc::clone(&shared.store), name.clone(), version.clone());
    let reading = tokio::task::spawn_blocking(move || read_one(&store, &name, &version));
    reading.await.map_err(|panicked| RecordError::Io { source: std::io::Error::other(panicked) })?
}

/// A release, if it is recorded, read on this thread.
pub(crate) fn read_one(
    store: &Store,
    name: &Name,
    version: &Version,
) -> Result<Option<Release>, RecordError> {
    let found = store.records().get_json::<Release>(&key(name, version))?;
    Ok(found.map(|found| found.value))
}

/// A release, if it is recorded, for an answer.
pub(crate) async fn known(
    shared: &Arc<Shared>,
    name: &Name,
    version: &Version,
) -> Result<Option<Release>, Failure> {
    find(shared, name, version).await.map_err(record_failure)
}

/// Every release of a component, the highest version last.
pub(crate) async fn list(shared: &Arc<Shared>, name: &Name) -> Result<Vec<Release>, Failure> {
    let (store, prefix) = (Arc::clone(&shared.store), format!("releases/{name}/"));
    let records = blocking(move || store.records().list(&prefix)).await?.map_err(record_failure)?;
    let read = |value: &[u8]| serde_json::from_slice::<Release>(value);
    let mut releases = records
        .iter()
        .map(|record| read(&record.value))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::from_error(Code::Failed, &error))?;
    releases.sort_by(|one, other| one.version.cmp(&other.version));
    Ok(releases)
}

/// What the releases of all components name.
pub(crate) async fn digests(shared: &Arc<Shared>) -> Result<BTreeSet<Digest>, Failure> {
    /// The part of a release that is wanted here.
    #[derive(Deserialize)]
    struct Names {
        digest: Digest,
    }
    let store = Arc::clone(&shared.store);
    let records = blocking(move || store.records().list("releases/")).await?;
    let records = records.map_err(record_failure)?;
    let names = records.iter().map(|record| serde_json::from_slice::<Names>(&record.value));
    let digests = names.map(|names| names.map(|names| names.digest)).collect::<Result<_, _>>();
    // One that cannot be read names something all the same.
    digests.map_err(|error| Failure::from_error(Code::Failed, &error))
}

/// The bytes of an artifact, checked against their digest.
pub(crate) async fn artifact(shared: &Arc<Shared>, digest: Digest) -> Result<Bytes, BlobError> {
    let store = Arc::clone(&shared.store);
    let reading = tokio::task::spawn_blocking(move || store.blobs().get(&digest));
    match reading.await {
        Ok(bytes) => bytes.map(Bytes::from),
        Err(panicked) => {
            Err(BlobError::Io { doing: "read", source: std::io::Error::other(panicked) })
        }
    }
}

fn key(name: &Name, version: &Version) -> String {
    format!("releases/{name}/{version}")
}

fn record_failure(error: RecordError) -> Failure {
    Failure::from_error(Code::Failed, &error)
}
