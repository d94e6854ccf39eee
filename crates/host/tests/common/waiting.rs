//! Waits that end: at what is waited for, or by failing with its name.

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_host::{CallError, HttpBody, Pool};

use super::get;

/// How long anything may take that comes at all: far above what it does on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether something is so, where nothing tells: what is waited for needs the processor, too.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Waits until this is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    within(what, looking).await;
}

/// Waits until there is one, and gives it.
pub(crate) async fn found<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    within(what, looking).await
}

/// What this comes to.
pub(crate) async fn within<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(PATIENCE, waiting).await;
    ended.unwrap_or_else(|_| panic!("it never came: {what}"))
}

/// The answer to a GET request where nobody may queue, sent again until there is a place.
pub(crate) async fn as_soon_as_there_is_a_place(
    pool: &Arc<Pool>,
    target: &str,
) -> http::Response<HttpBody> {
    let asking = async {
        loop {
            match get(pool, target).await {
                Ok(answer) => return answer,
                Err(CallError::Claim(_)) => tokio::time::sleep(LOOK_EVERY).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    within("a place for a call", asking).await
}
