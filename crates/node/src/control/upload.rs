//! Taking a component's bytes in, written as they arrive: a node's memory holds a piece at a time.

use std::sync::Arc;

use airssys_wasm_api::reply::Stored;
use airssys_wasm_api::{Code, Failure, MAX_ARTIFACT_BYTES};
use airssys_wasm_store::{BlobError, Writer};
use axum::extract::{Request, State};
use axum::response::Response;

use super::commands::{announced_bytes, cut_short};
use super::pace::Paced;
use super::{Control, answer, by_of, name_of};

/// `POST /v1/artifacts`.
pub(super) async fn store(State(control): State<Control>, request: Request) -> Response {
    let request_name = name_of(&request);
    match receive(control, request).await {
        Ok(stored) => answer::json(&stored, &request_name),
        Err(failure) => answer::problem(failure, &request_name),
    }
}

async fn receive(control: Control, request: Request) -> Result<Stored, Failure> {
    let by = by_of(&request)?;
    control.node.permit_upload(&by)?;
    let bound = MAX_ARTIFACT_BYTES as u64;
    if announced_bytes(request.headers()) > bound {
        return Err(failure(&BlobError::TooLarge { limit_bytes: bound }));
    }
    let (node, pace) = (Arc::clone(&control.node), control.pace);
    let mut writer = blocking(move || node.store().blobs().writer(bound)).await?;
    let mut body = Paced::new(request.into_body(), pace);
    while let Some(piece) = body.next().await? {
        writer = append(writer, piece).await?;
    }
    let size_bytes = writer.written_bytes();
    if size_bytes == 0 {
        return Err(Failure::new(Code::Invalid, "the upload is empty"));
    }
    let digest = blocking(move || writer.finish()).await?;
    control.node.trail().uploaded(&digest, size_bytes, &by);
    Ok(Stored { digest, size_bytes })
}

async fn append(mut writer: Writer, piece: bytes::Bytes) -> Result<Writer, Failure> {
    blocking(move || {
        writer.append(&piece)?;
        Ok(writer)
    })
    .await
}

/// Hashing and writing wait for the disk, so they have threads that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| cut_short())?;
    done.map_err(|error| failure(&error))
}

fn failure(error: &BlobError) -> Failure {
    match error {
        BlobError::TooLarge { .. } => Failure::from_error(Code::TooLarge, error)
            .help("a component of that size holds data that belongs beside it"),
        BlobError::Full { .. } => Failure::from_error(Code::Limit, error)
            .help("free some space under the node's data directory"),
        _ => Failure::from_error(Code::Failed, error),
    }
}
