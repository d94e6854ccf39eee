//! Limits that guests reach, and what is said of it.

use std::sync::Arc;

use airssys_wasm_host::{Limit, Pool, RevisionSpec};

use super::{Kept, pool};

/// What a pool and its log say of a limit: how often it was reached, and whether it was named.
pub(crate) fn reached(pool: &Pool, kept: &Kept, limit: Limit) -> (u64, bool) {
    let hits = pool.limits().into_iter().find(|of| of.limit == limit).unwrap().hits;
    let named = format!("`{limit}`");
    (hits, kept.0.lock().unwrap().iter().any(|line| line.contains(&named)))
}

/// A pool whose lines are kept.
pub(crate) async fn watched(
    name: &str,
    change: impl FnOnce(&mut RevisionSpec),
) -> (Arc<Pool>, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    let sink = Arc::clone(&kept);
    let pool = pool(name, |spec| {
        spec.sink = sink;
        change(spec);
    });
    (pool.await, kept)
}
