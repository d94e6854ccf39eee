//! Actors with a key: a state for each, on a few instances.

mod common;

use std::sync::Arc;

use airssys_wasm_host::{ActorKey, CallCtx, CallError, Input, MemoryKeeper, Pool};
use airssys_wasm_model::InstanceModel;
use bytes::Bytes;
use common::{call, execute, pool};

async fn counter(max: u32) -> Arc<Pool> {
    pool("counter", |spec| {
        common::model(spec, InstanceModel::Actor);
        spec.instances.key = Some("key".parse().unwrap());
        spec.instances.max = max;
        spec.state = Some(Arc::new(MemoryKeeper::default()));
    })
    .await
}

async fn say(pool: &Arc<Pool>, key: &str, text: &'static str) -> String {
    let actor = ActorKey::of(key.as_bytes()).ok();
    let call = CallCtx { actor, ..call() };
    let input = Input { body: Bytes::from(text), ..Input::default() };
    let answered = pool.claim(call).await.unwrap().execute(input).await.unwrap();
    String::from_utf8(answered.body.into()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actors_instance_waits_for_its_next_call_until_its_place_is_needed() {
    let pool = counter(2).await;
    pool.warm().await.unwrap();
    for (key, count) in [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2")] {
        assert_eq!(say(&pool, key, "").await, count, "{key}");
    }
    assert_eq!((pool.stats().instances, pool.stats().idle), (2, 2));
    assert_eq!(say(&pool, "c", "").await, "1", "nothing of another's");
    assert_eq!(pool.stats().instances, 2);
    assert_eq!(say(&pool, "a", "").await, "3", "its state was kept");
    assert_eq!(pool.stats().instances, 2);
    pool.rest(0).await;
    assert_eq!(pool.stats().instances, 2, "both were called since it began");
    assert_eq!(say(&pool, "a", "").await, "4");
    pool.rest(0).await;
    assert_eq!(pool.stats().instances, 1);
    pool.stop().await;
    assert_eq!(pool.stats().instances, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actors_instance_that_holds_its_share_of_memory_goes_and_its_state_stays() {
    let actor = |percent: u32| async move {
        pool("counter", |spec| {
            common::model(spec, InstanceModel::Actor);
            spec.instances.recycle_percent = percent;
            spec.state = Some(Arc::new(MemoryKeeper::default()));
        })
        .await
    };
    for (percent, instances) in [(1, 0), (100, 1)] {
        let pool = actor(percent).await;
        for count in ["1", "2", "3"] {
            assert_eq!(common::said(&pool, "").await, count, "at {percent} %");
            assert_eq!(pool.stats().instances, instances, "at {percent} %");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_its_own_keeps_an_actors_count_and_leaves_the_others_theirs() {
    let pool = counter(1).await;
    say(&pool, "b", "add 5").await;
    let failing = CallCtx { actor: ActorKey::of(b"a").ok(), ..call() };
    let input = Input { body: Bytes::from("fail"), ..Input::default() };
    let failed = pool.claim(failing).await.unwrap().execute(input).await;
    assert!(matches!(failed, Err(CallError::Fault(_))), "{failed:?}");
    assert_eq!(say(&pool, "a", "get").await, "1");
    assert_eq!(say(&pool, "b", "get").await, "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_names_no_actor_reaches_none() {
    let pool = counter(1).await;
    assert!(matches!(execute(&pool, "").await, Err(CallError::Host(_))));
    assert_eq!(say(&pool, "a", "get").await, "0");
}
