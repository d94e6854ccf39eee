//! The node's secrets: set and removed by commands, and lent to the guests that may use them.
//!
//! They are opened when they are first needed. A node that has none therefore needs no key, and makes none.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use airssys_wasm_api::command::{NamedSecret, SetSecret};
use airssys_wasm_api::reply::{
    KeyRotated, Reply, SecretLine, SecretList, SecretRemoved, SecretSet,
};
use airssys_wasm_api::{Code, Failure, Timestamp};
use airssys_wasm_host::{SecretError as NoSecret, SecretSource, SecretValue};
use airssys_wasm_model::SecretName;
use airssys_wasm_store::{
    HeldSecret, KeySource, PutError, Secret, SecretError, SecretName as StoredName, Secrets, Store,
};

use crate::node::{Shared, blocking, store_failure};

/// The secrets of a node.
pub(crate) struct NodeSecrets {
    store: Arc<Store>,
    key: KeySource,
    /// Guards opening and a look-up; opening is file work and happens once. Never held across an await.
    opened: Mutex<Option<Opened>>,
}

struct Opened {
    secrets: Secrets,
    /// Of each name that was ever asked for and is there: no more than the store has secrets, and a few that were
    /// removed since.
    held: HashMap<String, Arc<HeldSecret>>,
}

struct Lent(Arc<Secret>);

/// Where the key of a data directory's secrets is unless said otherwise: beside it, so that a copy of the directory
/// is no copy of the key.
pub(crate) fn key_file(data: &Path) -> PathBuf {
    let whole = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let mut name = whole.file_name().unwrap_or_default().to_owned();
    name.push(".secrets-key");
    whole.with_file_name(name)
}

impl NodeSecrets {
    pub(crate) fn new(store: Arc<Store>, key: KeySource) -> Self {
        Self { store, key, opened: Mutex::default() }
    }

    /// Whether the secrets that there are can be opened. It is found out at the start, when somebody looks.
    pub(crate) fn look(&self) {
        if let Err(error) = self.read(|_| Ok(())) {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the secrets cannot be opened, so nothing can use one");
        }
    }

    /// What is done with the secrets, if there are any: to ask for one makes no key.
    fn read<T>(
        &self,
        act: impl FnOnce(&mut Opened) -> Result<T, SecretError>,
    ) -> Result<Option<T>, SecretError> {
        let mut opened = self.opened();
        if opened.is_none() && self.store.records().keys("secrets/")?.is_empty() {
            return Ok(None);
        }
        self.open(&mut opened).and_then(act).map(Some)
    }

    fn open<'a>(&self, opened: &'a mut Option<Opened>) -> Result<&'a mut Opened, SecretError> {
        if opened.is_none() {
            let secrets = Secrets::open(self.store.records(), self.key.clone())?;
            *opened = Some(Opened { secrets, held: HashMap::new() });
        }
        Ok(opened.as_mut().expect("it was just put there"))
    }

    fn opened(&self) -> MutexGuard<'_, Option<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle on the secrets, made with their key if there is none yet.
    fn handle(&self) -> Result<Secrets, SecretError> {
        Ok(self.open(&mut self.opened())?.secrets.clone())
    }

    fn hold(&self, name: &StoredName) -> Result<Option<Arc<HeldSecret>>, SecretError> {
        self.read(|opened| {
            let held = opened.held.entry(name.as_str().to_owned());
            Ok(Arc::clone(held.or_insert_with(|| Arc::new(opened.secrets.hold(name.clone())))))
        })
    }

    fn forget(&self, name: &StoredName) {
        if let Some(opened) = &mut *self.opened() {
            opened.held.remove(name.as_str());
        }
    }
}

impl SecretSource for NodeSecrets {
    fn current(&self, name: &str) -> Result<Option<Arc<dyn SecretValue>>, NoSecret> {
        // A grant may name what the store cannot: there is no such secret.
        let Ok(name) = name.parse::<StoredName>() else { return Ok(None) };
        let failed = |error: SecretError| NoSecret(error.into());
        let Some(held) = self.hold(&name).map_err(failed)? else { return Ok(None) };
        match held.current() {
            Ok(secret) => Ok(Some(Arc::new(Lent(secret)))),
            Err(SecretError::NotFound { .. }) => {
                self.forget(&name);
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        }
    }
}

impl SecretValue for Lent {
    fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

pub(crate) async fn set(shared: &Arc<Shared>, set: SetSecret) -> Result<Reply, Failure> {
    let stored = stored(&set.name)?;
    let shared = Arc::clone(shared);
    blocking(move || {
        let value = set.value.0.0;
        let put = shared.secrets.handle();
        let put = put.and_then(|secrets| secrets.set(&stored, &value, SystemTime::now()));
        let version = put.map_err(|error| failure(&error))?;
        tracing::info!(secret = %set.name, version, "a secret was set");
        Ok(SecretSet { name: set.name, version }.into())
    })
    .await?
}

pub(crate) async fn list(shared: &Arc<Shared>) -> Result<Reply, Failure> {
    let shared = Arc::clone(shared);
    blocking(move || {
        let listed = shared.secrets.read(|opened| opened.secrets.list());
        let listed = listed.map_err(|error| failure(&error))?.unwrap_or_default();
        let lines = listed.iter().filter_map(|summary| {
            let current = summary.versions.last()?;
            Some(SecretLine {
                name: summary.name.as_str().parse().ok()?,
                version: current.version,
                set_at: Timestamp::from(current.set_at),
                size_bytes: current.size_bytes as u64,
                kept: summary.versions.len() as u32,
            })
        });
        Ok(SecretList { secrets: lines.collect() }.into())
    })
    .await?
}

pub(crate) async fn remove(shared: &Arc<Shared>, named: NamedSecret) -> Result<Reply, Failure> {
    let stored = stored(&named.name)?;
    let shared = Arc::clone(shared);
    blocking(move || {
        let removed = shared.secrets.read(|opened| opened.secrets.remove(&stored));
        if removed.map_err(|error| failure(&error))? != Some(true) {
            return Err(failure(&SecretError::NotFound { name: stored }));
        }
        shared.secrets.forget(&stored);
        tracing::info!(secret = %named.name, "a secret was removed");
        Ok(SecretRemoved { name: named.name }.into())
    })
    .await?
}

/// Draws a new key and seals everything anew with it.
pub(crate) async fn rotate_key(shared: &Arc<Shared>) -> Result<Reply, Failure> {
    let shared = Arc::clone(shared);
    blocking(move || {
        let rotated = shared.secrets.read(|opened| opened.secrets.rotate_key());
        let rotated = rotated.map_err(|error| failure(&error))?.ok_or_else(|| {
            Failure::new(Code::NotFound, "there is no secret yet, and so no key")
                .help("the key is made with the first `airssys-wasm secret set`")
        })?;
        let (former, current) = (rotated.former.to_string(), rotated.current.to_string());
        tracing::info!(former, current, "the secrets have another key");
        Ok(KeyRotated { former, current, resealed: Some(rotated.resealed as u64) }.into())
    })
    .await?
}

fn stored(name: &SecretName) -> Result<StoredName, Failure> {
    name.as_str().parse().map_err(|error| Failure::new(Code::Usage, error))
}

fn failure(error: &SecretError) -> Failure {
    let of = |code| Failure::from_error(code, error);
    match error {
        SecretError::NotFound { .. } => {
            of(Code::NotFound).help("`airssys-wasm secret list` shows the secrets of the node")
        }
        SecretError::Empty => of(Code::Usage),
        SecretError::TooLarge { .. } => of(Code::TooLarge),
        SecretError::TooMany => of(Code::Limit),
        SecretError::WrongKey { .. } | SecretError::KeyMissing { .. } | SecretError::Key(_) => {
            of(Code::Failed).help(
                "`serve --secrets-key FILE` names the key's file, AIRSSYS_WASM_SECRETS_KEY may hold the key itself",
            )
        }
        SecretError::KeyIsGiven => of(Code::Conflict).help(
            "start the node with the new key in AIRSSYS_WASM_SECRETS_KEY and this one in \
             AIRSSYS_WASM_SECRETS_FORMER_KEY: it seals everything anew, and needs the former one no more",
        ),
        SecretError::Write(full @ PutError::Full { .. }) => store_failure(full),
        _ => of(Code::Failed),
    }
}
