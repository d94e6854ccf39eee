//! The files of the trail's key: the one it is signed with, and while it is replaced the next one.
//!
//! The next key is on the disk before it signs anything, and takes the other's place when the trail says that it
//! follows. So whenever the node dies, the keys that the trail needs are there, and the next start finishes what was
//! begun.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use airssys_wasm_api::reply::{KeyRotated, Reply};
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_store::audit::{self, KeyError, NodeKey, PublicKey};

use super::trail::{Trail, unwritable};
use crate::node::{NodeError, Shared, blocking};

/// A key, and the one before it where it is not known whether it has taken its place.
pub(super) struct Held {
    pub(super) key: NodeKey,
    pub(super) former: Option<PublicKey>,
}

/// Where the key of a data directory's trail is: beside it, or where the operator's link leads.
pub(super) fn key_file(data: &Path) -> PathBuf {
    let path = data.join("audit.key");
    path.canonicalize().unwrap_or(path)
}

fn next_of(file: &Path) -> PathBuf {
    file.with_added_extension("next")
}

/// The key to go on with, made if there is none.
pub(super) fn load(data: &Path, trail: &Path) -> Result<Held, NodeError> {
    let file = key_file(data);
    let key = NodeKey::load_or_create(&file, rand::random)?;
    let Some(next) = NodeKey::load(&next_of(&file))? else {
        return Ok(Held { key, former: None });
    };
    let failed = |source| {
        NodeError::from(KeyError::Io { doing: "find the successor of", path: file.clone(), source })
    };
    if audit::has_succeeded(trail, &key.public(), &next.public()).map_err(failed)? {
        return Ok(Held { key: next, former: Some(key.public()) });
    }
    // It never signed anything.
    fs::remove_file(next_of(&file)).map_err(failed)?;
    Ok(Held { key, former: None })
}

/// Ends a succession that the trail has gone over to.
pub(super) fn finish(data: &Path) -> Result<(), KeyError> {
    let file = key_file(data);
    NodeKey::replace(&file, &next_of(&file))
}

/// Draws a new key, and lets it sign from now on.
pub(crate) async fn rotate_audit_key(shared: &Shared) -> Result<Reply, Failure> {
    let trail = &shared.trail;
    let _alone = trail.rotating.lock().await;
    let audit = trail.reading()?;
    let (data, former) = (trail.data().to_owned(), audit.public_key());
    let next = blocking(move || draw(&data)).await??;
    let current = next.public();
    if let Err(error) = audit.succeed(next).await {
        let failure = unwritable(&error);
        let (data, dir) = (trail.data().to_owned(), trail.dir().to_owned());
        let undone = blocking(move || undo(&data, &dir, &former, &current)).await?;
        return Err(match undone {
            Ok(true) => failure,
            _ => failure.help("start the node again: it finishes what was begun"),
        });
    }
    let data = trail.data().to_owned();
    blocking(move || finish(&data)).await?.map_err(|error| {
        Failure::from_error(Code::Failed, &error)
            .help("the new key signs already; start the node again, which puts it in its place")
    })?;
    tracing::info!(%former, %current, "the audit trail has another key");
    let (former, current) = (former.to_string(), current.to_string());
    Ok(KeyRotated { former, current, resealed: None }.into())
}

fn draw(data: &Path) -> Result<NodeKey, Failure> {
    let next = next_of(&key_file(data));
    if next.exists() {
        let message = "a rotation of the audit trail's key was begun and not finished";
        return Err(Failure::new(Code::Conflict, message)
            .help("start the node again: it finishes what was begun"));
    }
    NodeKey::create(&next, rand::random())
        .map_err(|error| Failure::from_error(Code::Failed, &error))
}

/// Forgets a key that signs nothing, and says whether it did not.
fn undo(data: &Path, dir: &Path, former: &PublicKey, current: &PublicKey) -> io::Result<bool> {
    if audit::has_succeeded(dir, former, current)? {
        return Ok(false);
    }
    fs::remove_file(next_of(&key_file(data)))?;
    Ok(true)
}

impl Trail {
    /// What the trail is verified with.
    pub(super) fn public_key(&self) -> PublicKey {
        self.audit().map_or(self.first_key, |audit| audit.public_key())
    }
}
