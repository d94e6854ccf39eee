//! Copies of calls: they run apart from live ones, and nothing of them leaves.

mod common;

use std::sync::Arc;

use airssys_wasm_host::NoShadow;
use airssys_wasm_model::InstanceModel;
use common::{execute, got, in_turn, model, one_instance, pool, rights};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_writes_nothing_where_the_live_call_may() {
    let dir = tempfile::tempdir().unwrap();
    let grant = format!("files:{}=/data:read,write", dir.path().display());
    let live = pool("http-hello", |spec| spec.rights = rights(&[&grant])).await;
    let copies = live.shadow(4).unwrap();
    let written = dir.path().join("x");
    assert_eq!(got(&copies, "/write?path=/data/x").await.0, 403);
    assert!(!written.exists());
    assert_eq!(got(&live, "/write?path=/data/x").await.0, 200);
    assert!(written.exists());
    // What there is, a copy reads.
    assert_eq!(got(&copies, "/files?path=/data/x").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copys_request_is_refused_and_counted() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let grant = format!("http:{address}");
    let live = pool("http-hello", |spec| spec.rights = rights(&[&grant])).await;
    let copies = live.shadow(4).unwrap();
    let target = format!("/outbound?url=http://{address}/");
    assert_eq!(got(&copies, &target).await, (403, "HttpRequestDenied".to_owned()));
    assert_eq!((copies.stats().refused, live.stats().refused), (1, 0));
    // What was never granted did not have to be kept from leaving.
    assert_eq!(got(&copies, "/outbound?url=http://example.com/").await.0, 403);
    assert_eq!(copies.stats().refused, 1);
    let nothing_came = futures::FutureExt::now_or_never(server.accept());
    assert!(nothing_came.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_copy_leaves_in_memory_never_meets_a_live_call() {
    for guest in ["http-hello", "http-p3"] {
        let live = pool(guest, one_instance).await;
        let copies = live.shadow(4).unwrap();
        assert_eq!(in_turn(&copies, &["/count"; 3]).await.len(), 3);
        assert_eq!(got(&live, "/count").await.1, "1", "{guest}");
        assert_eq!(live.stats().instances, 1, "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_has_no_shadow() {
    let live = pool("counter", |spec| {
        model(spec, InstanceModel::Actor);
        spec.state = Some(Arc::new(airssys_wasm_host::MemoryKeeper::default()));
    })
    .await;
    assert_eq!(live.shadow(4).err(), Some(NoShadow));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_ends_with_its_pool_and_alone() {
    let live = pool("echo-handler", |_| {}).await;
    let (one, other) = (live.shadow(4).unwrap(), live.shadow(4).unwrap());
    one.stop().await;
    assert!(execute(&one, "x").await.is_err());
    assert!(execute(&live, "x").await.is_ok() && execute(&other, "x").await.is_ok());
    live.stop().await;
    assert!(execute(&other, "x").await.is_err());
}
