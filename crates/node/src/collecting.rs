//! Artifacts that nothing names are removed: what a failed deployment, a plan or an upload without a command
//! has left.
//!
//! An upload and the command that names it are two requests, and any number of clients may upload the same
//! bytes. So no artifact goes within [`LEFT_ALONE`] of its last upload, and a command counts as one: it
//! touches the artifact first, and once more before it records the release. The store takes a touch and a
//! removal in turns, so that a release never names what was removed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_api::reply::Reply;
use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::Digest;
use airssys_wasm_store::BlobError;

use crate::node::{Shared, blocking};
use crate::releases;
use crate::starting::StartError;

/// How long an artifact is left alone after its upload. Between an upload and its command there may be a
/// person who reads what is asked and goes for a coffee.
const LEFT_ALONE: Duration = Duration::from_secs(60 * 60);

/// Artifacts removed in one go at most. Each removal waits for the disk, and whoever asks waits for all of
/// them; what is left goes the next time.
const REMOVED_AT_ONCE: usize = 100;

/// Collects after a command that may have left its artifact unnamed.
pub(crate) async fn after(shared: &Arc<Shared>, done: &Result<Reply, Failure>) {
    let leaves_nothing = match done {
        Ok(Reply::Deployed(deployed)) => deployed.state != "planned",
        Ok(Reply::Planned(_) | Reply::JointPlan(_)) | Err(_) => false,
        Ok(_) => true,
    };
    if !leaves_nothing {
        collect(shared).await;
    }
}

/// Removes the artifacts that nothing names. What goes wrong is for the log: the artifacts stay, and nothing
/// else depends on it.
pub(crate) async fn collect(shared: &Arc<Shared>) {
    match try_collect(shared, LEFT_ALONE).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "artifacts that nothing named were removed"),
        Err(failure) => tracing::warn!("artifacts are not collected: {failure}"),
    }
}

async fn try_collect(shared: &Arc<Shared>, left_alone: Duration) -> Result<usize, Failure> {
    let named = named(shared).await?;
    let store = Arc::clone(&shared.store);
    let removing = blocking(move || {
        let unnamed = store.blobs().list()?.into_iter().filter(|digest| !named.contains(digest));
        let mut removed = 0;
        for digest in unnamed {
            removed += usize::from(store.blobs().remove_untouched(&digest, left_alone)?);
            if removed == REMOVED_AT_ONCE {
                break;
            }
        }
        Ok(removed)
    });
    removing.await?.map_err(|error: BlobError| Failure::from_error(Code::Failed, &error))
}

/// What releases name, and what revisions do: these had a release when they were made.
async fn named(shared: &Arc<Shared>) -> Result<BTreeSet<Digest>, Failure> {
    let mut named = releases::digests(shared).await?;
    for service in shared.all() {
        named.extend(service.record().revisions.iter().map(|it| it.settings.digest));
    }
    Ok(named)
}

/// Keeps an artifact for a command that is about to name it.
///
/// # Errors
/// When it is not there.
pub(crate) async fn keep(shared: &Arc<Shared>, digest: Digest) -> Result<(), Failure> {
    let store = Arc::clone(&shared.store);
    let touched = blocking(move || store.blobs().touch(&digest)).await?;
    let error = match touched {
        Ok(true) => return Ok(()),
        Ok(false) => BlobError::NotFound(digest),
        Err(error) => error,
    };
    Err(StartError::from(error).failure().help("upload it again: POST /v1/artifacts"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn an_artifact_that_nothing_names_goes_after_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let node = testing::node(dir.path()).await;
        let shared = node.shared();
        let digest = shared.store.blobs().put(b"nothing names this").unwrap();
        assert_eq!(try_collect(shared, LEFT_ALONE).await.unwrap(), 0);
        keep(shared, digest).await.unwrap();
        assert_eq!(try_collect(shared, LEFT_ALONE).await.unwrap(), 0);
        assert_eq!(try_collect(shared, Duration::ZERO).await.unwrap(), 1);
        assert_eq!(keep(shared, digest).await.unwrap_err().code, Code::NotFound);
    }

    #[tokio::test]
    async fn one_collection_removes_a_bounded_number() {
        let dir = tempfile::tempdir().unwrap();
        let node = testing::node(dir.path()).await;
        let shared = node.shared();
        for number in 0..=REMOVED_AT_ONCE {
            shared.store.blobs().put(&number.to_le_bytes()).unwrap();
        }
        assert_eq!(try_collect(shared, Duration::ZERO).await.unwrap(), REMOVED_AT_ONCE);
        assert_eq!(try_collect(shared, Duration::ZERO).await.unwrap(), 1);
    }
}
