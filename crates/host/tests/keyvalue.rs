//! Key-value buckets, tried through a real guest: each denied use beside the one that is allowed.

mod common;

use std::sync::Arc;

use airssys_wasm_host::{Backends, KeyValueStore, MemoryBuckets, Pool, Value};
use airssys_wasm_model::Kind;
use common::told::{Told, Used};
use common::{Kept, call, pool, rights};

async fn guest(grants: &[&str], buckets: &MemoryBuckets) -> Arc<Pool> {
    let (rights, buckets) = (rights(grants), Arc::new(buckets.clone()));
    pool("keyvalue", |spec| {
        spec.rights = rights;
        spec.backends = Backends { keyvalue: Some(buckets), ..Backends::default() };
    })
    .await
}

/// Runs these commands in one call, written with spaces for tabs, each with its answer.
async fn check(pool: &Arc<Pool>, cases: &[(&str, &str)]) {
    let lines: Vec<_> = cases.iter().map(|(line, _)| line.replace(' ', "\t")).collect();
    let script = Value::String(lines.join("\n"));
    let answer = pool.claim(call()).await.unwrap().call("run", vec![script]).await.unwrap();
    let Some(Value::String(answers)) = answer else { panic!("{answer:?}") };
    let answers: Vec<_> = answers.split('\n').collect();
    assert_eq!(answers.len(), cases.len(), "{answers:?}");
    for ((line, expected), answer) in cases.iter().zip(answers) {
        assert_eq!(answer, *expected, "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_the_interfaces_promise_is_done() {
    let pool = guest(&["keyvalue:sessions:read,write"], &MemoryBuckets::default()).await;
    check(
        &pool,
        &[
            ("open sessions", "ok"),
            ("get sessions ada", "none"),
            ("set sessions ada 1", "ok"),
            ("get sessions ada", "1"),
            ("exists sessions ada", "true"),
            ("delete sessions ada", "ok"),
            ("delete sessions ada", "ok"),
            ("exists sessions ada", "false"),
            ("set-many sessions a=1 b=2 c=3", "ok"),
            ("get-many sessions c none a", "c=3 none a=1"),
            ("list sessions", "[a b c] None"),
            ("list sessions a", "[b c] None"),
            ("delete-many sessions a c nothing", "ok"),
            ("list sessions", "[b] None"),
            ("increment sessions n 5", "5"),
            ("increment sessions n -7", "-2"),
            ("get sessions n", "-2"),
            ("set sessions word x", "ok"),
            (
                "increment sessions word 1",
                "other: the value is no decimal number of 64 bits with a sign",
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_is_made_only_of_what_has_not_changed() {
    let pool = guest(&["keyvalue:s:read,write"], &MemoryBuckets::default()).await;
    check(
        &pool,
        &[
            ("open s", "ok"),
            ("cas s k first", "ok"),
            ("cas s k second", "ok"),
            ("current first", "none"),
            ("swap first one", "ok"),
            ("swap second two", "changed"),
            ("current second", "one"),
            ("swap second two", "ok"),
            ("get s k", "two"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_takes_the_right_that_it_was_granted_and_no_other() {
    let buckets = MemoryBuckets::default();
    let grants = ["keyvalue:reads:read", "keyvalue:writes:write", "keyvalue:user-*:read,write"];
    let seed = buckets.bucket("reads", u64::MAX).await.unwrap();
    seed.set_many(vec![("k".into(), b"v".to_vec())]).await.unwrap();
    check(
        &guest(&grants, &buckets).await,
        &[
            ("open reads", "ok"),
            ("get reads k", "v"),
            ("exists reads k", "true"),
            ("list reads", "[k] None"),
            ("get-many reads k", "k=v"),
            ("set reads k w", "access-denied"),
            ("set-many reads k=w", "access-denied"),
            ("delete reads k", "access-denied"),
            ("delete-many reads k", "access-denied"),
            ("increment reads n 1", "access-denied"),
            ("cas reads k held", "ok"),
            ("swap held w", "access-denied"),
            ("get reads k", "v"),
            ("open writes", "ok"),
            ("set writes k v", "ok"),
            ("delete writes k", "ok"),
            ("get writes k", "access-denied"),
            ("exists writes k", "access-denied"),
            ("list writes", "access-denied"),
            ("get-many writes k", "access-denied"),
            // The sum says what was there.
            ("increment writes n 1", "access-denied"),
            ("cas writes k held", "access-denied"),
            ("open user-ada", "ok"),
            ("set user-ada k v", "ok"),
            ("get user-ada k", "v"),
            ("open user", "access-denied"),
            ("open other", "access-denied"),
            ("open Reads", "access-denied"),
            ("open user-*", "no-such-store"),
            ("open ../reads", "access-denied"),
        ],
    )
    .await;
    check(&guest(&[], &buckets).await, &[("open reads", "access-denied")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_use_and_each_denial_is_told_with_the_grant_to_add() {
    let (seen, log) = (Arc::<Told>::default(), Arc::new(Kept::default()));
    let (watch, sink, rights) = (seen.clone(), log.clone(), rights(&["keyvalue:s:read"]));
    let pool = pool("keyvalue", |spec| {
        spec.rights = rights;
        spec.backends = Backends::in_memory();
        spec.watch = watch;
        spec.sink = sink;
    })
    .await;
    let denied = "access-denied";
    check(
        &pool,
        &[("open s", "ok"), ("get s k", "none"), ("set s k v", denied), ("open t", denied)],
    )
    .await;
    assert_eq!(
        seen.lines(|it| format!("{} {}", it.access, it.target)),
        ["read s", "keyvalue:s:write", "keyvalue:t:read"]
    );
    let ours = |used: &Used| (used.kind, &*used.service) == (Kind::Keyvalue, "tested");
    assert!(seen.used().iter().all(ours));
    let log = log.0.lock().unwrap().join("\n");
    assert!(log.contains("may not write to the bucket `s`; grant `keyvalue:s:write`"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_reads_buckets_and_writes_to_none() {
    let buckets = MemoryBuckets::default();
    let pool = guest(&["keyvalue:s:read,write"], &buckets).await;
    check(&pool, &[("open s", "ok"), ("set s k v", "ok")]).await;
    let copies = pool.shadow(4).unwrap();
    let refused = "other: the copy of a call writes nothing";
    check(
        &copies,
        &[
            ("open s", "ok"),
            ("get s k", "v"),
            ("set s k w", refused),
            ("increment s n 1", refused),
            ("cas s k held", "ok"),
            ("swap held w", refused),
            ("get s k", "v"),
        ],
    )
    .await;
    assert_eq!(copies.stats().refused, 3);
}
